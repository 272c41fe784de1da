# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private addresses: those that every site may use, and that nobody answers from the Internet."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from .address import Address

#: RFC 1918 and, for carrier-grade NAT, RFC 6598
_PRIVATE_IPV4 = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
#: RFC 4193
_PRIVATE_IPV6 = IPv6Network("fc00::/7")


def is_private(address: Address) -> bool:
    """Return whether an address belongs to a range that every site may use for itself."""
    if address.version == 6:
        return address in _PRIVATE_IPV6
    return any(address in network for network in _PRIVATE_IPV4)
