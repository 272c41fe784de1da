# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The plan of a fleet: what two inventories make of each of its hosts, and of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import ON_FINDINGS, PREFIX
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.alike import Alike
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.foresee import Foreseer, Instance, Wishes
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.known import Known, Records
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.records import (
    HostRecords,
    key_of,
    of_parts,
    of_refused,
    of_unknown,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.shadowed import Override, shadowed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.side import Side
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import sides
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import fleet_diff
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import (
    fleet_findings,
    gravest_first,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import Record, settle
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._role_variables import chosen, instances_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import groups_of

_FINDINGS = "findings"


class Asked(NamedTuple):
    """What an inventory asks of a host, as far as it can be told."""

    group: str
    #: None if it cannot be told, or the addresses are not known
    wishes: Wishes | None
    #: why it is refused, whatever the addresses are
    error: InputError | None = None


class Inventory(NamedTuple):
    """What is needed of an inventory, without all the rest of it."""

    #: by host
    asked: Mapping[str, Asked]
    overrides: Sequence[Override]


def read_inventory(side: Side, groups: Sequence[str], known: Known, records: Records | None = None) -> Inventory:
    """Return what an inventory asks of each host of some groups.

    :param records: what its sources are held against, if they are
    """
    asked: dict[str, Asked] = {}
    values: dict[str, Mapping[str, Any]] = {}
    for host, group in groups_of(groups, side.groups).items():
        try:
            variables = side.variables(host)
            values[host] = variables.of_the_role()
            instances = instances_of(values[host])
            on_findings = chosen(_FINDINGS, values[host].get(PREFIX + _FINDINGS, ON_FINDINGS[0]), ON_FINDINGS)
            place, version = known.host(variables), known.version_of(variables)
        except InputError as error:
            asked[host] = Asked(group, None, error)
            continue
        wishes = None if place is None else Wishes(place, version, instances, on_findings == "fail")
        try:
            if records:
                records.refuse_unready(variables, values[host], instances)
            asked[host] = Asked(group, wishes)
        except InputError as error:
            asked[host] = Asked(group, wishes, error)
    overrides = side.sources().overrides(asked, lambda host, name: values.get(host, {}).get(name))
    return Inventory(asked, list(overrides))


class Settings(NamedTuple):
    """What a plan goes by, besides the two inventories."""

    #: the groups in their order
    groups: Sequence[str]
    known: Known
    foreseer: Foreseer
    #: the seconds in which a change has to be confirmed
    confirm: int = 0
    fail_on: str = "error"
    only_new: bool = False
    fail_on_unknown: bool = False


def report_of_plan(base: Inventory, proposal: Inventory, settings: Settings) -> Report:
    """Return what the proposal does to the fleet, in a fixed order."""
    order = {group: number for number, group in enumerate(settings.groups)}
    hosts = {host: (proposal.asked.get(host) or base.asked[host]).group for host in {**proposal.asked, **base.asked}}
    records: list[Record] = []
    before: list[Record] = []
    alike = Alike()
    for host in sorted(hosts, key=lambda name: (order[hosts[name]], name)):
        about = {"host": host, "group": hosts[host]}
        found = _of_host(about, base.asked.get(host), proposal.asked.get(host), settings, alike)
        records += found.records
        before += found.base
    old, new = sides(records)
    known = {key_of(finding) for finding in fleet_findings(before)}
    across = [{**finding, "new": key_of(finding) not in known} for finding in fleet_findings(new)]
    fleet = gravest_first([*across, *shadowed(proposal.overrides, base.overrides)])
    settle(records, fleet)
    difference = fleet_diff(old, new)
    return Report(
        "plan", None, records, fleet, settings.fail_on, difference, settings.only_new, settings.fail_on_unknown
    )


def _of_host(
    about: dict[str, Any], base: Asked | None, proposal: Asked | None, settings: Settings, alike: Alike
) -> HostRecords:
    """Return the records of a host."""
    foreseer, confirm = settings.foreseer, settings.confirm
    old = base.wishes if base else None
    there, problem = _base(base, foreseer)
    if base and proposal is None:
        about["presence"] = "vanishes"
        if old is None or there is None:
            return of_unknown(about, problem or settings.known.why_not)
        gone = of_parts(about, foreseer.same(there), old, old, 0, alike)
        return HostRecords([{**record, "planned": None, "status": "changed"} for record in gone.records], gone.base)
    about["presence"] = None if base else "appears"
    if proposal is None or (proposal.wishes is None and proposal.error is None):
        return of_unknown(about, settings.known.why_not)
    about["problem"] = problem
    wishes = proposal.wishes
    try:
        if wishes is None or proposal.error:
            raise proposal.error or AssertionError
        if old and old.host.addresses == wishes.host.addresses and old.host.hostname == wishes.host.hostname:
            wishes = wishes._replace(host=old.host)
        is_same = there is not None and old == wishes
        parts = foreseer.same(there or {}) if is_same else foreseer.proposal(there, wishes)
        if base and there is None:
            parts = [part._replace(presence=None) if not part.steps else part for part in parts]
        return of_parts(about, parts, wishes, old or wishes, confirm, alike)
    except InputError as error:
        if NAMES in error.remedy:
            return of_unknown(about, str(error))
        known = of_parts(about, foreseer.same(there), old, old, 0, alike).records if there is not None and old else []
        return of_refused(about, error, known, wishes)


def _base(asked: Asked | None, foreseer: Foreseer) -> tuple[dict[str, Instance] | None, str | None]:
    """Return the instances that the base makes on a host, or why that cannot be told."""
    if asked is None or (asked.wishes is None and asked.error is None):
        return None, None
    try:
        if asked.wishes is None:
            raise asked.error or AssertionError
        return foreseer.base(asked.wishes), None
    except InputError as error:
        return None, f"What the base makes of it is not known: {error}"


#: what names are given by, for errors
NAMES = "mailfleet_names"
