# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the lines of main.cf and master.cf, and about options in them that have no effect."""

from __future__ import annotations

from functools import lru_cache
from os.path import commonprefix
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..._base.address import normal_form, parse_address, unbracket
from ..._base.sockets import WILDCARDS
from ..._files.command_line import bad_command_line as bad_command_line_of
from ..._files.endpoint import split_endpoint
from ..._files.service import Service, service_key
from ..bindable import bind_problem
from ..interface_list import split_tokens
from ..outlook import Outlook
from ..parameters import PARAMETERS, dotted
from ..source_addresses import CLIENTS, client_of
from .assumed import faults_after
from .finding import Point, grouped, listed

#: what a client reads as an option beside its source addresses
_OF_CLIENTS = ("inet_interfaces", "inet_protocols", "proxy_interfaces")


def duplicate_parameter(outlook: Outlook) -> Iterator[Point]:
    """main.cf sets a parameter more than once."""
    for name in outlook.configuration.repeated:
        differs = name in outlook.configuration.overridden
        how = "more than once, and only the last line counts" if differs else "to the same value more than once"
        message = f"main.cf sets {name} {how}"
        yield Point(name, message, "Keep one of the lines", mild=not differs or name not in PARAMETERS)


def duplicate_service(outlook: Outlook) -> Iterator[Point]:
    """master.cf has a service more than once."""
    services: Dict[str, List[Service]] = {}
    for service in outlook.configuration.services:
        services.setdefault(service_key(service, outlook.configuration.port_of), []).append(service)
    for same in services.values():
        if len(same) > 1:
            shown = same[0].title
            message = f"master.cf has the service {shown} more than once, and only the last entry counts"
            yield Point("services", message, "Keep the last entry")


def bad_command_line(outlook: Outlook) -> Iterator[Point]:
    """The program of a service dies of words in its line of master.cf, or ignores them."""
    found = []
    for service in outlook.services:
        bad = bad_command_line_of(service, outlook.version)
        if bad and not (service.type == "unix" and client_of(service)):  # of those source_failure tells
            found.append(((service.command, bad), service.title))
    for (command, bad), names in grouped(found).items():
        yield Point("services", f"{listed(names)}: {command} {bad.reason}", bad.remedy, mild=bad.ignored)


def unknown_to_version(outlook: Outlook) -> Iterator[Point]:
    """A parameter is set that this version of Postfix does not have yet."""
    for name, places in grouped(_names_in_use(outlook)).items():
        parameter = PARAMETERS.get(name)
        if parameter is not None and outlook.version < parameter.since:
            since = f"Postfix has it since {dotted(parameter.since)}, and this is {dotted(outlook.version)}"
            message = f"{name} in {listed(places)} has no effect: {since}"
            yield Point(name, message, "Remove it, or upgrade Postfix")


def misspelt_parameter(outlook: Outlook) -> Iterator[Point]:
    """A name is not a parameter of Postfix, but nearly one."""
    found = []
    for name, place in _names_in_use(outlook):
        meant = None if name in PARAMETERS else _similar_parameter(name)
        if meant is not None and not outlook.settings.refers_to(name):
            found.append(((name, meant, _would_do(outlook, name, place, meant)), place))
    for (name, meant, is_meant), places in grouped(found).items():
        message = f"{name} in {listed(places)} is not a parameter of Postfix and has no effect; {meant} is one"
        yield Point(name, message, f"Write {meant}" if is_meant else "Take it out")


def ignored_bind_address(outlook: Outlook) -> Iterator[Point]:
    """A service has a source address as an option, which its program does not read."""
    found = []
    for service, name in _options(outlook.services):
        client, _underscore, rest = name.partition("_")
        own = client_of(service)
        if client in CLIENTS and rest.startswith("bind_address") and client != own:
            place = service.title
            remedy = f"Take it out, and set it on a service that runs {client} if that is meant"
            if own and _would_do(outlook, name, place, f"{own}_{rest}"):
                remedy = f"Write {own}_{rest}"
            found.append(((name, service.command, remedy), place))
    for (name, command, remedy), places in grouped(found).items():
        yield Point(name, f"-o {name} of {listed(places)} has no effect: {command} does not read it", remedy)


