# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Postfix's own addresses: what inet_interfaces and inet_protocols come to on a host (postconf(5), those parameters).

Services listen on them, mail to ``user@[address]`` is local, the default of mynetworks comes from them, and mail leaves
from the only one of a family. Every Postfix program computes them when it starts, and ends at any error here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Callable, Dict, FrozenSet, List, Sequence, Tuple, Union

from .._base.address import Address, asked_for, family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .host import Host, addresses_shown
from .interface_list import KEYWORDS, another_address, check_tokens, refuse_octal, refuse_short, split_tokens
from .parameters import Version
from .settings import Settings
from .values import protocols_of

Resolver = Callable[[str], Sequence[Address]]

_LOOPBACK, _LOOPBACK6 = IPv4Address("127.0.0.1"), IPv6Address("::1")
#: the first version of each branch that sorts IPv4 addresses by their bytes
_SORTED_SINCE = ((3, 7, 22), (3, 8, 20), (3, 9, 14), (3, 10, 13), (3, 11, 6))


def asked_once(resolve: Resolver) -> Resolver:
    """Return a resolver that remembers each answer, an error too."""
    answers: Dict[str, Union[Sequence[Address], InputError]] = {}

    def remembered(name: str) -> Sequence[Address]:
        if name not in answers:
            try:
                answers[name] = resolve(name)
            except InputError as error:
                answers[name] = error
        answer = answers[name]
        if isinstance(answer, InputError):
            raise answer
        return answer

    return remembered


def enabled_families(settings: Settings, host: Host) -> FrozenSet[str]:
    """Return the families that Postfix uses: those of inet_protocols that the kernel supports."""
    return protocols_of(settings.get("inet_protocols")) & host.families


def own_addresses(settings: Settings, host: Host, resolve: Resolver, allow_absent: bool) -> List[Address]:
    """Return the own addresses in Postfix's order.

    For ``all`` and ``loopback-only`` that is IPv4 before IPv6, each as the host lists them; for a list of addresses see
    :func:`sort_as_postfix`.

    :param allow_absent: accept listed addresses that the host does not have (yet), or whose interface is down
    :raises InputError: where every Postfix program would die
    """
    families = enabled_families(settings, host)
    if not families:
        return []
    value = settings.get("inet_interfaces")
    is_keyword = value in KEYWORDS
    listed = [] if is_keyword else _listed("inet_interfaces", value, families, resolve, host)
    local = local_addresses(host, families)
    if not local and (is_keyword or not allow_absent):
        names = sorted(families)
        reason = f"leaves no address, since the host has no {' or '.join(names)} address"
        has_another = any(candidate.up for candidate in host.addresses)
        remedy = "Enable the family that the host has" if has_another else "Set an interface up"
        raise InputError("inet_protocols", ", ".join(names), reason, remedy)
    if is_keyword:
        return [address for address in local if value == "all" or address.is_loopback]
    for word, address in listed:
        if not allow_absent:
            _refuse_absent(word, address, settings, host)
    return sort_as_postfix([address for _word, address in listed], settings.version)


def proxy_addresses(settings: Settings, host: Host, resolve: Resolver) -> List[Address]:
    """Return the addresses of proxy_interfaces, by which the world reaches this host through a proxy or NAT.

    :raises InputError: for a word that is neither an address nor a known name, of which trivial-rewrite dies later
    """
    families = enabled_families(settings, host)
    listed = _listed("proxy_interfaces", settings.get("proxy_interfaces"), families, resolve, host)
    return sort_as_postfix([address for _word, address in listed], settings.version)


def local_addresses(host: Host, families: FrozenSet[str]) -> List[Address]:
    """Return what Postfix sees of the host: addresses of interfaces that are up, IPv4 first."""
    addresses = [candidate.address for candidate in host.addresses if candidate.up]
    return sorted((address for address in addresses if family(address) in families), key=family)


def of_families(resolved: Sequence[Address], families: FrozenSet[str]) -> List[Address]:
    """Return what Postfix gets of a name's addresses when it asks for some families.

    For IPv4 alone the C library makes 127.0.0.1 of ::1 in the hosts file, and IPv4 addresses of those in IPv6 spelling.
    """
    if families == {"ipv4"}:
        resolved = [_LOOPBACK if address == _LOOPBACK6 else asked_for(address, families) for address in resolved]
    return [address for address in resolved if family(address) in families]


def sorts_by_bytes(version: Version) -> bool:
    """Return whether a version sorts IPv4 addresses by their bytes."""
    return version >= next((since for since in _SORTED_SINCE if since[:2] == version[:2]), (3, 12))


def sort_as_postfix(addresses: Sequence[Address], version: Version) -> List[Address]:
    """Sort and drop repetitions as Postfix does with addresses from a list: IPv4 first, by their bytes.

    Before _SORTED_SINCE it compares IPv4 addresses by the difference of two machine words, which is not an order: the
    result depends on machine and C library, and a repetition can survive. The answer here is that of little-endian
    machines with the GNU library.
    """
    if len(addresses) < 2:
        return list(addresses)
    if sorts_by_bytes(version):
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
        while at < len(left) and not is_after(left[at], address):
            result.append(left[at])
            at += 1
        result.append(address)
    return result + left[at:]


