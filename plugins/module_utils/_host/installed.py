# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What was compiled into the installed Postfix: its version and its directories.

It comes from ``postconf -d``, which never reads main.cf, and so works whatever that says.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from .._base.errors import InputError
from .store import STATE_DIRECTORY, State, TransactionError

_SYSTEM_PATH = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin")
_DIRECTORIES = ("config_directory", "command_directory", "daemon_directory", "queue_directory", "data_directory")
_MEMORY = "built-in.json"


class BuiltIn(NamedTuple):
    """What was compiled into this Postfix (postconf(5): the defaults of these parameters)."""

    version: str
    directories: Mapping[str, str]


def command_environment() -> Dict[str, str]:
    """The environment for Postfix's and the system's commands: English, and about no instance in particular.

    INVOCATION_ID goes because Debian's postfix-script takes it for "systemd runs me", which is not so when the caller
    is itself a systemd service such as a timer for ansible-pull.
    """
    unwanted = ("MAIL_CONFIG", "INVOCATION_ID", "MAIL_DEBUG", "MAIL_VERBOSE", "LANGUAGE")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment["LC_ALL"] = "C"
    environment["PATH"] = ":".join([environment.get("PATH") or os.defpath, *_SYSTEM_PATH])
    return environment


def built_in(remember: bool = False, state_directory: str = STATE_DIRECTORY) -> BuiltIn:
    """Find out what was compiled into the installed Postfix; a process of some 10 ms, unless it is remembered.

    :param remember: whether to write it down for later runs
    :raises InputError: Postfix is not installed, or is so old that it cannot tell
    """
    environment = command_environment()
    found = [os.path.join(directory, "postconf") for directory in environment["PATH"].split(":") if directory]
    command = next((path for path in found if os.access(path, os.X_OK)), None)
    if command is None:
        raise InputError("postconf", "not found", "Postfix is not installed on this host", "Install Postfix first")
    state, marks = State(None, state_directory), _marks(command)
    known = _remembered(state, marks)
    if known is not None:
        return known
    asked = subprocess.run(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
        [command, "-d", "-h", "mail_version", *_DIRECTORIES],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    answer = asked.stdout.splitlines()
    if asked.returncode or len(answer) != len(_DIRECTORIES) + 1:
        said = asked.stderr.strip() or f"exit status {asked.returncode}"
        raise InputError(command, "-d", f"it does not say what was compiled in: {said}", "Reinstall Postfix")
    if remember:
        with suppress(TransactionError):  # the next run asks again
            state.save(_MEMORY, {"marks": marks, "answer": answer})
    return _told(answer)


def _marks(command: str) -> List[object]:
    """What is another one as soon as another Postfix is installed."""
    status = os.stat(command)
    return [command, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _remembered(state: State, marks: List[object]) -> Optional[BuiltIn]:
    try:
        data = state.load(_MEMORY)
    except TransactionError:  # not for us to read, or damaged
        return None
    return _told(data["answer"]) if data is not None and data.get("marks") == marks else None


def _told(answer: Sequence[str]) -> BuiltIn:
    return BuiltIn(answer[0], dict(zip(_DIRECTORIES, answer[1:])))