def ignored_on_server(outlook: Outlook) -> Iterator[Point]:
    """A listening service has inet_interfaces or inet_protocols as an option, which does not change its sockets."""
    found = []
    for service, name in _options(outlook.services):
        if service.type == "inet" and name in ("inet_interfaces", "inet_protocols"):
            found.append(((name, _instead(outlook, service, name)), service.title))
    for (name, remedy), places in grouped(found).items():
        yield Point(name, f"-o {name} of {listed(places)} changes nothing about the sockets there", remedy)


def _instead(outlook: Outlook, service: Service, name: str) -> str:
    """Return the remedy for an option of a server: to name the service as it seems to be meant, if that will do."""
    host, port = split_endpoint(service.name)
    names = [f"{place}:{port}" for place in _places_meant(outlook, name, service.option_values[name])]
    options = tuple(option for option in service.options if option[0] != name)
    those = [service._replace(name=each, options=options) for each in names]
    services = [new for each in outlook.configuration.services for new in (those if each == service else (each,))]
    if host or not names or faults_after(outlook, services=services):
        return "Take it out"
    return f"Name the service {' and '.join(names)} instead of {port}"


def _places_meant(outlook: Outlook, name: str, value: str) -> List[str]:
    """Return the host parts that an option of a server seems to be meant for; none if Postfix cannot listen there."""
    if name == "inet_protocols":
        is_one = value in outlook.families and outlook.settings.get("inet_interfaces") == "all"
        literals = [WILDCARDS[value]] if is_one else []
    else:
        literals = [unbracket(word) for word in split_tokens(value)]
    addresses = [parse_address(literal) for literal in literals]
    usable = [address for address in addresses if address is not None and not bind_problem(address, outlook.host)]
    if len(usable) < len(literals):
        return []
    return [f"[{normal_form(each)}]" if each.version == 6 else normal_form(each) for each in usable]


def _would_do(outlook: Outlook, name: str, place: str, meant: str) -> bool:
    """Return whether a parameter can be written as it is meant without another fault: it is read, with a good value.

    :param place: main.cf, or the name and type of the service whose options have it
    """
    if meant not in PARAMETERS:
        return False
    if place == "main.cf":
        values = {meant: outlook.settings.raw(name)}
        return not outlook.settings.is_set(meant) and not faults_after(outlook, values)
    services = outlook.configuration.services
    service = [each for each in services if each.title == place][-1]
    client = client_of(service)
    is_read = meant.startswith(f"{client}_") if "_bind_address" in meant else client and meant in _OF_CLIENTS
    if not is_read or meant in service.option_values:
        return False
    renamed = [(meant if option == name else option, value) for option, value in service.options]
    changed = service._replace(options=tuple(renamed))
    return not faults_after(outlook, services=[changed if each is service else each for each in services])


def _names_in_use(outlook: Outlook) -> Iterator[Tuple[str, str]]:
    """Yield the name of each parameter that is set, with the file or service that sets it."""
    for name in sorted(outlook.settings.names()):
        yield name, "main.cf"
    for service, name in _options(outlook.configuration.services):
        yield name, service.title


def _options(services: Sequence[Service]) -> Iterator[Tuple[Service, str]]:
    """Yield the name of each option with its service."""
    for service in services:
        for name in service.option_values:
            yield service, name


@lru_cache(maxsize=1024)  # the hosts of a fleet set the same few parameters
def _similar_parameter(name: str) -> Optional[str]:
    """Return the parameter of this family that a name is nearly equal to."""
    return next((parameter for parameter in PARAMETERS if _nearly_equal(name, parameter)), None)


def _nearly_equal(name: str, parameter: str) -> bool:
    """Return whether two names differ in one place only, by two characters at most."""
    if abs(len(name) - len(parameter)) > 2:  # most of them
        return False
    name = name.lower().replace("-", "_")
    start = len(commonprefix((name, parameter)))
    end = len(commonprefix((name[start:][::-1], parameter[start:][::-1])))
    return max(len(name), len(parameter)) - start - end <= 2
