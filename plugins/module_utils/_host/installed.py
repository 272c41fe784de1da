# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was compiled into the installed Postfix: its version, its directories, and what the tables do not know of it.

``postconf -d`` tells, which does not read main.cf and so works whatever that says. It reads master.cf, and dies of a
bad entry there, so it is given a place where there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from typing import List, Mapping, Optional, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._rules.parameters import TABLES, parse_version
from .environment import command_environment
from .store import STATE_DIRECTORY, State, TransactionError, read_regular

_DIRECTORIES = (
    "config_directory",
    "command_directory",
    "daemon_directory",
    "queue_directory",
    "data_directory",
    "meta_directory",
)
_MEMORY = "built-in.json"
_PROGRAM = r"(?m)^\$daemon_directory/([^:/]+):f:root:-:755\s*$"  # in postfix-files, which post-install(1) reads


class BuiltIn(NamedTuple):
    """The compiled-in values of this Postfix (postconf(5): the defaults of these parameters)."""

    version: str
    directories: Mapping[str, str]
    #: what :func:`_rules.unfamiliar.unfamiliar` says of it
    unfamiliar: Sequence[str] = ()


def built_in(remember: bool = False, state_directory: str = STATE_DIRECTORY, compare_tables: bool = False) -> BuiltIn:
    """Return what was compiled into the installed Postfix. Processes of some 10 ms tell, unless it is remembered.

    :param remember: whether to remember it for later runs
    :param compare_tables: whether to find out what the tables do not know
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
    done = _ask(command, "-h", "mail_version", *_DIRECTORIES)
    answer = done.stdout.splitlines()
    if done.returncode or len(answer) != len(_DIRECTORIES) + 1:
        complaint = done.stderr.strip() or f"exit status {done.returncode}"
        reason = f"does not print the compiled-in values ({complaint})"
        raise InputError("command", f"{command} -d", reason, "Reinstall Postfix")
    found = BuiltIn(answer[0], dict(zip(_DIRECTORIES, answer[1:])))
    if compare_tables:
        found = found._replace(unfamiliar=_unfamiliar(command, found))
    if remember:
        with suppress(TransactionError):  # the next run asks again
            state.save(_MEMORY, {"marks": fingerprint, **found._asdict()})
    return found


def _ask(command: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
        [command, "-d", "-c", os.devnull, *words],
        env=command_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        errors="replace",
        check=False,
    )


def _unfamiliar(command: str, found: BuiltIn) -> Sequence[str]:
    """Compare the tables with all defaults, and with the programs of this Postfix; nothing where they are not told."""
    from .._rules.unfamiliar import unfamiliar  # once for each Postfix that is installed

    done = _ask(command)
    pairs = [line.partition(" =") for line in done.stdout.splitlines()]
    defaults = {name: value.strip() for name, equals, value in pairs if equals}
    if done.returncode or not defaults:
        return ()
    try:
        path = os.path.join(found.directories["meta_directory"], "postfix-files")
        programs = re.findall(_PROGRAM, read_regular(path)[0].decode("utf-8", "replace"))
    except OSError:
        programs = []
    return tuple(unfamiliar(parse_version(found.version), defaults, programs))


def _fingerprint(command: str) -> List[object]:
    """Return what identifies a postconf(1) command, and our tables; it changes when another Postfix is installed."""
    status = os.stat(command)
    return [f"tables {TABLES}", command, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _remembered(state: State, fingerprint: List[object]) -> Optional[BuiltIn]:
    try:
        data = state.load(_MEMORY)
    except TransactionError:  # damaged, or not readable for this user
        return None
    if data is None or data.get("marks") != fingerprint:
        return None
    return BuiltIn(data["version"], data["directories"], tuple(data["unfamiliar"]))
