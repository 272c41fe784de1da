# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the addresses that mail is sent from."""

from __future__ import annotations

from typing import Iterator, List, Set, Tuple

from ..._base.address import (
    FAMILIES,
    address_of,
    family,
    is_private,
    needs_scope,
    normal_form,
    parse_address,
    unbracket,
)
from ..._base.errors import InputError
from ..._base.sockets import WILDCARDS
from ..._files.command_line import bad_command_line
from ..bindable import source_problem
from ..explicit_sources import ExplicitSource, is_absent
from ..next_hops import default_transports
from ..outlook import Outlook
from ..own_addresses import enabled_families
from ..parameters import for_family
from ..source_addresses import CLIENTS, client_of
from .assumed import faults_after, faults_of_source, faults_of_sources, with_options
from .fatal import another_source
from .finding import Point, grouped, listed


def source_failure(outlook: Outlook) -> Iterator[Point]:
    """A client service cannot send any mail over one address family."""
    told = tuple(f"{one.parameter} = {one.value} " for one in outlook.explicit_sources if _is_told(one, outlook))
    failures = []
    for client in outlook.clients:
        bad = bad_command_line(outlook.by_title[client.transport], outlook.version)
        remedy = bad.remedy if bad else "Correct the value"
        for _family, source in client.sources():
            if source.failure and not source.failure.startswith(told):
                failures.append(((source.origin.parameter or "services", source.failure, remedy), client.transport))
    for (parameter, failure, remedy), names in grouped(failures).items():
        yield Point(parameter, f"{listed(names)} cannot send: {failure}", remedy)


def _is_told(source: ExplicitSource, outlook: Outlook) -> bool:
    """Return whether another finding says of an enforced source address that mail stays in the queue."""
    return source.enforced and (not source.is_of_its_family or is_absent(source, outlook.host))


def implicit_source_address(outlook: Outlook) -> Iterator[Point]:
    """Mail leaves from an address only because inet_interfaces has no other of its family."""
    implicit = [
        ((family_name, source.address), client.transport)
        for client in outlook.clients
        for family_name, source in client.sources()
        if source.origin.parameter == "inet_interfaces" and source.address and not source.failure
    ]
    for (family_name, address), senders in grouped(implicit).items():
        message = f"{address} is the only {family_name} address in inet_interfaces, and so mail of {listed(senders)} "
        message += "leaves from it"
        near = [hop for hop in outlook.next_hops if hop.is_loopback and f"{hop.transport}/unix" in senders]
        if near:
            message += f", on loopback too: {near[0]}"
        programs = {client_of(one) for one in outlook.services if one.title in senders}
        parameters = [for_family(f"{client}_bind_address", family_name) for client in CLIENTS if client in programs]
        meant = "if that is meant" + (", with a transport of its own for what is on loopback" if near else "")
        ways = []
        if not faults_of_sources(outlook, dict.fromkeys(parameters, address)) - {"bound_next_hop_on_loopback"}:
            ways.append(f"to it {meant}")
        if not faults_of_sources(outlook, dict.fromkeys(parameters, WILDCARDS[family_name])):
            ways.append(f"to {WILDCARDS[family_name]} to let the kernel choose")
        remedy = f"Set {' and '.join(parameters)} {', or '.join(ways) or 'to an address that stays'}"
        if any(map(outlook.settings.is_set, ("multi_instance_name", "multi_instance_directories"))):
            remedy += ". Of several instances, let the kernel choose in the one that sends to all networks, or "
            remedy += "give that one inet_interfaces = all and the others endpoints in master.cf"
        yield Point("inet_interfaces", message, remedy, mild=not _has_another(outlook, address, family_name))


def wrong_family(outlook: Outlook) -> Iterator[Point]:
    """The source address for IPv4 is an IPv6 address, or the other way round."""
    for source in outlook.explicit_sources:
        if not source.is_of_its_family and family(source.address) in source.families:  # else the client dies
            message = f"{source} is not an {source.family} address: {source.consequence}"
            other = for_family(source.parameter, family(source.address))
            values = {source.parameter: "", other: source.value}
            remedy = f"Set {other} to it instead"
            if not _is_good(source, other, outlook) or faults_of_source(outlook, source.place, values, is_error=True):
                remedy = another_source(source, outlook, f"Use an {source.family} address of the host")
            yield Point(source.parameter, message, remedy)


def _is_good(source: ExplicitSource, other: str, outlook: Outlook) -> bool:
    """Return whether an address of the wrong family can go to the other parameter, which is not set there."""
    service = outlook.by_title.get(source.place)
    is_set = outlook.settings.is_set(other) if service is None else other in service.option_values
    is_usable = not source.address.is_loopback and source_problem(source.address, outlook.host, False) is None
    return is_usable and not is_set


