# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only the kernel knows of sockets: which IPv6 ones take IPv4 too (sock_diag(7)), and whether one can be bound."""

from __future__ import annotations

import errno
import socket
from typing import Dict, Iterator, Set

from .._base.address import parse_address
from .._base.sockets import WILDCARDS, Socket
from .addresses import netlink_attributes
from .listening import inode_of, sock_diag

_INET_DIAG_SKV6ONLY = 11
_MESSAGE_SIZE = 72  # of struct inet_diag_msg


def also_for_ipv4(held: Dict[str, Socket]) -> Dict[str, Socket]:
    """Return the IPv4 sockets that listening IPv6 sockets are at the same time, by inode number.

    Those are wildcards without IPV6_V6ONLY, and IPv4 addresses in the IPv6 spelling.

    :param held: all listening sockets
    """
    answer = {}
    wildcards = []
    for inode, at in held.items():
        address = parse_address(at.address)
        mapped = address.ipv4_mapped if address is not None and address.version == 6 else None
        if mapped is not None:
            answer[inode] = Socket(str(mapped), at.port, "ipv4")
        elif at.family == "ipv6" and at.is_wildcard:
            wildcards.append(inode)
    for inode in _dual_stack().intersection(wildcards) if wildcards else ():
        answer[inode] = Socket(WILDCARDS["ipv4"], held[inode].port, "ipv4")
    return answer


def is_in_use(at: Socket, shares: bool) -> bool:
    """Return whether the master could not bind to a socket now, by a socket of the same options that never listens.

    :param shares: whether the master uses SO_REUSEPORT
    """
    kind = socket.AF_INET if at.family == "ipv4" else socket.AF_INET6
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shares:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if kind == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((at.address, at.port))
    except OSError as error:  # others are for other checks: no such address, no right to the port
        return error.errno == errno.EADDRINUSE
    return False


def _dual_stack() -> Set[str]:
    """Return the inode numbers of the listening IPv6 sockets that take IPv4 connections too.

    Nothing where the kernel does not tell, because it lacks this interface or a sandbox forbids it.
    """
    try:
        return set(_inodes())
    except OSError:
        return set()


def _inodes() -> Iterator[str]:
    for body in sock_diag(socket.AF_INET6):
        v6only = netlink_attributes(body, _MESSAGE_SIZE).get(_INET_DIAG_SKV6ONLY)
        if v6only is not None and not v6only[0]:
            yield inode_of(body)
