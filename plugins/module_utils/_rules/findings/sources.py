# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What there is to point out about the addresses that mail leaves from."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Tuple

from ..._base.address import FAMILIES, asked_for, family, needs_scope, normal_form, parse_address, unbracket
from ..._base.errors import InputError
from ..._base.sockets import WILDCARDS
from ..._base.words import Severity
from ..bindable import source_problem
from ..outlook import Outlook
from ..source_addresses import CLIENTS, client_of
from .finding import Finding


def told_sources(outlook: Outlook) -> Iterator[Finding]:
    """Source addresses that are not what they seem, or do not work."""
    implicit: Dict[Tuple[str, str], List[str]] = {}
    for client in outlook.clients:
        for name, source in client.sources():
            if source.failure:
                message = f"{client.transport} cannot send: {source.failure}"
                yield Finding(
                    "source_failure", "error", source.origin.parameter or "services", message, "Correct the value"
                )
            elif source.origin.parameter == "inet_interfaces" and source.address:
                implicit.setdefault((name, source.address), []).append(client.transport)
    for (name, address), transports in implicit.items():
        six = "6" if name == "ipv6" else ""
        message = (
            f"{address} is the only {name} address in inet_interfaces, and so {', '.join(transports)} "
            "send from it, to content filters on loopback too"
        )
        remedy = (
            f"Set smtp_bind_address{six} to it to say so, or to {WILDCARDS[name]} to let the kernel choose; "
            f"for lmtp set lmtp_bind_address{six}"
        )
        if any(map(outlook.settings.is_set, ("multi_instance_name", "multi_instance_directories"))):
            remedy += (
                ". Of several instances, either let the kernel choose in the one that sends to all networks, or "
                "let that one have inet_interfaces = all and the others endpoints in master.cf"
            )
        severity: Severity = "warning" if _has_others(outlook, address, name) else "info"
        yield Finding("implicit_source_address", severity, "inet_interfaces", message, remedy)


class _BindAddress(NamedTuple):
    """One explicit source address, where it is set."""

    parameter: str
    value: str
    place: str
    enforced: bool


def bind_addresses(outlook: Outlook) -> Iterator[Finding]:
    """Explicit source addresses that Postfix cannot use and goes on without, and those that it may lose."""
    places = [(outlook.settings, program, "main.cf") for program in CLIENTS]
    for service in outlook.services:
        if service.options and service.type == "unix" and client_of(service):  # without options it is main.cf again
            process = outlook.settings.with_options(service.option_values)
            places.append((process, client_of(service), f"{service.name}/{service.type}"))
    told = set()
    for settings, program, place in places:
        for name in (name for name in FAMILIES if name in outlook.families):
            parameter = f"{program}_bind_address" + ("6" if name == "ipv6" else "")
            try:
                value = settings.get(parameter)
                if not value:
                    continue
                enforced = settings.yes_no(f"{program}_bind_address_enforce")
            except InputError:  # a failure of the transport, which is told already
                continue
            if (parameter, value, enforced) not in told:
                told.add((parameter, value, enforced))
                yield from _bind_address(outlook, name, _BindAddress(parameter, value, place, enforced))


def _bind_address(outlook: Outlook, name: str, given: _BindAddress) -> Iterator[Finding]:
    parameter = given.parameter
    address = parse_address(unbracket(given.value))
    if address is None or address.is_unspecified:
        return
    address = asked_for(address, outlook.families)
    shown = f"{parameter} = {given.value} in {given.place}"
    stuck = "mail stays in the queue" if given.enforced else "Postfix warns, and sends from another address"
    if family(address) != name:
        other = parameter[:-1] if parameter.endswith("6") else parameter + "6"
        message = f"{shown} is no {name} address: {stuck}"
        yield Finding("wrong_family", "error", parameter, message, f"Set {other} to it")
        return
    if address.is_loopback:
        if given.place == "main.cf" and parameter.startswith("smtp"):
            message = f"{shown} is a loopback address: mail to other hosts cannot leave"
            yield Finding("loopback_source", "error", parameter, message, "Use an address that other hosts can reach")
        return
    problem = None if needs_scope(address) else source_problem(address, outlook.host, has_zone=False)
    if problem is not None:
        severity: Severity = "error" if given.enforced else "warning"
        message = f"{shown} {problem}: {stuck}"
        yield Finding("absent_address", severity, parameter, message, "Use an address of the host")
    elif not given.enforced and outlook.settings.version >= (3, 7) and _has_others(outlook, normal_form(address), name):
        message = f"{shown} is not enforced: should the host lose it, mail leaves from another address"
        remedy = f"Set {parameter[:4]}_bind_address_enforce = yes to keep the mail in the queue instead"
        yield Finding("bind_address_not_enforced", "info", parameter, message, remedy)


def _has_others(outlook: Outlook, address: str, name: str) -> bool:
    """Return whether the host has another address of a family by which mail could leave."""
    return any(normal_form(known) != address for known in outlook.reachable(name))
