# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What an expert would point out before it hurts: what is certain from the configuration and the host's addresses."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ._address import FAMILIES, family, needs_scope, normal_form, parse_address, unbracket
from ._bind import bind_problem
from ._endpoint import PortLookup, identity, known_port, split_endpoint
from ._errors import InputError
from ._host import Host
from ._listeners import WILDCARDS, Listener, active_services, clashes, listeners, port_lookup
from ._master_entry import Service
from ._mynetworks import default_mynetworks
from ._own_addresses import Resolver, enabled_families, own_addresses, proxy_addresses
from ._parameters import PARAMETERS, Settings
from ._source_addresses import CLIENTS, client_of, source_addresses


class Finding(NamedTuple):
    """One thing worth knowing, with what to do about it."""

    #: stable, for machines
    code: str
    #: ``error``: mail is lost, stuck or refused; ``warning``: probably not what was meant; ``info``: easily forgotten
    severity: str
    parameter: str
    message: str
    remedy: str


class _Context(NamedTuple):
    """One configuration, with what the rules say of it."""

    settings: Settings
    host: Host
    services: List[Service]
    resolve: Resolver
    own: List[Any]
    sockets: List[Listener]
    sources: List[Dict[str, Any]]
    families: Sequence[str]

    def others(self, address: str, name: str) -> bool:
        """Tell whether the host has another address of a family by which mail could leave."""
        return any(
            known.up
            and family(known.address) == name
            and not known.address.is_loopback
            and not known.address.is_link_local
            and normal_form(known.address) != address
            for known in self.host.addresses
        )


def findings(
    settings: Settings,
    host: Host,
    services: Sequence[Service],
    resolve: Resolver,
    lookup: PortLookup = known_port,
    repeated: Sequence[str] = (),
) -> List[Finding]:
    """Return what is worth knowing of a configuration, gravest first; the stock configuration has nothing.

    What Postfix would die of is the finding ``fatal`` or ``absent_address``; what nobody can tell then is left out.

    :param services: all entries of master.cf, duplicates included
    :param repeated: parameters that main.cf sets more than once
    :raises InputError: for a host name whose addresses were not given, so that nothing can be told
    """
    lookup = port_lookup(settings, lookup)
    found = list(_duplicates(services, lookup, repeated)) + list(_misspelt(settings, services))
    context: Optional[_Context] = None
    try:
        context = _context(settings, host, services, resolve, lookup, allow_absent=False)
    except InputError as error:
        try:
            context = _context(settings, host, services, resolve, lookup, allow_absent=True)
            found.append(_fatal(error, "absent_address" if _is_absence(error, context) else "fatal"))
        except InputError:
            found.append(_fatal(error, "fatal"))
    if context is not None:
        for check in _CHECKS:
            found += check(context)
    order = ("error", "warning", "info")
    return sorted(dict.fromkeys(found), key=lambda finding: order.index(finding.severity))


def _context(
    settings: Settings,
    host: Host,
    services: Sequence[Service],
    resolve: Resolver,
    lookup: PortLookup,
    allow_absent: bool,
) -> _Context:
    last = {_key(service, lookup): service for service in services}
    return _Context(
        settings,
        host,
        active_services(settings, list(last.values())),
        resolve,
        own_addresses(settings, host, resolve, allow_absent),
        listeners(settings, host, services, resolve, lookup, allow_absent),
        source_addresses(settings, host, services, resolve, allow_absent),
        [name for name in FAMILIES if name in enabled_families(settings, host)],
    )


def _is_absence(error: InputError, context: _Context) -> bool:
    """Tell whether it is an address that the host does not have; others are there and cannot be used."""
    places = [error.value, *(listener.address for listener in context.sockets)]
    addresses = (parse_address(unbracket(place)) for place in places)
    unusable = (address for address in addresses if address is not None and bind_problem(address, context.host))
    first = next(unusable, None)
    return first is not None and context.host.find(first) is None


def _fatal(error: InputError, code: str) -> Finding:
    if isinstance(error.__cause__, InputError) and error.__cause__.parameter == "resolve":
        raise error
    message = f"{error.value[:200]!r} {error.reason}: Postfix does not run with it"
    return Finding(code, "error", error.parameter, message, error.remedy)


def _duplicates(services: Sequence[Service], lookup: PortLookup, repeated: Sequence[str]) -> Iterator[Finding]:
    for name in repeated:
        message = f"{name} is in main.cf more than once, and only the last line counts"
        yield Finding("duplicate_parameter", "warning", name, message, "Keep one line")
    seen: Dict[str, Service] = {}
    for service in services:
        key = _key(service, lookup)
        if key in seen:
            message = f"{seen[key].name}/{service.type} is in master.cf more than once, and only the last entry counts"
            yield Finding("duplicate_service", "warning", "services", message, "Keep one entry")
        seen[key] = service


def _key(service: Service, lookup: PortLookup) -> str:
    """Return what makes two entries one service; other types than inet have a public and a private name space."""
    public = service.type != "inet" and service.private == "n"
    return identity(service.name, service.type, lookup) + ("/public" if public else "")