def stranded_source_address(outlook: Outlook) -> Iterator[Point]:
    """A source address is set for a family that inet_protocols switches off, so that no mail leaves from it."""
    programs = {client_of(service) for service in outlook.services if service.type == "unix"}
    places = [
        ("main.cf", client, outlook.settings, outlook.settings.names()) for client in CLIENTS if client in programs
    ]
    for service in outlook.services:
        if service.type == "unix" and client_of(service) and service.options:
            options = service.option_values
            process = outlook.settings.with_options(options)
            places.append((service.title, client_of(service), process, frozenset(options)))
    stranded = []
    for place, client, process, names in places:
        try:
            used = enabled_families(process, outlook.host)
            for name in sorted({*FAMILIES} - used if used else ()):
                parameter = for_family(f"{client}_bind_address", name)
                value = parse_address(unbracket(process.get(parameter))) if parameter in names else None
                if value is not None and not value.is_unspecified:
                    stranded.append(((parameter, name, place == "main.cf"), place))
        except InputError:  # the client dies
            continue
    for (parameter, name, is_main), places_ in grouped(stranded).items():
        message = f"{parameter} in {listed(places_)} has no effect: {name} is switched off there by inet_protocols"
        remedy = "Take it out"
        own = any(
            "inet_protocols" in outlook.by_title[place].option_values for place in places_ if place in outlook.by_title
        )
        if not own and not faults_after(outlook, {"inet_protocols": "all"}):
            remedy += f", or add {name} to inet_protocols"
        yield Point(parameter, message, remedy, mild=is_main)


def loopback_source(outlook: Outlook) -> Iterator[Point]:
    """The source address of mail to other hosts is a loopback address."""
    usual = [f"{name}/unix" for _parameter, name in default_transports(outlook.settings)]
    inward = []
    for source in outlook.explicit_sources:
        # Other services with options of their own, and lmtp, may be there for this host alone.
        for_all = source.place in ("main.cf", *usual) and source.parameter.startswith("smtp")
        if for_all and source.is_of_its_family and source.address.is_loopback:
            inward.append(((source.parameter, source.value), source))
    for (parameter, value), sources in grouped(inward).items():
        message = (
            f"{parameter} = {value} in {listed([source.place for source in sources])} is a loopback address: mail "
        )
        remedy = another_source(sources[0], outlook, "Use an address that other hosts can reach")
        yield Point(parameter, f"{message}to other hosts cannot leave", remedy)


def bind_address_not_enforced(outlook: Outlook) -> Iterator[Point]:
    """Mail would leave from another address if the host lost the source address."""
    if outlook.version < (3, 7):
        return
    loose: List[ExplicitSource] = []
    for source in outlook.explicit_sources:
        if source.enforced or not source.is_of_its_family or source.address.is_loopback:
            continue
        usable = needs_scope(source.address) or source_problem(source.address, outlook.host, has_zone=False) is None
        if usable and _has_another(outlook, normal_form(source.address), source.family):
            loose.append(source)
    if loose:
        names = ", ".join(map(str, loose[:4])) + (", ..." if len(loose) > 4 else "")
        switches = dict.fromkeys((f"{source.parameter[:4]}_bind_address_enforce" for source in loose), "yes")
        message = f"not enforced is {names}: if the host loses the address, mail leaves from another one"
        remedy = f"Set {' and '.join(f'{name} = yes' for name in switches)} to keep the mail in the queue instead"
        own = [
            place
            for place, service in outlook.by_title.items()
            if not switches.keys().isdisjoint(service.option_values)
        ]
        options = with_options(outlook, own, switches)
        if own:
            remedy += f", also where {listed(own)} has an option for it"
        if faults_of_sources(outlook, switches, options):
            remedy = f"Correct what else is wrong with source addresses, and then {remedy[:1].lower()}{remedy[1:]}"
        yield Point(loose[0].parameter, message, remedy)


def private_source_address(outlook: Outlook) -> Iterator[Point]:
    """Mail to all hosts leaves from a private address, though the host has a public one."""
    seen: Set[Tuple[str, str]] = set()
    senders = [service.title for service in outlook.services if client_of(service) == "smtp"]
    for client in outlook.clients:
        for family_name, source in client.sources():
            parameter = source.origin.parameter
            # A service with an option of its own is there for certain hosts; lmtp is for those nearby.
            if not source.address or not parameter or source.origin.in_master_cf or client.transport not in senders:
                continue
            if (parameter, source.address) in seen or not is_private(address_of(source.address)):
                continue
            seen.add((parameter, source.address))
            public = [address for address in outlook.stable(family_name) if not is_private(address)]
            if public:
                message = f"{parameter} makes mail to all hosts leave from {source.address}, which is a private address"
                remedy = f"Send from {normal_form(public[0])}, and to internal hosts by a transport of its own"
                yield Point(parameter, message, remedy)


def _has_another(outlook: Outlook, address: str, family_name: str) -> bool:
    """Return whether mail could leave from another address of the family."""
    return any(normal_form(candidate) != address for candidate in outlook.reachable(family_name))
