# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What only a look across hosts shows. Each finding names the instances that it is about, in ``places``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    FAMILIES,
    Address,
    is_private,
    normal_form,
    parse_address,
    unbracket,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES

Records = Sequence[Mapping[str, Any]]
#: so many hosts a group must have before one of them can differ from the others
_SMALLEST = 3


def fleet_findings(records: Records) -> list[dict[str, Any]]:
    """Return the findings across the hosts of some records, the most serious first."""
    owners = _owners(records)
    return by_severity([*_sources(records, owners), *_misplaced(records, owners), *_differing(records)])


def by_severity(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings with the most serious ones first, and those of one kind beside each other."""
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    return sorted(found, key=lambda finding: (order[finding["severity"]], finding["code"]))


def _finding(
    code: str, severity: str, parameter: str, message: str, remedy: str, places: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "code": code,
        "severity": severity,
        "parameter": parameter,
        "message": message,
        "remedy": remedy,
        "places": [{"host": record["host"], "instance": record["instance"]} for record in places],
    }


def _owners(records: Records) -> dict[str, list[str]]:
    """Return which hosts have each address on an interface, each in the order of the records."""
    owners: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for record in records:
        for entry in record["addresses"]:
            owners[entry["address"]][record["host"]] = None
    return {address: list(hosts) for address, hosts in owners.items()}


def _sources(records: Records, owners: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    claims: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    parameters: dict[str, str] = {}
    for record in records:
        for source in record["claims"]["sources"]:
            text, address = source["address"], parse_address(source["address"])
            if address is None or not is_seen_by_others(address):
                continue
            parameters.setdefault(text, source["parameter"])
            if not claims[text] or claims[text][-1] is not record:
                claims[text].append(record)
    for text, claimants in claims.items():
        hosts = list(dict.fromkeys(record["host"] for record in claimants))
        having = owners.get(text, [])
        surveyed = [record for record in claimants if record["addresses"]]
        address = parse_address(text)
        several = claimed_by_several(hosts, having)
        if several:
            code, reason, remedy = several
            is_error = code == "duplicate_source_address" and address is not None and not is_private(address)
            severity = "error" if is_error else "warning"
            yield _finding(code, severity, parameters[text], f"{text} {reason}", remedy, claimants)
        elif surveyed and hosts[0] not in having:
            owned = f"{listed(having)} has it" if having else "no host of this run has it on an interface"
            yield _finding(
                "foreign_source_address" if having else "unowned_source_address",
                "warning",
                parameters[text],
                f"{text} is the source address of {hosts[0]}, and {owned}",
                "Set an address that the host has, or add it to the host",
                claimants,
            )


def claimed_by_several(hosts: Sequence[str], having: Sequence[str]) -> tuple[str, str, str] | None:
    """Return what is wrong with an address that several hosts send from; None for one that a single host sends from.

    :param hosts: those that send from it
    :param having: those that have it on an interface
    :returns: the code of the finding; the reason, to be read after the address; and the remedy
    """
    if len(hosts) < 2:
        return None
    claiming = [host for host in having if host in hosts]
    if len(claiming) > 1:
        owned, remedy = f"{listed(claiming)} have it on an interface", "; answers to one of them reach the other"
        code = "duplicate_source_address"
    else:
        owned = f"only {having[0]} has it" if having else "no host of this run has it on an interface"
        code, remedy = "shared_source_address", ", unless this one moves between them"
    reason = f"is the source address of {listed(hosts)}, and {owned}"
    return code, reason, f"Give each host an address of its own{remedy}"


def is_seen_by_others(address: Address) -> bool:
    """Return whether an address says to other hosts who it is that sends."""
    return not address.is_loopback and not address.is_link_local


def _misplaced(records: Records, owners: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield what the inventory gives a host, and another host has, or none."""
    nowhere: list[tuple[Mapping[str, Any], str]] = []
    for record in records:
        refusal = record.get("refusal") or {}
        address = parse_address(unbracket(str(refusal.get("value", ""))))
        if record["status"] != "refused" or address is None or not record["addresses"]:
            continue
        text = normal_form(address)
        having = owners.get(text, [])
        if not having:
            nowhere.append((record, text))
        elif record["host"] not in having:
            yield _finding(
                "absent_inventory_address",
                "error",
                refusal.get("parameter", "inet_interfaces"),
                f"The inventory gives {text} to {record['host']}, which does not have it, and {listed(having)} has it",
                "Correct the inventory, or move the address",
                [record],
            )
    if nowhere:
        pairs = listed([f"{text} to {record['host']}" for record, text in nowhere])
        yield _finding(
            "absent_inventory_address",
            "error",
            "inet_interfaces",
            f"The inventory gives {pairs}, and no host of this run has such an address",
            "Correct the inventory, or add the address to the host",
            [record for record, _text in nowhere],
        )
    for record in records:
        for text in sorted(record["claims"]["listeners"]):
            having = owners.get(text, [])
            if record["addresses"] and having and record["host"] not in having:
                yield _finding(
                    "absent_inventory_address",
                    "warning",
                    "inet_interfaces",
                    f"{record['host']} is to listen on {text}, which it does not have, and {listed(having)} has it",
                    "Correct the inventory, unless the address moves between them",
                    [record],
                )


def _differing(records: Records) -> Iterator[dict[str, Any]]:
    """Yield what distinguishes a host from most hosts of its group."""
    groups: defaultdict[Hashable, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        if record["group"] and record["instance"] and record["now"] and record["status"] != "refused":
            groups[record["group"], record["instance"]].append(record)
    aspects: tuple[tuple[str, str, str, Callable[[Mapping[str, Any]], frozenset[str]]], ...] = (
        ("listeners", "warning", "listens", _listener_words),
        ("source_addresses", "warning", "sends", _source_words),
        ("version", "info", "runs", lambda record: frozenset([f"Postfix {record['version'] or '?'}"])),
        ("unit", "info", "is run by", lambda record: frozenset([str(record["unit"] or "no unit")])),
    )
    for members in groups.values():
        if len(members) < _SMALLEST:
            continue
        for parameter, severity, verb, words in aspects:
            said = [words(record) for record in members]
            common, count = Counter(said).most_common(1)[0]
            if count * 2 <= len(members) or count == len(members):
                continue
            others: defaultdict[frozenset[str], list[Mapping[str, Any]]] = defaultdict(list)
            for record, own in zip(members, said, strict=True):
                if own != common:
                    others[own].append(record)
            for own, places in others.items():
                hosts = listed([record["host"] for record in places])
                extra, lacking = sorted(own - common), sorted(common - own)
                parts = [f"only here: {', '.join(extra)}"] if extra else []
                parts += [f"only there: {', '.join(lacking)}"] if lacking else []
                yield _finding(
                    "differs_from_group",
                    severity,
                    parameter,
                    f"{hosts} {verb} otherwise than {count} of the {len(members)} hosts of {places[0]['group']} "
                    f"({'; '.join(parts)})",
                    "Correct the host or its variables, or put it in a group of its own",
                    places,
                )


def _kind(text: str) -> str:
    """Return what kind of address it is, for hosts that each have their own."""
    address = parse_address(text)
    if address is None or address.is_unspecified:
        return "all addresses"
    if address.is_loopback:
        return "loopback"
    return "a private address" if is_private(address) else "a public address"


def _listener_words(record: Mapping[str, Any]) -> frozenset[str]:
    listeners = (record["now"] or {}).get("listeners") or ()
    words = set()
    for one in listeners:
        name = one["service"].rpartition(":")[2]
        words.add(f"{name} on port {one['port']} of {_kind(one['address'])} ({one['family']})")
    return frozenset(words)


def _source_words(record: Mapping[str, Any]) -> frozenset[str]:
    words = set()
    for client in (record["now"] or {}).get("source_addresses") or ():
        for family in FAMILIES:
            source = client[family]
            if source is None:
                said = "not at all"
            elif source["failure"]:
                said = "without success"
            else:
                said = f"from {_kind(source['address'])}" if source["address"] else "from where the kernel says"
            words.add(f"{client['transport']} by {family} {said}")
    return frozenset(words)


def listed(hosts: Sequence[str], most: int = 3) -> str:
    """Return some names as words: all of a few, or the first of many and how many more there are."""
    if len(hosts) > most + 1:
        return f"{', '.join(hosts[:most])} and {len(hosts) - most} others"
    return " and ".join(filter(None, [", ".join(hosts[:-1]), *hosts[-1:]]))
