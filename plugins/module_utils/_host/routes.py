# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How mail to an address would leave this host: by the kernel's choice, and by the source of each transport.

The kernel chooses a source for a connected UDP socket before any packet is sent, and rtnetlink(7) tells the interface
of a route, for a given source too. Firewalls and providers drop packets that leave by another interface than the one
that has their source address.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._base.address import Address, family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .._rules.host import Host
from .._rules.source_addresses import Client, Source
from .addresses import NETLINK_HEADER, netlink_attributes
from .kernel_source import kernel_source

_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_NLM_REQUEST = 1
_RTA_DST, _RTA_SRC, _RTA_OIF = 1, 2, 4
_RTMSG = struct.Struct("=BBBBBBBBI")


def routes(destinations: Sequence[str], host: Host, clients: Sequence[Client]) -> List[Dict[str, Any]]:
    """Return for each destination what the kernel would do, and what becomes of each transport's mail to it.

    :param clients: what source_addresses() answers; none where Postfix cannot run by its files
    :raises InputError: a destination is not an address
    """
    return [_route(text, host, clients) for text in destinations]


def _route(text: str, host: Host, clients: Sequence[Client]) -> Dict[str, Any]:
    destination = parse_address(unbracket(text))
    if destination is None or destination.is_unspecified:
        raise InputError(
            "destinations",
            text,
            "is not an address of another host",
            "Give addresses such as 203.0.113.5; names are not looked up",
        )
    route: Dict[str, Any] = {"destination": normal_form(destination), "source": None, "interface": None, "error": None}
    try:
        route["source"] = kernel_source(destination)
        route["interface"] = outgoing_interface(destination)
    except OSError as error:
        route["error"] = error.strerror or str(error)
    of_family = [(client.transport, dict(client.sources()).get(family(destination))) for client in clients]
    route["transports"] = [_transport(name, source, destination, route, host) for name, source in of_family]
    return route


def _transport(
    name: str, source: Optional[Source], destination: Address, route: Mapping[str, Any], host: Host
) -> Dict[str, Any]:
    answer = {
        "transport": name,
        "source": None,
        "source_interface": None,
        "interface": None,
        "other_interface": False,
        "failure": route["error"],
    }
    if source is None or source.failure:
        return {**answer, "failure": source.failure if source else "inet_protocols switches the family off"}
    address = parse_address(source.address or "")
    if address is None:  # the kernel chooses
        entry = host.find(parse_address(route["source"] or "") or destination)
        return {
            **answer,
            "source": route["source"],
            "source_interface": entry.interface if entry else None,
            "interface": route["interface"],
        }
    entry = host.find(address)
    answer.update(source=normal_form(address), source_interface=entry.interface if entry else None)
    if not route["error"]:
        try:
            answer["interface"] = outgoing_interface(destination, address)
        except OSError as error:
            answer["failure"] = error.strerror or str(error)
    is_local = host.find(destination) is not None or destination.is_loopback
    interfaces = {answer["interface"], answer["source_interface"]}
    answer["other_interface"] = len(interfaces) == 2 and all(interfaces) and not is_local
    return answer


def outgoing_interface(destination: Address, source: Optional[Address] = None) -> Optional[str]:
    """Return the interface by which packets to a destination leave.

    :param source: their source; None leaves it to the kernel
    :raises OSError: there is no route
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
