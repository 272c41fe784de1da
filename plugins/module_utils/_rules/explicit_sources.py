# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""The source addresses that parameters set, whether or not Postfix can use them: what is checked before mail leaves."""

from __future__ import annotations

from typing import FrozenSet, Iterator, NamedTuple, Sequence, Set, Tuple

from .._base.address import FAMILIES, Address, asked_for, family, parse_address, unbracket
from .._base.errors import InputError
from .._base.words import Family
from .._files.service import Service
from .parameters import source_parameter
from .settings import Settings
from .source_addresses import CLIENTS, client_of


class ExplicitSource(NamedTuple):
    """A source address that a parameter sets, for one client program or one service."""

    parameter: str
    #: as the parameter has it
    value: str
    address: Address
    #: that the parameter is for; the address may be of the other one
    family: Family
    #: main.cf, or name and type of the service whose options set it
    place: str
    #: mail stays in the queue rather than leave from another address
    enforced: bool

    def __str__(self) -> str:
        return f"{self.parameter} = {self.value} in {self.place}"

    @property
    def is_of_its_family(self) -> bool:
        """Whether the address is of the family that the parameter is for."""
        return family(self.address) == self.family

    @property
    def consequence(self) -> str:
        """What happens to mail where Postfix cannot use the address."""
        return "mail stays in the queue" if self.enforced else "Postfix warns, and sends from another address"


def explicit_sources(
    settings: Settings, services: Sequence[Service], families: FrozenSet[str]
) -> Iterator[ExplicitSource]:
    """Yield the source addresses that main.cf and options in master.cf set, each value once, wildcards left out.

    What is not a numeric address, or does not expand, is left out too: the client of it fails.

    :param services: the entries of master.cf that count
    """
    places = [(settings, program, "main.cf") for program in CLIENTS]
    for service in services:
        if service.options and service.type == "unix" and client_of(service):  # without options it is main.cf again
            with_options = settings.with_options(service.option_values)
            places.append((with_options, client_of(service), f"{service.name}/{service.type}"))
    seen: Set[Tuple[str, str, bool]] = set()
    for process, program, place in places:
        for family_name in (name for name in FAMILIES if name in families):
            parameter = source_parameter(program, family_name)
            try:
                value = process.get(parameter)
                if not value:
                    continue
                enforced = process.yes_no(f"{program}_bind_address_enforce")
            except InputError:
                continue
            address = parse_address(unbracket(value))
            if (parameter, value, enforced) in seen or address is None or address.is_unspecified:
                continue
            seen.add((parameter, value, enforced))
            address = asked_for(address, families)
            yield ExplicitSource(parameter, value, address, family_name, place, enforced)
