# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about what Postfix does not start with, and about addresses that the host does not have."""

from __future__ import annotations

from typing import Iterator

from ..._base.address import normal_form, parse_address, unbracket
from ..._base.errors import InputError
from ..bindable import bind_problem, source_problem
from ..explicit_sources import ExplicitSource, is_absent
from ..outlook import Outlook
from .assumed import apart_from_loopback, faults_of_source, faults_without
from .finding import Point, grouped, listed


def fatal(outlook: Outlook) -> Iterator[Point]:
    """Postfix does not start with this configuration.

    :raises InputError: for a host name whose addresses were not given
    """
    if outlook.configuration.fatal is not None:
        yield _fatal_error(outlook.configuration.fatal)
    yield from map(_fatal_error, outlook.refused_values)
    error = outlook.strict.failure
    if error is not None and not outlook.refused_values and not _is_absence(error, outlook.lenient):
        yield _fatal_error(error)


def program_failure(outlook: Outlook) -> Iterator[Point]:
    """The program of a service dies when it starts, because of a value or a column of master.cf.

    :raises InputError: for a host name whose addresses were not given
    """
    failures = []
    for service, error in outlook.program_failures:
        refuse_unknown_name(error)
        what = "" if error.parameter == "services" else f"{error.parameter} = {error.value[:200]!r} "
        name = service.title
        failures.append(((error.parameter, f"{what}{error.reason}", error.remedy), name))
    for (parameter, why, remedy), names in grouped(failures).items():
        what = "each " if len(names) > 1 else "it "
        message = f"{listed(names)} cannot run: {what if parameter == 'services' else ''}{why}"
        yield Point(parameter, message, remedy)


def absent_address(outlook: Outlook) -> Iterator[Point]:
    """An address to listen on or to send from is not on the host."""
    error = outlook.strict.failure
    if error is not None and _is_absence(error, outlook.lenient):
        yield _fatal_error(error)
    for source in outlook.explicit_sources:
        if is_absent(source, outlook.host):
            message = f"{source} {source_problem(source.address, outlook.host, has_zone=False)}: {source.consequence}"
            remedy = another_source(source, outlook, "Use an address of the host", is_error=source.enforced)
            yield Point(source.parameter, message, remedy, mild=not source.enforced)


def another_source(source: ExplicitSource, outlook: Outlook, words: str, is_error: bool = True) -> str:
    """Return a remedy that leads to no other fault: to write another address instead, or to take it out."""
    best = outlook.best(source.family)
    if best is not None:
        text = normal_form(best)
        faults = faults_of_source(outlook, source.place, {source.parameter: text}, is_error)
        if not faults or apart_from_loopback(faults):
            return f"{words}, such as {text}{apart_from_loopback(faults)}"
    if not faults_without(outlook, source.place, source.parameter, is_error):
        return "Take it out"
    return f"Give the host an {source.family} address for it, or correct what else is found"


def refuse_unknown_name(error: InputError) -> None:
    """Raise an error again when all that it says is that the addresses of a host name were not given."""
    if isinstance(error.__cause__, InputError) and error.__cause__.parameter == "resolve":
        raise error


def _fatal_error(error: InputError) -> Point:
    refuse_unknown_name(error)
    message = f"{error.value[:200]!r} {error.reason}: Postfix does not run with it"
    return Point(error.parameter, message, error.remedy)


def _is_absence(error: InputError, lenient: Outlook) -> bool:
    """Return whether Postfix fails because the host lacks an address, not because one that it has is unusable.

    :param lenient: what Postfix would do if the host had all addresses
    """
    if lenient.failure is not None:
        return False
    own = [address for address in lenient.own_addresses if not address.is_unspecified]
    gone = [address for address in own if lenient.host.find(address) is None]
    if error.parameter == "inet_interfaces" and gone:  # an interface must have them, whatever could be bound
        return not any(bind_problem(address, lenient.host) for address in own if address not in gone)
    listening = (parse_address(listener.socket.address) for listener in lenient.listeners)
    addresses = (parse_address(unbracket(error.value)), *lenient.own_addresses, *listening)
    unusable = (address for address in addresses if address is not None and bind_problem(address, lenient.host))
    first = next(unusable, None)
    return first is not None and lenient.host.find(first) is None
