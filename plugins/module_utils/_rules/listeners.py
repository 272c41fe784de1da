# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets that the master opens (master(5), "Service name" and "Service type"; postconf(5), inet_interfaces).

A service whose name has a host part listens there whatever inet_interfaces says; one without listens on the own
addresses, for ``inet_interfaces = all`` on one wildcard of each family.
"""

from __future__ import annotations

from itertools import chain
from typing import Dict, FrozenSet, Iterable, Iterator, List, Sequence, Tuple

from .._base.address import Address, address_of, family, normal_form, parse_address
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.sockets import WILDCARDS, Socket
from .._files.endpoint import PortLookup, place_of, split_endpoint
from .._files.service import FIELD_VALUES, TYPES, Service
from .bindable import bind_problem
from .host import Host
from .interface_list import KEYWORDS, another_address
from .origin import IN_MASTER_CF, INET_INTERFACES, Origin
from .own_addresses import Resolver, addresses_of, came_from, enabled_families, sort_as_postfix, word_for
from .settings import Settings
from .values import split_words

#: Since this version listeners use SO_REUSEPORT: what overlaps shares its traffic, where the master died before.
SHARED_PORTS_SINCE = (3, 6)


class Listener(NamedTuple):
    """One listening socket of the master."""

    #: name and type of the service, as master.cf has them
    service: str
    type: str
    socket: Socket
    #: inet_interfaces, or master.cf where the service has a host part
    origin: Origin

    @property
    def title(self) -> str:
        """Return the name and type of the service."""
        return f"{self.service}/{self.type}"


def listeners(
    settings: Settings,
    services: Sequence[Service],
    port_of: PortLookup,
    own: Sequence[Address],
    host: Host,
    resolve: Resolver,
    allow_absent: bool,
) -> List[Listener]:
    """Return the master's sockets in the order of master.cf, IPv4 first.

    :param services: all entries of master.cf, duplicates included
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
        # The same service again: the last line's program serves the sockets, in the place of the first one.
        opened[place] = _listeners_of(service, place, settings, families, own, resolve)
        if not allow_absent:
            _check_bind(service, opened[place], settings, host, resolve)
    promised = list(chain.from_iterable(opened.values()))
    if settings.version < SHARED_PORTS_SINCE:
        _check_free(promised)
    return promised


def active_services(settings: Settings, services: Sequence[Service]) -> List[Service]:
    """Return the services that master_service_disable (postconf(5)) leaves, in the order of master.cf.

    Its words are a type or name/type, without regard to case; ``!`` negates; the first word that matches decides.
    """
    patterns = []
    for word in split_words(settings.get("master_service_disable").lower()):
        pattern = word.lstrip("!")
        negations = len(word) - len(pattern)
        if "/" not in pattern:  # the notation before Postfix 2.11
            pattern = "/".join(pattern.rsplit(".", 1))
        patterns.append((pattern, negations % 2 == 0))
    return [service for service in services if not _disabled(service, patterns)]


def overlapping(listeners_: Iterable[Listener]) -> Iterator[Tuple[Listener, Listener]]:
    """Yield every two listeners whose sockets overlap, the later one second."""
    places: Dict[Tuple[str, int], Dict[str, List[Listener]]] = {}
    for listener in listeners_:
        socket = listener.socket
        if not socket.port:
            continue
        place = places.setdefault((socket.family, socket.port), {})
        others = place if socket.is_wildcard else {socket.address, WILDCARDS[socket.family]} & place.keys()
        for address in list(others):
            for other in place[address]:
                yield other, listener
        place.setdefault(socket.address, []).append(listener)


def _disabled(service: Service, patterns: Sequence[Tuple[str, bool]]) -> bool:
    kind = service.type.lower()
    full = service.title.lower()
    return next((answer for pattern, answer in patterns if pattern == (full if "/" in pattern else kind)), False)


def _listeners_of(
    service: Service,
    place: Tuple[str, int],
    settings: Settings,
    families: FrozenSet[str],
    own: Sequence[Address],
    resolve: Resolver,
) -> List[Listener]:
    host, port = place
    origin = INET_INTERFACES
    if host:
        addresses = sort_as_postfix(_endpoint_addresses(service, host, families, resolve), settings.version)
        origin = IN_MASTER_CF
    elif settings.get("inet_interfaces") == "all":
        addresses = [address_of(WILDCARDS[name]) for name in sorted(families)]
    elif own:
        addresses = list(own)
    else:
        value = settings.raw("inet_interfaces")
        reason = f"is no address at all, and the service {service.name} has no host part"
        remedy = "List an address, or give each service of type inet a host part"
        raise InputError("inet_interfaces", value, reason, remedy)
    sockets = [Socket(normal_form(address), port, family(address)) for address in addresses]
    return [Listener(service.name, service.type, socket, origin) for socket in sockets]


def _endpoint_addresses(service: Service, host_part: str, families: FrozenSet[str], resolve: Resolver) -> List[Address]:
    if host_part in KEYWORDS:
        reason = f"has the word {host_part} of inet_interfaces where a host belongs"
        raise _error(service, reason, "Write the port alone, or an address before it")
    return addresses_of("services", service.title, host_part, families, resolve)


def _check_bind(
    service: Service, promised: Sequence[Listener], settings: Settings, host: Host, resolve: Resolver
) -> None:
    for listener in promised:
        address = address_of(listener.socket.address)
        problem = bind_problem(address, host)
        if problem is None:
            continue
        if listener.origin == INET_INTERFACES:
            word = word_for(address, settings, resolve)
            written, came_to = came_from(word, address, settings, host)
            reason = f"{came_to}{problem}, and the service {service.name} would listen on it"
            how = "List the other addresses" if word in KEYWORDS else "Take it out"
            remedy = f"{how}, or give the service a host part"
            is_only = len({each.socket.address for each in promised}) == 1
            raise InputError("inet_interfaces", written, reason, another_address(remedy) if is_only else remedy)
        name = split_endpoint(service.name)[0]
        named = "its address" if parse_address(name) is not None else f"{name} {host.has_address(name, address)}, which"
        raise _error(service, f"cannot listen: {named} {problem}", "Use an address of the host")


def _check_free(promised: Sequence[Listener]) -> None:
    """Refuse what one address and port is claimed for twice: before Postfix 3.6 the second bind(2) fails."""
    for earlier, listener in overlapping(promised):
        socket = listener.socket
        raise InputError(
            "services",
            listener.title,
            f"claims {socket.address} port {socket.port}, which the service {earlier.service} has already",
            "Keep one of them, or upgrade to Postfix 3.6, where both share the connections",
        )


def _check_fields(service: Service) -> None:
    """Refuse columns with which Postfix does not start at all."""
    if service.type not in TYPES:
        raise _error(service, f"has the type {service.type!r}", f"Write one of {', '.join(TYPES)}")
    for column, allowed in FIELD_VALUES.items():
        value = getattr(service, column)
        if not allowed(value):
            reason = f"has {value!r} in the column {column}"
            raise _error(service, reason, "Write y, n or -, or a number where one belongs")


def _error(service: Service, reason: str, remedy: str) -> InputError:
    return InputError("services", service.title, reason, remedy)
