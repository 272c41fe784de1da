# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What an expert would point out before it hurts: what is certain from the configuration and the host's addresses."""

from __future__ import annotations

from functools import lru_cache
from typing import Callable, Dict, Iterator, List, Optional, Sequence

from ..._base.address import parse_address, unbracket
from ..._base.errors import InputError
from ..._base.words import Severity
from ..._files.endpoint import PortLookup, split_endpoint
from ..._files.service import Service, last_of_each, service_key
from ..bindable import bind_problem
from ..mynetworks import default_mynetworks
from ..outlook import Outlook
from ..own_addresses import local_addresses
from ..parameters import PARAMETERS
from ..settings import Settings
from ..source_addresses import CLIENTS, client_of
from .finding import Finding
from .reachability import half_dual_stack, nat, private_source
from .sockets import no_listener, odd_ports, outside_inet_interfaces, shared_sockets
from .sources import bind_addresses, told_sources

__all__ = ["Finding", "findings"]


def findings(outlook: Outlook, ask_for_hostname: bool = True) -> List[Finding]:
    """Return what is worth knowing of a configuration, gravest first; the stock configuration has nothing.

    What Postfix would die of is the finding ``fatal`` or ``absent_address``; what nobody can tell then is left out.

    :param ask_for_hostname: resolve myhostname where that tells something; a DNS that is away makes that slow
    :raises InputError: for a host name whose addresses were not given, so that nothing can be told
    """
    configuration = outlook.configuration
    found = list(_repeated_parameters(configuration.repeated))
    if len(last_of_each(configuration.services, configuration.port_of)) < len(configuration.services):
        found += _duplicates(configuration.services, configuration.port_of)
    found += _misspelt(outlook.settings, configuration.services)
    if configuration.fatal is not None:
        found.append(_fatal(configuration.fatal, "fatal"))
    strict = outlook if not outlook.allow_absent else Outlook(configuration, outlook.host, outlook.resolve)
    checked: Optional[Outlook] = strict
    error = _error_of_rules(strict)
    if error is not None:
        lenient = outlook if outlook.allow_absent else Outlook(configuration, outlook.host, outlook.resolve, True)
        checked = lenient if _error_of_rules(lenient) is None else None
        absent = checked is not None and _is_absence(error, checked)
        found.append(_fatal(error, "absent_address" if absent else "fatal"))
    if checked is not None:
        for check in (*_CHECKS, nat) if ask_for_hostname else _CHECKS:
            found += check(checked)
    order = ("error", "warning", "info")
    return sorted(dict.fromkeys(found), key=lambda finding: order.index(finding.severity))


def _error_of_rules(outlook: Outlook) -> Optional[InputError]:
    try:
        outlook.listeners, outlook.clients, outlook.services  # noqa: B018  # pylint: disable=pointless-statement
    except InputError as error:
        return error
    return None


def _is_absence(error: InputError, outlook: Outlook) -> bool:
    """Tell whether it is an address that the host does not have; others are there and cannot be used."""
    places = [error.value, *(listener.socket.address for listener in outlook.listeners)]
    addresses = (parse_address(unbracket(place)) for place in places)
    unusable = (address for address in addresses if address is not None and bind_problem(address, outlook.host))
    first = next(unusable, None)
    return first is not None and outlook.host.find(first) is None


def _fatal(error: InputError, code: str) -> Finding:
    if isinstance(error.__cause__, InputError) and error.__cause__.parameter == "resolve":
        raise error
    message = f"{error.value[:200]!r} {error.reason}: Postfix does not run with it"
    return Finding(code, "error", error.parameter, message, error.remedy)


def _repeated_parameters(names: Sequence[str]) -> Iterator[Finding]:
    for name in names:
        message = f"{name} is in main.cf more than once, and only the last line counts"
        yield Finding("duplicate_parameter", "warning", name, message, "Keep one line")


def _duplicates(services: Sequence[Service], lookup: PortLookup) -> Iterator[Finding]:
    seen: Dict[str, Service] = {}
    for service in services:
        key = service_key(service, lookup)
        if key in seen:
            message = f"{seen[key].name}/{service.type} is in master.cf more than once, and only the last entry counts"
            yield Finding("duplicate_service", "warning", "services", message, "Keep one entry")
        seen[key] = service


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
        meant = _meant(name)
        if meant is not None and not settings.refers_to(name):
            message = f"{name} in {place} is no parameter of Postfix, which ignores it; {meant} is one"
            yield Finding("misspelt_parameter", "warning", name, message, f"Write {meant}")


@lru_cache(maxsize=1024)  # the hosts of a fleet set the same few parameters
def _meant(name: str) -> Optional[str]:
    return next((candidate for candidate in PARAMETERS if _nearly(name, candidate)), None)


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


def _misplaced_options(outlook: Outlook) -> Iterator[Finding]:
    """Options that a service's program does not look at."""
    for service in outlook.services:
        if not service.options:
            continue
        shown = f"{service.name}/{service.type}"
        for name in service.option_values:
            owner = name[:4] if name[4:].startswith("_bind_address") and name[:4] in CLIENTS else ""
            if owner and owner != client_of(service):
                message = f"-o {name} of {shown} does nothing: {service.command} never looks at it"
                remedy = f"Set it in main.cf, or on a service that runs {owner}"
                yield Finding("ignored_bind_address", "warning", name, message, remedy)
            elif service.type == "inet" and name in ("inet_interfaces", "inet_protocols"):
                message = f"-o {name} of {shown} does not change where it listens"
                remedy = f"Write the address before the port, as in 10.77.0.1:{split_endpoint(service.name)[1]}"
                yield Finding("ignored_on_server", "warning", name, message, remedy)


def _relaying(outlook: Outlook) -> Iterator[Finding]:
    """A default of mynetworks that is not the one of inet_interfaces = all."""
    settings = outlook.settings
    now = outlook.mynetworks
    if now is None or not outlook.families:
        return
    usual = default_mynetworks(settings, outlook.host, local_addresses(outlook.host, outlook.families)) or []
    lost = [network for network in usual if network not in now]
    if not lost:
        return
    shown = ", ".join(lost[:6]) + (", ..." if len(lost) > 6 else "")
    message = f"mynetworks is not set, and inet_interfaces takes {shown} out of its default: who is there may not relay"
    loopback_lost = any(network.startswith(("127.", "[::1]")) for network in lost)
    severity: Severity = "warning" if loopback_lost else "info"
    yield Finding("mynetworks_default", severity, "mynetworks", message, "Set mynetworks to who may relay")


def _proxies(outlook: Outlook) -> Iterator[Finding]:
    try:
        outlook.proxy_addresses  # noqa: B018  # pylint: disable=pointless-statement
    except InputError as error:
        _fatal(error, "bad_proxy_interfaces")
        message = (
            f"{error.value[:200]!r} {error.reason}: trivial-rewrite dies of it as soon as somebody writes to "
            "user@[address], and mail stands still"
        )
        yield Finding("bad_proxy_interfaces", "error", error.parameter, message, error.remedy)


_CHECKS: Sequence[Callable[[Outlook], Iterator[Finding]]] = (
    no_listener,
    shared_sockets,
    outside_inet_interfaces,
    odd_ports,
    _misplaced_options,
    told_sources,
    bind_addresses,
    private_source,
    half_dual_stack,
    _relaying,
    _proxies,
)
