# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the default main.cf says of the other instances (postmulti(1); MULTI_INSTANCE_README).

postmulti(1) itself has postconf(1) write it, which loses owner, mode, ACL and links, and before Postfix 3.7.15, 3.8.10,
3.9.4 and 3.10.2 puts what is new on a last line that has no newline. So these edits are ours.
"""

from __future__ import annotations

import os
import re
from typing import Callable, List, Mapping, Optional

from .._base.words import words_between
from .._files.main_cf import MainCf
from .._rules.expansion import expand

_WRAPPER, _ENABLE, _LIST = "multi_instance_wrapper", "multi_instance_enable", "multi_instance_directories"
_OTHERS = "alternate_config_directories"  # of instances that postmulti(1) does not manage
_SEPARATORS = ", \t\r\n"  # CHARS_COMMA_SP of Postfix's mail_params.h


def is_initialized(main: str) -> bool:
    """Return whether the default instance starts and stops the others, as after ``postmulti -e init``."""
    values = MainCf(main).values()
    return bool(values.get(_WRAPPER)) and values.get(_ENABLE, "").lower() == "yes"


def with_instance(main: str, directory: str, built_in: Mapping[str, str]) -> str:
    """Return the default main.cf with an instance in its list, whose instances it starts and stops.

    :param built_in: the directories that are compiled in, for references to them
    """
    file = MainCf(main)
    if not file.get(_WRAPPER):
        file.set(_WRAPPER, "${command_directory}/postmulti -p --")
    if (file.get(_ENABLE) or "").lower() != "yes":
        file.set(_ENABLE, "yes")
    _drop(file, _OTHERS, directory, built_in)
    raw = file.get(_LIST) or ""
    if directory not in _directories(file, raw, built_in):
        file.set(_LIST, f"{raw} {directory}".strip())
    return file.text


def without_instance(main: str, directory: str, built_in: Mapping[str, str]) -> str:
    """Return the default main.cf without an instance; that others are started and stopped stays."""
    file = MainCf(main)
    for parameter in (_LIST, _OTHERS):
        _drop(file, parameter, directory, built_in)
    return file.text


def undone(main: str, directory: str, built_in: Mapping[str, str], earlier: str) -> str:
    """Return the default main.cf from before an instance was put in its list; other edits since then stay.

    :param earlier: what it was before that
    """
    if with_instance(earlier, directory, built_in) == main:
        return earlier
    file, before = MainCf(without_instance(main, directory, built_in)), MainCf(earlier)
    if not file.get(_LIST):
        for parameter in (_WRAPPER, _ENABLE):
            _take_over(file, before, parameter)
    return file.text


def with_list_of(main: str, other: str) -> str:
    """Return a version of the default main.cf with the list of instances that another version has."""
    file = MainCf(main)
    for parameter in (_WRAPPER, _ENABLE, _LIST, _OTHERS):
        _take_over(file, MainCf(other), parameter)
    return file.text


def _take_over(file: MainCf, other: MainCf, parameter: str) -> None:
    value = other.get(parameter)
    if value is None:
        file.unset(parameter)
    else:
        file.set(parameter, value)


def _drop(file: MainCf, parameter: str, directory: str, built_in: Mapping[str, str]) -> None:
    raw = file.get(parameter) or ""
    if directory not in _directories(file, raw, built_in):
        return
    if "$" in raw:
        raw = expand(raw, _lookup(file, built_in))
    words = re.findall(rf"[{_SEPARATORS}]*[^{_SEPARATORS}]+", raw)  # each with what is before it
    kept = "".join(word for word in words if os.path.abspath(word.strip(_SEPARATORS)) != directory)
    if kept:
        file.set(parameter, kept.strip(_SEPARATORS))
    else:
        file.unset(parameter)


def _directories(file: MainCf, raw: str, built_in: Mapping[str, str]) -> List[str]:
    words = words_between(expand(raw, _lookup(file, built_in)), _SEPARATORS)
    return [os.path.abspath(word) for word in words]


def _lookup(file: MainCf, built_in: Mapping[str, str]) -> Callable[[str], Optional[str]]:
    return {**built_in, **file.values()}.get
