# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

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


def enabled_families(settings: Settings, host: Host) -> FrozenSet[str]:
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
    listed = _listed(_INTERFACES, value, families, resolve, host)
    if not allow_absent:
        if not local:
            raise _no_addresses(families)
        present = set(local)
        absent = next((each for each in listed if each[1] not in present), None)
        if absent is not None:
            raise _absent(*absent, settings, host)
    return sort_as_postfix([address for _word, address in listed], settings.version)


def proxy_addresses(settings: Settings, host: Host, resolve: Resolver) -> List[Address]:
    """Return the addresses of proxy_interfaces, by which the world reaches this host through a proxy or NAT.

    :raises InputError: for a word that is neither an address nor a known name. Postfix finds that late: with the first
        message to ``user@[address]``, which then kills trivial-rewrite again and again
    """
    families = enabled_families(settings, host)
    listed = _listed(_PROXIES, settings.get(_PROXIES), families, resolve, host)
    return sort_as_postfix([address for _word, address in listed], settings.version)


def local_addresses(host: Host, families: FrozenSet[str]) -> List[Address]:
    """Return what Postfix sees of the host: addresses of interfaces that are up, IPv4 first."""
    return [
        candidate.address
        for family_name in FAMILIES
        if family_name in families
        for candidate in host.addresses
        if candidate.up and family(candidate.address) == family_name
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
    words, which is not an order: the result depends on the machine and on the way the C library sorts, and a repetition
    can survive it. The answer here is that of little-endian machines with the GNU library.
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
    """Sort as qsort(3) of the GNU library does, whose steps matter where the comparison is not an order."""
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


def _listed(
    parameter: str, value: str, families: FrozenSet[str], resolve: Resolver, host: Host
) -> List[Tuple[str, Address]]:
    """Return each word of a value with each of its addresses, in their order."""
    words = split_tokens(value)
    addresses: Dict[str, List[Address]] = dict.fromkeys(words, [])
    check_tokens(parameter, list(addresses))
    for word in addresses:
        addresses[word] = _addresses_of(parameter, word, families, resolve, host)
    return [(word, address) for word in words for address in addresses[word]]


def _addresses_of(parameter: str, word: str, families: FrozenSet[str], resolve: Resolver, host: Host) -> List[Address]:
    """Return the addresses of one word, restricted to the families in use."""
    literal = unbracket(word)
    address = parse_address(literal)
    if address is not None:
        address = asked_for(address, families)
        if family(address) not in families:
            raise InputError(
                parameter,
                word,
                f"is an {family(address)} address, a family that inet_protocols switches off",
                f"Take the address out, or add {family(address)} to inet_protocols",
            )
        return [address]
    try:
        resolved = resolve(literal)
    except InputError as error:
        if any(candidate.interface == literal for candidate in host.addresses):
            raise InputError(
                parameter,
                word,
                "is the name of an interface, and Postfix takes addresses",
                f"List its addresses, or use select with interface:{literal}",
            ) from error
        raise InputError(parameter, word, error.reason, error.remedy) from error
    usable = of_families(resolved, families)
    if not usable:
        raise InputError(
            parameter,
            word,
            f"has no address of a family in use ({' and '.join(sorted(families)) or 'none'})",
            "Write an address, or widen inet_protocols",
        )
    return usable


def _no_addresses(families: FrozenSet[str]) -> InputError:
    return InputError(
        "inet_protocols",
        ", ".join(sorted(families)),
        f"leaves no address, since the host has no {' or '.join(sorted(families))} address",
        "Enable the family that the host has",
    )


def _absent(word: str, address: Address, settings: Settings, host: Host) -> InputError:
    """Return why an address that a word comes to cannot be an own address."""
    written, text = _as_written(word, settings), normal_form(address)
    if octal_reading(unbracket(word)) == text and host.find(address) is None:
        return InputError(_INTERFACES, word, f"is {text} for Postfix, since leading zeros mean octal", "Drop the zeros")
    came_to = ""
    if parse_address(unbracket(word)) is None:  # a name
        came_to = f"is {word}, which has the address {text}, " if written != word else f"has the address {text}, "
    elif written != word:
        came_to = f"is {text}, "
    else:
        written = text
    if came_to:
        came_to += "which "
    if address.is_unspecified:
        return InputError(_INTERFACES, written, f"{came_to}is a wildcard that no interface has", "Write all")
    candidate = host.find(address)
    if candidate is not None:
        interface = f"interface {candidate.interface}" if candidate.interface else "an interface"
        remedy = "Set the interface up, or take the address out"
        return InputError(_INTERFACES, written, f"{came_to}belongs to {interface}, which is down", remedy)
    remedy = f"Add it to the host, or take it out; the host has {addresses_shown(host, family(address))}"
    return InputError(_INTERFACES, written, f"{came_to}is on no interface of the host", remedy)


def _as_written(word: str, settings: Settings) -> str:
    """Return what main.cf has for a word of the value: itself, or the reference that it came from."""
    written = split_tokens(settings.raw(_INTERFACES))
    words = split_tokens(settings.get(_INTERFACES))
    return written[words.index(word)] if len(written) == len(words) else word
