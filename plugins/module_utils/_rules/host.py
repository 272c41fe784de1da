# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What addresses a host has, as the rules need to know it: told by the kernel, by a list, or by Ansible's facts."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping  # not typing's, which isinstance() takes long for
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .._base.address import FAMILIES, Address, family, parse_address, prefix_length, unbracket
from .._base.errors import InputError, shown


class HostAddress(NamedTuple):
    """One address of one interface."""

    address: Address
    #: bits of the network part; the address's full length where it is not known
    prefix_length: int
    #: interface name, empty where it is not known
    interface: str = ""
    #: whether the interface is up (IFF_UP): Postfix sees no other addresses
    up: bool = True
    #: IPv6 duplicate address detection is not finished, or failed: nothing can bind to the address
    tentative: bool = False
    #: not marked secondary (IPv4) or temporary (IPv6) by the kernel
    primary: bool = True


class Host:
    """All addresses of a host, in the order of getifaddrs(3), and what its kernel can do.

    :param addresses: of all interfaces, those that are down included
    :param families: that the kernel supports; a family switched off by sysctl is still supported
    :param nonlocal_bind: families whose sockets may bind to addresses that the host does not have (ip_nonlocal_bind)
    :param bindable: tells whether a socket can bind to an address, where the kernel can be asked
    :param hostname: what gethostname(2) returns, from which Postfix derives $myhostname; None where it is not known
    """

    def __init__(
        self,
        addresses: Sequence[HostAddress],
        families: FrozenSet[str] = frozenset(FAMILIES),
        nonlocal_bind: FrozenSet[str] = frozenset(),
        hostname: Optional[str] = None,
        bindable: Optional[Callable[[Address], bool]] = None,
    ) -> None:
        self.addresses = tuple(addresses)
        self.families = families
        self.nonlocal_bind = nonlocal_bind
        self.hostname = hostname
        self.bindable = bindable
        self._index: Dict[Address, HostAddress] = {}
        for known in self.addresses:
            if known.address not in self._index or (known.up and not self._index[known.address].up):
                self._index[known.address] = known

    def find(self, address: Address) -> Optional[HostAddress]:
        """Return what is known of an address, preferring an interface that is up; None when the host has it not."""
        return self._index.get(address)


def host_from_input(value: Any, parameter: str = "addresses") -> Host:
    """Read a host from what a user has: a list of addresses with or without ``/prefix``, or ``ansible_facts``.

    Items of the list may also be mappings as postfix_interfaces_info returns them. Facts do not tell whether an
    interface is up, whether an address is tentative, nor in which order the kernel lists interfaces: interfaces count
    as up, addresses as usable, and the order is that of the facts.

    :raises InputError: for anything else
    """
    if isinstance(value, Mapping):
        return _host_from_facts(value, parameter)
    if isinstance(value, (list, tuple)):
        return Host(list(_with_primaries([_host_address(item, parameter) for item in value])))
    raise InputError(
        parameter,
        value,
        "is neither a list of addresses nor ansible_facts",
        "Give a list such as ['127.0.0.1/8', '10.77.0.1/24'], or ansible_facts",
    )


def _host_address(item: Any, parameter: str) -> HostAddress:
    if isinstance(item, Mapping):
        known = _host_address(item.get("address"), parameter)
        length = item.get("prefix_length", known.prefix_length)
        return HostAddress(
            known.address,
            _prefix_length(shown(length), known.address, shown(length), parameter),
            shown(item.get("interface", "")),
            bool(item.get("up", True)),
            bool(item.get("tentative", False)),
            bool(item.get("primary", True)),
        )
    text = item if isinstance(item, str) else shown(item)
    literal, slash, length = text.partition("/")
    address = parse_address(unbracket(literal))
    if address is None or address.is_unspecified:
        raise InputError(
            parameter,
            text,
            "is not an address of an interface",
            "Give addresses such as 10.77.0.1, 10.77.0.1/24 or fd77::1/64",
        )
    return HostAddress(address, _prefix_length(length if slash else None, address, text, parameter))


def _prefix_length(text: Optional[str], address: Address, shown: str, parameter: str) -> int:
    if text is None:
        return address.max_prefixlen
    length = prefix_length(text, address)
    if length is not None:
        return length
    raise InputError(parameter, shown, "has a bad prefix length", f"Write 0 to {address.max_prefixlen} after the slash")


def _with_primaries(addresses: Sequence[HostAddress]) -> Iterator[HostAddress]:
    """Mark IPv4 addresses as secondary whose network an earlier one has, as the kernel does it."""
    seen = set()
    for known in addresses:
        if known.address.version == 4 and known.prefix_length < 32 and known.primary:
            network = (known.interface, known.prefix_length, int(known.address) >> (32 - known.prefix_length))
            if network in seen:
                known = known._replace(primary=False)
            seen.add(network)
        yield known


def _host_from_facts(facts: Mapping[str, Any], parameter: str) -> Host:
    prefix = "ansible_" if "ansible_interfaces" in facts or "ansible_all_ipv4_addresses" in facts else ""
    listed = [(prefix + key) for key in ("interfaces", "all_ipv4_addresses", "all_ipv6_addresses")]
    if not any(isinstance(facts.get(key), (list, tuple)) for key in listed):
        raise InputError(
            parameter,
            ", ".join(sorted(map(shown, facts))[:5]) or "{}",
            "is a mapping without network facts",
            "Gather the subset network, or give a list of addresses",
        )
    interfaces, *plain = [facts.get(key) or () for key in listed]
    found: List[HostAddress] = []
    for name in sorted(map(shown, interfaces), key=lambda name: name != "lo"):  # the kernel has it first
        details = facts.get(prefix + name.replace("-", "_"))
        if isinstance(details, Mapping):
            found += [known._replace(interface=name) for known in _of_interface(details, parameter)]
    if not found:
        found = [_host_address(text, parameter) for texts in plain for text in texts]
    nodename = facts.get(prefix + "nodename")
    found.sort(key=lambda known: known.address.version)
    return Host(list(_with_primaries(found)), hostname=shown(nodename) if nodename else None)


