# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What becomes of a fleet as a whole: what it sends from, its endpoints, hosts and instances."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from ipaddress import summarize_address_range
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    FAMILIES,
    Address,
    normal_form,
    parse_address,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet import (
    Asked,
    Sender,
    refuse_unknown_transports,
    sources_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input

Records = Sequence[Mapping[str, Any]]
#: host, instance, address, port
_Endpoint = tuple[str, str, str, int]

#: all SMTP clients, with all addresses that the kernel may choose
EVERYTHING = Asked(FAMILIES, None, "all", True)


def fleet_diff(before: Records, after: Records, asked: Asked = EVERYTHING) -> dict[str, Any]:
    """Return what appears and what vanishes between two states of a fleet; each record has its view in ``now``.

    A host of which nothing is known afterwards is taken to stay as it was.

    :param asked: which source addresses to include
    :raises InputError: for a transport that no host has
    """
    hosts = [{record["host"] for record in records} for records in (before, after)]
    before, after = settled(before, after)
    places = [_places(records, hosts[0] & hosts[1]) for records in (before, after)]
    endpoints = [_endpoints(records) for records in (before, after)]
    return {
        "sources": _sources(before, after, asked),
        "endpoints": {
            "added": [_endpoint(key, endpoints[1]) for key in _sorted(endpoints[1].keys() - endpoints[0].keys())],
            "removed": [_endpoint(key, endpoints[0]) for key in _sorted(endpoints[0].keys() - endpoints[1].keys())],
        },
        "hosts": {"added": sorted(hosts[1] - hosts[0]), "removed": sorted(hosts[0] - hosts[1])},
        "instances": {"added": _instances(places[1] - places[0]), "removed": _instances(places[0] - places[1])},
    }


def changed_actions(before: Records, after: Records) -> list[dict[str, Any]]:
    """Return the instances whose action differs; one that was not there before had none."""
    old = {(record["host"], record["instance"]): record["action"] for record in before}
    new = {(record["host"], record["instance"]): record["action"] for record in after if record["instance"] is not None}
    return [
        {"host": place[0], "instance": place[1], "before": old.get(place, "none"), "after": new[place]}
        for place in sorted(new)
        if old.get(place, "none") != new[place]
    ]


def settled(before: Records, after: Records) -> tuple[Records, Records]:
    """Return both states, the second with what was before where nothing is known."""
    unknown = {record["host"] for record in after if record["now"] is None}
    if not unknown:
        return before, after
    known = [record for record in after if record["host"] not in unknown]
    return before, [*known, *(record for record in before if record["host"] in unknown)]


def _places(records: Records, hosts: Set[str]) -> set[tuple[str, str]]:
    """Return the instances of hosts."""
    return {
        (record["host"], record["instance"])
        for record in records
        if record["instance"] is not None and record["host"] in hosts
    }


def _instances(places: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"host": host, "instance": instance} for host, instance in sorted(places)]


def _endpoints(records: Records) -> dict[_Endpoint, str]:
    """Return the service of each endpoint."""
    found: dict[_Endpoint, str] = {}
    for record in records:
        for each in (record["now"] or {}).get("listeners") or ():
            key = (record["host"], record["instance"] or "-", each["address"], each["port"])
            found.setdefault(key, each["service"])
    return found


def _endpoint(key: _Endpoint, services: Mapping[_Endpoint, str]) -> dict[str, Any]:
    return {**dict(zip(("host", "instance", "address", "port"), key, strict=True)), "service": services[key]}


def _sorted(keys: Iterable[_Endpoint]) -> list[_Endpoint]:
    """Return endpoints by host, instance, port and address, IPv4 first."""

    def order(key: _Endpoint) -> tuple[Any, ...]:
        host, instance, text, port = key
        address = parse_address(text)
        return host, instance, port, address.version if address else 0, int(address) if address else 0, text

    return sorted(keys, key=order)


def _sources(before: Records, after: Records, asked: Asked) -> dict[str, list[str]]:
    known: dict[tuple[int, int], set[Address]] = {}
    transports: set[str] = set()

    def addresses_of(record: Mapping[str, Any]) -> set[Address]:
        """Return what an instance sends from; once for what both sides have in common."""
        clients = (record["now"] or {}).get("source_addresses") or ()
        key = (id(clients), id(record["addresses"]))
        if key not in known:
            transports.update(client["transport"] for client in clients)
            place = f"{record['host']}: {record['instance'] or '-'}"
            sender = Sender(place, {}, None, host_from_input(record["addresses"]), clients)
            known[key] = {address for _origin, found in sources_of(sender, asked) for address in found}
        return known[key]

    old, new = (set().union(*map(addresses_of, records)) for records in (before, after))
    refuse_unknown_transports(asked, transports)
    return {
        "before": prefixes(old),
        "after": prefixes(new),
        "added": prefixes(new - old),
        "removed": prefixes(old - new),
    }


def prefixes(addresses: Collection[Address]) -> list[str]:
    """Return the fewest prefixes with exactly these addresses, as fleet_source_addresses does, but without netaddr."""
    found: list[str] = []
    for version in (4, 6):
        ordered = sorted((address for address in addresses if address.version == version), key=int)
        runs: list[list[Any]] = []  # the first and the last of addresses that follow each other
        for address in ordered:
            if runs and int(address) <= int(runs[-1][1]) + 1:
                runs[-1][1] = address
            else:
                runs.append([address, address])
        for first, last in runs:
            if first == last:
                found.append(normal_form(first))
                continue
            for each in summarize_address_range(first, last):
                length = "" if each.num_addresses == 1 else f"/{each.prefixlen}"
                found.append(f"{normal_form(each.network_address)}{length}")
    return found
