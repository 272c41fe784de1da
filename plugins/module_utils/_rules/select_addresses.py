# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Addresses chosen from those that a host has, by selectors such as ``10.0.0.0/8`` that fit many hosts."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Callable, List, Sequence, Union

from .._base.address import FAMILIES, Address, family, needs_scope, parse_address, prefix_length, unbracket
from .._base.errors import InputError
from .._base.words import Family
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
    * ``10.77.0.1``: this address
    * ``loopback``: 127.0.0.0/8 and ::1
    * ``global``: neither loopback nor link-local; private addresses are among them
    * ``primary``: those of ``global`` that the kernel has not marked secondary (IPv4) or temporary (IPv6)
    * ``!`` before any of these takes its addresses out, wherever it stands; with nothing else, out of all addresses

    Addresses of interfaces that are down are never picked, IPv6 link-local ones only by their own prefix or address,
    since Postfix could not use them.

    :param families: one family, or several, to pick from; by default both
    :param missing_ok: accept a selector that matches nothing, and an empty result
    :raises InputError: for text that is not a selector, and for a selector that matches nothing
    """
    given = FAMILIES if families is None else families if isinstance(families, (list, tuple)) else (families,)
    for word in given:
        if word not in FAMILIES:
            raise InputError("family", word, "is not an address family", "Write ipv4 or ipv6")
    wanted = [name for name in FAMILIES if name in given]
    candidates = [item for item in host.addresses if item.up and family(item.address) in wanted]
    picked: List[HostAddress] = []
    refused: List[Matcher] = []
    positive = False
    for selector in selectors:
        if not isinstance(selector, str):
            raise InputError(parameter, selector, "is not a selector", f"Give {_FORMS}")
        text = selector.strip()
        matches = _matcher(text.lstrip("!").strip(), host, parameter)
        if (len(text) - len(text.lstrip("!"))) % 2:
            refused.append(matches)
            continue
        positive = True
        matching = [item for item in candidates if matches(item)]
        if not matching and not missing_ok:
            raise _nothing(parameter, selector, host, wanted)
        picked.extend(matching)
    if not positive:
        picked = [item for item in candidates if not needs_scope(item.address)] if refused else []
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
        return _interface_matcher(text[len("interface:") :], host, parameter)
    address = parse_address(unbracket(text))
    if address is not None:
        return lambda item: item.address == address
    network = _network(text)
    if network is None:
        raise InputError(parameter, text, "is not a selector", f"Give {_FORMS}")
    return _network_matcher(network)


def _is_global(item: HostAddress) -> bool:
    return not item.address.is_loopback and not item.address.is_link_local


def _interface_matcher(name: str, host: Host, parameter: str) -> Matcher:
    if host.addresses and not any(item.interface for item in host.addresses):
        raise InputError(
            parameter,
            f"interface:{name}",
            "selects by interface, but the addresses are given without their interfaces",
            "Give ansible_facts, or select by prefix",
        )
    return lambda item: item.interface == name and not needs_scope(item.address)


def _network(text: str) -> Union[None, IPv4Network, IPv6Network]:
    literal, slash, length = text.partition("/")
    address = parse_address(unbracket(literal))
    bits = prefix_length(length, address) if slash and address is not None else None
    return None if address is None or bits is None else ip_network((address.packed, bits), strict=False)


def _network_matcher(network: Union[IPv4Network, IPv6Network]) -> Matcher:
    scoped = needs_scope(network.network_address)
    return lambda item: (
        item.address.version == network.version
        and item.address in network
        and (scoped or not needs_scope(item.address))
    )


def _nothing(parameter: str, selector: str, host: Host, wanted: Sequence[Family]) -> InputError:
    only = wanted[0] if len(wanted) == 1 else None
    return InputError(
        parameter,
        selector,
        f"matches no usable {only + ' ' if only else ''}address of the host",
        f"Choose among {addresses_shown(host, only)}"
        # only the filter, whose parameter has this name, has the option
        + (", or allow it with missing_ok" if parameter == "selectors" else ""),
    )
