# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses chosen from those that a host has, by selectors such as ``10.0.0.0/8`` that fit many hosts."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Callable, List, Sequence, Union

from .._base.address import FAMILIES, Address, family, needs_scope, parse_address, prefix_length, unbracket
from .._base.errors import InputError
from .host import Host, HostAddress, addresses_shown

Matcher = Callable[[HostAddress], bool]

_FORMS = "a prefix (10.0.0.0/8), interface:NAME, an address, loopback, global or primary, with ! before it for not"


def select_addresses(
    host: Host,
    selectors: Sequence[str],
    families: Union[None, str, Sequence[str]] = None,
    missing_ok: bool = False,
    parameter: str = "select",
) -> List[Address]:
    """Return the addresses that the selectors pick, in the order of the selectors, each once.

    * ``10.0.0.0/8``, ``fd77::/16``: all addresses in the prefix
    * ``interface:eth0``: all addresses of the interface
    * ``10.77.0.1``, ``10.77.0.1/32``: this address
    * ``loopback``: 127.0.0.0/8 and ::1
    * ``global``: neither loopback nor link-local; private addresses are among them
    * ``primary``: those of ``global`` that the kernel has not marked secondary (IPv4)
    * ``!`` before any of these takes its addresses out, wherever it stands; with nothing else, out of all addresses

    Addresses that are temporary (RFC 4941), deprecated or tentative are only picked by themselves, because Postfix dies
    when it lists one that is gone. Addresses of interfaces that are down are never picked, IPv6 link-local ones only by
    their own prefix or address, since Postfix could not use them.

    :param families: one or several to pick from; by default both
    :param missing_ok: accept a selector that matches nothing, and an empty result
    :raises InputError: for what is not a selector, or matches nothing
    """
    wanted = FAMILIES if families is None else tuple(families) if isinstance(families, (list, tuple)) else (families,)
    for name in wanted:
        if name not in FAMILIES:
            raise InputError("family", name, "is not an address family", "Write ipv4 or ipv6")
    candidates = [item for item in host.addresses if item.up and family(item.address) in wanted]
    picked: List[HostAddress] = []
    refused: List[Matcher] = []
    for selector in selectors:
        if not isinstance(selector, str):
            raise InputError(parameter, selector, "is not a selector", f"Give {_FORMS}")
        text = selector.strip()
        plain = text.lstrip("!")
        matches = _matcher(plain.strip(), host, parameter)
        if (len(text) - len(plain)) % 2:
            refused.append(matches)
            continue
        all_matching = [item for item in candidates if matches(item)]
        matching = [item for item in all_matching if item.is_stable or _names_one(plain)]
        if not matching and not missing_ok:
            raise _nothing(parameter, selector, host, wanted, all_matching)
        picked.extend(matching)
    if refused and len(refused) == len(selectors):
        picked = [item for item in candidates if item.is_stable and not needs_scope(item.address)]
    chosen = [item.address for item in picked if not any(matches(item) for matches in refused)]
    if not chosen and not missing_ok:
        raise _nothing(parameter, ", ".join(selectors), host, wanted)
    return list(dict.fromkeys(chosen))


def _matcher(text: str, host: Host, parameter: str) -> Matcher:
    """Return the test that a selector without ``!`` stands for."""
    if text == "loopback":
        return lambda item: item.address.is_loopback
    if text == "global":
        return _is_global
    if text == "primary":
        return lambda item: item.primary and _is_global(item)
    if text.startswith("interface:"):
        if host.addresses and not any(item.interface for item in host.addresses):
            reason = "selects by interface, but the addresses are given without their interfaces"
            raise InputError(parameter, text, reason, "Give ansible_facts, or select by prefix")
        name = text[len("interface:") :]
        return lambda item: item.interface == name and not needs_scope(item.address)
    address = parse_address(unbracket(text))
    if address is not None:
        return lambda item: item.address == address
    literal, _slash, length = text.partition("/")
    start = parse_address(unbracket(literal))
    bits = None if start is None else prefix_length(length, start)
    if start is None or bits is None:
        raise InputError(parameter, text, "is not a selector", f"Give {_FORMS}")
    network = ip_network((start.packed, bits), strict=False)
    scoped = needs_scope(network.network_address)
    return lambda item: item.address in network and (scoped or not needs_scope(item.address))


def _names_one(selector: str) -> bool:
    """Return whether a selector is an address, with its full prefix length or without one."""
    literal, slash, length = selector.strip().partition("/")
    address = parse_address(unbracket(literal))
    return address is not None and (not slash or prefix_length(length, address) == address.max_prefixlen)


def _is_global(item: HostAddress) -> bool:
    return not item.address.is_loopback and not item.address.is_link_local


def _nothing(
    parameter: str, selector: str, host: Host, wanted: Sequence[str], unstable: Sequence[HostAddress] = ()
) -> InputError:
    """:param unstable: what the selector would pick if the addresses were stable"""
    only = wanted[0] if len(wanted) == 1 else None
    reason = f"matches no usable {only + ' ' if only else ''}address of the host"
    stable = Host([item for item in host.addresses if item.is_stable])
    remedy = f"Choose among {addresses_shown(stable, only)}"
    if unstable:
        shown = ", ".join(f"{item.address} ({item.instability})" for item in unstable[:6])
        reason = f"matches only addresses that will not stay or cannot be used yet: {shown}"
        remedy += ", or name one of them"
    if parameter == "selectors":  # the filter, which alone has the option
        remedy += ", or allow it with missing_ok"
    return InputError(parameter, selector, reason, remedy)
