# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listening TCP sockets of a network namespace, asked of the kernel by sock_diag(7), or read from /proc.

The files in /proc list all connections too, and a large machine takes milliseconds to walk through its tables for them,
however few there are; and while others come and go, a socket can be missing in them. sock_diag has none of this, but it
answers for the own namespace of this process only, and some containers lack it.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Iterable, Iterator, List, Tuple

from .._base.records import NamedTuple
from .._base.sockets import Socket
from .addresses import netlink_dump

_TABLES = (("tcp", socket.AF_INET, "ipv4"), ("tcp6", socket.AF_INET6, "ipv6"))
_LISTEN = 10  # the kernel's include/net/tcp_states.h
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_REQUEST = struct.Struct("=BBBxI48x")  # struct inet_diag_req_v2
_PORT, _ADDRESS, _INTERFACE, _QUEUE, _INODE = 4, 8, 40, 56, 68  # where they are in struct inet_diag_msg


class Listening(NamedTuple):
    """A listening socket, by its inode number, and how many clients wait there to be accepted.

    ``interface`` is the number of the network interface that it is bound to, such as a VRF; 0 for none, or if the
    kernel does not tell.
    """

    inode: str
    socket: Socket
    clients: int
    interface: int = 0


def listening(pid: "int | str", proc: str) -> List[Listening]:
    """Return the listening TCP sockets in the network namespace of a process, IPv4 first.

    :param pid: the process, or "self"
    :param proc: where /proc is; what is known of a process there is read there
    """
    if proc == "/proc" and is_in_our_network(pid):
        try:
            return [each for _table, family, name in _TABLES for each in _asked(family, name)]
        except OSError:
            pass
    return [each for table, family, name in _TABLES for each in _written(f"{proc}/{pid}/net/{table}", family, name)]


def is_in_our_network(pid: "int | str") -> bool:
    """Return whether a process is in the network namespace of this one."""
    try:
        return os.path.samefile(f"/proc/{pid}/ns/net", "/proc/self/ns/net")
    except OSError:
        return False


def _asked(family: int, name: str) -> Iterator[Listening]:
    """Yield the listening sockets of a family (sock_diag(7)).

    :raises OSError: this kernel cannot tell
    """
    for body in sock_diag(family):
        (port,) = struct.unpack_from("!H", body, _PORT)
        (clients,) = struct.unpack_from("=I", body, _QUEUE)
        packed = body[_ADDRESS : _ADDRESS + (4 if family == socket.AF_INET else 16)]
        (interface,) = struct.unpack_from("=I", body, _INTERFACE)
        yield Listening(inode_of(body), Socket(socket.inet_ntop(family, packed), port, name), clients, interface)


def sock_diag(family: int, states: Iterable[int] = (_LISTEN,), extensions: int = 0) -> Iterator[bytes]:
    """Yield what the kernel says of each socket of a family in one of the states, in this network namespace.

    :param states: by their numbers in the kernel's include/net/tcp_states.h
    :param extensions: the bits of what more it is to say
    :returns: each a struct inet_diag_msg with its attributes
    :raises OSError: this kernel cannot tell
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, extensions, sum(1 << state for state in states))
        yield from netlink_dump(netlink, _SOCK_DIAG_BY_FAMILY, _SOCK_DIAG_BY_FAMILY, request)


def inode_of(body: bytes) -> str:
    """Return the inode number of a socket that :func:`sock_diag` has told of."""
    return str(struct.unpack_from("=I", body, _INODE)[0])


def place_of(text: str, family: int) -> Tuple[str, int]:
    """Return an address and a port as the kernel's tables write them (proc(5), net/tcp)."""
    address, _colon, port = text.partition(":")
    # The kernel prints each group of four bytes as one number in the machine's own byte order.
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words)), int(port, 16)


def _written(path: str, family: int, name: str) -> Iterator[Listening]:
    """Yield the listening sockets in one of the kernel's tables (proc(5))."""
    state = f"{_LISTEN:02X}"
    try:
        with open(path, encoding="utf-8") as stream:
            lines = [line.split() for line in stream if f" {state} " in line]
    except OSError:  # no such family in this kernel
        return
    for fields in lines:
        if fields[3] == state:
            address, port = place_of(fields[1], family)
            # Where other sockets have the number of bytes to read, a listening socket has the length of its queue.
            clients = int(fields[4].rpartition(":")[2], 16)
            yield Listening(fields[9], Socket(address, port, name), clients)
