# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets that the master opens: inet services of master.cf, own addresses and what the host can bind to.

Rules: master(5), "Service name" and "Service type"; postconf(5), inet_interfaces and master_service_disable. A service
whose name has a host part listens there whatever inet_interfaces says; one without listens on the own addresses, for
``inet_interfaces = all`` on one wildcard of each family. Where the master would die, there is an InputError.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

from .._base.address import FAMILIES, Address, asked_for, family, normal_form, parse_address
from .._base.errors import InputError
from .._base.sockets import WILDCARDS, Socket
from .._files.endpoint import PortLookup, place_of
from .._files.service import FIELD_VALUES, TYPES, Service
from .bindable import bind_problem
from .host import Host
from .origin import IN_MASTER_CF, INET_INTERFACES, Origin
from .own_addresses import Resolver, enabled_families, of_families, sort_as_postfix
from .settings import Settings

#: Since this version listeners use SO_REUSEPORT: what overlaps shares its traffic, where the master died before.
SHARED_PORTS_SINCE = (3, 6)

_PARAMETER = "services"
_WORDS = re.compile(r"[ \t\r\n,]+")

#: What a master.cf has that says nothing else: one listener on port 25, and the client services.
STOCK_SERVICES = (
    Service("smtp", "inet", "n", "-", "y", "-", "-", "smtpd"),
    Service("smtp", "unix", "-", "-", "y", "-", "-", "smtp"),
    Service("relay", "unix", "-", "-", "y", "-", "-", "smtp"),
    Service("lmtp", "unix", "-", "-", "y", "-", "-", "lmtp"),
)


class Listener(NamedTuple):
    """One listening socket of the master."""

    #: name and type of the service, as master.cf has them
    service: str
    type: str
    socket: Socket
    #: inet_interfaces, or master.cf where the service has a host part
    origin: Origin


def listeners(
    settings: Settings,
    services: Sequence[Service],
    port_of: PortLookup,
    own: Sequence[Address],
    host: Host,
    resolve: Resolver,
    allow_absent: bool = False,
) -> List[Listener]:
    """Return the master's sockets in the order of master.cf, IPv4 first.

    :param services: all entries of master.cf, duplicates included
    :param port_of: knows the ports of service names
    :param own: the own addresses
    :param allow_absent: accept addresses that the host does not have (yet)
    :raises InputError: where the master would die
    """
    for service in services:
        _check_fields(service)
    families = enabled_families(settings, host)
    if not families:
        return []
    opened: Dict[Tuple[str, int], List[Listener]] = {}
    for service in active_services(settings, services):
        if service.type != "inet":
            continue
        if service.private != "n":
            raise _error(service, "is private, which a service of type inet cannot be", "Write n in the column private")
        place = place_of(service.name, port_of)
        earlier = opened.get(place)
        if earlier is not None:  # the same service again: the last line's program serves the first line's sockets
            opened[place] = [listener._replace(service=service.name) for listener in earlier]
            continue
        opened[place] = _listeners_of(service, place, settings, families, own, resolve)
        if not allow_absent:
            _check_bind(service, opened[place], host)
    promised = [listener for listeners_there in opened.values() for listener in listeners_there]
    if settings.version < SHARED_PORTS_SINCE:
        _check_free(promised)
    return promised


def active_services(settings: Settings, services: Sequence[Service]) -> List[Service]:
    """Return the services that master_service_disable leaves, in the order of master.cf.

    Its words are a type or name/type, without regard to case; ``!`` negates; the first word that matches decides.
    """
    words = settings.get("master_service_disable")
    if not words:
        return list(services)
    patterns = []
    for word in _WORDS.split(words):
        pattern = word.lstrip("!")
        if "/" not in word and "." in word:  # the notation before Postfix 2.11
            pattern = "/".join(pattern.rsplit(".", 1))
        if word:
            patterns.append((pattern.lower(), (len(word) - len(word.lstrip("!"))) % 2 == 0))
    return [service for service in services if not _disabled(service, patterns)]


def overlapping(listeners_: Iterable[Listener]) -> Iterator[Tuple[Listener, Listener]]:
    """Yield every two listeners whose sockets overlap, the later one second."""
    places: Dict[Tuple[str, int], Dict[str, List[Listener]]] = {}
    for listener in listeners_:
        socket = listener.socket
        if not socket.port:
            continue
        place = places.setdefault((socket.family, socket.port), {})
        beside = WILDCARDS[socket.family]
        others = place if socket.is_wildcard else {socket.address, beside} & place.keys()
        for address in list(others):
            for other in place[address]:
                yield other, listener
        place.setdefault(socket.address, []).append(listener)


