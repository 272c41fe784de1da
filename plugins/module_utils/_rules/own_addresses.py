# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Postfix's own addresses: what inet_interfaces and inet_protocols come to on a host (postconf(5), those parameters).

Bare services of type inet listen on them, ``user@[address]`` is local for them, the default of mynetworks is made
from them and, where there is only one of a family, the SMTP client sends from it. Every Postfix program computes them
when it starts and ends at once when it cannot. Every such end is an InputError here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

from .._base.address import FAMILIES, Address, asked_for, family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .._base.words import Family
from .host import Host, addresses_shown
from .interface_list import check_tokens, octal_reading, split_tokens
from .parameters import Version
from .settings import Settings
from .values import protocols_of

Resolver = Callable[[str], Sequence[Address]]

_INTERFACES = "inet_interfaces"
_PROXIES = "proxy_interfaces"
_LOOPBACK, _LOOPBACK6 = IPv4Address("127.0.0.1"), IPv6Address("::1")
#: the first version of each branch that sorts IPv4 addresses by their bytes
_SORTED_SINCE: Dict[Version, Version] = {
    (3, 7): (3, 7, 22),
    (3, 8): (3, 8, 20),
    (3, 9): (3, 9, 14),
    (3, 10): (3, 10, 13),
    (3, 11): (3, 11, 6),
}


def asked_once(resolve: Resolver) -> Resolver:
    """Return a resolver that remembers each answer, an error too: all that is said in one run rests on the same."""
    answers: Dict[str, Tuple[Sequence[Address], Optional[InputError]]] = {}

    def remembered(name: str) -> Sequence[Address]:
        if name not in answers:
            try:
                answers[name] = resolve(name), None
            except InputError as error:
                answers[name] = (), error
        addresses, failure = answers[name]
        if failure is not None:
            raise failure
        return addresses

    return remembered


def enabled_families(settings: Settings, host: Host) -> FrozenSet[Family]:
    """Return the families that Postfix uses: those of inet_protocols that the kernel supports.

    :raises InputError: for a word in inet_protocols that Postfix does not know
    """
    return protocols_of(settings.get("inet_protocols")) & host.families


def own_addresses(settings: Settings, host: Host, resolve: Resolver, allow_absent: bool = False) -> List[Address]:
    """Return the own addresses in Postfix's order.

    For ``all`` and ``loopback-only`` that is IPv4 before IPv6, each as the host lists them. For a list the order is not
    that of the list: Postfix sorts and drops repetitions, see :func:`sort_as_postfix`.

    :param allow_absent: accept listed addresses that the host does not have (yet), or whose interface is down
    :raises InputError: where every Postfix program would die
    """
    families = enabled_families(settings, host)
    if not families:
        return []
    value = settings.get(_INTERFACES)
    local = local_addresses(host, families)
    if value in ("all", "loopback-only"):
        if not local:
            raise _no_addresses(families)
        return local if value == "all" else [address for address in local if address.is_loopback]
    found = _listed(_INTERFACES, value, families, resolve, host)
    if not local and not allow_absent:
        raise _no_addresses(families)
    present = set(local)
    if not allow_absent:
        for address in found:
            if address not in present:
                raise _absent(address, value, host)
    return sort_as_postfix(found, settings.version)


def proxy_addresses(settings: Settings, host: Host, resolve: Resolver) -> List[Address]:
    """Return the addresses of proxy_interfaces, by which the world reaches this host through a proxy or NAT.

    :raises InputError: for a word that is no address and no known name. Postfix finds that late: with the first message
        to ``user@[address]``, which then kills trivial-rewrite again and again
    """
    families = enabled_families(settings, host)
    found = _listed(_PROXIES, settings.get(_PROXIES), families, resolve, host)
    return sort_as_postfix(found, settings.version)


def local_addresses(host: Host, families: FrozenSet[str]) -> List[Address]:
    """Return what Postfix sees of the host: addresses of interfaces that are up, IPv4 first."""
    return [
        known.address
        for name in FAMILIES
        if name in families
        for known in host.addresses
        if known.up and family(known.address) == name
    ]


def of_families(resolved: Sequence[Address], families: FrozenSet[str]) -> List[Address]:
    """Return what Postfix gets of a name's addresses when it asks for some families.

    When only IPv4 is asked for, the C library makes 127.0.0.1 of a name that the hosts file has for ::1, and IPv4
    addresses of those in IPv6 spelling.
    """
    if families == {"ipv4"}:
        resolved = [_LOOPBACK if address == _LOOPBACK6 else asked_for(address, families) for address in resolved]
    return [address for address in resolved if family(address) in families]


