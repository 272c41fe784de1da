# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets that the files promise and another program has already.

A master that cannot bind dies, at a start and at a reload alike, and takes the sockets that it had with it. Two masters
of Postfix 3.6 or later do share a socket, and with it their mail, which is worse because nobody notices.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Collection, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._base.sockets import Socket
from .._host.instance import find_instances
from .._host.master_process import PROC, Master, Process, all_listening_sockets, owners
from .._host.network import network_of
from .._host.socket_in_use import also_for_ipv4, is_in_use
from .._host.store import TransactionError
from .._rules.host import Host
from .._rules.listeners import SHARED_PORTS_SINCE, Listener
from .._rules.own_addresses import Resolver
from .._rules.parameters import Version
from .in_sync import outlook_of
from .transaction import read_files

Claims = Sequence[Tuple[str, Sequence[Listener]]]
"""What the files of other instances promise, by the directory of each."""


def claimed(
    promised: Sequence[Listener],
    master: Optional[Master],
    version: Tuple[int, ...],
    leaving: Collection[str] = (),
    proc: str = PROC,
) -> Optional[InputError]:
    """Return why one of the promised sockets is not free, None if all are.

    What the running master has already counts as free, shared or not: it has proved to work.

    :param leaving: inode numbers of sockets that will be closed before
    """
    wanted = [listener for listener in promised if not master or listener.socket not in master.sockets]
    if not wanted:
        return None
    for listener in wanted:
        if not listener.socket.port:
            reason = "has a port that does not exist, so the system chooses one that nobody knows beforehand"
            return InputError("services", listener.title, reason, "Use a port from 1 to 65535")
    others = {inode: at for inode, at in all_listening_sockets(proc).items() if not master or inode not in master.held}
    for_ipv4 = also_for_ipv4(others)
    # One on an IPv4 address in the IPv6 spelling is no IPv6 socket for those of the master, which have IPV6_V6ONLY.
    taken = [(inode, at) for inode, at in others.items() if inode not in for_ipv4 or at.is_wildcard]
    taken += for_ipv4.items()
    for listener in wanted:
        for inode, held in taken:
            if inode not in leaving and listener.socket.overlaps(held):
                error = _held(listener, held, others[inode], owners(inode, proc), version)
                if error is not None:
                    return error
    ours = [*(master.sockets if master else ()), *(at for inode, at in others.items() if inode in leaving)]
    for listener in wanted:
        if not any(map(listener.socket.overlaps, ours)) and is_in_use(listener.socket, version >= SHARED_PORTS_SINCE):
            for inode, held in taken:  # one that is called master, and does not share
                if listener.socket.overlaps(held):
                    return _not_free(listener, _who(owners(inode, proc)))
            return _not_free(listener, "the kernel says that a program uses it, though none listens there")
    return None


def _held(
    listener: Listener, held: Socket, seen: Socket, processes: Sequence[Process], version: Tuple[int, ...]
) -> Optional[InputError]:
    """Return why a listener cannot have a socket that overlaps with one of another program; None where it can.

    :param held: the other socket; ``seen`` is the same, as the program made it
    """
    shares = version >= SHARED_PORTS_SINCE and any(process.name == "master" for process in processes)
    if shares and held.address != listener.socket.address:
        return None  # of two instances the one with the specific address gets its connections
    who = _who(processes)
    return _not_free(listener, who if held == seen else f"{who}, on {seen} for IPv4 too")


def _who(processes: Sequence[Process]) -> str:
    names = sorted({f"{process.name} (process {process.pid})" for process in processes})
    return f"{' and '.join(names) or 'another program'} does"


def _not_free(listener: Listener, why: str) -> InputError:
    reason = f"cannot listen on {listener.socket.address} port {listener.socket.port}: {why}"
    remedy = "Stop that program, or use another address or port"
    return InputError("services", listener.title, reason, remedy)


def shared(promised: Sequence[Listener], version: Version, claims: Claims) -> Optional[InputError]:
    """Return which socket another instance's files promise too, whether that one runs or not; None if there is none."""
    for directory, theirs in claims:
        for listener, its in ((one, two) for one in promised for two in theirs):
            if listener.socket == its.socket or (version < SHARED_PORTS_SINCE and listener.socket.overlaps(its.socket)):
                place = f"{its.socket.address} port {its.socket.port}"
                reason = f"would listen on {place}, which {its.title} in {directory} claims"
                remedy = "Give them different addresses or ports, and change first the one that has it now"
                return InputError("services", listener.title, reason, remedy)
    return None


def claims_of_others(here: Collection[str], host: Host, resolve: Resolver) -> Claims:
    """Return what the enabled instances in this network promise, but for those with these directories."""
    known = {os.path.realpath(directory) for directory in here}
    claims = []
    with suppress(InputError):  # an instance of a Postfix that is not installed as the system's
        for other in find_instances():
            is_near = other.enabled and network_of(other) is None
            if is_near and os.path.realpath(other.config_directory) not in known:
                with suppress(TransactionError):
                    theirs = outlook_of(read_files(other.config_directory), other, host, resolve).promised
                    claims.append((other.config_directory, theirs or ()))
    return claims