def _disabled(service: Service, patterns: Sequence[Tuple[str, bool]]) -> bool:
    kind = service.type.lower()
    full = f"{service.name}/{service.type}".lower()
    return next((answer for pattern, answer in patterns if pattern == (full if "/" in pattern else kind)), False)


def _listeners_of(
    service: Service,
    place: Tuple[str, int],
    settings: Settings,
    families: FrozenSet[str],
    own: Sequence[Address],
    resolve: Resolver,
) -> List[Listener]:
    """Return the listeners of one service."""
    host, port = place
    if host:
        addresses = sort_as_postfix(_endpoint_addresses(service, host, families, resolve), settings.version)
        places, origin = [(normal_form(address), family(address)) for address in addresses], IN_MASTER_CF
    elif settings.get("inet_interfaces") == "all":
        places, origin = [(WILDCARDS[name], name) for name in FAMILIES if name in families], INET_INTERFACES
    else:
        if not own:
            raise InputError(
                "inet_interfaces",
                settings.raw("inet_interfaces"),
                f"is no address at all, and the service {service.name} has no host part",
                "List an address, or give each service of type inet a host part",
            )
        places, origin = [(normal_form(address), family(address)) for address in own], INET_INTERFACES
    return [Listener(service.name, service.type, Socket(address, port, name), origin) for address, name in places]


def _endpoint_addresses(service: Service, host_part: str, families: FrozenSet[str], resolve: Resolver) -> List[Address]:
    address = parse_address(host_part)
    if address is not None:
        address = asked_for(address, families)
        if family(address) in families:
            return [address]
        kind = family(address)
        raise _error(
            service,
            f"has an address of the family {kind}, which inet_protocols switches off",
            f"Take the service out, or add {kind} to inet_protocols",
        )
    if host_part in ("all", "loopback-only"):
        raise _error(
            service,
            f"has the word {host_part} of inet_interfaces where a host belongs",
            "Write the port alone, or an address before it",
        )
    try:
        resolved = resolve(host_part)
    except InputError as error:
        raise _error(service, error.reason, error.remedy) from error
    found = of_families(resolved, families)
    if not found:
        raise _error(
            service, "has a host name without an address of a family in use", "Write an address before the port"
        )
    return found


def _check_bind(service: Service, promised: Sequence[Listener], host: Host) -> None:
    for listener in promised:
        text = listener.socket.address
        address = parse_address(text)
        problem = bind_problem(address, host) if address is not None else None
        if problem is None:
            continue
        if listener.origin == INET_INTERFACES:
            raise InputError(
                "inet_interfaces",
                text,
                f"{problem}, and the service {service.name} would listen on it",
                "Take the address out, or give the service a host part",
            )
        shown = "" if text in service.name else f"{text} "
        raise _error(
            service,
            f"cannot listen: {shown or 'its address '}{problem}",
            "Use an address of the host, or take the service out",
        )


def _check_free(promised: Sequence[Listener]) -> None:
    """Refuse what one address and port is claimed for twice: before Postfix 3.6 the second bind(2) fails."""
    for earlier, listener in overlapping(promised):
        raise InputError(
            _PARAMETER,
            f"{listener.service}/{listener.type}",
            f"claims {listener.socket.address} port {listener.socket.port}, "
            f"which the service {earlier.service} has already",
            "Keep one of them, or upgrade to Postfix 3.6, where both share the connections",
        )


def _check_fields(service: Service) -> None:
    """Refuse columns with which Postfix does not start at all."""
    if service.type not in TYPES:
        raise _error(service, f"has the type {service.type!r}", f"Write one of {', '.join(TYPES)}")
    for column, allowed in FIELD_VALUES.items():
        value = getattr(service, column)
        if value != "-" and not allowed.match(value):  # "-" is right in each, and what most have
            raise _error(
                service, f"has {value!r} in the column {column}", "Write y, n or -, or a number where one belongs"
            )


def _error(service: Service, reason: str, remedy: str) -> InputError:
    return InputError(_PARAMETER, f"{service.name}/{service.type}", reason, remedy)
