# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that stays behind on the host, and does something when nobody has ended it by a certain time.

Like a keeper (:mod:`_host.keeper`) it is a fork, which has our code, in a session and scope of its own. Unlike one it
does not look at how ours ends, and has none of our locks.
"""

from __future__ import annotations

import os
import signal
import syslog
import time
from contextlib import suppress
from typing import Callable, Sequence, Tuple

from .keeper import go_alone, spare_memory
from .master_process import read_process

_TITLE = b"mailfleet watch"  # short: there may be no room for more
_PURPOSE = "Takes back a change of Postfix's files that nobody confirms"
_TURN = 5.0  # seconds after which it looks at the clock again: sleep(2) does not count while the host sleeps
_ENDING = 3.0  # seconds that it may take to end

Process = Tuple[int, int]
"""The number of a process, and when it was started."""


def leave_behind(left: Callable[[], float], act: Callable[[], None]) -> Process:
    """Have another process act later; return which.

    :param left: how many seconds are left until then
    :raises OSError: there can be no other process
    """
    ready, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            if not os.fork():  # nobody of ours has to wait for this one
                _watch(tell, left, act)
        finally:
            os._exit(0)
    os.close(tell)
    try:
        os.waitpid(child, 0)
        pid = int(os.read(ready, 32) or 0)
    finally:
        os.close(ready)
    process = read_process(pid) if pid else None
    if process is None:
        raise OSError("a process that was to stay behind has ended")
    return pid, process.ticks


def _watch(tell: int, left: Callable[[], float], act: Callable[[], None]) -> None:
    """Be the other process."""
    syslog.closelog()  # its connection is among what is closed
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number != tell:
            with suppress(OSError):
                os.close(number)
    os.chdir("/")
    adjusted = go_alone(_TITLE, _PURPOSE)
    os.write(tell, str(os.getpid()).encode())
    os.close(tell)
    while left() > 0:
        time.sleep(min(max(left(), 0.0), _TURN))
    spare_memory(adjusted)
    act()


def dismiss(process: Sequence[int]) -> None:
    """End the process that :func:`leave_behind` has returned, unless it is this one, and wait for that."""
    pid, ticks = process
    until = time.monotonic() + _ENDING
    while pid and pid != os.getpid():
        found = read_process(pid)
        if found is None or found.ticks != ticks or time.monotonic() > until:
            return
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.01)
