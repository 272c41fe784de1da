# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source addresses that parameters set, whether or not Postfix can use them: what is checked before mail leaves."""

from __future__ import annotations

from typing import FrozenSet, Iterator, Sequence, Set, Tuple

from .._base.address import FAMILIES, Address, asked_for, family, needs_scope, parse_address, unbracket
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.service import Service
from .bindable import source_problem
from .host import Host
from .own_addresses import enabled_families
from .parameters import for_family
from .settings import Settings
from .source_addresses import CLIENTS, client_of


class ExplicitSource(NamedTuple):
    """A source address that a parameter sets, for one client program or one service."""

    parameter: str
    #: as the parameter has it
    value: str
    address: Address
    #: that the parameter is for; the address may be of the other one
    family: str
    #: main.cf, or name and type of the service whose options set it
    place: str
    #: mail stays in the queue rather than leave from another address
    enforced: bool
    #: that the client uses
    families: FrozenSet[str] = frozenset(FAMILIES)

    def __str__(self) -> str:
        return f"{self.parameter} = {self.value} in {self.place}"

    @property
    def is_of_its_family(self) -> bool:
        return family(self.address) == self.family

    @property
    def consequence(self) -> str:
        """What happens to mail where Postfix cannot use the address."""
        return "mail stays in the queue" if self.enforced else "Postfix warns, and sends from another address"


def is_absent(source: ExplicitSource, host: Host) -> bool:
    """Return whether the host has not got an address that could be a source otherwise."""
    address = source.address
    is_usual = source.is_of_its_family and not address.is_loopback and not needs_scope(address)
    return is_usual and source_problem(address, host, has_zone=False) is not None


def explicit_sources(settings: Settings, services: Sequence[Service], host: Host) -> Iterator[ExplicitSource]:
    """Yield the source addresses that main.cf and options in master.cf set, each value once, wildcards left out.

    What is not a numeric address, or does not expand, is left out too: the client of it fails.
    """
    places = [(settings, program, "main.cf") for program in CLIENTS]
    for service in services:
        if service.options and service.type == "unix" and client_of(service):  # without options it is main.cf again
            with_options = settings.with_options(service.option_values)
            places.append((with_options, client_of(service), service.title))
    seen: Set[Tuple[str, str, bool]] = set()
    for process, program, place in places:
        try:
            families = enabled_families(process, host)
        except InputError:  # the client dies
            continue
        for family_name in sorted(families):
            parameter = for_family(f"{program}_bind_address", family_name)
            try:
                value = process.get(parameter)
                if not value:
                    continue
                enforced = process.yes_no(f"{program}_bind_address_enforce")
            except InputError:
                continue
            address = parse_address(unbracket(value))
            key = parameter, value, enforced
            if key not in seen and address is not None and not address.is_unspecified:
                seen.add(key)
                address = asked_for(address, families)
                yield ExplicitSource(parameter, value, address, family_name, place, enforced, families)
