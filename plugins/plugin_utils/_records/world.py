# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What the world sees: the source addresses that mail leaves from, with what DNS says about each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import FAMILIES, parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import check_address, name_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import Held
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import is_seen_by_others


class World(NamedTuple):
    """What is known of DNS, and what it makes of the sources."""

    #: when DNS was asked, and what it has not answered
    about: Mapping[str, Any]
    #: one mapping for each address of a source, as docs/report.schema.json says
    sources: Sequence[dict[str, Any]]
    #: as those across hosts
    findings: Sequence[dict[str, Any]]


def world_of(
    held: Sequence[Held], records: Mapping[str, Any], domains: Sequence[str], instances: Sequence[Mapping[str, Any]]
) -> World:
    """Return what the world sees of the sources that mail leaves from, which are those active and draining.

    :param records: as :func:`read_records` returns them
    :param instances: the records of the run, which say what addresses are selected
    """
    rows: list[dict[str, Any]] = []
    findings: dict[Any, dict[str, Any]] = {}
    for each in held:
        if not each.source.is_there:
            continue
        instance = _instance_of(each, instances)
        place = {"host": each.host, "instance": instance["instance"] if instance else None}
        named = each.source._replace(name=f"{each.source.name} of {each.host}")
        for address in each.source.addresses or _selected(each.source.name, instance):
            parsed = parse_address(address)
            if parsed is None or not is_seen_by_others(parsed):
                continue
            found = list(check_address(named, address, records, domains))
            worst = min((one.severity for one in found), key=SEVERITIES.index, default=None)
            codes = sorted({one.code for one in found})
            rows.append({**place, **_row(each, address, records, domains), "codes": codes, "severity": worst})
            for one in found:
                finding = findings.setdefault(one, {**one._asdict(), "places": []})
                if place not in finding["places"]:
                    finding["places"].append(place)
    about = {"asked_at": records["asked_at"], "domains": list(domains), "errors": records["errors"]}
    return World(about, rows, list(findings.values()))


def _instance_of(held: Held, instances: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    own = [record for record in instances if record["host"] == held.host]
    for record in own:
        if (held.instance or "-") == record["instance"] and held.directory is None:
            return record
        if held.directory is not None and held.directory == record["config_directory"]:
            return record
    return own[0] if own else None


def _selected(name: str, instance: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the addresses that were picked on the host."""
    view = (instance or {}).get("planned") or (instance or {}).get("now") or {}
    for client in view.get("source_addresses") or ():
        if client["transport"] == f"{name}/unix":
            yield from (client[each]["address"] for each in FAMILIES if client[each] and client[each]["address"])


def _row(held: Held, address: str, records: Mapping[str, Any], domains: Sequence[str]) -> dict[str, Any]:
    source, helo = held.source, name_of(held.source.helo)
    names = records["ptr"].get(address)
    asked = [*domains, *([helo] if helo and helo not in domains else [])]
    return {
        "source": source.name,
        "state": source.state,
        "address": address,
        "ptr": names,
        "forward": {name: records["addresses"].get(name) for name in names or ()},
        "helo": source.helo,
        "helo_addresses": records["addresses"].get(helo) if helo else None,
        "spf": {
            domain: records["spf"][domain]["results"][address]
            for domain in asked
            if address in records["spf"].get(domain, {}).get("results", {})
        },
    }
