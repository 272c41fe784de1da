# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A report: the records of a run, what was found across its hosts, and the sums. Every format is made from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import shown_time
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import (
    fleet_findings,
    gravest_first,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    STATUSES,
    Record,
    by_host,
    prefix_of,
    settle,
    worst,
)

if TYPE_CHECKING:
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.world import World

FORMAT = "mailfleet.postfix.report"
#: of what the JSON says; it grows when a key changes its meaning or goes
VERSION = 1
#: the severities from which on a finding makes a host fail; never is for none
FAIL_ON = (*SEVERITIES, "never")


class Report(NamedTuple):
    """What a run found out."""

    #: the playbook: audit, converge or plan
    kind: str
    #: when it was made; None for a plan, which is the same for the same inventories
    time: datetime | None
    records: list[Record]
    #: the findings across hosts
    fleet: list[dict[str, Any]]
    #: the severity from which on a finding makes a host fail, or never
    fail_on: str = "error"
    #: of a plan, what becomes of the fleet as a whole
    difference: dict[str, Any] | None = None
    #: whether only findings that a plan brings make a host fail
    only_new: bool = False
    #: whether a host fails of which a plan cannot tell anything because its addresses are not known
    fail_on_unknown: bool = False
    #: what the world sees of the source addresses; None where nothing is known of DNS
    world: World | None = None

    @property
    def timestamp(self) -> str | None:
        """The time as RFC 3339 has it, in UTC."""
        return None if self.time is None else shown_time(self.time.timestamp())

    def hosts(self) -> dict[str, list[Record]]:
        """Return the records of each host, by its name."""
        return by_host(self.records)

    def summary(self) -> dict[str, Any]:
        """Return the sums: hosts by their worst state, findings by severity and by code."""
        hosts = self.hosts()
        statuses = Counter(worst([record["status"] for record in records]) for records in hosts.values())
        found = [finding for record in self.records for finding in record["findings"]] + self.fleet
        severities = Counter(finding["severity"] for finding in found)
        return {
            "hosts": len(hosts),
            "instances": sum(record["instance"] is not None for record in self.records),
            "statuses": {status: statuses[status] for status in STATUSES},
            "findings": {severity: severities[severity] for severity in SEVERITIES},
            "codes": dict(sorted(Counter(finding["code"] for finding in found).items())),
        }

    def failures(self) -> dict[str, str]:
        """Return why each host fails that does, by its name, in one sentence or several."""
        fleet: dict[str, list[str]] = {}
        for finding in self.fleet:
            if self.is_serious(finding):
                for place in finding["places"]:
                    fleet.setdefault(place["host"], []).append(in_words(finding))
        failures = {}
        for host, records in self.hosts().items():
            said = dict.fromkeys(text for record in records for text in self.why(record))
            said.update(dict.fromkeys(fleet.get(host, ())))
            if said:
                failures[host] = " ".join(said)
        return failures

    def why(self, record: Mapping[str, Any]) -> list[str]:
        """Return why a record fails, apart from what was found across hosts; nothing if it does not."""
        said = []
        name = prefix_of(record)
        if record["status"] in ("unreachable", "refused", "drift") or self._is_unknown(record):
            remedy = " Run mailfleet.postfix.converge to correct this." if record["status"] == "drift" else ""
            said.append(f"{name}{record['problem']}{remedy if self.kind == 'audit' else ''}")
        return said + [f"{name}{in_words(each)}" for each in record["findings"] if self.is_serious(each)]

    def _is_unknown(self, record: Mapping[str, Any]) -> bool:
        return self.fail_on_unknown and record["status"] == "unknown"

    def is_serious(self, finding: Mapping[str, Any]) -> bool:
        """Return whether a finding makes its host fail."""
        if self.only_new and not finding.get("new", True):
            return False
        return FAIL_ON.index(finding["severity"]) <= FAIL_ON.index(self.fail_on) < FAIL_ON.index("never")


def report_of(
    records: list[Record],
    kind: str,
    fail_on: str = "error",
    time: datetime | None = None,
    look: Callable[[Sequence[Record]], World] | None = None,
) -> Report:
    """Return the report of a run over hosts.

    :param look: returns what the world sees of its hosts, of which it gets the records
    """
    world = look(records) if look else None
    fleet = gravest_first([*fleet_findings(records), *(world.findings if world else ())])
    settle(records, fleet)
    return Report(kind, time or datetime.now(timezone.utc), records, fleet, fail_on, world=world)


def in_words(finding: Mapping[str, Any]) -> str:
    """Return a finding as sentences."""
    return f"{finding['message']}. {finding['remedy']}. [{finding['code']}]"


def printable_record(record: Record) -> Record:
    """Return a record of plain data as a report can hold it; most can be as they are."""
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return dict(printable(record))
    return record


def printable(value: Any) -> Any:
    """Return the value as plain data, without the halves of surrogate pairs, which no file can hold."""
    if isinstance(value, str):
        text = str(value)
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (dict, Mapping)):  # a dict is told without asking the abstract class
        return {printable(key): printable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(each) for each in value]
    return value
