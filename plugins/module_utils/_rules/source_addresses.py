# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address from which each client service sends, by the rule of the SMTP client.

The rule (postconf(5), smtp_bind_address and its kin; inet_interfaces) is per connection and family: an explicit
smtp_bind_address or lmtp_bind_address wins; else a single own address of that family that is not loopback; else the
kernel chooses. Each ``-o`` of the service's line in master.cf counts.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._base.address import FAMILIES, Address, asked_for, family, normal_form, parse_address
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.command_line import bad_command_line
from .._files.service import Service
from .bindable import bind_problem, is_broadcast, source_problem
from .host import Host
from .listeners import active_services
from .origin import IN_MASTER_CF, KERNEL, Origin
from .own_addresses import Resolver, enabled_families, own_addresses
from .parameters import BRACKETS_SINCE, Version, for_family
from .settings import Settings

#: the programs that are SMTP or LMTP clients; the name decides which parameters count
CLIENTS = ("smtp", "lmtp")


class Source(NamedTuple):
    """Where connections of one family come from."""

    #: normal form; None where the kernel chooses
    address: Optional[str]
    origin: Origin
    #: mail stays in the queue rather than leave from another address
    enforced: bool = False
    #: why mail of this family cannot leave at all
    failure: Optional[str] = None


class Client(NamedTuple):
    """A client service of master.cf and its source of each family; None for a family that it does not use."""

    #: name and type
    transport: str
    #: one of CLIENTS
    program: str
    ipv4: Optional[Source]
    ipv6: Optional[Source]

    def sources(self) -> Iterator[Tuple[str, Source]]:
        """Yield each family in use with its source, IPv4 first."""
        for family_name, source in zip(FAMILIES, (self.ipv4, self.ipv6)):
            if source is not None:
                yield family_name, source


def source_addresses(
    settings: Settings,
    services: Sequence[Service],
    own: Sequence[Address],
    host: Host,
    resolve: Resolver,
    allow_absent: bool,
) -> List[Client]:
    """Return the clients in the order of master.cf. Of two lines for one service the last counts.

    :param services: all entries of master.cf, duplicates included
    :param own: the own addresses, for services that have no inet_interfaces or inet_protocols of their own
    :raises InputError: where every Postfix program would die; what only one service would die of is its failure
    """
    main_cf = settings.get("inet_interfaces"), settings.get("inet_protocols")
    implicit = {main_cf: _implicit(own, host)}

    def implicit_of(process: Settings) -> Dict[str, str]:
        key = process.get("inet_interfaces"), process.get("inet_protocols")
        if key not in implicit:
            implicit[key] = _implicit(own_addresses(process, host, resolve, allow_absent), host)
        return implicit[key]

    alike: Dict[Tuple[Any, ...], List[Optional[Source]]] = {}
    clients: Dict[str, Client] = {}
    for service in active_services(settings, services):
        if service.type == "unix" and client_of(service):
            line = client_of(service), service.arguments, service.options, service.invalid
            if line not in alike:
                alike[line] = _sources(service, settings, host, implicit_of)
            transport = service.title
            clients[transport] = Client(transport, client_of(service), *alike[line])
    return list(clients.values())


def client_of(service: Service) -> str:
    """Return ``smtp`` or ``lmtp`` for a client service, else nothing."""
    program = service.program
    return program if program in CLIENTS else ""


def _sources(
    service: Service, settings: Settings, host: Host, implicit_of: Callable[[Settings], Mapping[str, str]]
) -> List[Optional[Source]]:
    """Return the source of each of FAMILIES; None for a family that the service does not use."""
    options = service.option_values
    bad = bad_command_line(service, settings.version)
    if bad:
        failure = f"the client dies of its line in master.cf: it {bad.reason}"
        return [Source(None, IN_MASTER_CF, failure=failure)] * len(FAMILIES)
    process = settings.with_options(options)
    used = frozenset(FAMILIES)
    try:
        used = enabled_families(process, host)
        implicit = implicit_of(process)
        prefix = f"{client_of(service)}_bind_address"
        enforce = process.yes_no(f"{prefix}_enforce")
        values = [process.get(for_family(prefix, name)) for name in FAMILIES]
    except InputError as error:
        failed = Source(None, _origin(error.parameter, options), failure=error.clause)
        return [failed if name in used else None for name in FAMILIES]
    sources: List[Optional[Source]] = []
    for name, value in zip(FAMILIES, values):
        if name not in used:
            sources.append(None)
        elif value:
            origin = _origin(for_family(prefix, name), options)
            sources.append(_explicit(name, value, origin, process.version, host, enforce, len(used) == 1))
        elif name in implicit:
            sources.append(Source(implicit[name], _origin("inet_interfaces", options)))
        else:
            sources.append(Source(None, KERNEL))
    return sources


def _explicit(
    name: str, value: str, origin: Origin, version: Version, host: Host, enforce: bool, one_family: bool
) -> Source:
    """Return the source that a value of smtp_bind_address or its like gives to one family."""
    parameter = origin.parameter
    literal = value
    if value[0] == "[" and version >= BRACKETS_SINCE:
        literal, _bracket, rest = value[1:].partition("]")
        if rest or "]" not in value:
            return Source(None, origin, enforce, f"{parameter} is malformed: {value}; the client dies of it")
    address = parse_address(literal)
    if address is not None and one_family:
        address = asked_for(address, {name})
    if address is None or (one_family and family(address) != name):
        reason = "is of a family that inet_protocols switches off" if address else "is not a numeric address"
        return Source(None, origin, enforce, f"{parameter} {reason}: {value}; the client dies of it")
    mapped = address.ipv4_mapped if address.version == 6 else None
    if mapped is not None and bind_problem(mapped, host) is None:
        failure = f"{parameter} is an IPv4 address: {value}; no IPv6 connection starts there"
        return Source(None, origin, enforce, failure)
    other_family = None if family(address) == name else f"is not an {name} address"
    problem = other_family or source_problem(address, host, "%" in literal)
    if problem and enforce:
        return Source(None, origin, True, f"{parameter} = {value} {problem}, and is enforced: mail is deferred")
    if problem:
        return Source(None, KERNEL)
    return Source(None, origin) if _kernel_chooses(address, host) else Source(normal_form(address), origin, enforce)


def _implicit(own: Sequence[Address], host: Host) -> Dict[str, str]:
    """Return the source address of each family whose single own address is one."""
    sources = {}
    for name in FAMILIES:
        mine = [address for address in own if family(address) == name]
        if len(mine) == 1 and not mine[0].is_loopback and bind_problem(mine[0], host) is None:
            sources[name] = normal_form(mine[0])
    return sources


def _kernel_chooses(address: Address, host: Host) -> bool:
    """Return whether an address that bind(2) takes is not a source: a wildcard, a multicast or a broadcast address."""
    if address.is_unspecified or address.is_multicast:
        return True
    return address.version == 4 and host.find(address) is None and is_broadcast(address, host)


def _origin(parameter: str, options: Mapping[str, str]) -> Origin:
    return Origin(parameter, in_master_cf=parameter in options)
