# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Records from what a user gives a filter: results of modules by host, a report's JSON, or the instances of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError, shown
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import sides
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    HostResult,
    Record,
    claims_of,
    empty_record,
    records_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FORMAT, printable

#: of a plan: the inventories that it compares
SIDES = ("base", "proposal")


def read_side(fleet: Any, groups: Any = None, side: Any = None) -> list[Record]:
    """Return the records of a fleet, each with its view in ``now``.

    :param side: one of SIDES for one of the two states that the records have; None for the first of them, or for the
        proposal if it is the JSON of a plan
    :raises InputError: for anything else
    """
    if side is not None and side not in SIDES:
        raise InputError("side", side, "is not a side of a plan", f"Use {' or '.join(SIDES)}")
    records = read_records(fleet, groups)
    if side is None and not (_is_report(fleet) and fleet.get("playbook") == "plan"):
        return records
    base, proposal = sides(records)
    return [_of_base(record) for record in base] if side == "base" else proposal


def read_sides(fleet: Any, after: Any = None) -> tuple[list[Record], list[Record]]:
    """Return the records of two states of a fleet.

    :param after: the second state; None if the records of the first have both
    :raises InputError: for anything else
    """
    if after is not None:
        return read_side(fleet), read_side(after)
    first, second = sides(read_records(fleet))
    return [{**record, "action": "none"} for record in first], second


def _is_report(fleet: Any) -> bool:
    return isinstance(fleet, Mapping) and fleet.get("format") == FORMAT


def _of_base(record: Record) -> Record:
    """Return a record of a plan as it is before: what is refused or claimed in it is about the proposal."""
    if record["now"] is None:
        return record
    return {**record, "status": "ok", "refusal": None, "claims": claims_of(record["now"])}


def read_records(fleet: Any, groups: Any = None) -> list[Record]:
    """Return the records of a fleet.

    :param fleet: a mapping of host names to results, what a report says as JSON, or a list of records
    :param groups: a mapping of group names to lists of hosts, or None
    :raises InputError: for anything else
    """
    if _is_report(fleet):
        fleet = fleet.get("instances")
    if isinstance(fleet, Mapping):
        for name, result in fleet.items():
            if not isinstance(result, Mapping):
                remedy = "Give what a module of this collection has returned"
                raise InputError("_input", result, f"is not a result of the host {shown(name)}", remedy)
        group_of = _group_of(groups)
        hosts = [HostResult(str(name), group_of.get(str(name)), result) for name, result in fleet.items()]
        return [printable(record) for record in records_of(hosts)]
    if isinstance(fleet, (list, tuple)):
        return [_record(item) for item in fleet]
    remedy = "Give host names with results, a report, or the instances of one"
    raise InputError("_input", fleet, "is neither a mapping of hosts nor a list of instances", remedy)


def _group_of(groups: Any) -> dict[str, str]:
    if not isinstance(groups or {}, Mapping):
        raise InputError("groups", groups, "is not a mapping", "Give group names with lists of hosts")
    found: dict[str, str] = {}
    for group, hosts in (groups or {}).items():
        if not isinstance(hosts, (list, tuple)):
            raise InputError("groups", hosts, f"is not a list of the hosts of {shown(group)}", "Give a list of hosts")
        for host in hosts:
            found.setdefault(str(host), str(group))
    return found


def _record(item: Any) -> Record:
    if not isinstance(item, Mapping) or not isinstance(item.get("host"), str):
        remedy = "Give the instances of a report, or host names with results"
        raise InputError("_input", item, "is not an instance of a host", remedy)
    return {**empty_record(), **printable(item)}
