# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Whether a socket can bind to an address on a host, and why not: bind(2) of Linux, with what is known of the host."""

from __future__ import annotations

from typing import Iterator, Optional

from .._base.address import Address, family, needs_scope
from .host import Host, HostAddress, addresses_shown


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
    known = host.find(address)
    if host.bindable(address) if host.bindable else _bindable(address, known, host):
        return None
    if known is None:
        return f"is on no interface of the host, which has {addresses_shown(host, family(address))}"
    if known.tentative:
        return "is tentative: duplicate address detection is not finished, or has failed"
    return "cannot be used now, though an interface has it"


def is_broadcast(address: Address, host: Host) -> bool:
    """Tell whether an IPv4 address reaches all hosts of a network: a socket can bind to it, but not send from it."""
    number = int(address)
    return number == 0xFFFFFFFF or any(
        known.prefix_length < 31 and number == int(known.address) | _host_mask(known)
        for known in _ipv4(host)
        if not known.address.is_loopback
    )


def _bindable(address: Address, known: Optional[HostAddress], host: Host) -> bool:
    """Apply the kernel's rule to what is known of the host.

    Own addresses can be used, of interfaces that are down too, and multicast, broadcast, and all of loopback's network.
    """
    if family(address) in host.nonlocal_bind or (known is not None and not known.tentative):
        return True
    if address.version == 6:
        return False
    number = int(address)
    return (
        address.is_multicast
        or is_broadcast(address, host)
        or any(
            number | _host_mask(known) == int(known.address) | _host_mask(known)
            for known in _ipv4(host)
            if known.address.is_loopback or known.interface == "lo"
        )
    )


def _ipv4(host: Host) -> Iterator[HostAddress]:
    return (known for known in host.addresses if known.up and known.address.version == 4)


def _host_mask(known: HostAddress) -> int:
    """Return the bits of the host part; those of 127.0.0.1 without a prefix length are of 127.0.0.0/8."""
    bare_loopback = known.address.is_loopback and known.prefix_length == 32 and not known.interface
    return (1 << 32 - (8 if bare_loopback else known.prefix_length)) - 1
