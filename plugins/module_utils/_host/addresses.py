# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of this host, read from its kernel (rtnetlink(7)) without a process and without ctypes."""

from __future__ import annotations

import socket
import struct
from typing import Dict, Iterator, List, Mapping, Optional, Tuple

from .._base.address import FAMILIES, Address, parse_address
from .._rules.host import Host, HostAddress
from .accounts import system_accounts
from .kernel_source import kernel_source

NETLINK_HEADER = struct.Struct("=IHHII")

_NLM_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_IFLA_IFNAME = 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFF_UP = 0x1
# The first one stands for secondary (IPv4) and for temporary (IPv6).
_IFA_F_SECONDARY, _IFA_F_OPTIMISTIC, _IFA_F_DEPRECATED, _IFA_F_TENTATIVE, _IFA_F_PERMANENT = (
    0x01,
    0x04,
    0x20,
    0x40,
    0x80,
)
_IFADDRMSG = struct.Struct("=BBBBi")
_LINK_OFFSET = 16  # of struct ifinfomsg


def read_host() -> Host:
    """Ask the kernel for the addresses of this host (this network namespace), in the order of getifaddrs(3).

    :raises OSError: the kernel refuses netlink
    """
    interfaces: Dict[int, Tuple[str, bool]] = {}  # by number: its name, and whether it is up
    addresses: List[Optional[HostAddress]] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, 0))
        for body in netlink_dump(netlink, _RTM_GETLINK, _RTM_NEWLINK):
            index, flags = struct.unpack_from("=iI", body, 4)
            name = netlink_attributes(body, _LINK_OFFSET).get(_IFLA_IFNAME, b"").rstrip(b"\0")
            interfaces[index] = name.decode("utf-8", "replace"), bool(flags & _IFF_UP)
        for body in netlink_dump(netlink, _RTM_GETADDR, _RTM_NEWADDR):
            addresses.append(_host_address(body, interfaces))
    return Host(
        [entry for entry in addresses if entry],
        frozenset(name for name in FAMILIES if _is_supported(name)),
        frozenset(name for name in FAMILIES if _has_nonlocal_bind(name)),
        socket.gethostname(),
        _can_bind,
        system_accounts(),
        _origin_of,
        _kernel_source,
        _name_source,
        _port_type,
    )


def netlink_dump(netlink: socket.socket, request: int, answer: int, asked: bytes = bytes(16)) -> Iterator[bytes]:
    """Send one dump request and yield the bodies of its answers.

    :raises OSError: the kernel refuses
    """
    header = NETLINK_HEADER.pack(NETLINK_HEADER.size + len(asked), request, _NLM_REQUEST_DUMP, request, 0)
    netlink.sendto(header + asked, (0, 0))
    while True:
        data = netlink.recv(1 << 18)
        offset = 0
        while offset + NETLINK_HEADER.size <= len(data):
            length, kind, _flags, sequence, _port = NETLINK_HEADER.unpack_from(data, offset)
            if sequence == request:
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    (error,) = struct.unpack_from("=i", data, offset + NETLINK_HEADER.size)
                    raise OSError(-error, "netlink dump failed")
                if kind == answer:
                    yield data[offset + NETLINK_HEADER.size : offset + length]
            offset += (length + 3) & ~3 or NETLINK_HEADER.size


def netlink_attributes(body: bytes, offset: int) -> Dict[int, bytes]:
    """Return the attributes of an rtnetlink message by their numbers.

    :param offset: where the first attribute begins
    """
    attributes: Dict[int, bytes] = {}
    while offset + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, offset)
        if length < 4:
            break
        attributes[kind & 0x3FFF] = body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return attributes


def _host_address(body: bytes, interfaces: Mapping[int, Tuple[str, bool]]) -> Optional[HostAddress]:
    kind, length, flags, _scope, index = _IFADDRMSG.unpack_from(body)
    attributes = netlink_attributes(body, _IFADDRMSG.size)
    # A point-to-point link has the peer in IFA_ADDRESS and its own address in IFA_LOCAL.
    packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    if packed is None or kind not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = parse_address(socket.inet_ntop(kind, packed))
    if address is None or address.is_unspecified:
        return None
    if _IFA_FLAGS in attributes:
        (flags,) = struct.unpack_from("=I", attributes[_IFA_FLAGS])
    tentative = bool(flags & _IFA_F_TENTATIVE) and not flags & _IFA_F_OPTIMISTIC
    name, up = interfaces.get(index, ("", False))
    return HostAddress(
        address,
        length,
        name,
        up,
        tentative,
        primary=not flags & _IFA_F_SECONDARY,
        temporary=address.version == 6 and bool(flags & _IFA_F_SECONDARY),
        deprecated=bool(flags & _IFA_F_DEPRECATED),
        dynamic=not flags & _IFA_F_PERMANENT,
    )


def _can_bind(address: Address) -> bool:
    """Return whether the kernel binds a socket to an address: one on a free port that never listens.

    The socket has the options of those that the master makes.
    """
    kind = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            if kind == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _kernel_source(family: str) -> Optional[Address]:
    """Return the source that the kernel chooses for a connection to far away."""
    far = parse_address("128.0.0.1" if family == "ipv4" else "2000::1")
    try:
        return far and parse_address(kernel_source(far))
    except OSError:  # no route, or no such family
        return None


def _name_source(name: str, address: Address) -> str:
    from .names import name_source  # only an error asks for it

    return name_source(name, address)


def _port_type(port: int) -> Optional[str]:
    from .selinux import port_type  # only an edit that adds a port asks for it

    return port_type(port)


def _origin_of(path: str) -> Optional[str]:
    from .platform import origin_in_file  # most hosts have no path there

    return origin_in_file(path)


def _is_supported(family: str) -> bool:
    try:
        socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _has_nonlocal_bind(family: str) -> bool:
    try:
        with open(f"/proc/sys/net/{family}/ip_nonlocal_bind", encoding="utf-8") as setting:
            return setting.read().strip() != "0"
    except OSError:
        return False
