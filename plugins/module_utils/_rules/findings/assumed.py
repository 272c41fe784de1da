# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a remedy would make of a configuration: none is given that leads to another fault."""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, Mapping, Optional, Sequence, Tuple

from ..._base.errors import InputError
from ..._files.service import Service
from ..configuration import Configuration
from ..outlook import Outlook

_LOOPBACK_APART = ", with a transport of its own for what is on loopback"


#: what findings about source addresses do not depend on
_BESIDE_SOURCES = ("families", "refused_values", "own_addresses", "listeners")
#: what is found of source addresses, and may change with them
ABOUT_SOURCES = frozenset(
    (
        *("absent_address", "source_failure", "wrong_family", "loopback_source", "stranded_source_address"),
        *("temporary_address", "implicit_source_address", "private_source_address", "bound_next_hop_on_loopback"),
        *("half_bound", "ignored_bind_address"),
    )
)


Counts = Dict[Tuple[str, str], int]
"""Of how many parameters something is found, by its code and severity."""

Memory = Callable[[Outlook, FrozenSet[str], Callable[[], Counts]], Counts]
"""What knows, or else finds, the counts of an outlook, for some codes."""

MEMORY = "memory"
"""The attribute of an outlook with that, where many are looked at that have much in common."""

NONE: FrozenSet[str] = frozenset()


class Assumed(Outlook):
    """An outlook that a remedy would lead to, or starts from: its own remedies are not read by anybody."""


def faults_after(
    outlook: Outlook,
    values: Optional[Mapping[str, str]] = None,
    services: Optional[Sequence[Service]] = None,
    is_error: bool = False,
) -> FrozenSet[str]:
    """Return the codes of the errors and warnings that a change would lead to and that are not there without it.

    :param values: to be set in main.cf
    :param services: to be in master.cf
    :param is_error: whether the change is against an error, so that warnings do not matter
    """
    return _faults_after(outlook, values, services, is_error, NONE)


def faults_of_source(outlook: Outlook, place: str, values: Mapping[str, str], is_error: bool = False) -> FrozenSet[str]:
    """Return the same for parameters of source addresses that are set in main.cf, or by the options of a service.

    :param place: main.cf, or the name and type of a service
    """
    if place == "main.cf":
        return faults_of_sources(outlook, values, is_error=is_error)
    return faults_of_sources(outlook, services=with_options(outlook, [place], values), is_error=is_error)


def faults_of_sources(
    outlook: Outlook,
    values: Optional[Mapping[str, str]] = None,
    services: Optional[Sequence[Service]] = None,
    is_error: bool = False,
) -> FrozenSet[str]:
    """Return what :func:`faults_after` does, in less time, for a change of parameters of source addresses alone."""
    return _faults_after(outlook, values, services, is_error, ABOUT_SOURCES)


def _faults_after(
    outlook: Outlook,
    values: Optional[Mapping[str, str]],
    services: Optional[Sequence[Service]],
    is_error: bool,
    codes: FrozenSet[str],
) -> FrozenSet[str]:
    """:param codes: that can change; none for all"""
    if isinstance(outlook, Assumed):
        return frozenset()
    configuration = outlook.configuration
    if values is not None:
        configuration = configuration._replace(settings=outlook.settings.with_options(values))
    if services is not None:
        configuration = configuration._replace(services=services)
    known = vars(outlook).setdefault("faults", {})
    try:
        if codes not in known and NONE in known:
            known[codes] = {key: count for key, count in known[NONE].items() if key[0] in codes}
        if codes not in known:
            known[codes] = _faults(outlook, outlook.configuration, codes)
        before, after = known[codes], _faults(outlook, configuration, codes)
    except InputError:  # a name whose addresses nobody knows
        return frozenset(("fatal",))
    grave = ("error",) if is_error else ("error", "warning")
    return frozenset(key[0] for key, count in after.items() if key[1] in grave and count > before.get(key, 0))


def faults_without(outlook: Outlook, place: str, parameter: str, is_error: bool = False) -> FrozenSet[str]:
    """Return the same for a source address that is taken out of main.cf, or of the options of a service."""
    if place == "main.cf":
        return faults_of_sources(outlook, {parameter: ""}, is_error=is_error)
    services = [
        service._replace(options=tuple(option for option in service.options if option[0] != parameter))
        if service.title == place
        else service
        for service in outlook.configuration.services
    ]
    return faults_of_sources(outlook, services=services, is_error=is_error)


def with_options(outlook: Outlook, places: Sequence[str], values: Mapping[str, str]) -> Sequence[Service]:
    """Return the services, those of some names and types with more options."""
    return [
        service._replace(options=(*service.options, *values.items())) if service.title in places else service
        for service in outlook.configuration.services
    ]


def apart_from_loopback(faults: FrozenSet[str]) -> str:
    """Return what to add to a remedy that sets a source address; only next hops on loopback may suffer from that."""
    return _LOOPBACK_APART if faults == {"bound_next_hop_on_loopback"} else ""


def _faults(outlook: Outlook, configuration: Configuration, codes: FrozenSet[str]) -> Counts:
    """Return of how many parameters each code is found with each severity."""
    from .registry import findings  # which knows the checks that ask here

    then = Assumed(configuration, outlook.host, outlook.resolve, outlook.allow_absent)
    if codes:
        vars(then).update({part: vars(outlook)[part] for part in _BESIDE_SOURCES if part in vars(outlook)})

    def find() -> Counts:
        counts: Counts = {}
        for key in {finding[:3] for finding in findings(then, ask_for_hostname=False, codes=codes)}:
            counts[key[:2]] = counts.get(key[:2], 0) + 1
        return counts

    known: Optional[Memory] = vars(outlook).get(MEMORY)
    return known(then, codes, find) if known else find()


def unadvised(outlook: Outlook) -> Outlook:
    """Return an outlook whose findings come without that their remedies are tried, which takes most of the time."""
    same = Assumed(outlook.configuration, outlook.host, outlook.resolve, outlook.allow_absent)
    vars(same).update({name: value for name, value in vars(outlook).items() if name != "_counterpart"})
    return same
