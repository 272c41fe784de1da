# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stop and a start that refuse nobody: sockets that keep clients waiting while there is no master.

Since Postfix 3.6 several sockets can listen on one address and port (SO_REUSEPORT), and since Linux 5.14 the
connections that a socket has not accepted when it is closed move over to another one of these sockets
(net.ipv4.tcp_migrate_req, which is for IPv6 too). So sockets of this module listen where the new master will, from
shortly before the stop until the new master does, and never accept.

The kernel keeps a group of sockets for each address and port, and moves connections within one group only. From that
follows what happens to clients that connect to an address that the old master has too (see :class:`Hold`):

* new ones go to our socket at once (SO_ATTACH_REUSEPORT_CBPF), and the old master gets a moment to greet the others;
* an address that the old master has by itself, and the new one as part of a wildcard, is of another group than the
  wildcard: there the old socket is made deaf, so that new clients come to the wildcard (:mod:`_change.deafen`). Where
  that may not be, our socket takes no connection and gives no answer, so that the client tries again a second later,
  and reaches the wildcard then.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple, Type

from .._base.sockets import WILDCARDS, Socket, ipv4_first
from .._host.connections import Unanswered, unanswered
from .._host.listening import is_in_our_network, listening
from .._host.master_process import PROC, Master, all_listening_sockets, waiting
from .._host.socket_in_use import is_in_use
from .._rules.listeners import SHARED_PORTS_SINCE, Listener
from .deafen import Deafening
from .tcp_migrate_req import SWITCH, Migration

_QUEUE = 4096  # the kernel lowers it to net.core.somaxconn
_GREETING_TIME = 0.15  # seconds at most for servers to greet those who have just connected
_LONGEST_WAIT = 0.5  # seconds at most until no client waits at the old master's sockets
_LINUX_ATTACH_FILTER, _LINUX_ATTACH_REUSEPORT_CBPF, _LINUX_DETACH_REUSEPORT_BPF = 26, 51, 68
_RETURN = 0x06  # BPF_RET | BPF_K


def cannot_hold(version: Tuple[int, ...], proc: str = PROC) -> Optional[str]:
    """Return why clients cannot be kept waiting on this host; None if they can.

    :param version: of Postfix
    """
    if version < SHARED_PORTS_SINCE:
        return "Postfix does not share its ports before 3.6"
    path = os.path.join(proc, SWITCH)
    if not os.path.exists(path):
        return "Linux does not hand connections over before 5.14"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))  # access(2) does not know what a container forbids
    except OSError:
        return "net.ipv4.tcp_migrate_req may not be changed here"
    return None


def cannot_hold_at(places: Iterable[Socket], master: Optional[Master]) -> Optional[str]:
    """Return why clients of certain sockets cannot be kept waiting; None if they can. Changes nothing.

    :param places: where a new master will listen
    :param master: the old one
    """
    if master and master.proc == PROC and not is_in_our_network(master.process.pid):
        return "the master is in another network namespace than this process"
    held = master.held if master else {}
    if any(each.interface for each in listening("self", PROC) if each.inode in held):
        return "the master's sockets are bound to a network interface, such as a VRF"
    for place in ipv4_first(places):
        if is_in_use(place, shares=True):
            return f"a socket at {place} does not share its port, such as that of a master from before Postfix 3.6"
    return None