def _of_interface(details: Mapping[str, Any], parameter: str) -> Iterator[HostAddress]:
    """Read the facts of one interface; IPv4 has its first address apart from the others."""
    for key in ("ipv4", "ipv4_secondaries", "ipv6"):
        entries = details.get(key) or []
        for entry in entries if isinstance(entries, (list, tuple)) else [entries]:
            if not isinstance(entry, Mapping):
                raise InputError(parameter, entry, f"is no fact about {key}", "Give ansible_facts as gathered")
            length = entry.get("prefix") or _mask_length(shown(entry.get("netmask")))
            known = _host_address(f"{shown(entry.get('address'))}/{shown(length)}", parameter)
            yield known._replace(primary=key != "ipv4_secondaries")


def _mask_length(netmask: str) -> int:
    address = parse_address(netmask)
    return bin(int(address)).count("1") if address else 32


# rtnetlink(7): what getifaddrs(3) asks, without a process and without ctypes.
_NLM_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_IFLA_IFNAME = 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFF_UP = 0x1
_IFA_F_SECONDARY, _IFA_F_OPTIMISTIC, _IFA_F_TENTATIVE = 0x01, 0x04, 0x40
NETLINK_HEADER = struct.Struct("=IHHII")
_IFADDRMSG = struct.Struct("=BBBBi")
_LINK_OFFSET = 16  # of struct ifinfomsg


def read_host() -> Host:
    """Ask the kernel for the addresses of this host (this network namespace), in the order of getifaddrs(3).

    :raises OSError: when the kernel refuses netlink
    """
    links: Dict[int, Tuple[str, bool]] = {}
    found: List[HostAddress] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, 0))
        for body in _dump(netlink, _RTM_GETLINK, _RTM_NEWLINK):
            index, flags = struct.unpack_from("=iI", body, 4)
            name = netlink_attributes(body, _LINK_OFFSET).get(_IFLA_IFNAME, b"").rstrip(b"\0")
            links[index] = name.decode("utf-8", "replace"), bool(flags & _IFF_UP)
        for body in _dump(netlink, _RTM_GETADDR, _RTM_NEWADDR):
            known = _from_message(body, links)
            if known is not None:
                found.append(known)
    return Host(
        found,
        frozenset(name for name in FAMILIES if _supported(name)),
        frozenset(name for name in FAMILIES if _nonlocal_bind(name)),
        socket.gethostname(),
        _can_bind,
    )


def _can_bind(address: Address) -> bool:
    """Ask the kernel by a socket on a free port that never listens, made as the master makes its own."""
    kind = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            if kind == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _from_message(body: bytes, links: Mapping[int, Tuple[str, bool]]) -> Optional[HostAddress]:
    kind, length, flags, _scope, index = _IFADDRMSG.unpack_from(body)
    attributes = netlink_attributes(body, _IFADDRMSG.size)
    # a point-to-point link has the peer in IFA_ADDRESS and the own address in IFA_LOCAL
    packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    if packed is None or kind not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = parse_address(socket.inet_ntop(kind, packed))
    if address is None or address.is_unspecified:
        return None
    if _IFA_FLAGS in attributes:
        (flags,) = struct.unpack_from("=I", attributes[_IFA_FLAGS])
    tentative = bool(flags & _IFA_F_TENTATIVE) and not flags & _IFA_F_OPTIMISTIC
    name, up = links.get(index, ("", False))
    return HostAddress(address, length, name, up, tentative, not flags & _IFA_F_SECONDARY)


def _dump(netlink: socket.socket, request: int, answer: int) -> Iterator[bytes]:
    """Send one dump request and yield the bodies of its answers."""
    netlink.sendto(
        NETLINK_HEADER.pack(NETLINK_HEADER.size + 16, request, _NLM_REQUEST_DUMP, request, 0) + bytes(16), (0, 0)
    )
    while True:
        data = netlink.recv(1 << 18)
        at = 0
        while at + NETLINK_HEADER.size <= len(data):
            length, kind, _flags, sequence, _port = NETLINK_HEADER.unpack_from(data, at)
            if sequence == request:
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    (error,) = struct.unpack_from("=i", data, at + NETLINK_HEADER.size)
                    raise OSError(-error, "netlink dump failed")
                if kind == answer:
                    yield data[at + NETLINK_HEADER.size : at + length]
            at += (length + 3) & ~3 or NETLINK_HEADER.size


def netlink_attributes(body: bytes, at: int) -> Dict[int, bytes]:
    """Return the attributes of a message of rtnetlink by their numbers."""
    found: Dict[int, bytes] = {}
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = body[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _supported(name: str) -> bool:
    try:
        socket.socket(socket.AF_INET if name == "ipv4" else socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _nonlocal_bind(name: str) -> bool:
    try:
        with open(f"/proc/sys/net/{name}/ip_nonlocal_bind", encoding="ascii") as setting:
            return setting.read().strip() != "0"
    except OSError:
        return False


def addresses_shown(host: Host, name: Optional[str] = None) -> str:
    """Return the host's usable addresses in words, for an error."""
    shown = [str(known.address) for known in host.addresses if known.up and name in (None, family(known.address))]
    return ", ".join(shown[:12]) + (", ..." if len(shown) > 12 else "") if shown else f"no {name or 'usable'} address"
