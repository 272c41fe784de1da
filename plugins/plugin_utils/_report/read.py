# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Records from what a user gives a filter: results of modules by host, or the instances of a report's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError, shown
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    HostResult,
    Record,
    empty_record,
    records_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import printable


def read_records(fleet: Any, groups: Any = None) -> list[Record]:
    """Return the records of a fleet.

    :param fleet: a mapping of host names to results, or a list of records
    :param groups: a mapping of group names to lists of hosts, or None
    :raises InputError: for anything else
    """
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
    remedy = "Give host names with results, or the instances of a report"
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
