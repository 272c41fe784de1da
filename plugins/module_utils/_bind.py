# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Whether a socket can bind to an address on a host, and why not: bind(2) of Linux, with what is known of the host."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Optional

from ._address import Address, family, needs_scope
from ._host import Host, HostAddress, addresses_shown

_LIMITED_BROADCAST = 0xFFFFFFFF


def bind_problem(address: Address, host: Host) -> Optional[str]:
    """Return why a listening socket cannot bind to an address, or None when it can.

    IPv6 sockets of the master are for IPv6 only (IPV6_V6ONLY) and have no zone, so that neither link-local nor
    IPv4-mapped addresses work.
    """
    if address.is_unspecified:
        return None
    if address.version == 6:
        if needs_scope(address):
            return "is a link-local address, which a listening socket of Postfix cannot use since it has no zone"
        if address.is_multicast:
            return "is a multicast address"
        if address.ipv4_mapped is not None:
            return "is an IPv4 address in an IPv6 spelling, which an IPv6 socket of Postfix cannot use"
    if family(address) in host.nonlocal_bind:
        return None
    known = host.find(address)
    if known is not None and known.up:
        return "is tentative: duplicate address detection is not finished, or has failed" if known.tentative else None
    if address.version == 4 and _bindable_ipv4(int(address), host):
        return None
    if known is not None:
        return (
            f"belongs to interface {known.interface}, which is down"
            if known.interface
            else "is on an interface that is down"
        )
    return f"is on no interface of the host, which has {addresses_shown(host, family(address))}"


def _bindable_ipv4(number: int, host: Host) -> bool:
    """Tell whether Linux lets a socket bind to an IPv4 address beyond those of interfaces."""
    if number >> 28 == 0xE or number >> 24 == 0 or number == _LIMITED_BROADCAST:
        return True
    return any(_network_has(number, known) for known in host.addresses if known.up and known.address.version == 4)


def _network_has(number: int, known: HostAddress) -> bool:
    """Tell whether an address is a broadcast address, or any address of the loopback interface's network."""
    length = known.prefix_length
    if known.address.is_loopback and length == 32 and not known.interface:
        length = 8  # given without a prefix length: 127.0.0.1 is 127.0.0.1/8 on Linux
    network = IPv4Network((int(known.address), length), strict=False)
    if known.address.is_loopback or known.interface == "lo":
        return int(network.network_address) <= number <= int(network.broadcast_address)
    return length < 31 and number == int(network.broadcast_address)
