# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Where mail to an address would leave this host: what the kernel chooses, and what a transport's source makes of it.

A connected UDP socket has a source without sending a packet, and rtnetlink(7) tells the interface of a route, by the
source too where routes depend on it. A source that sits on another interface than the one that its packets leave by is
what firewalls and providers drop.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._base.address import Address, family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .._rules.host import Host
from .addresses import NETLINK_HEADER, netlink_attributes

_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_NLM_REQUEST = 1
_RTA_DST, _RTA_SRC, _RTA_OIF = 1, 2, 4
_RTMSG = struct.Struct("=BBBBBBBBI")
_PORT = 25


def routes(
    destinations: Sequence[str], host: Host, sources: Optional[Sequence[Mapping[str, Any]]]
) -> List[Dict[str, Any]]:
    """Return for each destination what the kernel would do, and what becomes of each transport's mail to it.

    :param sources: what source_addresses() answers; None where Postfix does not run by its files
    :raises InputError: for a destination that is no address
    """
    return [_route(text, host, sources or ()) for text in destinations]


def _route(text: str, host: Host, sources: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    destination = parse_address(unbracket(text))
    if destination is None or destination.is_unspecified:
        raise InputError(
            "destinations",
            text,
            "is no address of another host",
            "Give addresses such as 203.0.113.5, names are not asked",
        )
    found: Dict[str, Any] = {"destination": normal_form(destination), "source": None, "interface": None, "error": None}
    try:
        found["source"] = kernel_source(destination)
        found["interface"] = outgoing_interface(destination)
    except OSError as error:
        found["error"] = error.strerror or str(error)
    name = family(destination)
    found["transports"] = [_transport(entry, entry[name], destination, found, host) for entry in sources]
    return found


def _transport(
    entry: Mapping[str, Any],
    source: Optional[Mapping[str, Any]],
    destination: Address,
    route: Mapping[str, Any],
    host: Host,
) -> Dict[str, Any]:
    found = {
        "transport": entry["transport"],
        "source": None,
        "source_interface": None,
        "interface": None,
        "other_interface": False,
        "failure": route["error"],
    }
    if source is None or source["failure"]:
        return {**found, "failure": source["failure"] if source else "inet_protocols switches the family off"}
    address = parse_address(source["address"] or "")
    if address is None:  # the kernel's choice
        known = host.find(parse_address(route["source"] or "") or destination)
        return {
            **found,
            "source": route["source"],
            "source_interface": known.interface if known else None,
            "interface": route["interface"],
        }
    known = host.find(address)
    found.update(source=normal_form(address), source_interface=known.interface if known else None)
    if not route["error"]:
        try:
            found["interface"] = outgoing_interface(destination, address)
        except OSError as error:
            found["failure"] = error.strerror or str(error)
    here = host.find(destination) is not None or destination.is_loopback
    leaves, sits = found["interface"], found["source_interface"]
    found["other_interface"] = bool(leaves and sits and leaves != sits and not here)
    return found


def kernel_source(destination: Address) -> str:
    """Return the source that the kernel chooses for a destination, by a socket that sends nothing.

    :raises OSError: where there is no route
    """
    kind = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        probe.connect((str(destination), _PORT))
        return str(probe.getsockname()[0]).partition("%")[0]


def outgoing_interface(destination: Address, source: Optional[Address] = None) -> Optional[str]:
    """Return the interface by which packets to a destination leave, from a source or from whatever the kernel chooses.

    :raises OSError: where there is no route
    """
    kind = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    size = destination.max_prefixlen
    body = _RTMSG.pack(kind, size, size if source is not None else 0, 0, 0, 0, 0, 0, 0)
    body += _attribute(_RTA_DST, destination.packed)
    if source is not None:
        body += _attribute(_RTA_SRC, source.packed)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.bind((0, 0))
        header = NETLINK_HEADER.pack(NETLINK_HEADER.size + len(body), _RTM_GETROUTE, _NLM_REQUEST, 1, 0)
        netlink.sendto(header + body, (0, 0))
        answer = netlink.recv(1 << 16)
    _length, kind, _flags, _sequence, _port = NETLINK_HEADER.unpack_from(answer)
    if kind != _RTM_NEWROUTE:
        (error,) = struct.unpack_from("=i", answer, NETLINK_HEADER.size)
        raise OSError(-error, os.strerror(-error))
    index = netlink_attributes(answer[NETLINK_HEADER.size :], _RTMSG.size).get(_RTA_OIF)
    return socket.if_indextoname(struct.unpack("=I", index)[0]) if index else None


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value
