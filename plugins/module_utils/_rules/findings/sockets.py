# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the sockets that Postfix listens on."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Sequence, Tuple

from ..._base.address import address_of, normal_form
from ..._base.errors import InputError
from ..._base.words import is_number
from ..._files.endpoint import split_endpoint
from ..lack import Lack
from ..listeners import overlapping
from ..origin import INET_INTERFACES
from ..outlook import Outlook
from .assumed import faults_after
from .finding import Point, grouped, listed

GENERIC_PORT_TYPES = ("unreserved_port_t", "reserved_port_t", "hi_reserved_port_t", "ephemeral_port_t", "port_t")
"""The types in the policy of SELinux that ports have which belong to no service."""


def no_listener(outlook: Outlook) -> Iterator[Point]:
    """Postfix listens on no network socket."""
    if outlook.listeners:
        return
    why, remedy = "master.cf has no active service of type inet", "Add the service smtp of type inet if it should"
    if not outlook.families:
        why, remedy = "inet_protocols is empty", "Set inet_protocols to all if it should"
        if faults_after(outlook, {"inet_protocols": "all"}):
            remedy = "Correct inet_interfaces and services, and set inet_protocols to all if it should"
    elif any(service.type == "inet" for service in outlook.configuration.services):
        why += ", because of master_service_disable"
        remedy = "Take the service out of master_service_disable if it should"
    elif not outlook.settings.get("inet_interfaces"):
        remedy = "Add a service of type inet with a host part, such as 127.0.0.1:smtp, if it should"
    yield Point("services", f"Postfix receives no mail over the network: {why}", remedy)


def shared_socket(outlook: Outlook) -> Iterator[Point]:
    """Two services listen on the same address and port."""
    shared = [
        ((earlier.service, later.service, later.socket.port), later.socket.address)
        for earlier, later in overlapping(outlook.listeners)
        if earlier.service != later.service and earlier.socket.address == later.socket.address
    ]
    for (one, other, port), addresses in grouped(shared).items():
        message = f"the services {one} and {other} both listen on {listed(addresses)} port {port}, and each connection "
        yield Point("services", f"{message}goes to either by chance", "Keep one of them")


def endpoint_shadows_inet_interfaces(outlook: Outlook) -> Iterator[Point]:
    """A service on one address takes connections away from one that listens on all addresses."""
    shadows = []
    for earlier, later in overlapping(outlook.listeners):
        differ = earlier.service != later.service and earlier.socket.address != later.socket.address
        if differ and earlier.origin != later.origin:
            bare, endpoint = (later, earlier) if later.origin == INET_INTERFACES else (earlier, later)
            shadows.append(((bare.service, endpoint.service, endpoint.socket.port), endpoint.socket.address))
    for (bare_name, name, port), addresses in grouped(shadows).items():
        why = f"not to {bare_name}, which listens on all addresses by inet_interfaces"
        message = f"connections to {listed(addresses)} port {port} go to the service {name}, {why}"
        remedy = f"Give {bare_name} a host part too, or remove {name} if it is left over"
        yield Point("services", message, remedy)


def endpoint_outside_inet_interfaces(outlook: Outlook) -> Iterator[Point]:
    """A service listens on an address that inet_interfaces does not name."""
    if outlook.settings.get("inet_interfaces") in ("all", ""):
        return
    own = {normal_form(address) for address in outlook.own_addresses}
    outside: Dict[str, List[str]] = {}  # by service
    for listener in outlook.listeners:
        text = listener.socket.address
        if listener.origin != INET_INTERFACES and text not in own and not address_of(text).is_loopback:
            outside.setdefault(listener.service, []).append("" if listener.socket.is_wildcard else text)
    places = [(tuple(dict.fromkeys(addresses)), service) for service, addresses in outside.items()]
    for addresses, services in grouped(places).items():
        names = f"services {listed(services)} listen" if len(services) > 1 else f"service {services[0]} listens"
        if "" in addresses:
            message = f"the {names} everywhere, and inet_interfaces names fewer addresses"
            value, wider = "all", "set inet_interfaces to all"
        else:
            message = f"the {names} on {listed(addresses)}, which inet_interfaces does not name"
            value = ", ".join((outlook.settings.raw("inet_interfaces"), *addresses))
            wider = f"add {' and '.join(addresses)} to inet_interfaces"
        yield Point("services", message, _narrower(outlook, services) + f", or {wider}" * _is_way(outlook, value))


def _narrower(outlook: Outlook, services: Sequence[str]) -> str:
    """Return the remedy by which services listen on no other address than those of inet_interfaces."""
    them, its = ("the services", "their host parts") if len(services) > 1 else ("the service", "its host part")
    others = [each for each in outlook.configuration.services if each.type != "inet" or each.name not in services]
    why = "if inet_interfaces alone should decide"
    if not faults_after(outlook, services=others):
        return f"Remove {them} {why}"
    bare = [
        each._replace(name=split_endpoint(each.name)[1]) if each.type == "inet" and each.name in services else each
        for each in outlook.configuration.services
    ]
    if not faults_after(outlook, services=bare):
        return f"Take {its} away {why}"
    return f"Write addresses of inet_interfaces as {its} {why}"