def sort_as_postfix(addresses: Sequence[Address], version: Version) -> List[Address]:
    """Sort and drop repetitions as Postfix does with addresses from a list: IPv4 first, by their bytes.

    Postfix before 3.7.22, 3.8.20, 3.9.14, 3.10.13 and 3.11.6 compares IPv4 addresses by the difference of two machine
    words, which is no order: it depends on the machine and on the way the C library sorts, and a repetition can survive
    it. The answer here is that of little-endian machines with the GNU library.
    """
    if len(addresses) < 2:
        return list(addresses)
    if version >= _SORTED_SINCE.get(version[:2], (3, 12)):
        return sorted(set(addresses), key=lambda address: (address.version, address.packed))
    result: List[Address] = []
    for address in _merge_sort(list(addresses)):
        if not result or result[-1] != address:
            result.append(address)
    return result


def _merge_sort(addresses: List[Address]) -> List[Address]:
    """Sort as qsort(3) of the GNU library does, whose steps matter where the comparison is no order."""
    if len(addresses) < 2:
        return addresses
    middle = len(addresses) // 2
    left, right = _merge_sort(addresses[:middle]), _merge_sort(addresses[middle:])
    result: List[Address] = []
    at = 0
    for address in right:
        while at < len(left) and _difference(left[at], address) <= 0:
            result.append(left[at])
            at += 1
        result.append(address)
    return result + left[at:]


def _difference(one: Address, other: Address) -> int:
    if one.version != other.version or one.version == 6:
        mine, others = (one.version, one.packed), (other.version, other.packed)
        return (mine > others) - (mine < others)
    difference = int.from_bytes(one.packed, "little") - int.from_bytes(other.packed, "little")
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)


def _listed(parameter: str, value: str, families: FrozenSet[str], resolve: Resolver, host: Host) -> List[Address]:
    """Return the addresses of all words of a value, in its order."""
    tokens = split_tokens(value)
    known: Dict[str, List[Address]] = dict.fromkeys(tokens, [])
    check_tokens(parameter, list(known))
    for token in known:
        known[token] = _addresses_of(parameter, token, families, resolve, host)
    return [address for token in tokens for address in known[token]]


def _addresses_of(parameter: str, token: str, families: FrozenSet[str], resolve: Resolver, host: Host) -> List[Address]:
    """Return the addresses of one word, restricted to the families in use."""
    literal = unbracket(token)
    address = parse_address(literal)
    if address is not None:
        address = asked_for(address, families)
        if family(address) not in families:
            raise InputError(
                parameter,
                token,
                f"is an address of the family {family(address)}, which inet_protocols switches off",
                f"Take the address out, or add {family(address)} to inet_protocols",
            )
        return [address]
    try:
        resolved = resolve(literal)
    except InputError as error:
        if any(known.interface == literal for known in host.addresses):
            raise InputError(
                parameter,
                token,
                "is the name of an interface, Postfix takes addresses",
                f"List its addresses, or use select with interface:{literal}",
            ) from error
        raise InputError(parameter, token, error.reason, error.remedy) from error
    usable = of_families(resolved, families)
    if not usable:
        raise InputError(
            parameter,
            token,
            f"has no address of a family in use ({' and '.join(sorted(families)) or 'none'})",
            "Write an address, or widen inet_protocols",
        )
    return usable


def _no_addresses(families: FrozenSet[str]) -> InputError:
    names = " or ".join(sorted(families))
    return InputError(
        "inet_protocols",
        ", ".join(sorted(families)),
        f"leaves no address, since the host has none of {names}",
        "Enable the family that the host has",
    )


def _absent(address: Address, value: str, host: Host) -> InputError:
    """Return why a listed address cannot be an own address."""
    shown = normal_form(address)
    if address.is_unspecified:
        return InputError(_INTERFACES, shown, "is a wildcard and no interface has it", "Write all")
    known = host.find(address)
    if known is not None:
        where = f"interface {known.interface}" if known.interface else "an interface"
        return InputError(
            _INTERFACES, shown, f"belongs to {where}, which is down", "Set the interface up, or take the address out"
        )
    for token in split_tokens(value):
        if octal_reading(unbracket(token)) == shown:
            return InputError(
                _INTERFACES, token, f"is {shown} for Postfix, since leading zeros mean octal", "Drop the zeros"
            )
    written = any(parse_address(unbracket(token)) == address for token in split_tokens(value))
    return InputError(
        _INTERFACES,
        shown,
        "is on no interface of the host"
        if written
        else "is the address of a listed name, but on no interface of the host",
        f"Add it to the host, or take it out; the host has {addresses_shown(host, family(address))}",
    )
