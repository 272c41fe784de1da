# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the lines of main.cf and master.cf, and about options in them that have no effect."""

from __future__ import annotations

from functools import lru_cache
from os.path import commonprefix
from typing import Dict, Iterator, Optional, Sequence, Tuple

from ..._files.command_line import bad_command_line as bad_command_line_of
from ..._files.endpoint import split_endpoint
from ..._files.service import Service, service_key
from ..outlook import Outlook
from ..parameters import PARAMETERS, dotted
from ..source_addresses import CLIENTS, client_of
from .finding import Point


def duplicate_parameter(outlook: Outlook) -> Iterator[Point]:
    """main.cf sets a parameter more than once."""
    for name in outlook.configuration.repeated:
        differs = name in outlook.configuration.overridden
        how = "more than once, and only the last line counts" if differs else "to the same value more than once"
        message = f"main.cf sets {name} {how}"
        yield Point(name, message, "Keep one of the lines", mild=not differs or name not in PARAMETERS)


def duplicate_service(outlook: Outlook) -> Iterator[Point]:
    """master.cf has a service more than once."""
    seen: Dict[str, Service] = {}
    for service in outlook.configuration.services:
        key = service_key(service, outlook.configuration.port_of)
        if key in seen:
            shown = f"{seen[key].name}/{service.type}"
            message = f"master.cf has the service {shown} more than once, and only the last entry counts"
            yield Point("services", message, "Keep one of the entries")
        seen[key] = service


def bad_command_line(outlook: Outlook) -> Iterator[Point]:
    """The program of a service dies of words in its line of master.cf, or ignores them."""
    for service in outlook.services:
        bad = bad_command_line_of(service, outlook.version)
        if bad and not (service.type == "unix" and client_of(service)):  # of those source_failure tells
            label = f"{service.name}/{service.type}"
            yield Point("services", f"{label}: {service.command} {bad.reason}", bad.remedy, mild=bad.ignored)


def unknown_to_version(outlook: Outlook) -> Iterator[Point]:
    """A parameter is set that this version of Postfix does not have yet."""
    for name, place in _names_in_use(outlook):
        parameter = PARAMETERS.get(name)
        if parameter is not None and outlook.version < parameter.since:
            since = f"Postfix has it since {dotted(parameter.since)}, and this is {dotted(outlook.version)}"
            message = f"{name} in {place} has no effect: {since}"
            yield Point(name, message, "Remove it, or upgrade Postfix")


def misspelt_parameter(outlook: Outlook) -> Iterator[Point]:
    """A name is not a parameter of Postfix, but nearly one."""
    for name, place in _names_in_use(outlook):
        meant = None if name in PARAMETERS else _similar_parameter(name)
        if meant is not None and not outlook.settings.refers_to(name):
            message = f"{name} in {place} is not a parameter of Postfix and has no effect; {meant} is one"
            yield Point(name, message, f"Write {meant}")


def ignored_bind_address(outlook: Outlook) -> Iterator[Point]:
    """A service has a source address as an option, which its program does not read."""
    for service, name in _options(outlook.services):
        client, _underscore, rest = name.partition("_")
        if client in CLIENTS and rest.startswith("bind_address") and client != client_of(service):
            message = f"-o {name} of {service.name}/{service.type} has no effect: {service.command} does not read it"
            yield Point(name, message, f"Set it in main.cf, or on a service that runs {client}")


def ignored_on_server(outlook: Outlook) -> Iterator[Point]:
    """A listening service has inet_interfaces or inet_protocols as an option, which does not change its sockets."""
    for service, name in _options(outlook.services):
        if service.type == "inet" and name in ("inet_interfaces", "inet_protocols"):
            message = f"-o {name} of {service.name}/{service.type} does not change where the service listens"
            port = split_endpoint(service.name)[1]
            yield Point(name, message, f"Write the address before the port, as in 10.77.0.1:{port}")


def _names_in_use(outlook: Outlook) -> Iterator[Tuple[str, str]]:
    """Yield the name of each parameter that is set, with the file or service that sets it."""
    for name in sorted(outlook.settings.names()):
        yield name, "main.cf"
    for service, name in _options(outlook.configuration.services):
        yield name, f"{service.name}/{service.type}"


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
