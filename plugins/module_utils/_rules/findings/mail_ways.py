# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the ways of mail: next hops, filters and transports, and from which address they are contacted."""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from ..._base.address import family
from ..next_hops import default_transports, transports
from ..outlook import Outlook
from ..parameters import for_family
from ..source_addresses import Client, Source, client_of
from .assumed import apart_from_loopback, faults_after, faults_of_source, faults_of_sources
from .families import chosen_by
from .finding import Point, grouped, listed


def stranded_next_hop(outlook: Outlook) -> Iterator[Point]:
    """A next hop, filter, milter or policy service has an address of a family that inet_protocols switches off."""
    stranded = [
        (hop._replace(place="", transport=""), hop.place)
        for hop in outlook.next_hops
        if hop.address is not None and hop.families and family(hop.address) not in hop.families
    ]
    for hop, places in grouped(stranded).items():
        name = family(hop.address) if hop.address is not None else ""
        message = f"{hop.parameter} in {listed(places)} names {hop.word}, and {name} is switched off there by "
        message += "inet_protocols: nothing can connect to it"
        remedy = f"Name an {' or '.join(sorted(hop.families))} address there"
        both = {"inet_protocols": "all"}
        is_error = not hop.is_fallback
        if hop.families == outlook.families and outlook.reachable(name):
            remedy += f", or add {name} to inet_protocols" * (not faults_after(outlook, both, is_error=is_error))
        yield Point(hop.parameter, message, remedy, mild=hop.is_fallback)


def unknown_transport(outlook: Outlook) -> Iterator[Point]:
    """A parameter names a transport that master.cf does not have."""
    known = [service.name for service in outlook.services if service.type == "unix" and service.private != "n"]
    unknown = [
        ((transport.parameter, transport.name), transport.place)
        for transport in transports(outlook.settings, outlook.services)
        if transport.name not in known
    ]
    for (parameter, name), places in grouped(unknown).items():
        message = f"{parameter} in {listed(places)} names the transport {name}, which master.cf does not have: "
        remedy = f"Add the service {name} of type unix, or name a transport that is there"
        yield Point(parameter, f"{message}mail waits for it", remedy)


def bound_next_hop_on_loopback(outlook: Outlook) -> Iterator[Point]:
    """A filter or next hop on loopback is contacted from a source address that is set for other hosts."""
    clients = {client.transport: client for client in outlook.clients}
    ways = []
    for hop in outlook.next_hops:
        client = clients.get(f"{hop.transport}/unix")
        if client is None or not hop.is_loopback:
            continue
        chosen = [
            (chosen_by(source), str(source.address), "127.0.0.1" if name == "ipv4" else "::1")
            for name, source in client.sources()
            if chosen_by(source) and (hop.address is None or family(hop.address) == name)
        ]
        if chosen:
            ways.append(((hop.parameter, hop.word, hop.transport, tuple(chosen)), hop.place))
    for (parameter, word, transport, chosen_), places in grouped(ways).items():
        message = f"{parameter} in {listed(places)} names {word}, and {transport}/unix contacts it from "
        message += " and ".join(f"{address} because of {source}" for source, address, _loopback in chosen_)
        its_own = transport not in dict(default_transports(outlook.settings)).values()
        remedy = f"Give {transport}/unix" if its_own else "Send to it by a transport of its own with"
        options = " and ".join(f"{source}={loopback}" for source, _address, loopback in chosen_)
        yield Point(parameter, message, f"{remedy} the option {options}")


def half_bound(outlook: Outlook) -> Iterator[Point]:
    """Of the clients that mail takes by default, one has a source address as an option, and another has none."""
    programs = {service.title: client_of(service) for service in outlook.services}
    for ways in _ways_by_default(outlook):
        bound = [client for _parameter, client in ways if any(map(_is_bound, client.sources()))]
        for unbound, other in ways:
            if not any(map(_is_free, other.sources())):  # as a rule, where mail is spread over many
                continue
            halves = ((client, _lacking(client, other, programs[other.transport])) for client in bound)
            client, values = next((half for half in halves if half[1]), (other, {}))
            if not values:
                continue
            message = f"{client.transport} sends from {' and '.join(values.values())} by an option of its own, and "
            message += f"{other.transport}, to which {unbound} gives mail, does not"
            names = " and ".join(values)
            faults = faults_of_source(outlook, other.transport, values)
            remedy = f"Give {other.transport} the option {names} too{apart_from_loopback(faults)}"
            if faults and not apart_from_loopback(faults):
                remedy = f"Give {client.transport} and {other.transport} addresses that stay by {names}"
            if not faults_of_sources(outlook, values):
                remedy += f", or set {names} in main.cf"
            is_idle = unbound == "default_transport" or (
                unbound == "relay_transport" and not outlook.settings.is_set("relay_domains")
            )
            yield Point(next(iter(values), ""), message, remedy, mild=is_idle)


def _ways_by_default(outlook: Outlook) -> Iterator[List[Tuple[str, Client]]]:
    """Yield the clients between which mail to other hosts is shared, each with the parameter that gives it mail."""
    clients = {client.transport: client for client in outlook.clients}
    groups = [default_transports(outlook.settings)]
    named = dict.fromkeys(transports(outlook.settings, ()))
    for parameter in ("transport_maps", "sender_dependent_default_transport_maps"):
        if "randmap:" in outlook.settings.raw(parameter):
            groups.append([(parameter, transport.name) for transport in named if transport.parameter == parameter])
    for group in groups:
        yield [(parameter, clients[f"{name}/unix"]) for parameter, name in group if f"{name}/unix" in clients]


def _lacking(client: Client, other: Client, program: str) -> Dict[str, str]:
    """Return the source addresses that a client has by options of its own, by the parameters that another one lacks."""
    return {
        for_family(f"{program}_bind_address", name): str(source.address)
        for name, source, its in _both(client, other)
        if _is_bound((name, source)) and _is_free((name, its))
    }


def _is_bound(way: Tuple[str, Source]) -> bool:
    """Return whether the source of a family is an address that an option of the client sets."""
    return way[1].origin.in_master_cf and bool(chosen_by(way[1]))


def _is_free(way: Tuple[str, Source]) -> bool:
    """Return whether nothing sets the source of a family."""
    return not way[1].origin.in_master_cf and not chosen_by(way[1])


def _both(one: Client, other: Client) -> Iterator[Tuple[str, Source, Source]]:
    """Yield each family that two clients can use, with the source of each of them."""
    others = dict(other.sources())
    for family_name, source in one.sources():
        if family_name in others and not source.failure and not others[family_name].failure:
            yield family_name, source, others[family_name]
