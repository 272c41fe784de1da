# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""End the processes of services that a reload takes away, where the master may not do that itself.

At a reload master(8) sends SIGTERM to the processes of each service that is gone, and does nothing else until the last
of them has ended (master_delete_children in master/master_spawn.c). Units can take the capability KILL from it, as
Debian's does since 13. Then the signal reaches nobody, and while one such process has a client or a delivery, for many
minutes where the other side is slow, the master accepts no mail at all.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Collection, Iterator, Optional, Tuple

from .master_process import Master, Process, command_line, open_files

_KILL = 1 << 5  # CAP_KILL of capabilities(7)
_STATUS = 5  # the descriptor by which a child tells the master what it does (MASTER_STATUS_FD in master/master_proto.h)
_PAUSE = 0.03  # seconds


def end_removed(master: Master, services: Collection[Tuple[str, str]], deadline: float) -> None:
    """Do what the master does with processes of services that are gone after a reload, if it cannot do it.

    :param services: names and types of those that there are now
    :param deadline: by time.monotonic()
    """
    if _may_kill(master):
        return
    while time.monotonic() < deadline:
        left = list(_left(master, services))
        if not left:
            return
        for process in left:
            with suppress(OSError):  # it, or the master, has ended meanwhile
                if _is_given_up(process, master):
                    os.kill(process.pid, signal.SIGTERM)
        time.sleep(_PAUSE)


def service_of(process: Process, master: Master) -> Optional[Tuple[str, str]]:
    """Return name and type of the service that a child of the master serves; None if it has ended.

    The master gives the name only where it is not that of the program (get_master_ent in master/master_ent.c).
    """
    words = command_line(process, master.proc)
    options = dict(zip(words[1:], words[2:]))
    return (options.get("-n", words[0]), options["-t"]) if "-t" in options else None


def _left(master: Master, services: Collection[Tuple[str, str]]) -> Iterator[Process]:
    for child in master.children():
        served = service_of(child, master)
        if served and served not in services:
            yield child


def _is_given_up(process: Process, master: Master) -> bool:
    """Return whether the master waits for the end of a process; before that it would take it for a bad command.

    It closes its end of the pipe to the processes of a service right before it waits for them (master_stop_service).
    """
    return os.readlink(f"{master.proc}/{process.pid}/fd/{_STATUS}") not in open_files(master.process.pid, master.proc)


def _may_kill(master: Master) -> bool:
    """Return whether the master may send signals to processes of other users."""
    with suppress(OSError, ValueError), open(f"{master.proc}/{master.process.pid}/status", encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) & _KILL)
    return True
