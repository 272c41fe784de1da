# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses, read from text as Postfix reads them and written in one normal form.

Postfix reads a numeric address with getaddrinfo(3), which takes more spellings than people expect: ``10.77.1`` and
``0x0a4d0001`` are addresses, and ``010.077.0.1`` is 8.63.0.1, because a leading zero means octal.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import AbstractSet, List, Optional, Union

from .words import consists_of, is_number

Address = Union[IPv4Address, IPv6Address]
FAMILIES = ("ipv4", "ipv6")

_HEXADECIMAL = "0123456789abcdefABCDEF"
_LONGEST = 128  # characters; no address is longer
# RFC 1918, for carrier-grade NAT RFC 6598, and RFC 4193
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


@lru_cache(maxsize=1024)  # the rules ask for the same few addresses of a host again and again
def parse_address(text: str) -> Optional[Address]:
    """Return an address as getaddrinfo(3) reads it with AI_NUMERICHOST, or None when the text is not a numeric one.

    A scope (``fe80::1%eth0``) is allowed where getaddrinfo allows it, by name for link-local addresses only, and is not
    part of the result, since Postfix drops it.
    """
    if len(text) > _LONGEST:
        return None
    try:
        if ":" not in text:
            is_ipv4 = is_number(text[:1]) and consists_of(text, _HEXADECIMAL + "xX.")
            return IPv4Address(socket.inet_aton(text)) if is_ipv4 else None
        literal, percent, scope = text.partition("%")
        if not consists_of(literal, _HEXADECIMAL + ":.") or percent and ("%" in scope or scope.split() != [scope]):
            return None
        address = IPv6Address(socket.inet_pton(socket.AF_INET6, literal))
    except OSError:
        return None
    return address if not percent or is_number(scope) or needs_scope(address) else None


@lru_cache(maxsize=1024)
def address_of(text: str) -> Address:
    """Return the address that a text in normal form stands for."""
    return ip_address(text)


def asked_for(address: Address, families: AbstractSet[str]) -> Address:
    """Return what getaddrinfo(3) returns for a numeric address when only some families are asked for.

    For IPv4 alone, ``::ffff:10.77.0.1`` is 10.77.0.1.
    """
    if address.version == 6 and families == {"ipv4"}:
        return address.ipv4_mapped or address
    return address


def prefix_length(text: str, address: Address) -> Optional[int]:
    """Return a prefix length as a number, or None when it is not one of this address."""
    return int(text) if is_number(text) and len(text) <= 3 and int(text) <= address.max_prefixlen else None


def needs_scope(address: Address) -> bool:
    """Return whether the kernel needs an interface beside this address: IPv6 link-local, unicast or multicast."""
    return address.version == 6 and (address.is_link_local or address.packed[:2] in (b"\xff\x01", b"\xff\x02"))


def is_private(address: Address) -> bool:
    """Return whether an address is in a range that every site may use for itself."""
    return any(address in network for network in private_networks())


def same_private_network(one: Address, other: Address) -> bool:
    """Return whether two addresses are in the same of these ranges, so that they can be of one site."""
    return any(one in network and other in network for network in private_networks())


@lru_cache(maxsize=None)
def private_networks() -> List[Union[IPv4Network, IPv6Network]]:
    """Return these ranges."""
    return list(map(ip_network, _PRIVATE))


def unbracket(token: str) -> str:
    """Return ``10.77.0.1`` for ``[10.77.0.1]``, as Postfix does, and other text as it is."""
    return token[1:-1] if token[:1] == "[" and token[-1:] == "]" else token


def family(address: Address) -> str:
    """Return the family of an address in the words of inet_protocols."""
    return f"ipv{address.version}"


@lru_cache(maxsize=1024)
def normal_form(address: Address) -> str:
    """Return an address as getnameinfo(3) prints it: lower case, as short as possible, without brackets."""
    return socket.inet_ntop(socket.AF_INET if address.version == 4 else socket.AF_INET6, address.packed)
