# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the world sees, in each format of a report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import Held
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import read_records
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.world import World, world_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import as_csv, as_json, as_junit
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import HostResult
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import as_table
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import make_report

pytestmark = pytest.mark.one_python

PART = {"changed": False, "action": "none", "in_sync": True}
NAME = "out1.example.net"


def report_on(held: Sequence[Held], records: dict[str, Any], *names: str) -> Report:
    """The report on a host with these instances, all of which are in line."""
    parts = [{**PART, "instance": name, "config_directory": f"/etc/{name}"} for name in names or ("-",)]

    def look(instances: Sequence[dict[str, Any]]) -> World:
        known = read_records(records)
        return world_of(held, known, known["domains"], instances)

    hosts = [HostResult(host, "mail", {"changed": False, "instances": parts}) for host in ("mx1", "mx2")]
    return make_report("audit", hosts, True, look=look)


def held_by(host: str, source: NamedSource, instance: str | None = None) -> Held:
    return Held(host, instance, None, source)


def test_nothing_is_said_where_nothing_is_known() -> None:
    report = make_report("audit", [HostResult("mx1", None, {"changed": False, "instances": []})], True)
    data = json.loads(as_json(report))
    assert (data["records"], data["sources"]) == (None, [])


def test_what_is_right_is_not_in_the_table() -> None:
    records = {"ptr": {"192.0.2.10": [NAME]}, "addresses": {NAME: ["192.0.2.10"]}}
    report = report_on([held_by("mx1", NamedSource("out1", address="192.0.2.10", helo=NAME))], records)
    (seen,) = json.loads(as_json(report))["sources"]
    assert (seen["ptr"], seen["forward"], seen["helo_addresses"]) == ([NAME], {NAME: ["192.0.2.10"]}, ["192.0.2.10"])
    assert (seen["codes"], seen["severity"], report.fleet) == ([], None, [])
    assert not [line for line in as_table(report) if NAME in line or "192.0.2.10" in line]


def test_only_what_mail_leaves_from_is_seen() -> None:
    held = [
        held_by("mx1", NamedSource(state, address=f"192.0.2.{number}", state=state))
        for number, state in enumerate(("planned", "active", "draining", "retired"))
    ]
    held.append(held_by("mx1", NamedSource("within", address="127.0.0.2")))
    report = report_on(held, {"ptr": {f"192.0.2.{number}": [] for number in range(4)}})
    assert [(seen["source"], seen["codes"]) for seen in json.loads(as_json(report))["sources"]] == [
        ("active", ["no_ptr"]),
        ("draining", ["no_ptr"]),
    ]


def test_findings_name_hosts_and_instances_in_each_format() -> None:
    source = NamedSource("out1", address="192.0.2.10", helo=NAME)
    held = [held_by("mx2", source, "-"), held_by("mx2", source, "postfix-out")]
    report = report_on(held, {"ptr": {"192.0.2.10": []}}, "-", "postfix-out")
    (finding,) = report.fleet
    assert finding["code"] == "no_ptr"
    assert finding["places"] == [{"host": "mx2", "instance": "-"}, {"host": "mx2", "instance": "postfix-out"}]
    assert list(report.failures()) == ["mx2"]
    assert [line for line in as_table(report) if line.startswith("error: 192.0.2.10, which out1 of mx2 sends from")]
    assert as_junit(report).count("[no_ptr]") >= 2
    assert {record["host"]: record["status"] for record in report.records} == {"mx1": "ok", "mx2": "finding"}
    assert "mx2" in as_csv(report)


def test_many_findings_of_a_kind_are_counted_in_the_table() -> None:
    held = [held_by("mx1", NamedSource(f"out{number}", address=f"192.0.2.{number}")) for number in range(20)]
    errors = [f"e{number}.example.net (TXT): SERVFAIL" for number in range(20)]
    report = report_on(held, {"ptr": {f"192.0.2.{number}": [] for number in range(20)}, "errors": errors})
    table = as_table(report)
    assert sum("[no_ptr]" in line for line in table) == 9
    assert "and 12 more of [no_ptr]" in table
    assert sum(line.startswith("not known: e") for line in table) == 8
    assert "and 12 more that DNS has not answered" in table
    assert len(report.fleet) == 20
