# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about IPv4 and IPv6 side by side."""

from __future__ import annotations

from ipaddress import ip_address
from typing import AbstractSet, Iterator, Sequence

from ..._base.address import FAMILIES, family
from ..._base.sockets import Socket
from ..origin import IN_MASTER_CF, INET_INTERFACES, KERNEL
from ..outlook import Outlook
from ..parameters import for_family
from ..source_addresses import CLIENTS, Source
from .finding import Point


def half_dual_stack(outlook: Outlook) -> Iterator[Point]:
    """One of IPv4 and IPv6 is configured, and the other, which the host has too, is not."""
    both = [name for name in FAMILIES if name in outlook.families and outlook.reachable(name)]
    if len(both) == 2:
        yield from _family_without_listener(outlook, both)
        yield from _family_without_source(outlook, both)


def loopback_of_one_family(outlook: Outlook) -> Iterator[Point]:
    """By inet_interfaces Postfix listens on loopback by one family only, and clients may ask localhost by both."""
    listed = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    ports = {socket.port for socket in listed if ip_address(socket.address).is_loopback}
    heard = {listener.socket.family for listener in outlook.listeners if _takes_localhost(listener.socket, ports)}
    for name, loopback in (("ipv4", "127.0.0.1"), ("ipv6", "::1")):
        known = outlook.host.find(ip_address(loopback))
        if ports and name in outlook.families - heard and known is not None and known.up:
            other = "::1" if name == "ipv4" else "127.0.0.1"
            message = (
                f"inet_interfaces has {other} and not {loopback}, though inet_protocols and the host have {name}: "
            )
            message += f"clients of localhost are refused when they ask by {loopback}"
            yield Point("inet_interfaces", message, f"Add {loopback} to inet_interfaces")


def _takes_localhost(socket: Socket, ports: AbstractSet[int]) -> bool:
    return socket.port in ports and (socket.is_wildcard or ip_address(socket.address).is_loopback)


def _family_without_listener(outlook: Outlook, both: Sequence[str]) -> Iterator[Point]:
    listed = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    heard = {socket.family for socket in listed if not ip_address(socket.address).is_loopback}
    by_endpoint = {listener.socket.family for listener in outlook.listeners if listener.origin == IN_MASTER_CF}
    for name in both:
        if heard and name not in heard | by_endpoint:
            message = f"inet_interfaces has no {name} address, though inet_protocols and the host have {name}"
            remedy = f"Add the {name} address that the host's name resolves to"
            if len(outlook.reachable(name)) > 1:  # else mail would leave from the one that is added
                remedy += f", and set {' and '.join(for_family(f'{client}_bind_address', name) for client in CLIENTS)}"
            if not _is_named(outlook, name):
                remedy += f", or take {name} out of inet_protocols"
            yield Point("inet_interfaces", message, remedy)


def _is_named(outlook: Outlook, name: str) -> bool:
    """Return whether files name an address of a family, so that Postfix could not do without the family."""
    hops = (hop.address for hop in outlook.next_hops if hop.address is not None)
    sources = (source.address for source in outlook.explicit_sources)
    return any(family(address) == name for address in (*outlook.own_addresses, *hops, *sources))


def _family_without_source(outlook: Outlook, both: Sequence[str]) -> Iterator[Point]:
    several = [name for name in both if len(outlook.reachable(name)) > 1]
    for client in outlook.clients:
        sources = dict(client.sources())
        if not sources.keys() >= set(both):  # the transport leaves a family out on purpose
            continue
        chosen = [name for name in both if chosen_by(sources[name])]
        for name in several:
            if chosen and sources[name].origin == KERNEL:
                parameter = for_family(chosen_by(sources[chosen[0]]), name)
                message = f"{client.transport} has a source address for {chosen[0]}, but not for {name}"
                yield Point(parameter, message, f"Set {parameter} too")


def chosen_by(source: Source) -> str:
    """Return the parameter that chooses the address from which mail to other hosts leaves, or nothing."""
    parameter = source.origin.parameter or ""
    if not source.address or ip_address(source.address).is_loopback:
        return ""
    return parameter if parameter.endswith(("bind_address", "bind_address6")) else ""