def _misspelt(settings: Settings, services: Sequence[Service]) -> Iterator[Finding]:
    """Names that are nearly those of this family, and that no other value refers to."""
    places = [(name, "main.cf") for name in sorted(settings.names())]
    places += [(name, f"{service.name}/{service.type}") for service in services for name in service.option_values]
    for name, place in places:
        known = PARAMETERS.get(name)
        if known is not None:
            if settings.version < known.since:
                since = ".".join(map(str, known.since))
                message = f"{name} in {place} is ignored: Postfix has it since {since}"
                yield Finding("unknown_to_version", "warning", name, message, "Take it out, or upgrade Postfix")
            continue
        meant = next((candidate for candidate in PARAMETERS if _nearly(name, candidate)), None)
        if meant is not None and not settings.refers_to(name):
            message = f"{name} in {place} is no parameter of Postfix, which ignores it; {meant} is one"
            yield Finding("misspelt_parameter", "warning", name, message, f"Write {meant}")


def _nearly(name: str, known: str) -> bool:
    """Tell whether two names differ in one place, by two characters at most."""
    if abs(len(name) - len(known)) > 2:
        return False
    name = name.lower().replace("-", "_")
    start = 0
    while start < min(len(name), len(known)) and name[start] == known[start]:
        start += 1
    end = 0
    while end < min(len(name), len(known)) - start and name[-1 - end] == known[-1 - end]:
        end += 1
    return max(len(name), len(known)) - start - end <= 2


def _no_listener(context: _Context) -> Iterator[Finding]:
    if not context.sockets:
        why = "master.cf has no active service of type inet" if context.families else "inet_protocols is empty"
        message = f"Postfix receives no mail over the network: {why}"
        yield Finding("no_listener", "warning", "services", message, "Add the service smtp of type inet if it should")


def _shared(context: _Context) -> Iterator[Finding]:
    """Sockets of different services in one place: the kernel deals the connections out."""
    for other, one in clashes(context.sockets):
        if one.service == other.service:
            continue
        if one.address == other.address:
            message = (
                f"the services {other.service} and {one.service} both listen on {one.address} port {one.port}, "
                "and each connection goes to either of them by chance"
            )
            yield Finding("shared_socket", "error", "services", message, "Keep one of them")
        elif one.origin != other.origin:
            bare, endpoint = (one, other) if one.origin == "inet_interfaces" else (other, one)
            message = (
                f"connections to {endpoint.address} port {endpoint.port} go to the service {endpoint.service}, "
                f"not to {bare.service}, which inet_interfaces lets listen everywhere"
            )
            remedy = f"Give {bare.service} a host part too, or take {endpoint.service} out if it is left over"
            yield Finding("endpoint_shadows_inet_interfaces", "warning", "services", message, remedy)


def _outside(context: _Context) -> Iterator[Finding]:
    """Endpoints on addresses that inet_interfaces leaves out on purpose."""
    if context.settings.get("inet_interfaces") in ("all", ""):
        return
    own = {normal_form(address) for address in context.own}
    for listener in context.sockets:
        address = parse_address(listener.address)
        if listener.origin == "master.cf" and listener.address not in own and address and not address.is_loopback:
            where = "everywhere" if listener.address in WILDCARDS.values() else f"on {listener.address}"
            message = f"the service {listener.service} listens {where}, which inet_interfaces does not name"
            remedy = "Take the service out if only inet_interfaces should count, or add the address there"
            yield Finding("endpoint_shadows_inet_interfaces", "info", "services", message, remedy)


def _odd_ports(context: _Context) -> Iterator[Finding]:
    for service in sorted({listener.service for listener in context.sockets}):
        port = split_endpoint(service)[1]
        if port.isdigit() and not 0 < int(port[:20]) < 65536:
            message = f"the service {service} has a port that does not exist: the system takes another one"
            yield Finding("odd_port", "error", "services", message, "Write a port from 1 to 65535")


def _misplaced_options(context: _Context) -> Iterator[Finding]:
    """Options that a service's program does not look at."""
    for service in context.services:
        shown = f"{service.name}/{service.type}"
        client = client_of(service)
        for name in service.option_values:
            owner = name[:4] if name[4:].startswith("_bind_address") and name[:4] in CLIENTS else ""
            if owner and owner != client:
                message = f"-o {name} of {shown} does nothing: {service.command} never looks at it"
                remedy = f"Set it in main.cf, or on a service that runs {owner}"
                yield Finding("ignored_bind_address", "warning", name, message, remedy)
            elif service.type == "inet" and name in ("inet_interfaces", "inet_protocols"):
                message = f"-o {name} of {shown} does not change where it listens"
                remedy = f"Write the address before the port, as in 10.77.0.1:{split_endpoint(service.name)[1]}"
                yield Finding("ignored_on_server", "warning", name, message, remedy)