def is_after(one: Address, other: Address) -> bool:
    """Return whether Postfix has one address after another one, before _SORTED_SINCE."""
    if one.version != other.version or one.version == 6:
        return (one.version, one.packed) > (other.version, other.packed)
    difference = int.from_bytes(one.packed, "little") - int.from_bytes(other.packed, "little")
    return 0 < difference % (1 << 32) < 1 << 31  # as the sign of 32 bits


def addresses_of(
    parameter: str, value: str, literal: str, families: FrozenSet[str], resolve: Resolver
) -> List[Address]:
    """Return the usable addresses of a numeric address or a host name.

    :param value: what it is written in, for the error
    :raises InputError: where there is none
    """
    address = parse_address(literal)
    if address is not None:
        address = asked_for(address, families)
        name = family(address)
        if name in families:
            return [address]
        reason = f"is of the family {name}, which inet_protocols switches off"
        raise InputError(parameter, value, reason, f"Take it out, or add {name} to inet_protocols")
    try:
        usable = of_families(resolve(literal), families)
    except InputError as error:
        raise InputError(parameter, value, error.reason, error.remedy) from error
    if not usable:
        reason = f"has no address of a family in use ({' and '.join(sorted(families)) or 'none'})"
        raise InputError(parameter, value, reason, "Write an address, or widen inet_protocols")
    return usable


def _listed(
    parameter: str, value: str, families: FrozenSet[str], resolve: Resolver, host: Host
) -> List[Tuple[str, Address]]:
    """Return each word of a value with each of its addresses, in their order."""
    words = split_tokens(value)
    different = list(dict.fromkeys(words))
    check_tokens(parameter, different)
    addresses: Dict[str, List[Address]] = {}
    for word in different:
        literal = unbracket(word)
        try:
            addresses[word] = addresses_of(parameter, word, literal, families, resolve)
        except InputError as error:
            if all(candidate.interface != literal for candidate in host.addresses):
                if parameter == "inet_interfaces" and len(different) == 1:
                    remedy = another_address(error.remedy)
                    raise InputError(parameter, word, error.reason, remedy) from error.__cause__
                raise
            remedy = f"List its addresses, or use select with interface:{literal}"
            reason = "is the name of an interface, and Postfix takes addresses"
            raise InputError(parameter, word, reason, remedy) from error.__cause__
    return [(word, address) for word in words for address in addresses[word]]


def _refuse_absent(word: str, address: Address, settings: Settings, host: Host) -> None:
    """Refuse an address that a word comes to where no interface that is up has it."""
    candidate = host.find(address)
    if candidate is not None and candidate.up:
        return
    if candidate is None:
        refuse_octal("inet_interfaces", word)
        refuse_short("inet_interfaces", word)
    written, came_to = came_from(word, address, settings, host)
    if address.is_unspecified:
        reason, remedy = "is a wildcard that no interface has", "Write all"
    elif candidate is not None:
        interface = f"interface {candidate.interface}" if candidate.interface else "an interface"
        reason, remedy = f"belongs to {interface}, which is down", "Set the interface up, or take it out"
    else:
        reason = "is on no interface of the host"
        how = "Add it to the host, or take it out"
        if parse_address(unbracket(word)) is None:
            how = "Write an address instead of the name, or correct what the name resolves to"
        remedy = f"{how}; the host has {addresses_shown(host, family(address))}"
    if len(set(split_tokens(settings.get("inet_interfaces")))) == 1:
        remedy = another_address(remedy)
    raise InputError("inet_interfaces", written, came_to + reason, remedy)


def word_for(address: Address, settings: Settings, resolve: Resolver) -> str:
    """Return the word of inet_interfaces that an own address comes from; the address itself where none is known."""
    for word in split_tokens(settings.get("inet_interfaces")):
        if word in KEYWORDS:
            return word
        literal = unbracket(word)
        known = parse_address(literal)
        if known == address or (known is None and address in resolve(literal)):
            return word
    return normal_form(address)


def came_from(word: str, address: Address, settings: Settings, host: Host) -> Tuple[str, str]:
    """Return what main.cf has for a word of inet_interfaces, and words for how it came to an address, if it did."""
    written, text = _as_written(word, settings), normal_form(address)
    if word in KEYWORDS:
        return written, f"comes to {text}, which "
    if parse_address(unbracket(word)) is None:  # a name
        has = host.has_address(unbracket(word), address)
        return written, f"{has}, which " if written == word else f"is {word}, which {has}, which "
    return (written, f"is {text}, which ") if written != word else (text, "")


def _as_written(word: str, settings: Settings) -> str:
    """Return what main.cf has for a word of the value: itself, or the reference that it came from."""
    written = split_tokens(settings.raw("inet_interfaces"))
    words = split_tokens(settings.get("inet_interfaces"))
    return written[words.index(word)] if len(written) == len(words) and word in words else word
