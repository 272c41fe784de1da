# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process that outlives ours, and finishes what ours has begun if that ends early.

It is a fork: it has our code, which need not be on the disk any more by then, and our locks, which nobody else gets
before it has ended. It is in a session of its own, and with systemd in a transient scope (systemd.scope(5)), so that it
does not end along with our terminal, connection, process group or service. A pipe tells it that we have ended, however
that happens.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from contextlib import suppress
from typing import Callable

from .command import run

_BEGUN, _DONE = b"b", b"d"  # what we say; nothing was begun before we say something
_PATIENCE = 2.0  # seconds that it may take to leave our session
_TITLE = b"mailfleet keeper"  # for ps(1)
_PURPOSE = "Finishes a restart of Postfix if mailfleet.postfix ends early"
_ADJUST = "/proc/self/oom_score_adj"


class Keeper:
    """A process that calls a function when ours has ended without :meth:`dismiss`.

    :param finish: the function; it is told whether :meth:`begin` was called
    :raises OSError: there can be no other process
    """

    def __init__(self, finish: Callable[[bool], None]) -> None:
        heard, self._said = os.pipe()
        self._ready, ready = os.pipe()
        try:
            self._pid = os.fork()
            if not self._pid:
                try:
                    for descriptor in (self._said, self._ready):
                        os.close(descriptor)
                    _keep(heard, ready, finish)
                finally:
                    os._exit(0)  # nothing of what we would do at our end
        except OSError:
            self._close()
            raise
        finally:
            os.close(heard)
            os.close(ready)

    def begin(self) -> None:
        """From now on there is something to finish. Waits until our end is not the end of the other process too."""
        select.select([self._ready], [], [], _PATIENCE)
        with suppress(OSError):
            os.write(self._said, _BEGUN)

    def dismiss(self) -> None:
        """There is nothing to finish any more. Waits until the other process has ended."""
        with suppress(OSError):
            os.write(self._said, _DONE)
        self._close()
        with suppress(OSError):
            os.waitpid(self._pid, 0)

    def leave(self) -> None:
        """Have it finish now what we have begun. It keeps our locks until then."""
        self._close()

    def _close(self) -> None:
        for descriptor in (self._said, self._ready):
            os.close(descriptor)


def _keep(heard: int, ready: int, finish: Callable[[bool], None]) -> None:
    """Be the other process."""
    adjusted = go_alone(_TITLE, _PURPOSE)
    with suppress(OSError):
        os.write(ready, b"+")
    os.close(ready)
    said = word = os.read(heard, 1)
    while word:
        said, word = word, os.read(heard, 1)
    if said != _DONE:
        spare_memory(adjusted)
        finish(said == _BEGUN)


def go_alone(title: bytes, purpose: str) -> str:
    """Have this process, which was just forked, outlive ours; return what :func:`spare_memory` takes to undo its part.

    :param title: for ps(1)
    :param purpose: for systemd
    """
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_unused: None)  # not SIG_IGN, which a master that it starts would inherit
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):  # who reads what we write would otherwise wait for this process too
        os.dup2(null, descriptor)
    _name_process(title)
    adjusted = spare_memory("-1000")
    _leave_session(purpose)
    return adjusted


def _name_process(title: bytes) -> None:
    """Show what this process is, so that who looks for ours, to end it, does not take this one for it."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/comm", "w", encoding="ascii") as stream:
            stream.write("mailfleet")
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end of proc(5)
        if 0 < start < end:
            ctypes.memset(start, 0, end - start)
            ctypes.memmove(start, title, min(len(title), end - start - 1))


def spare_memory(value: str) -> str:
    """Set how readily the kernel ends this process when memory runs out (proc(5)); return what it was."""
    before = ""
    with suppress(OSError):
        with open(_ADJUST, encoding="ascii") as stream:
            before = stream.read().strip()
        with open(_ADJUST, "w", encoding="ascii") as stream:
            stream.write(value or before)
    return before


def _leave_session(purpose: str, proc: str = "/proc") -> None:
    """Move this process into a scope of its own, which ends together with it, where systemd runs this system."""
    try:
        with open(f"{proc}/1/comm", encoding="utf-8", errors="replace") as stream:
            is_ours = stream.read() == "systemd\n"  # else it would take our number for that of another process
    except OSError:
        return
    if not is_ours or not os.path.isdir("/run/systemd/system"):
        return
    pid, manager = os.getpid(), "org.freedesktop.systemd1"
    scope, deadline = f"mailfleet-{pid}.scope", time.monotonic() + _PATIENCE
    call = ["busctl", "call", manager, f"/{manager.replace('.', '/')}", f"{manager}.Manager", "StartTransientUnit"]
    properties = ["Description", "s", purpose, "CollectMode", "s", "inactive-or-failed", "PIDs", "au", "1", str(pid)]
    if run([*call, "ssa(sv)a(sa(sv))", scope, "fail", "3", *properties, "0"], deadline).status != 0:
        return
    while time.monotonic() < deadline:
        with open(f"{proc}/self/cgroup", encoding="utf-8", errors="replace") as stream:
            if scope in stream.read():
                return
        time.sleep(0.002)
