# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""A stop and a start that refuse nobody: sockets that keep clients waiting while there is no master.

Since Postfix 3.6 several sockets can listen on one address and port (SO_REUSEPORT), and since Linux 5.14 connections
that one of them has not accepted when it is closed move over to another one (net.ipv4.tcp_migrate_req, for IPv6 too).
So sockets of ours listen where the new master will, from shortly before the stop until it does, and never accept.

The kernel keeps a group of sockets for each address and port, and moves connections within one group only. From that
follows what happens to those who connect to an address that the old master has too (see :class:`Hold`):

* new ones go to our socket at once (SO_ATTACH_REUSEPORT_CBPF), and the old master gets a moment to greet the others;
* an address of its own that becomes part of a wildcard is of another group than the wildcard: there our socket takes
  no connection and gives no answer, so that the client tries again a second later, and gets the wildcard then.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple, Type

from .._base.sockets import WILDCARDS, Socket, ipv4_first
from .._host.master_process import PROC, all_listening_sockets, waiting
from .._rules.listeners import SHARED_PORTS_SINCE, Listener
from .tcp_migrate_req import SWITCH, Migration

_QUEUE = 4096  # the kernel lowers it to net.core.somaxconn
_MOMENT = 0.15  # seconds for servers to greet those who have just connected
_PATIENCE = 0.5  # seconds at most until the old master's sockets have no client waiting
_LINUX_ATTACH_FILTER, _LINUX_ATTACH_REUSEPORT_CBPF, _LINUX_DETACH_REUSEPORT_BPF = 26, 51, 68
_RETURN = 0x06  # BPF_RET | BPF_K


def cannot_hold(version: Tuple[int, ...], proc: str = PROC) -> Optional[str]:
    """Why clients cannot be kept waiting on this host; None if they can."""
    if version < SHARED_PORTS_SINCE:
        return "Postfix shares its ports with nobody before 3.6"
    path = os.path.join(proc, SWITCH)
    if not os.path.exists(path):
        return "the kernel does not hand connections over before Linux 5.14"
    if not os.access(path, os.W_OK) or os.statvfs(path).f_flag & os.ST_RDONLY:
        return "net.ipv4.tcp_migrate_req may not be changed here"
    return None


class Hold:
    """Keeps the clients of a new master's sockets waiting; nothing where that is not possible. A context manager.

    :param old: where the master that will be stopped listens
    :param new: where the one that will be started does
    :param directory: of the state of all instances
    :ivar works: whether it is possible
    """

    def __init__(self, old: Dict[str, Socket], new: Sequence[Listener], directory: str, proc: str = PROC) -> None:
        self._old, self._new, self._proc = old, new, proc
        self._migration = Migration(directory, proc)
        self._held: List[socket.socket] = []
        self._quiet: List[socket.socket] = []
        self._stack = ExitStack()
        self.works = False

    def __enter__(self) -> Hold:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._migration)
                stack.callback(self._close)
                self._open()
            except OSError:  # one socket that cannot be held, and clients are refused as without any
                return self
            self.works = True
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.release()

    def release(self) -> None:
        """Hand those who wait over to the new master, which listens now."""
        self._stack.close()

    def stopped(self) -> None:
        """The old master is gone."""
        for each in self._quiet:
            each.close()
        self._quiet.clear()

    def _open(self) -> None:
        there = list(all_listening_sockets(self._proc).values())
        places = frozenset(listener.socket for listener in self._new)
        for place in ipv4_first(places):
            self._held.append(_listen(place, there.count(place)))
        for place in ipv4_first(_swallowed(frozenset(self._old.values()), places)):
            self._quiet.append(_listen(place, there.count(place), quiet=True))
        start = time.monotonic()
        while time.monotonic() - start < _PATIENCE:
            time.sleep(0.02)
            if time.monotonic() - start >= _MOMENT and not waiting(self._old, self._proc):
                break

    def _close(self) -> None:
        self.stopped()
        for each in self._held:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, _LINUX_DETACH_REUSEPORT_BPF, 0)
            each.close()
        self._held.clear()


def _swallowed(old: FrozenSet[Socket], new: FrozenSet[Socket]) -> FrozenSet[Socket]:
    """Addresses that had a socket of their own, and are part of a wildcard from now on."""
    return frozenset(place for place in old - new if place._replace(address=WILDCARDS[place.family]) in new)


def _listen(at: Socket, before: int, quiet: bool = False) -> socket.socket:
    """Open a socket that never accepts.

    :param before: how many sockets of its group there are already: it gets all new connections instead of them
    :param quiet: do not even answer
    """
    family = socket.AF_INET6 if at.family == "ipv6" else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if quiet:
            _attach(found, _LINUX_ATTACH_FILTER, 0)
        found.bind((at.address, at.port))
        found.listen(_QUEUE)
        if before:
            with suppress(OSError):
                _attach(found, _LINUX_ATTACH_REUSEPORT_CBPF, before)
    except BaseException:
        found.close()
        raise
    return found


def _attach(found: socket.socket, option: int, value: int) -> None:
    """Attach a program that returns a constant: how much of a packet to take, or which socket of a group gets it."""
    import ctypes  # costs some ms, and is not needed by most runs

    program = ctypes.create_string_buffer(struct.pack("=HBBI", _RETURN, 0, 0, value), 8)
    found.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", 1, ctypes.addressof(program)))