def _is_way(outlook: Outlook, value: str) -> bool:
    """Return whether inet_interfaces can have a value so that there is no other fault, and mail leaves as before."""
    then = outlook.with_values({"inet_interfaces": value})
    is_good = not faults_after(outlook, {"inet_interfaces": value}) and then.failure is None
    return is_good and then.clients == outlook.clients


def odd_port(outlook: Outlook) -> Iterator[Point]:
    """A service has a port that does not exist."""
    for service in sorted({listener.service for listener in outlook.listeners}):
        port = split_endpoint(service)[1]
        if is_number(port) and not 0 < int(port[:20]) < 65536:
            message = f"the service {service} has a port that does not exist, and so listens on another one"
            yield Point("services", message, "Write a port from 1 to 65535")


def forbidden_port(before: Outlook, outlook: Outlook) -> Iterator[Point]:
    """By SELinux Postfix may not listen on a port that an edit adds."""
    kept_from = outlook.host.port_type
    if kept_from is None:
        return
    known = {listener.socket.port for listener in before.listeners} if before.failure is None else set()
    services: Dict[int, Dict[str, None]] = {}
    for listener in outlook.listeners:
        services.setdefault(listener.socket.port, {})[listener.title] = None
    for port in sorted(services.keys() - known):
        kind = kept_from(port)
        if kind:
            message = f"SELinux does not let Postfix listen on port {port} for {listed(list(services[port]))}, because "
            message += f"the port has the type {kind}, and not smtp_port_t"
            # semanage(8) adds to what has no type of its own, and otherwise modifies.
            how = "-a" if kind in GENERIC_PORT_TYPES else "-m"
            remedy = f"Allow it with semanage port {how} -t smtp_port_t -p tcp {port}, or use another port"
            yield Point("services", message, remedy)


def postscreen_lacks_service(outlook: Outlook) -> Iterator[Point]:
    """A service runs postscreen, and one that postscreen hands clients or questions to is not in master.cf."""
    yield from _told(outlook.postscreen_lacks)


def intake_lacks_service(outlook: Outlook) -> Iterator[Point]:
    """A service takes mail, and one without which it takes none, or none is delivered, is not in master.cf."""
    yield from _told(outlook.intake_lacks)


def _told(lacks: Iterable[Lack]) -> Iterator[Point]:
    of_services = [((lack.reason, lack.error.remedy, lack.is_needed), lack.error.value) for lack in lacks]
    for (reason, remedy, is_needed), names in grouped(of_services).items():
        yield Point("services", f"{listed(names)}: {reason}", remedy, mild=not is_needed)


def proxy_protocol_on_loopback(outlook: Outlook) -> Iterator[Point]:
    """By main.cf a service on loopback expects the PROXY protocol, which programs on this host do not speak."""
    has_filter = _has_filter(outlook)
    for parameter, outside, inside in _proxied(outlook):
        if inside and outside:
            message = f"main.cf sets {parameter} for all services, and so {listed(inside)} on loopback wants the PROXY "
            message += "protocol too: programs on this host are not served there"
            if has_filter:
                message += ", such as a content filter that gives mail back"
            remedy = f"Give {listed(inside)} the option {parameter} with an empty value"
            yield Point(parameter, message, remedy, mild=not has_filter)


def _has_filter(outlook: Outlook) -> bool:
    """Return whether main.cf or a service has a content filter."""
    places = [outlook.settings, *(outlook.settings.with_options(each.option_values) for each in outlook.services)]
    for process in places:
        for name in ("content_filter", "smtpd_proxy_filter"):
            try:
                if process.is_set(name) and process.get(name):
                    return True
            except InputError:  # its services die
                continue
    return False


def proxy_protocol_for_all(outlook: Outlook) -> Iterator[Point]:
    """By main.cf several services expect the PROXY protocol, and serve no client that connects to them directly."""
    for parameter, outside, inside in _proxied(outlook):
        services = outside or inside
        if len(services) > 1:
            message = f"main.cf sets {parameter} for {listed(services)}: clients that do not come through a proxy "
            remedy = f"Set {parameter} as an option of those services only that a proxy connects to"
            yield Point(parameter, f"{message}are not served there", remedy)


def _proxied(outlook: Outlook) -> Iterator[Tuple[str, List[str], List[str]]]:
    """Yield each parameter that main.cf turns the PROXY protocol on by, with the services that follow it.

    Those that other hosts can reach come first, then those on loopback. Of a single service nothing is said.
    """
    for program in ("smtpd", "postscreen"):
        parameter = f"{program}_upstream_proxy_protocol"
        if not outlook.settings.is_set(parameter) or not outlook.settings.get(parameter):
            continue
        services: Dict[str, bool] = {}
        for service in outlook.services:
            sockets = [each.socket for each in outlook.listeners if (each.service, each.type) == service[:2]]
            runs = service.program == program
            if sockets and runs and parameter not in service.option_values:
                loopback = all(address_of(socket.address).is_loopback for socket in sockets)
                services[service.title] = loopback
        if len(services) > 1:
            outside = [name for name, loopback in services.items() if not loopback]
            yield parameter, outside, [name for name, loopback in services.items() if loopback]
