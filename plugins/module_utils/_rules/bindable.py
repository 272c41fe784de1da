# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Postfix can bind a socket to an address, to listen there or to send from it: bind(2) of Linux.

What is known of the host decides, or the kernel itself where it can be asked.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Iterator, Optional

from .._base.address import Address, family, needs_scope
from .host import Host, HostAddress, addresses_shown


def bind_problem(address: Address, host: Host) -> Optional[str]:
    """Return why Postfix cannot listen on an address, or None when it can.

    Its IPv6 sockets have no zone and are for IPv6 only (IPV6_V6ONLY).
    """
    if needs_scope(address) and not address.is_multicast:
        return "is a link-local address, on which Postfix cannot listen since its sockets have no zone"
    return _problem(address, host, "on which Postfix cannot listen")


def source_problem(address: Address, host: Host, has_zone: bool) -> Optional[str]:
    """Return why Postfix cannot send from an address, or None when it can.

    :param has_zone: whether the address is written with its zone, as in ``fe80::1%eth0``
    """
    if needs_scope(address) and not address.is_multicast:
        if not has_zone:
            return "is a link-local address without its zone, from which Postfix cannot send"
        own = host.find(address)  # the kernel is not asked: it would have to be told the zone
        return None if own is not None and own.up and not own.tentative else _nowhere(address, host)
    return _problem(address, host, "from which Postfix cannot send")


def _problem(address: Address, host: Host, consequence: str) -> Optional[str]:
    """Return why a socket without a zone cannot have an address, or None when it can."""
    if address.version == 6 and address.is_multicast:
        return f"is a multicast address, {consequence}"
    if address.version == 6 and address.ipv4_mapped is not None:
        return f"is an IPv4 address in an IPv6 spelling, {consequence} by IPv6"
    own = host.find(address)
    if address.is_unspecified or (host.bindable(address) if host.bindable else _bindable(address, own, host)):
        return None
    if own is None:
        return _nowhere(address, host)
    if own.tentative:
        return "is tentative: duplicate address detection is not finished, or has failed"
    return "cannot be used now, though an interface has it"


def _nowhere(address: Address, host: Host) -> str:
    return f"is on no interface of the host, which has {addresses_shown(host, family(address))}"


def is_broadcast(address: Address, host: Host) -> bool:
    """Return whether an IPv4 address reaches all hosts of a network: a socket can bind to it, but not send from it."""
    return str(address) == "255.255.255.255" or any(
        own.prefix_length < 31 and address == _network(own).broadcast_address
        for own in _ipv4(host)
        if not own.address.is_loopback
    )


def _bindable(address: Address, own: Optional[HostAddress], host: Host) -> bool:
    """Apply the kernel's rule to what is known of the host.

    Own addresses can be used, of interfaces that are down too, and multicast, broadcast, and all of loopback's network.
    """
    if family(address) in host.nonlocal_bind or (own is not None and not own.tentative):
        return True
    if address.version == 6:
        return False
    loopbacks = (own for own in _ipv4(host) if own.address.is_loopback or own.interface == "lo")
    is_loopback = any(address in _network(loopback) for loopback in loopbacks)
    return address.is_multicast or is_loopback or is_broadcast(address, host)


def _ipv4(host: Host) -> Iterator[HostAddress]:
    return (own for own in host.addresses if own.up and own.address.version == 4)


def _network(own: HostAddress) -> IPv4Network:
    """Return the network of an address; that of 127.0.0.1 without a prefix length is 127.0.0.0/8."""
    bare_loopback = own.address.is_loopback and own.prefix_length == 32 and not own.interface
    return IPv4Network((own.address.packed, 8 if bare_loopback else own.prefix_length), strict=False)
