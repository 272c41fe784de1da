# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about options of a service in master.cf that have no effect there."""

from __future__ import annotations

from typing import Iterator, Tuple

from ..._files.endpoint import split_endpoint
from ..._files.service import Service
from ..outlook import Outlook
from ..source_addresses import CLIENTS, client_of
from .finding import Point


def ignored_bind_address(outlook: Outlook) -> Iterator[Point]:
    """A service has a source address as an option, which its program does not read."""
    for service, name in _options(outlook):
        client = _client_that_reads(name)
        if client and client != client_of(service):
            message = f"-o {name} of {service.name}/{service.type} has no effect: {service.command} does not read it"
            yield Point(name, message, f"Set it in main.cf, or on a service that runs {client}")


def ignored_on_server(outlook: Outlook) -> Iterator[Point]:
    """A listening service has inet_interfaces or inet_protocols as an option, which does not change its sockets."""
    for service, name in _options(outlook):
        if service.type == "inet" and name in ("inet_interfaces", "inet_protocols"):
            message = f"-o {name} of {service.name}/{service.type} does not change where the service listens"
            port = split_endpoint(service.name)[1]
            yield Point(name, message, f"Write the address before the port, as in 10.77.0.1:{port}")


def _options(outlook: Outlook) -> Iterator[Tuple[Service, str]]:
    """Yield the name of each option with its service."""
    for service in outlook.services:
        for name in service.option_values:
            yield service, name


def _client_that_reads(name: str) -> str:
    """Return the client program that reads a parameter of the source address, or nothing for another parameter."""
    return name[:4] if name[4:].startswith("_bind_address") and name[:4] in CLIENTS else ""
