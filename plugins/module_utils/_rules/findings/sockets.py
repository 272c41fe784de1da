# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What there is to point out about listening sockets."""

from __future__ import annotations

from typing import Iterator

from ..._base.address import normal_form, parse_address
from ..._files.endpoint import is_number, split_endpoint
from ..listeners import overlapping
from ..origin import INET_INTERFACES
from ..outlook import Outlook
from .finding import Finding


def no_listener(outlook: Outlook) -> Iterator[Finding]:
    if not outlook.listeners:
        why = "master.cf has no active service of type inet" if outlook.families else "inet_protocols is empty"
        message = f"Postfix receives no mail over the network: {why}"
        yield Finding("no_listener", "warning", "services", message, "Add the service smtp of type inet if it should")


def shared_sockets(outlook: Outlook) -> Iterator[Finding]:
    """Sockets of different services in one place: the kernel deals the connections out."""
    for other, one in overlapping(outlook.listeners):
        if one.service == other.service:
            continue
        if one.socket.address == other.socket.address:
            place = f"{one.socket.address} port {one.socket.port}"
            message = (
                f"the services {other.service} and {one.service} both listen on {place}, "
                "and each connection goes to either of them by chance"
            )
            yield Finding("shared_socket", "error", "services", message, "Keep one of them")
        elif one.origin != other.origin:
            bare, endpoint = (one, other) if one.origin == INET_INTERFACES else (other, one)
            place = f"{endpoint.socket.address} port {endpoint.socket.port}"
            message = (
                f"connections to {place} go to the service {endpoint.service}, "
                f"not to {bare.service}, which inet_interfaces lets listen everywhere"
            )
            remedy = f"Give {bare.service} a host part too, or take {endpoint.service} out if it is left over"
            yield Finding("endpoint_shadows_inet_interfaces", "warning", "services", message, remedy)


def outside_inet_interfaces(outlook: Outlook) -> Iterator[Finding]:
    """Endpoints on addresses that inet_interfaces leaves out on purpose."""
    if outlook.settings.get("inet_interfaces") in ("all", ""):
        return
    own = {normal_form(address) for address in outlook.own_addresses}
    for listener in outlook.listeners:
        text = listener.socket.address
        if listener.origin == INET_INTERFACES or text in own:
            continue
        address = parse_address(text)
        if address and not address.is_loopback:
            where = "everywhere" if listener.socket.is_wildcard else f"on {text}"
            message = f"the service {listener.service} listens {where}, which inet_interfaces does not name"
            remedy = "Take the service out if only inet_interfaces should count, or add the address there"
            yield Finding("endpoint_shadows_inet_interfaces", "info", "services", message, remedy)


def odd_ports(outlook: Outlook) -> Iterator[Finding]:
    for service in sorted({listener.service for listener in outlook.listeners}):
        port = split_endpoint(service)[1]
        if is_number(port) and not 0 < int(port[:20]) < 65536:
            message = f"the service {service} has a port that does not exist: the system takes another one"
            yield Finding("odd_port", "error", "services", message, "Write a port from 1 to 65535")
