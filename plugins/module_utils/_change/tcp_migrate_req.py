# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux's net.ipv4.tcp_migrate_req, by which connections move over from one listening socket to another.

It is switched on while clients are kept waiting (:mod:`_change.keep_clients_waiting`), and put back whatever happens
meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import List, Optional, Type

from .._host.boot_id import boot_id
from .._host.environment import command_environment
from .._host.master_process import PROC
from .._host.store import write_all

SWITCH = "sys/net/ipv4/tcp_migrate_req"

_LOCK = "migration"  # a file below the directory of the state of all instances

# Waits until the process that it reads from has ended, however that happens. It has a session of its own, so that a
# signal to the group of that process does not end it too.
_PUT_BACK = """trap '' HUP INT TERM; read -r _; echo "$1" >"$0" && : >"$2" """


def put_back(directory: str, proc: str = PROC) -> None:
    """Put the switch back where an earlier run was killed together with the process that should have done it.

    :param directory: where the state of all instances is kept
    """
    try:
        if not os.stat(os.path.join(directory, _LOCK)).st_size:
            return
    except OSError:
        return
    with suppress(OSError), Migration(directory, proc, patience=0.0):  # fails while another run needs the switch
        pass


class Migration:
    """Linux's net.ipv4.tcp_migrate_req switched on, by one run at a time. A context manager.

    It may be entered again by those who stop at the same time.

    A process of its own waits for ours to end and puts the switch back. In case that one is killed too, the file that
    is the lock says what to put back, for the next run. After a boot the switch is what it should be anyway.

    :param patience: how many seconds to wait for another run that needs the switch
    """

    def __init__(self, directory: str, proc: str = PROC, patience: float = 20.0) -> None:
        self._patience = patience
        self._entered = 0
        self._path, self._switch = os.path.join(directory, _LOCK), os.path.join(proc, SWITCH)
        self._stack = ExitStack()

    def __enter__(self) -> Migration:
        if not self._entered:
            self._switch_on()
        self._entered += 1
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self._entered -= 1
        if not self._entered:
            self._stack.close()

    def _switch_on(self) -> None:
        with ExitStack() as stack:
            lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            stack.callback(os.close, lock)
            _wait_for_lock(lock, time.monotonic() + self._patience)
            value = _left_behind(lock) or self._read()
            os.ftruncate(lock, 0)
            if value != "1":
                write_all(lock, json.dumps({"where": _where(), "value": value}).encode("ascii"))
                keeper = subprocess.Popen(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
                    ["/bin/sh", "-c", _PUT_BACK, self._switch, value, self._path],
                    env=command_environment(),
                    cwd="/",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[lock],
                    start_new_session=True,
                )
                stack.callback(keeper.wait)
                stack.callback(keeper.communicate)
                with open(self._switch, "w", encoding="utf-8") as stream:
                    stream.write("1")
            self._stack = stack.pop_all()

    def _read(self) -> str:
        with open(self._switch, encoding="utf-8") as stream:
            return stream.read().strip()


def _left_behind(lock: int) -> Optional[str]:
    """Return the value that an earlier run has not put back in this network, since the last boot."""
    try:
        data = json.loads(os.read(lock, 4096).decode("ascii"))
        return str(data["value"]) if data["where"] == _where() else None
    except (ValueError, KeyError, TypeError):
        return None
    finally:
        os.lseek(lock, 0, os.SEEK_SET)


def _where() -> List[str]:
    """Return what identifies this network namespace, since this boot."""
    return [boot_id(), str(os.stat("/proc/self/ns/net").st_ino)]


def _wait_for_lock(descriptor: int, deadline: float) -> None:
    """Take the exclusive flock(2) of an open file.

    :raises OSError: another run still has it at the deadline
    """
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.02)
