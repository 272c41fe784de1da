# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the sockets that Postfix listens on."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Dict, Iterator, List, Tuple

from ..._base.address import normal_form
from ..._base.words import is_number
from ..._files.endpoint import split_endpoint
from ..listeners import overlapping
from ..origin import INET_INTERFACES
from ..outlook import Outlook
from .finding import Point


def no_listener(outlook: Outlook) -> Iterator[Point]:
    """Postfix listens on no network socket."""
    if outlook.listeners:
        return
    why, remedy = "master.cf has no active service of type inet", "Add the service smtp of type inet if it should"
    if not outlook.families:
        why, remedy = "inet_protocols is empty", "Set inet_protocols to all if it should"
    elif any(service.type == "inet" for service in outlook.configuration.services):
        why += ", because of master_service_disable"
        remedy = "Take the service out of master_service_disable if it should"
    elif not outlook.settings.get("inet_interfaces"):
        remedy = "Add a service of type inet with a host part, such as 127.0.0.1:smtp, if it should"
    yield Point("services", f"Postfix receives no mail over the network: {why}", remedy)


def shared_socket(outlook: Outlook) -> Iterator[Point]:
    """Two services listen on the same address and port."""
    for earlier, later in overlapping(outlook.listeners):
        if earlier.service != later.service and earlier.socket.address == later.socket.address:
            both = f"the services {earlier.service} and {later.service} both"
            place = f"{later.socket.address} port {later.socket.port}"
            message = f"{both} listen on {place}, and each connection goes to either by chance"
            yield Point("services", message, "Keep one of them")


def endpoint_shadows_inet_interfaces(outlook: Outlook) -> Iterator[Point]:
    """A service on one address takes connections away from one that listens on all addresses."""
    for earlier, later in overlapping(outlook.listeners):
        differ = earlier.service != later.service and earlier.socket.address != later.socket.address
        if differ and earlier.origin != later.origin:
            bare, endpoint = (later, earlier) if later.origin == INET_INTERFACES else (earlier, later)
            place = f"{endpoint.socket.address} port {endpoint.socket.port}"
            why = f"not to {bare.service}, which listens on all addresses by inet_interfaces"
            message = f"connections to {place} go to the service {endpoint.service}, {why}"
            remedy = f"Give {bare.service} a host part too, or remove {endpoint.service} if it is left over"
            yield Point("services", message, remedy)


def endpoint_outside_inet_interfaces(outlook: Outlook) -> Iterator[Point]:
    """A service listens on an address that inet_interfaces does not name."""
    if outlook.settings.get("inet_interfaces") in ("all", ""):
        return
    own = {normal_form(address) for address in outlook.own_addresses}
    bare = {listener.socket.port for listener in outlook.listeners if listener.origin == INET_INTERFACES}
    for listener in outlook.listeners:
        text = listener.socket.address
        is_outside = listener.origin != INET_INTERFACES and text not in own
        if is_outside and not ip_address(text).is_loopback:
            known = outlook.host.find(ip_address(text))
            fact, wider = f"listens on {text}, which inet_interfaces does not name", f"add {text} to inet_interfaces"
            if listener.socket.is_wildcard:
                fact = "listens everywhere, and inet_interfaces names fewer addresses"
                wider = "set inet_interfaces to all"
            remedy = "Remove the service if inet_interfaces alone should decide"
            # Else the address would be taken twice, would not be there, or would be the only one to send from.
            is_beside = known is not None and any(
                each.version == known.address.version for each in outlook.own_addresses
            )
            if listener.socket.port not in bare and (listener.socket.is_wildcard or is_beside):
                remedy += f", or {wider}"
            yield Point("services", f"the service {listener.service} {fact}", remedy)


def odd_port(outlook: Outlook) -> Iterator[Point]:
    """A service has a port that does not exist."""
    for service in sorted({listener.service for listener in outlook.listeners}):
        port = split_endpoint(service)[1]
        if is_number(port) and not 0 < int(port[:20]) < 65536:
            message = f"the service {service} has a port that does not exist, and so listens on another one"
            yield Point("services", message, "Write a port from 1 to 65535")


def postscreen_lacks_service(outlook: Outlook) -> Iterator[Point]:
    """A service runs postscreen, and one that postscreen hands clients or questions to is not in master.cf."""
    for lack in outlook.postscreen_lacks:
        message = f"{lack.error.value} {lack.reason}"
        yield Point("services", message, lack.error.remedy, mild=not lack.is_needed)


def proxy_protocol_on_loopback(outlook: Outlook) -> Iterator[Point]:
    """By main.cf a service on loopback expects the PROXY protocol, which programs on this host do not speak."""
    filters = any(map(outlook.settings.is_set, ("content_filter", "smtpd_proxy_filter")))
    for parameter, _outside, inside in _proxied(outlook):
        for name in inside:
            message = f"main.cf sets {parameter} for all services, and so {name} expects the PROXY protocol: content "
            message += "filters that give mail back, and other programs on this host, are not served there"
            yield Point(parameter, message, f"Give {name} the option {parameter} with an empty value", mild=not filters)


def proxy_protocol_for_all(outlook: Outlook) -> Iterator[Point]:
    """By main.cf several services expect the PROXY protocol, and serve no client that connects to them directly."""
    for parameter, outside, _inside in _proxied(outlook):
        if len(outside) > 1:
            message = f"main.cf sets {parameter} for {', '.join(outside)}: clients that do not come through a proxy "
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
            runs = service.command.rpartition("/")[2] == program
            if sockets and runs and parameter not in service.option_values:
                loopback = all(ip_address(socket.address).is_loopback for socket in sockets)
                services[f"{service.name}/{service.type}"] = loopback
        if len(services) > 1:
            outside = [name for name, loopback in services.items() if not loopback]
            if outside:
                yield parameter, outside, [name for name, loopback in services.items() if loopback]
