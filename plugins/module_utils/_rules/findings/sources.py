# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the addresses that mail is sent from."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Dict, Iterator, List, Set, Tuple

from ..._base.address import family, is_private, needs_scope, normal_form
from ..._base.sockets import WILDCARDS
from ..._files.command_line import bad_command_line
from ..bindable import source_problem
from ..explicit_sources import ExplicitSource
from ..next_hops import default_transports
from ..outlook import Outlook
from ..parameters import for_family
from ..source_addresses import CLIENTS, client_of
from .finding import Point


def source_failure(outlook: Outlook) -> Iterator[Point]:
    """A client service cannot send any mail over one address family."""
    services = {f"{service.name}/{service.type}": service for service in outlook.services}
    for client in outlook.clients:
        for _family, source in client.sources():
            if source.failure:
                message = f"{client.transport} cannot send: {source.failure}"
                bad = bad_command_line(services[client.transport], outlook.version)
                remedy = bad.remedy if bad else "Correct the value"
                yield Point(source.origin.parameter or "services", message, remedy)


def implicit_source_address(outlook: Outlook) -> Iterator[Point]:
    """Mail leaves from an address only because inet_interfaces has no other of its family."""
    transports: Dict[Tuple[str, str], List[str]] = {}
    for client in outlook.clients:
        for family_name, source in client.sources():
            if source.origin.parameter == "inet_interfaces" and source.address and not source.failure:
                transports.setdefault((family_name, source.address), []).append(client.transport)
    for (family_name, address), senders in transports.items():
        message = (
            f"{address} is the only {family_name} address in inet_interfaces, and so {', '.join(senders)} send from it"
        )
        near = [hop for hop in outlook.next_hops if hop.is_loopback and f"{hop.transport}/unix" in senders]
        if near:
            message += f", on loopback too: {near[0]}"
        smtp, lmtp = (for_family(f"{client}_bind_address", family_name) for client in CLIENTS)
        programs = {client_of(one) for one in outlook.services if f"{one.name}/{one.type}" in senders}
        parameters = " and ".join(name for client, name in zip(CLIENTS, (smtp, lmtp)) if client in programs)
        meant = "if that is meant" + (", with a transport of its own for what is on loopback" if near else "")
        remedy = f"Set {parameters} to it {meant}, or to {WILDCARDS[family_name]} to let the kernel choose"
        if any(map(outlook.settings.is_set, ("multi_instance_name", "multi_instance_directories"))):
            remedy += ". Of several instances, let the kernel choose in the one that sends to all networks, or "
            remedy += "give that one inet_interfaces = all and the others endpoints in master.cf"
        yield Point("inet_interfaces", message, remedy, mild=not _has_another(outlook, address, family_name))


def wrong_family(outlook: Outlook) -> Iterator[Point]:
    """The source address for IPv4 is an IPv6 address, or the other way round."""
    for source in outlook.explicit_sources:
        if not source.is_of_its_family:
            message = f"{source} is not an {source.family} address: {source.consequence}"
            is_good = not source.address.is_loopback and source_problem(source.address, outlook.host, False) is None
            other = for_family(source.parameter, family(source.address))
            remedy = f"Set {other} to it instead" if is_good else f"Use an {source.family} address of the host"
            yield Point(source.parameter, message, remedy)


def loopback_source(outlook: Outlook) -> Iterator[Point]:
    """The source address of mail to other hosts is a loopback address."""
    usual = [f"{name}/unix" for _parameter, name in default_transports(outlook.settings)]
    for source in outlook.explicit_sources:
        # Other services with options of their own, and lmtp, may be there for this host alone.
        for_all = source.place in ("main.cf", *usual) and source.parameter.startswith("smtp")
        if for_all and source.is_of_its_family and source.address.is_loopback:
            message = f"{source} is a loopback address: mail to other hosts cannot leave"
            yield Point(source.parameter, message, "Use an address that other hosts can reach")


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
        switches = dict.fromkeys(f"{source.parameter[:4]}_bind_address_enforce = yes" for source in loose)
        message = f"not enforced is {names}: if the host loses the address, mail leaves from another one"
        remedy = f"Set {' and '.join(switches)} to keep the mail in the queue instead"
        yield Point(loose[0].parameter, message, remedy)


def private_source_address(outlook: Outlook) -> Iterator[Point]:
    """Mail to all hosts leaves from a private address, though the host has a public one."""
    seen: Set[Tuple[str, str]] = set()
    for client in outlook.clients:
        for family_name, source in client.sources():
            parameter = source.origin.parameter
            # A service with an option of its own is there for certain hosts; lmtp is for those nearby.
            if not source.address or not parameter or source.origin.in_master_cf or parameter.startswith("lmtp"):
                continue
            if (parameter, source.address) in seen or not is_private(ip_address(source.address)):
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
