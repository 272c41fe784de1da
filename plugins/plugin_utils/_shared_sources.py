# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The addresses that several hosts of a fleet send from, although each host should have its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    Address,
    normal_form,
    parse_address,
    prefix_length,
    unbracket,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import claimed_by_several


class Claims:
    """Which hosts send from an address because a parameter says so.

    :param shared: the addresses and prefixes that several hosts may send from
    :raises InputError: for one that is neither
    """

    def __init__(self, shared: Sequence[str]) -> None:
        self._shared = [_network(text) for text in shared]
        self._hosts: dict[str, Host] = {}
        self._claimants: dict[Address, dict[str, str]] = {}

    def of_host(self, name: str, host: Host) -> None:
        """Note which addresses a host has."""
        self._hosts.setdefault(name, host)

    def add(self, name: str, origin: str, addresses: Iterable[Address]) -> None:
        """Note that a host sends from addresses.

        :param origin: the parameter that says so
        """
        for address in addresses:
            self._claimants.setdefault(address, {}).setdefault(name, origin)

    def check(self) -> None:
        """:raises InputError: several hosts send from an address that is not shared"""
        for address, claimants in self._claimants.items():
            if len(claimants) < 2 or any(address in network for network in self._shared):
                continue
            having = [name for name, host in self._hosts.items() if host.find(address) is not None]
            several = claimed_by_several(list(claimants), having)
            if several is not None:
                _code, reason, _remedy = several
                remedy = "Give each host an address of its own, or list this one in shared if it moves between them"
                raise InputError(next(iter(claimants.values())), normal_form(address), reason, remedy)


def _network(text: str) -> IPv4Network | IPv6Network:
    literal, slash, length = text.partition("/")
    address = parse_address(unbracket(literal))
    bits = prefix_length(length, address) if slash and address is not None else None
    if address is None or (slash and bits is None):
        raise InputError("shared", text, "is neither an address nor a prefix", "Write 192.0.2.16 or 192.0.2.0/24")
    return ip_network((address.packed, address.max_prefixlen if bits is None else bits), strict=False)