class Hold:
    """Keeps the clients of a new master's sockets waiting; does nothing where that is not possible. A context manager.

    :param old: where the master that will be stopped listens, by inode number
    :param new: where the one that will be started will listen
    :param migration: the kernel's switch, shared by those who stop at the same time
    :ivar works: whether clients are kept waiting
    :ivar obstacle: why they are not, which was not to be foreseen
    """

    def __init__(self, old: Dict[str, Socket], new: Sequence[Listener], migration: Migration, proc: str = PROC) -> None:
        self._old, self._new, self._proc = old, new, proc
        self._migration = migration
        self._queues: List[socket.socket] = []
        self._silent: List[socket.socket] = []
        self._deafening: Optional[Deafening] = None
        self._stack = ExitStack()
        self.works = False
        self.obstacle: Optional[str] = None

    def __enter__(self) -> Hold:
        with ExitStack() as stack:
            try:
                if self._new:
                    stack.enter_context(self._migration)
                stack.callback(self._close)
                self._open()
            except OSError as error:  # one socket that cannot be held, and clients are refused as without any
                self.obstacle = f"clients could not be kept waiting: {error}"
                return self
            self.works = True
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.release()

    def release(self) -> None:
        """Hand the clients that wait over to the new master, which listens now."""
        self._stack.close()

    def stopped(self) -> None:
        """The old master has ended: nothing has to keep clients from its addresses any more."""
        for silent in self._silent:
            silent.close()
        self._silent.clear()
        if self._deafening:
            self._deafening.forget()
            self._deafening = None

    def _open(self) -> None:
        """Open the sockets, and give the old master a moment to greet the clients that it has."""
        open_now = list(all_listening_sockets(self._proc).values())
        places = frozenset(listener.socket for listener in self._new)
        swallowed = _swallowed(frozenset(self._old.values()), places)
        with suppress(OSError):
            inodes = frozenset(inode for inode, place in self._old.items() if place in swallowed)
            self._deafening = Deafening(inodes, self._proc)
        for place in ipv4_first(places):
            self._queues.append(_listen(place, open_now.count(place)))
        try:
            if not self._deafening:
                raise OSError("the sockets may not be reached")
            self._deafening.deafen()
        except OSError:
            for place in ipv4_first(swallowed):
                self._silent.append(_listen(place, open_now.count(place), silent=True))
        self._let_greet()

    def _let_greet(self) -> None:
        """Wait until the old master's servers have greeted the clients who have come to them, but not for long."""
        began = time.monotonic()
        early = {each.client for each in self._ungreeted() or () if not each.shaken}
        quiet = 0  # times in a row, because a client can have gone on between two questions
        while quiet < 2 and time.monotonic() - began < _LONGEST_WAIT:
            time.sleep(0.005)
            left = self._ungreeted() if time.monotonic() - began < _GREETING_TIME else ()
            busy = left is None or any(each.accepted or (each.client in early and not each.shaken) for each in left)
            quiet = 0 if busy or waiting(self._old, self._proc) else quiet + 1

    def _ungreeted(self) -> Optional[List[Unanswered]]:
        """Return the clients at the old master's addresses without a greeting; None if the kernel cannot tell."""
        old = frozenset(self._old.values())
        try:
            found = list(unanswered())
        except OSError:
            return None
        return [
            one for one in found if one.place in old or one.place._replace(address=WILDCARDS[one.place.family]) in old
        ]

    def _close(self) -> None:
        if self._deafening:
            self._deafening.undo()
        self.stopped()
        for queue in self._queues:
            with suppress(OSError):
                queue.setsockopt(socket.SOL_SOCKET, _LINUX_DETACH_REUSEPORT_BPF, 0)
            queue.close()
        self._queues.clear()


def _swallowed(old: FrozenSet[Socket], new: FrozenSet[Socket]) -> FrozenSet[Socket]:
    """Return the addresses that had a socket of their own, and are part of a wildcard from now on."""
    return frozenset(place for place in old - new if place._replace(address=WILDCARDS[place.family]) in new)


def _listen(place: Socket, earlier: int, silent: bool = False) -> socket.socket:
    """Open a socket that never accepts.

    :param earlier: how many sockets listen there already; this one gets all new connections instead of them
    :param silent: do not even answer
    """
    family = socket.AF_INET6 if place.family == "ipv6" else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if silent:
            _attach(opened, _LINUX_ATTACH_FILTER, 0)
        opened.bind((place.address, place.port))
        opened.listen(_QUEUE)
        if earlier:
            with suppress(OSError):
                _attach(opened, _LINUX_ATTACH_REUSEPORT_CBPF, earlier)
    except OSError as error:
        opened.close()
        raise OSError(error.errno, error.strerror, str(place)) from error
    return opened


def _attach(opened: socket.socket, option: int, value: int) -> None:
    """Attach a program that returns a constant: how much of a packet to take, or which socket of a group gets it."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", _RETURN, 0, 0, value), 8)
    opened.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", 1, ctypes.addressof(program)))
