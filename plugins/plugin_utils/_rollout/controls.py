# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""When a rollout stops, how long it waits, and what it runs beside the role: the variables of it, checked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import LONGEST
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.amount import hosts_in

UNREACHABLE = ("stop", "skip")
_CONFIRM = 600  # s, and at least so many for each host of a batch:
_CONFIRM_HOST = 10
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Controls(NamedTuple):
    """The variables of a rollout."""

    #: how many hosts may fail before it stops
    max_fail: int = 0
    #: what is done if a host cannot be reached: stop or skip
    unreachable: str = "stop"
    #: whether hosts that are skipped fail the run
    allow_unreachable: bool = False
    #: between two batches, in seconds
    pause: float = 0
    #: the task files that run before and after the role
    before: str | None = None
    after: str | None = None
    #: how long a change waits to be confirmed from outside, in s; 0 for changes that do not
    confirm: int = _CONFIRM


def read_controls(
    given: Mapping[str, Any],
    hosts: int,
    directory: str,
    load: Callable[[str], Any] | None = None,
    largest: int = 1,
) -> Controls:
    """Return the controls of a rollout.

    :param given: by the names of :class:`Controls`; what is None, empty or not there has its default
    :param hosts: how many there are in all batches
    :param directory: where a relative path of a task file starts
    :param load: reads a file of YAML
    :param largest: how many hosts the largest batch has, all of which are changed before the first is tried
    :raises InputError: one of them is not what it is to be
    """
    given = {name: value for name, value in given.items() if value not in (None, "")}
    unreachable = given.get("unreachable", "stop")
    if unreachable not in UNREACHABLE:
        raise InputError("mailfleet_unreachable", unreachable, "is neither stop nor skip", "Give stop or skip")
    allow = _truth("mailfleet_allow_unreachable", given.get("allow_unreachable", False))
    if allow and unreachable == "stop":
        reason = "has no effect where the rollout stops at a host that cannot be reached"
        raise InputError("mailfleet_allow_unreachable", allow, reason, "Set mailfleet_unreachable: skip, too")
    hooks = {name: _hook(f"mailfleet_{name}", given.get(name), directory, load) for name in ("before", "after")}
    return Controls(
        max_fail=_max_fail(given.get("max_fail", 0), hosts),
        unreachable=unreachable,
        allow_unreachable=allow,
        pause=_pause(given.get("pause", 0)),
        confirm=_confirm(given.get("confirm", max(_CONFIRM, _CONFIRM_HOST * largest))),
        **hooks,
    )


def _max_fail(value: Any, hosts: int) -> int:
    number = hosts_in(value, hosts)
    if number is None:
        raise InputError(
            "mailfleet_max_fail",
            value,
            "is neither a number of hosts nor a percentage",
            "Give how many hosts may fail, such as 3, or how many of all hosts, such as '5%'",
        )
    return number


def _truth(name: str, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise InputError(name, value, "is neither true nor false", "Give true or false")
    return text in _YES


def _pause(value: Any) -> float:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        remedy = "Give how many seconds to wait between two batches, such as 30"
        raise InputError("mailfleet_pause", value, "is not a number of seconds", remedy)
    return float(text)


def _confirm(value: Any) -> int:
    text = "" if isinstance(value, bool) else str(value).strip()
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) > LONGEST:
        remedy = "Give how long a change waits until somebody confirms it, such as 600, or 0 if nobody has to"
        raise InputError("mailfleet_confirm", value, f"is not a number of seconds from 0 to {LONGEST}", remedy)
    return int(text)


def _hook(name: str, value: Any, directory: str, load: Callable[[str], Any] | None) -> str | None:
    """Return the path of a task file of the user's, which is there and has tasks."""
    if value is None:
        return None
    remedy = f"Give a file with a list of tasks; a relative path starts at {directory}"
    if not isinstance(value, str):
        raise InputError(name, value, "is not the path of a file", remedy)
    path = os.path.normpath(os.path.join(directory, os.path.expanduser(value)))
    if not os.path.isfile(path):
        raise InputError(name, value, f"is not a file, as there is no {path}", remedy)
    if load:
        try:
            tasks = load(path)
        except Exception as error:  # of YAML, or of a vault: whatever Ansible makes of it
            raise InputError(name, value, f"cannot be read: {' '.join(str(error).split())}", remedy) from error
        if not isinstance(tasks, list) or not tasks or not all(isinstance(task, Mapping) for task in tasks):
            raise InputError(name, value, "is not a list of tasks", remedy)
    return path
