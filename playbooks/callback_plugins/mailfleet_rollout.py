# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells at the end of a rollout that was interrupted what was done and what was not, and keeps large fleets cheap.

Ansible loads what is in this directory with the playbooks beside it, without a setting.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: mailfleet_rollout
type: aggregate
short_description: The table of a rollout that was interrupted
description: Shows it if the playbook C(mailfleet.postfix.converge) does not come to its end. Says nothing otherwise.
"""

_STEP = "mailfleet.postfix.postfix_rollout"
_RESULT = "__postfix_interfaces_result"


class _Names(list[str]):
    """Names of hosts, of which it is known at once whether one is among them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__(names)
        self._counts = Counter(self)

    def append(self, name: str) -> None:
        super().append(name)
        self._counts[name] += 1

    def remove(self, name: str) -> None:
        super().remove(name)
        self._counts[name] -= 1

    def __contains__(self, name: object) -> bool:
        return self._counts[name] > 0  # type: ignore[index]


class CallbackModule(CallbackBase):
    """Collects the results of the present batch. Those of the batches before are in the account of the rollout."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mailfleet_rollout"

    def __init__(self) -> None:
        super().__init__()
        self._process = 0
        self._results: dict[str, str | None] = {}
        self._check_mode = False

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Forget the results of the batch before, each of which is a play for Ansible."""
        self._results = {}
        # For each task of a host, Ansible looks for all hosts of the play in the list of those that have failed.
        removed = getattr(play, "_removed_hosts", None)
        if isinstance(removed, list) and not isinstance(removed, _Names):
            play._removed_hosts = _Names(removed)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Be there at the end from the first step of a rollout on."""
        if task.action == _STEP and not self._process:
            self._process = os.getpid()
            atexit.register(self._tell)
        self._check_mode = bool(task.check_mode)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note that a host is at work."""
        if _RESULT not in (task.register or ()):
            return
        # A worker is forked next. Without this, its garbage collector goes through all that Ansible knows of the fleet
        # and so copies it: the larger the fleet, the longer each host takes.
        gc.freeze()
        if self._process:
            self._results[host.get_name()] = None

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep what the role returned."""
        task, host = _of(result)
        if self._process and _RESULT in (task.register or ()):
            # As text, which takes less memory than objects do.
            self._results[host.get_name()] = json.dumps(getattr(result, "result", None) or result._result, default=str)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep it for a host that failed, too."""
        self.v2_runner_on_ok(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep it for a host that could not be reached, too."""
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tell what was done if the play with the table was not reached."""
        self._tell()

    def _tell(self) -> None:
        if os.getpid() != self._process:  # a worker
            return
        # Only here: a playbook that rolls out nothing does not need it.
        from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.account import Account
        from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.ending import ending

        account = Account(constants.DEFAULT_LOCAL_TMP)
        if account.is_open:
            results = {host: text and json.loads(text) for host, text in self._results.items()}
            for line in ending(account, results, self._check_mode):
                self._display.display(line)
            account.close()


def _of(result: Any) -> tuple[Any, Any]:
    """Return the task and the host of a result, which are private before ansible-core 2.19."""
    return getattr(result, "task", None) or result._task, getattr(result, "host", None) or result._host
