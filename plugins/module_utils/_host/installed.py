# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was compiled into the installed Postfix: its version and its directories.

``postconf -d`` tells, which does not read main.cf and so works whatever that says. It reads master.cf, and dies of a
bad entry there, so it is given a place where there is none.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import List, Mapping, Optional, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .environment import command_environment
from .store import STATE_DIRECTORY, State, TransactionError

_DIRECTORIES = (
    "config_directory",
    "command_directory",
    "daemon_directory",
    "queue_directory",
    "data_directory",
    "meta_directory",
)
_MEMORY = "built-in.json"


class BuiltIn(NamedTuple):
    """The compiled-in values of this Postfix (postconf(5): the defaults of these parameters)."""

    version: str
    directories: Mapping[str, str]


def built_in(remember: bool = False, state_directory: str = STATE_DIRECTORY) -> BuiltIn:
    """Return what was compiled into the installed Postfix. A process of some 10 ms tells, unless it is remembered.

    :param remember: whether to remember it for later runs
    :raises InputError: Postfix is not installed, or its postconf(1) does not tell
    """
    environment = command_environment()
    paths = [os.path.join(directory, "postconf") for directory in environment["PATH"].split(":") if directory]
    command = next((path for path in paths if os.access(path, os.X_OK)), None)
    if command is None:
        reason = "is not found in PATH or the system's directories, so Postfix is not installed on this host"
        raise InputError("command", "postconf", reason, "Install Postfix first")
    state, fingerprint = State(None, state_directory), _fingerprint(command)
    remembered = _remembered(state, fingerprint)
    if remembered is not None:
        return remembered
    done = subprocess.run(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
        [command, "-d", "-h", "-c", os.devnull, "mail_version", *_DIRECTORIES],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    answer = done.stdout.splitlines()
    if done.returncode or len(answer) != len(_DIRECTORIES) + 1:
        complaint = done.stderr.strip() or f"exit status {done.returncode}"
        reason = f"does not print the compiled-in values ({complaint})"
        raise InputError("command", f"{command} -d", reason, "Reinstall Postfix")
    if remember:
        with suppress(TransactionError):  # the next run asks again
            state.save(_MEMORY, {"marks": fingerprint, "answer": answer})
    return _from_answer(answer)


def _fingerprint(command: str) -> List[object]:
    """Return what identifies a postconf(1) command; it changes when another Postfix is installed."""
    status = os.stat(command)
    return [len(_DIRECTORIES), command, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _remembered(state: State, fingerprint: List[object]) -> Optional[BuiltIn]:
    try:
        data = state.load(_MEMORY)
    except TransactionError:  # damaged, or not readable for this user
        return None
    return _from_answer(data["answer"]) if data is not None and data.get("marks") == fingerprint else None


def _from_answer(answer: Sequence[str]) -> BuiltIn:
    return BuiltIn(answer[0], dict(zip(_DIRECTORIES, answer[1:])))
