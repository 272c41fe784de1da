# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the ways of mail: next hops, filters and transports, and from which address they are contacted."""

from __future__ import annotations

from itertools import permutations
from typing import Iterator, Tuple

from ..._base.address import family
from ..next_hops import default_transports, transports
from ..outlook import Outlook
from ..source_addresses import Client, Source
from .families import chosen_by
from .finding import Point


def stranded_next_hop(outlook: Outlook) -> Iterator[Point]:
    """A next hop, filter, milter or policy service has an address of a family that inet_protocols switches off."""
    for hop in outlook.next_hops:
        if hop.address is None or not hop.families or family(hop.address) in hop.families:
            continue
        name = family(hop.address)
        message = f"{hop}, and {name} is switched off there by inet_protocols: nothing can connect to it"
        remedy = f"Name an {' or '.join(sorted(hop.families))} address there"
        if outlook.reachable(name):
            remedy += f", or add {name} to inet_protocols"
        yield Point(hop.parameter, message, remedy, mild=hop.is_fallback)


def unknown_transport(outlook: Outlook) -> Iterator[Point]:
    """A parameter names a transport that master.cf does not have."""
    known = [service.name for service in outlook.services if service.type == "unix" and service.private != "n"]
    for transport in dict.fromkeys(transports(outlook.settings, outlook.services)):
        if transport.name not in known:
            message = f"{transport.parameter} in {transport.place} names the transport {transport.name}"
            remedy = f"Add the service {transport.name} of type unix, or name a transport that is there"
            yield Point(transport.parameter, f"{message}, which master.cf does not have: mail waits for it", remedy)


def bound_next_hop_on_loopback(outlook: Outlook) -> Iterator[Point]:
    """A filter or next hop on loopback is contacted from a source address that is set for other hosts."""
    clients = {client.transport: client for client in outlook.clients}
    seen = set()
    for hop in outlook.next_hops:
        client = clients.get(f"{hop.transport}/unix")
        if client is None or not hop.is_loopback:
            continue
        for family_name, source in client.sources():
            parameter = chosen_by(source)
            is_way = hop.address is None or family(hop.address) == family_name
            if parameter and is_way and (hop, source) not in seen:
                seen.add((hop, source))
                where = "is set there" if source.origin.in_master_cf else "is set for all"
                message = f"{hop}, and {client.transport} contacts it from {source.address}, since {parameter} {where}"
                loopback = "127.0.0.1" if family_name == "ipv4" else "::1"
                its_own = hop.transport not in dict(default_transports(outlook.settings)).values()
                remedy = f"Give {client.transport}" if its_own else "Send to it by a transport of its own with"
                remedy += f" the option {parameter}={loopback}"
                yield Point(hop.parameter, message, remedy)


def half_bound(outlook: Outlook) -> Iterator[Point]:
    """Of the clients that mail takes by default, one has a source address as an option, and another has none."""
    clients = {client.transport: client for client in outlook.clients}
    by_default = {
        parameter: clients[f"{name}/unix"]
        for parameter, name in default_transports(outlook.settings)
        if f"{name}/unix" in clients
    }
    for bound, unbound in permutations(by_default, 2):
        client, other = by_default[bound], by_default[unbound]
        for source, its in _both(client, other):
            name = chosen_by(source)
            if name and source.origin.in_master_cf and not chosen_by(its) and not its.origin.in_master_cf:
                message = (
                    f"{client.transport} sends from {source.address} by an option of its own, and {other.transport}, "
                )
                message += f"to which {unbound} gives mail, does not"
                remedy = f"Give {other.transport} an option {name} too, or set {name} in main.cf"
                is_taken = unbound == "relay_transport" and outlook.settings.is_set("relay_domains")
                yield Point(name, message, remedy, mild=not is_taken)


def _both(one: Client, other: Client) -> Iterator[Tuple[Source, Source]]:
    """Yield the sources of two clients for each family that both can use."""
    others = dict(other.sources())
    for family_name, source in one.sources():
        if family_name in others and not source.failure and not others[family_name].failure:
            yield source, others[family_name]
