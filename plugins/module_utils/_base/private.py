# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private addresses: those that every site may use, and that nobody answers from the Internet."""

from __future__ import annotations

from ipaddress import ip_network

from .address import Address

#: RFC 1918, for carrier-grade NAT RFC 6598, and RFC 4193
_TEXTS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
_NETWORKS = [ip_network(text) for text in _TEXTS]


def is_private(address: Address) -> bool:
    """Return whether an address belongs to a range that every site may use for itself."""
    return any(address in network for network in _NETWORKS)
