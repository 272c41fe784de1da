# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about addresses in use that the host may not keep."""

from __future__ import annotations

from typing import Dict, Iterator, List, Sequence

from ..._base.address import family, needs_scope, normal_form, parse_address, unbracket
from ..._base.records import NamedTuple
from ..._files.endpoint import split_endpoint
from ..host import HostAddress
from ..interface_list import KEYWORDS, split_tokens
from ..origin import IN_MASTER_CF
from ..outlook import Outlook
from ..parameters import for_family
from ..source_addresses import client_of
from .assumed import faults_after, faults_of_source
from .finding import Point, grouped, listed


class Use(NamedTuple):
    """An address of the host, and who uses it."""

    known: HostAddress
    parameter: str
    #: before the address in a sentence: "inet_interfaces lists"
    user: str
    #: what happens when the address is gone
    consequence: str
    #: whether Postfix then fails, rather than do without
    is_needed: bool
    #: whether it is written as an address, not by a name or the kernel's choice
    is_literal: bool = True
    #: the services that listen on it, or the place where a source address is set
    places: Sequence[str] = ()


def temporary_address(outlook: Outlook) -> Iterator[Point]:
    """An address in use is one that the host will lose, because it is temporary, or deprecated with a lifetime."""
    for use in _uses(outlook):
        if use.known.expires:
            kind = "a temporary address (RFC 4941)" if use.known.temporary else "deprecated, and its lifetime ends"
            message = f"{use.user} {normal_form(use.known.address)}, which is {kind}: {use.consequence}"
            yield Point(use.parameter, message, _remedy(use, outlook), mild=not use.is_needed)


def deprecated_address(outlook: Outlook) -> Iterator[Point]:
    """An address in use is deprecated: the kernel would not choose it for a new connection."""
    for use in _uses(outlook):
        if use.known.deprecated and not use.known.expires:
            text = normal_form(use.known.address)
            message = f"{use.user} {text}, which is deprecated: the host is about to give it up, or keeps it for others"
            yield Point(use.parameter, message, _remedy(use, outlook))


def dynamic_address(outlook: Outlook) -> Iterator[Point]:
    """An address that is written in a file belongs to the host only until its lease ends, as those from DHCP do."""
    for use in _uses(outlook):
        if use.known.dynamic and use.is_literal and use.known.is_stable:
            text = normal_form(use.known.address)
            message = f"{use.user} {text}, which the host has from DHCP or a router: {use.consequence}"
            remedy = "Give the host this address for good, or make sure that it always gets the same one"
            yield Point(use.parameter, message, remedy)


def _uses(outlook: Outlook) -> Iterator[Use]:
    """Yield each address of the host that files name, or that the kernel sends from, with each of its users.

    Where the host keeps all of its addresses, there is nothing to yield.
    """
    if not any(known.dynamic or known.deprecated or known.temporary for known in outlook.host.addresses):
        return
    yield from _listed(outlook)
    yield from _endpoints(outlook)
    for source in outlook.explicit_sources:
        known = outlook.host.find(source.address)
        if known is not None and source.is_of_its_family:
            user = f"{source.parameter} in {source.place} is"
            consequence = f"without it {source.consequence}"
            yield Use(known, source.parameter, user, consequence, source.enforced, places=[source.place])
    yield from _kernel_sources(outlook)


def _listed(outlook: Outlook) -> Iterator[Use]:
    value = outlook.settings.get("inet_interfaces")
    if value in KEYWORDS:
        return
    literals = {parse_address(unbracket(token)) for token in split_tokens(value)}
    for address in dict.fromkeys(outlook.own_addresses):
        known = outlook.host.find(address)
        if known is not None and not needs_scope(address):
            consequence = "once it is gone, all of Postfix fails"
            is_literal = address in literals
            user = "inet_interfaces lists" if is_literal else "a name in inet_interfaces has the address"
            yield Use(known, "inet_interfaces", user, consequence, True, is_literal)


def _endpoints(outlook: Outlook) -> Iterator[Use]:
    uses = []
    for listener in outlook.listeners:
        address = parse_address(listener.socket.address)
        known = None if address is None or listener.origin != IN_MASTER_CF else outlook.host.find(address)
        if known is not None:
            is_literal = parse_address(unbracket(split_endpoint(listener.service)[0])) == address
            uses.append(((known, is_literal), listener.service))
    for (known, is_literal), names in grouped(uses).items():
        user = f"the services {listed(names)} listen on" if len(names) > 1 else f"the service {names[0]} listens on"
        yield Use(known, "services", user, "without it Postfix does not start", True, is_literal, names)


def _kernel_sources(outlook: Outlook) -> Iterator[Use]:
    """Yield the addresses from which the kernel sends mail to hosts far away, each with all SMTP clients."""
    ask = outlook.host.kernel_source
    senders = [service.title for service in outlook.services if client_of(service) == "smtp"]
    transports: Dict[str, List[str]] = {}
    for client in outlook.clients:
        for family_name, source in client.sources():
            if client.transport in senders and source.address is None and not source.failure:
                transports.setdefault(family_name, []).append(client.transport)
    for family_name, names in transports.items():
        address = ask(family_name) if ask is not None else None
        known = None if address is None else outlook.host.find(address)
        if known is not None:
            parameter = for_family("smtp_bind_address", family_name)
            consequence = "other hosts, and their checks by SPF and DNS, see another one each time"
            user = f"{listed(names)} send by the kernel's choice from"
            yield Use(known, parameter, user, consequence, is_needed=False, is_literal=False)


def _remedy(use: Use, outlook: Outlook) -> str:
    name = family(use.known.address)
    better = next((each for each in map(normal_form, outlook.stable(name)[:4]) if _would_do(use, outlook, each)), None)
    if better is None:
        return f"Give the host an {name} address that stays"
    if use.parameter == "services":
        return f"Write a service on an address that stays, such as {better}, instead"
    if use.parameter == "inet_interfaces":
        return f"List an address that stays, such as {better}, instead"
    return f"Set {use.parameter} to an address that stays, such as {better}"


def _would_do(use: Use, outlook: Outlook, better: str) -> bool:
    """Return whether another address can be written instead without another fault."""
    if use.parameter == "services":
        services = [
            service._replace(name=f"[{better}]:{split_endpoint(service.name)[1]}")
            if service.type == "inet" and service.name in use.places
            else service
            for service in outlook.configuration.services
        ]
        return not faults_after(outlook, services=services)
    if use.parameter == "inet_interfaces":
        words = split_tokens(outlook.settings.get("inet_interfaces"))
        others = [word for word in words if parse_address(unbracket(word)) != use.known.address]
        return not faults_after(outlook, {"inet_interfaces": ", ".join((*others, better))})
    place = use.places[0] if use.places else "main.cf"
    return not faults_of_source(outlook, place, {use.parameter: better})
