# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about IPv4 and IPv6 side by side."""

from __future__ import annotations

from typing import AbstractSet, Iterator, Sequence

from ..._base.address import FAMILIES, address_of, normal_form, unbracket
from ..._base.sockets import WILDCARDS, Socket
from ..interface_list import split_tokens
from ..origin import IN_MASTER_CF, INET_INTERFACES, KERNEL
from ..outlook import Outlook
from ..parameters import for_family
from ..source_addresses import CLIENTS, Source
from .assumed import apart_from_loopback, faults_after, faults_of_sources, with_options
from .finding import Point, grouped, listed


def half_dual_stack(outlook: Outlook) -> Iterator[Point]:
    """One of IPv4 and IPv6 is configured, and the other, which the host has too, is not."""
    both = [name for name in FAMILIES if name in outlook.families and outlook.reachable(name)]
    if len(both) == 2:
        yield from _family_without_listener(outlook, both)
        yield from _family_without_source(outlook, both)


def loopback_of_one_family(outlook: Outlook) -> Iterator[Point]:
    """By inet_interfaces Postfix listens on loopback by one family only, and clients may ask localhost by both."""
    sockets = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    ports = {socket.port for socket in sockets if socket.address in ("127.0.0.1", "::1")}
    heard = {listener.socket.family for listener in outlook.listeners if _takes_localhost(listener.socket, ports)}
    if "localhost" in map(unbracket, split_tokens(outlook.settings.get("inet_interfaces"))):
        return  # clients ask by the same addresses, whichever the name has
    for name, loopback in (("ipv4", "127.0.0.1"), ("ipv6", "::1")):
        known = outlook.host.find(address_of(loopback))
        if ports and name in outlook.families - heard and known is not None and known.up:
            other = "::1" if name == "ipv4" else "127.0.0.1"
            message = (
                f"inet_interfaces has {other} and not {loopback}, though inet_protocols and the host have {name}: "
            )
            message += f"clients of localhost are refused when they ask by {loopback}"
            remedy = f"Add {loopback} to inet_interfaces"
            value = f"{outlook.settings.raw('inet_interfaces')}, {loopback}"
            if faults_after(outlook, {"inet_interfaces": value}):
                remedy = f"Let clients ask by {other}"
            yield Point("inet_interfaces", message, remedy)


def _takes_localhost(socket: Socket, ports: AbstractSet[int]) -> bool:
    return socket.port in ports and (socket.is_wildcard or address_of(socket.address).is_loopback)


def _family_without_listener(outlook: Outlook, both: Sequence[str]) -> Iterator[Point]:
    sockets = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    heard = {socket.family for socket in sockets if not address_of(socket.address).is_loopback}
    by_endpoint = {listener.socket.family for listener in outlook.listeners if listener.origin == IN_MASTER_CF}
    for name in both:
        if heard and name not in heard | by_endpoint:
            message = f"inet_interfaces has no {name} address, though inet_protocols and the host have {name}"
            remedies = [*_add_address(outlook, name)]
            (other,) = {*both} - {name}
            if not faults_after(outlook, {"inet_protocols": other}):
                remedies.append(f"take {name} out of inet_protocols")
            remedy = ", or ".join(remedies) or f"add an {name} address, or do without {name} everywhere"
            yield Point("inet_interfaces", message, remedy[0].upper() + remedy[1:])


def _add_address(outlook: Outlook, name: str) -> Iterator[str]:
    """Yield the remedy to listen by a family, if there is a way that leads to no other fault."""
    address = outlook.best(name)
    if address is None:
        return
    text = normal_form(address)
    values = {"inet_interfaces": f"{outlook.settings.raw('inet_interfaces')}, {text}"}
    remedy = f"add the {name} address that the host's name should resolve to, such as {text}"
    if len(outlook.reachable(name)) > 1:  # else mail would leave from the one that is added
        parameters = [for_family(f"{client}_bind_address", name) for client in CLIENTS]
        kernel = {each: WILDCARDS[name] for each in parameters if not outlook.settings.is_set(each)}
        values.update(kernel)
        remedy += f", and set {' and '.join(kernel)} to {WILDCARDS[name]}" if kernel else ""
    if not faults_after(outlook, values):
        yield remedy


def _family_without_source(outlook: Outlook, both: Sequence[str]) -> Iterator[Point]:
    several = [name for name in both if len(outlook.reachable(name)) > 1]
    halves = []
    for client in outlook.clients:
        sources = dict(client.sources())
        if not sources.keys() >= set(both):  # the transport leaves a family out on purpose
            continue
        chosen = [name for name in both if chosen_by(sources[name])]
        for name in several:
            if chosen and sources[name].origin == KERNEL:
                half = sources[chosen[0]]
                parameter = for_family(chosen_by(half), name)
                halves.append(((parameter, chosen[0], name), (client.transport, half.origin.in_master_cf)))
    for (parameter, chosen_name, name), those in grouped(halves).items():
        transports = [transport for transport, _in_master_cf in those]
        in_master_cf = all(each for _transport, each in those)
        message = f"a source address is set for {chosen_name}, and none for {name}: {listed(transports)}"
        remedy = f"Set {parameter} too"
        address = outlook.best(name)
        if address is not None:
            value = {parameter: normal_form(address)}
            services = with_options(outlook, transports, value) if in_master_cf else None
            faults = faults_of_sources(outlook, None if in_master_cf else value, services)
            remedy += f", such as to {normal_form(address)}{apart_from_loopback(faults)}"
        yield Point(parameter, message, remedy)


def chosen_by(source: Source) -> str:
    """Return the parameter that chooses the address from which mail to other hosts leaves, or nothing."""
    parameter = source.origin.parameter or ""
    if not source.address or address_of(source.address).is_loopback:
        return ""
    return parameter if parameter.endswith(("bind_address", "bind_address6")) else ""