def _sources(context: _Context) -> Iterator[Finding]:
    """Source addresses that are not what they seem, or do not work."""
    implicit: Dict[str, List[str]] = {}
    for entry in context.sources:
        for name in FAMILIES:
            source = entry[name]
            if source is None:
                continue
            parameter = source["origin"].replace("-o ", "")
            if source["failure"]:
                where = "services" if parameter == "master.cf" else parameter
                message = f"{entry['transport']} cannot send: {source['failure']}"
                yield Finding("source_failure", "error", where, message, "Correct the value")
            elif parameter == "inet_interfaces":
                implicit.setdefault(f"{name} {source['address']}", []).append(entry["transport"])
    for key, transports in implicit.items():
        name, _blank, address = key.partition(" ")
        six = "6" if name == "ipv6" else ""
        message = (
            f"{address} is the only {name} address in inet_interfaces, and so {', '.join(transports)} "
            "send from it, to content filters on loopback too"
        )
        remedy = (
            f"Set smtp_bind_address{six} to it to say so, or to {WILDCARDS[name]} to let the kernel choose; "
            f"for lmtp set lmtp_bind_address{six}"
        )
        severity = "warning" if context.others(address, name) else "info"
        yield Finding("implicit_source_address", severity, "inet_interfaces", message, remedy)


class _BindAddress(NamedTuple):
    """One explicit source address, where it is set."""

    parameter: str
    value: str
    place: str
    enforced: bool


def _bind_addresses(context: _Context) -> Iterator[Finding]:
    """Explicit source addresses that Postfix cannot use and goes on without, and those that it may lose."""
    places = [(context.settings, program, "main.cf") for program in CLIENTS]
    for service in context.services:
        if service.type == "unix" and client_of(service):
            process = context.settings.with_options(service.option_values)
            places.append((process, client_of(service), f"{service.name}/{service.type}"))
    told = set()
    for settings, program, place in places:
        for name in context.families:
            parameter = f"{program}_bind_address" + ("6" if name == "ipv6" else "")
            try:
                value = settings.get(parameter)
                enforced = settings.yes_no(f"{program}_bind_address_enforce")
            except InputError:  # a failure of the transport, which is told already
                continue
            if (parameter, value, enforced) not in told:
                told.add((parameter, value, enforced))
                yield from _bind_address(context, name, _BindAddress(parameter, value, place, enforced))


def _bind_address(context: _Context, name: str, given: _BindAddress) -> Iterator[Finding]:
    parameter = given.parameter
    address = parse_address(unbracket(given.value))
    if address is None or address.is_unspecified:
        return
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
    problem = None if needs_scope(address) else bind_problem(address, context.host)
    if problem is not None:
        severity = "error" if given.enforced else "warning"
        message = f"{shown} {problem}: {stuck}"
        yield Finding("absent_address", severity, parameter, message, "Use an address of the host")
    elif not given.enforced and context.settings.version >= (3, 7) and context.others(normal_form(address), name):
        message = f"{shown} is not enforced: should the host lose it, mail leaves from another address"
        remedy = f"Set {parameter[:4]}_bind_address_enforce = yes to keep the mail in the queue instead"
        yield Finding("bind_address_not_enforced", "info", parameter, message, remedy)


def _relaying(context: _Context) -> Iterator[Finding]:
    """A default of mynetworks that is not the one of inet_interfaces = all."""
    settings = context.settings
    now = default_mynetworks(settings, context.host, context.own)
    if now is None or not context.families:
        return
    usual_settings = settings.with_options({"inet_interfaces": "all"})
    try:
        usual_own = own_addresses(usual_settings, context.host, context.resolve)
    except InputError:
        return
    usual = default_mynetworks(usual_settings, context.host, usual_own) or []
    lost = [network for network in usual if network not in now]
    if not lost:
        return
    shown = ", ".join(lost[:6]) + (", ..." if len(lost) > 6 else "")
    message = f"mynetworks is not set, and inet_interfaces takes {shown} out of its default: who is there may not relay"
    loopback_lost = any(network.startswith(("127.", "[::1]")) for network in lost)
    severity = "warning" if loopback_lost else "info"
    yield Finding("mynetworks_default", severity, "mynetworks", message, "Set mynetworks to who may relay")


def _proxies(context: _Context) -> Iterator[Finding]:
    try:
        proxy_addresses(context.settings, context.host, context.resolve)
    except InputError as error:
        _fatal(error, "bad_proxy_interfaces")
        message = (
            f"{error.value[:200]!r} {error.reason}: trivial-rewrite dies of it as soon as somebody writes to "
            "user@[address], and mail stands still"
        )
        yield Finding("bad_proxy_interfaces", "error", error.parameter, message, error.remedy)


_CHECKS: Sequence[Callable[[_Context], Iterator[Finding]]] = (
    _no_listener,
    _shared,
    _outside,
    _odd_ports,
    _misplaced_options,
    _sources,
    _bind_addresses,
    _relaying,
    _proxies,
)
