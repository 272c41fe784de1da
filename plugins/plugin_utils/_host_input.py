# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Read what a user says about a host: its addresses, as a list or as facts, and the addresses of names.

Only the control node needs this, so it is not sent to managed hosts. The core's unit tests make their hosts with it,
so it has to run on Python 3.7 too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    Address,
    parse_address,
    prefix_length,
    unbracket,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError, shown
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import Resolver


def host_from_input(value: Any, parameter: str = "addresses") -> Host:
    """Read a host from a list of addresses with or without ``/prefix``, or from ``ansible_facts``.

    Items of the list may also be mappings as postfix_interfaces_info returns them. Facts do not say whether an
    interface is up, whether an address is tentative, temporary, deprecated or dynamic, or in which order the kernel
    lists interfaces. So all interfaces count as up, all addresses as usable for good, and the order is that of the
    facts.

    :raises InputError: for anything else
    """
    if isinstance(value, Mapping):
        return _host_from_facts(value, parameter)
    if isinstance(value, (list, tuple)):
        return Host(list(_mark_secondaries([_host_address(item, parameter) for item in value])))
    raise InputError(
        parameter,
        value,
        "is neither a list of addresses nor ansible_facts",
        "Give a list such as ['127.0.0.1/8', '10.77.0.1/24'], or ansible_facts",
    )


def mapping_resolver(mapping: Mapping[str, Any] | None, parameter: str = "resolve") -> Resolver:
    """Return a resolver that knows names from a mapping to an address or a list of addresses, and does not ask DNS.

    The resolver raises an InputError for a name that is not in the mapping.

    :raises InputError: the value is not a mapping, or has something other than addresses
    """
    answers: dict[str, tuple[Address, ...]] = {}
    if not isinstance(mapping or {}, Mapping):
        raise InputError(parameter, mapping, "is not a mapping", "Give host names with lists of addresses")
    for name, value in (mapping or {}).items():
        texts = value if isinstance(value, (list, tuple)) else [value]
        addresses = [parse_address(unbracket(text)) if isinstance(text, str) else None for text in texts]
        if None in addresses:
            bad = texts[addresses.index(None)]
            raise InputError(
                parameter, bad, f"is not an address of {shown(name)}", "Give host names with lists of addresses"
            )
        answers[shown(name).lower()] = tuple(address for address in addresses if address is not None)

    def resolve(name: str) -> Sequence[Address]:
        if name.lower() not in answers:
            raise InputError(
                parameter,
                name,
                "is a host name whose addresses are not given, and DNS is not asked here",
                f"Give its addresses in {parameter}, or write them instead of the name",
            )
        return answers[name.lower()]

    return resolve


def _host_address(item: Any, parameter: str) -> HostAddress:
    """Read one item of a list."""
    if isinstance(item, Mapping):
        entry = _host_address(item.get("address"), parameter)
        length = shown(item.get("prefix_length", entry.prefix_length))
        temporary, deprecated = bool(item.get("temporary", False)), bool(item.get("deprecated", False))
        return HostAddress(
            entry.address,
            _prefix_length(length, entry.address, length, parameter),
            shown(item.get("interface", "")),
            bool(item.get("up", True)),
            bool(item.get("tentative", False)),
            bool(item.get("primary", not temporary)),
            temporary,
            deprecated,
            bool(item.get("dynamic", temporary or deprecated)),
        )
    text = item if isinstance(item, str) else shown(item)
    literal, slash, length = text.partition("/")
    address = parse_address(unbracket(literal))
    if address is None or address.is_unspecified:
        raise InputError(
            parameter,
            text,
            "is not an address of an interface",
            "Give addresses such as 10.77.0.1, 10.77.0.1/24 or fd77::1/64",
        )
    return HostAddress(address, _prefix_length(length if slash else None, address, text, parameter))


def _prefix_length(length: str | None, address: Address, text: str, parameter: str) -> int:
    """:param text: what an error shows"""
    if length is None:
        return address.max_prefixlen
    number = prefix_length(length, address)
    if number is None:
        remedy = f"Write 0 to {address.max_prefixlen} after the slash"
        raise InputError(parameter, text, "has a bad prefix length", remedy)
    return number


def _mark_secondaries(addresses: Sequence[HostAddress]) -> Iterator[HostAddress]:
    """Mark each IPv4 address as secondary whose network an earlier address has, as the kernel does."""
    networks = set()
    for entry in addresses:
        if entry.address.version == 4 and entry.prefix_length < 32 and entry.primary:
            network = (entry.interface, entry.prefix_length, int(entry.address) >> (32 - entry.prefix_length))
            yield entry._replace(primary=network not in networks)
            networks.add(network)
        else:
            yield entry


def _host_from_facts(facts: Mapping[str, Any], parameter: str) -> Host:
    prefix = "ansible_" if "ansible_interfaces" in facts or "ansible_all_ipv4_addresses" in facts else ""
    keys = [(prefix + key) for key in ("interfaces", "all_ipv4_addresses", "all_ipv6_addresses")]
    if not any(isinstance(facts.get(key), (list, tuple)) for key in keys):
        raise InputError(
            parameter,
            ", ".join(sorted(map(shown, facts))[:5]) or "{}",
            "is a mapping without network facts",
            "Gather the subset network, or give a list of addresses",
        )
    interfaces, *plain = [facts.get(key) or () for key in keys]
    addresses: list[HostAddress] = []
    for interface in sorted(map(shown, interfaces), key=lambda name: name != "lo"):  # the kernel lists lo first
        details = facts.get(prefix + interface.replace("-", "_"))
        if isinstance(details, Mapping):
            addresses += [entry._replace(interface=interface) for entry in _of_interface(details, parameter)]
    if not addresses:
        addresses = [_host_address(text, parameter) for texts in plain for text in texts]
    nodename = facts.get(prefix + "nodename")
    addresses.sort(key=lambda entry: entry.address.version)
    return Host(list(_mark_secondaries(addresses)), hostname=shown(nodename) if nodename else None)


def _of_interface(details: Mapping[str, Any], parameter: str) -> Iterator[HostAddress]:
    """Read the facts of one interface, which keep its first IPv4 address apart from the others."""
    for key in ("ipv4", "ipv4_secondaries", "ipv6"):
        facts = details.get(key) or []
        for fact in facts if isinstance(facts, (list, tuple)) else [facts]:
            if not isinstance(fact, Mapping):
                raise InputError(parameter, fact, f"is not a fact about {key}", "Give ansible_facts as gathered")
            length = fact.get("prefix") or _mask_length(shown(fact.get("netmask")))
            entry = _host_address(f"{shown(fact.get('address'))}/{shown(length)}", parameter)
            yield entry._replace(primary=key != "ipv4_secondaries")


def _mask_length(netmask: str) -> int:
    address = parse_address(netmask)
    return bin(int(address)).count("1") if address else 32
