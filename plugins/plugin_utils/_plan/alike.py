# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What remedies would lead to, remembered for hosts that are alike but for their addresses and their names.

Most hosts of a fleet differ in nothing else. A remedy is tried on one of them, and counts for the others: what is found
then is only counted, by its code. So that hosts are alike, their addresses have to be so in all that rules look at:
their families and kinds, their order, which prefixes they have in common, and which bits at their end are equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    Address,
    needs_scope,
    normal_form,
    parse_address,
    private_networks,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import is_after, sorts_by_bytes

Counts = dict[tuple[str, str], int]

_ADDRESS = (
    r"(?<![0-9A-Za-z_.:-])"
    r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_.-])|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9A-Za-z_.:-]))"
)
#: of a host, of which nobody can take any part for something of Postfix
_NAME = r"[a-z][a-z-]*[0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*"


class Alike:
    """What was found on other hosts."""

    def __init__(self) -> None:
        self._known: dict[Any, Counts] = {}

    def of_host(self, name: str) -> Callable[[Outlook, frozenset[str], Callable[[], Counts]], Counts]:
        """Return what counts for an outlook on a host what is found there, or knows it from another host.

        :param name: that of the host in the inventory
        """
        names = _names_of(name)

        def count(outlook: Outlook, codes: frozenset[str], find: Callable[[], Counts]) -> Counts:
            key = _key(outlook, codes, names)
            found = self._known.get(key)
            if found is None:
                asked, resolve = [], outlook.resolve

                def noted(each: str) -> Sequence[Address]:
                    asked.append(each)
                    return resolve(each)

                outlook.resolve = noted
                found = find()
                if not asked:  # otherwise it depends on what the names stand for
                    self._known[key] = found
            return found

        return count


def _names_of(name: str) -> str | None:
    """Return a pattern for the names of a host; None if these could be something else."""
    if not re.fullmatch(_NAME, name):
        return None
    forms = dict.fromkeys([name, name.partition(".")[0]])
    return rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, forms))})(?![A-Za-z0-9])"


def _key(outlook: Outlook, codes: frozenset[str], names: str | None) -> Any:
    """Return what is equal for outlooks that are alike.

    :param names: a pattern for the names of the host
    """
    configuration, host = outlook.configuration, outlook.host
    settings = configuration.settings
    fatal = configuration.fatal and configuration.fatal.parts
    text = repr(
        (
            sorted((name, settings.raw(name)) for name in settings.names()),
            list(map(tuple, configuration.services)),
            (fatal, configuration.repeated, configuration.overridden, settings.hostname, host.hostname),
        )
    )
    if names:
        text = re.sub(names, "\1", text)
    addresses = {known.address: number for number, known in enumerate(host.addresses)}

    def number_of(match: re.Match[str]) -> str:
        address = parse_address(match[0])
        if address is None or normal_form(address) != match[0]:
            return match[0]
        return f"\0{addresses.setdefault(address, len(addresses))}\0"

    text = re.sub(_ADDRESS, number_of, text)
    own = tuple((addresses[known.address], known[1:]) for known in host.addresses)
    about = (host.families, frozenset(host.nonlocal_bind), outlook.version, outlook.allow_absent, codes)
    lengths = {known.prefix_length for known in host.addresses}.union(map(int, re.findall("/([0-9]{1,3})", text)))
    return text, own, _geometry(tuple(addresses), frozenset(lengths), not sorts_by_bytes(outlook.version)), about


@lru_cache(maxsize=4096)
def _geometry(addresses: tuple[Address, ...], lengths: frozenset[int], as_words: bool) -> tuple[Any, ...]:
    """Return all that rules can see of addresses, but for what they are.

    :param lengths: of the prefixes that are known
    :param as_words: whether Postfix compares IPv4 addresses as words of the machine
    """
    order = sorted(range(len(addresses)), key=lambda number: (addresses[number].version, int(addresses[number])))
    common = tuple(_common(addresses[one], addresses[two]) for one, two in pairwise(order))
    signs = [is_after(one, other) for number, one in enumerate(addresses) for other in addresses[:number] if as_words]
    kinds = tuple(_kind(address, lengths) for address in addresses)
    return tuple(order), common, tuple(signs), kinds


def _common(one: Address, other: Address) -> int | None:
    """Return how many bits at their beginning two addresses have in common."""
    if one.version != other.version:
        return None
    return one.max_prefixlen - (int(one) ^ int(other)).bit_length()


def _kind(address: Address, lengths: frozenset[int]) -> tuple[Any, ...]:
    """Return what an address is by itself: in which special ranges it is, and whether it is that of a network."""
    number, bits = int(address), address.max_prefixlen
    zeros, ones = ((each & -each).bit_length() - 1 if each else bits for each in (number, number + 1))
    return (
        address.version,
        tuple(address in network for network in private_networks()),
        (
            needs_scope(address),
            address.is_loopback,
            address.is_link_local,
            address.is_multicast,
            address.is_unspecified,
        ),
        sum(address.packed[0] >= first for first in (128, 192, 224)),
        sum(zeros >= bits - length for length in lengths if length < bits - 1),
        sum(ones >= bits - length for length in lengths if length < bits - 1),
        None if address.version == 4 else address.ipv4_mapped,
    )
