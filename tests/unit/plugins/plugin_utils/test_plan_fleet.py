# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans that come of two inventories: what becomes of each host, what is found, and what makes the playbook fail.

That the run then does the same, tests/integration/test_plans.py shows on real hosts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.foresee import Stock, read_stock
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.known import Audited
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import changes_of, worst_first
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.files import FORMATS
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import as_table
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_inventories import (
    addresses_of,
    inventory,
    only,
    plan,
    write,
)
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.one_python
SCHEMA = Path(__file__).resolve().parents[4] / "docs" / "report.schema.json"
SMTP, SUBMISSION = {"name": "smtp", "command": "smtpd"}, {"name": "submission", "command": "smtpd"}
QUIET = {"inet_protocols": "ipv4"}
OUT = "postfix-out"


def plan_of(path: Path, base: Mapping[str, Any] | None, proposal: Mapping[str, Any] | None, **more: Any) -> Report:
    """The plan for one host, from the options of the role; None if an inventory does not have it, but another one."""
    paths = []
    for name, options in (("base", base), ("proposal", proposal)):
        shutil.rmtree(path / name, ignore_errors=True)
        hosts = {"mx1": options} if options is not None else {"other": {}}
        paths.append(inventory(path / name, hosts))
    return plan(*paths, **more)


@pytest.mark.parametrize(
    "base, proposal, action, files",
    [
        ({}, {}, "none", []),
        ({"inet_interfaces": "all"}, {"inet_interfaces": "all", "backup": True}, "none", []),
        ({}, {"smtp_bind_address": "192.0.2.1"}, "reload", ["main.cf"]),
        ({}, {"inet_interfaces": ["127.0.0.1", "192.0.2.1"]}, "restart", ["main.cf"]),
        ({}, {"inet_protocols": "ipv4"}, "restart", ["main.cf"]),
        ({}, {"services": [SUBMISSION]}, "reload", ["master.cf"]),
        ({"services": [SUBMISSION]}, {"services": [{**SUBMISSION, "state": "absent"}]}, "reload", ["master.cf"]),
        ({"services": [SUBMISSION]}, {"services": [{**SUBMISSION, "process_limit": 5}]}, "reload", ["master.cf"]),
        # no listener moves, and yet a service without a host would get what inet_interfaces was at the start
        (
            {"services": [{"name": "smtp", "state": "absent"}, {"name": "127.0.0.1:10025", "command": "smtpd"}],
             "inet_interfaces": ["127.0.0.1"]},
            {"services": [SMTP, {"name": "127.0.0.1:10025", "command": "smtpd"}], "inet_interfaces": ["127.0.0.1"]},
            "restart",
            ["master.cf"],
        ),
        # what is no longer mentioned stays
        ({"smtp_bind_address": "192.0.2.1"}, {}, "none", []),
        ({"services": [SUBMISSION]}, {"services": [SMTP]}, "none", []),
        ({"smtp_bind_address": "192.0.2.1"}, {"unset": ["smtp_bind_address"]}, "reload", ["main.cf"]),
    ],
)  # fmt: skip
def test_what_becomes_of_a_host(tmp_path: Path, base: Any, proposal: Any, action: str, files: list[str]) -> None:
    record = only(plan_of(tmp_path, base, proposal))
    assert (record["action"], record["files"]) == (action, files)
    assert record["files_differ"] == bool(files)
    assert action != "none" or record["planned"] is None
    assert bool(record["reasons"]) == (action != "none")


def test_what_appears_and_what_vanishes(tmp_path: Path) -> None:
    base = {"inet_interfaces": ["127.0.0.1", "192.0.2.1"], "inet_protocols": "ipv4"}
    record = only(
        plan_of(tmp_path, base, {**base, "inet_interfaces": ["127.0.0.1", "10.0.0.1"], "services": [SUBMISSION]})
    )
    changes = changes_of(record)
    assert sorted(changes.listeners_added) == ["10.0.0.1:25", "10.0.0.1:587", "127.0.0.1:587"]
    assert changes.listeners_removed == ["192.0.2.1:25"]
    assert (changes.own_added, changes.own_removed) == (["10.0.0.1"], ["192.0.2.1"])
    assert changes.sources == []  # the kernel still chooses
    assert (changes.networks_added, changes.networks_removed) == (["10.0.0.0/24"], ["192.0.2.0/24"])


def test_what_is_no_longer_mentioned_is_told_or_kept_or_goes_back(tmp_path: Path) -> None:
    base = {"smtp_bind_address": "192.0.2.1", "services": [SUBMISSION], "unset": ["lmtp_bind_address"]}
    told = only(plan_of(tmp_path, base, {}))
    assert (told["action"], told["files"], told["status"]) == ("none", [], "finding")
    abandoned = [each for each in told["findings"] if each["code"] == "abandoned_setting"]
    assert [(each["parameter"], each["severity"], each["new"]) for each in abandoned] == [
        ("smtp_bind_address", "warning", True),
        ("services", "warning", True),
    ]
    assert "smtp_bind_address is '192.0.2.1' because this collection has set it, and nothing" in abandoned[0]["message"]
    kept = only(plan_of(tmp_path, base, {"abandoned": "keep"}))
    assert (kept["action"], kept["files"], codes(kept) & {"abandoned_setting"}) == ("none", [], set())
    record = only(plan_of(tmp_path, base, {"abandoned": "restore"}))
    assert (record["action"], record["files"]) == ("reload", ["main.cf", "master.cf"])
    assert {reason["parameter"] for reason in record["reasons"]} == {"smtp_bind_address", "submission/inet"}
    assert changes_of(record).listeners_removed == ["0.0.0.0:587", "[::]:587"]
    assert "abandoned_setting" not in codes(record)


def codes(record: Mapping[str, Any]) -> set[str]:
    return {finding["code"] for finding in record["findings"]}


def test_an_instance_that_was_created_goes_back_to_what_it_was_then(tmp_path: Path) -> None:
    """Whether or not the inventory still says that it is to be created."""
    out = {"instance": OUT, "state": "present", "inet_interfaces": ["10.0.0.1"], "smtp_bind_address": "10.0.0.1",
           "services": [{"name": "smtp", "state": "absent"}, {"name": "2525", "command": "smtpd"}]}  # fmt: skip
    less = {name: value for name, value in out.items() if name not in ("smtp_bind_address", "state")}
    stock = Stock(others=("mynetworks_style = host\n", Stock().others[1]))
    for proposal in ({**less, "master_service_disable": []}, {**less, "state": "present"}):
        sides = {"instances": [{}, out]}, {"instances": [{}, {**proposal, "abandoned": "restore"}]}
        record = only(plan_of(tmp_path, *sides, stock=stock), instance=OUT)
        assert (record["files"], record["action"]) == (["main.cf"], "reload")
        assert {reason["parameter"] for reason in record["reasons"]} == {"smtp_bind_address"}


def test_what_is_odd_about_sources(tmp_path: Path) -> None:
    one = {"one": {"address": "192.0.2.1", "helo": "one.example.net"}}
    two = {**one, "two": {"address": "192.0.2.1", "helo": "two.example.net"}}
    record = only(plan_of(tmp_path, {"sources": one}, {"sources": two}))
    found = {(each["code"], each["parameter"], each["new"]) for each in record["findings"]}
    assert {
        ("address_of_two_sources", "sources one", True),
        ("unchosen_source", "sources one", False),
        ("unchosen_source", "sources two", True),
    } <= found
    back = only(plan_of(tmp_path, {"sources": two}, {"sources": one}))
    assert {each["code"] for each in back["resolved"]} == {"address_of_two_sources", "unchosen_source"}
    assert only(plan_of(tmp_path, {"sources": two}, {"sources": two}))["resolved"] == []


def test_instances_come_and_go(tmp_path: Path) -> None:
    out = {"instance": OUT, "state": "present", "inet_interfaces": ["10.0.0.1"], "services": [
        {"name": "smtp", "state": "absent"}, {"name": "2525", "command": "smtpd"}]}  # fmt: skip
    one, both, none = [{}], [{}, out], [{}, {"instance": OUT, "state": "absent"}]
    created = plan_of(tmp_path, {"instances": one}, {"instances": both}, confirm=60)
    record = only(created, instance=OUT)
    assert (record["presence"], record["action"], record["confirm"]) == ("appears", "start", 60)
    assert (record["now"], record["steps"]) == (None, [f"The instance {OUT} is created"])
    assert [each["port"] for each in record["planned"]["listeners"]] == [2525]
    assert created.difference
    assert created.difference["instances"]["added"] == [{"host": "mx1", "instance": OUT}]
    assert only(created)["action"] == "none"

    removed = only(plan_of(tmp_path, {"instances": both}, {"instances": none}), instance=OUT)
    assert (removed["presence"], removed["action"], removed["planned"]) == ("vanishes", "none", None)
    assert removed["steps"][-1] == f"The instance {OUT} is removed"

    left = only(plan_of(tmp_path, {"instances": both}, {"instances": one}), instance=OUT)
    assert (left["presence"], left["action"], left["planned"]) == (None, "none", None)
    assert [(each["code"], each["new"]) for each in left["findings"]][-1] == ("unlisted_instance", True)
    assert only(plan_of(tmp_path, {"instances": none}, {"instances": none}))["status"] != "refused"


def test_hosts_come_and_go(tmp_path: Path) -> None:
    report = plan_of(tmp_path, None, QUIET)
    new, gone = only(report), only(report, "other")
    assert (new["presence"], new["now"], gone["presence"], gone["planned"]) == ("appears", None, "vanishes", None)
    assert [each["address"] for each in new["planned"]["listeners"]] == ["0.0.0.0"]
    assert gone["action"] == "none"
    assert report.difference
    assert report.difference["hosts"] == {"added": ["mx1"], "removed": ["other"]}


@pytest.mark.parametrize(
    "options, words",
    [
        ({"inet_interfaces": ["192.0.2.9"]}, "inet_interfaces: '192.0.2.9' is on no interface of the host"),
        ({"smtp_bind_adress": "192.0.2.1"}, "postfix_interfaces_smtp_bind_adress: .* is not a variable of the role"),
        ({"services": [{"name": "x y", "command": "smtpd"}]}, "name of x y/inet: 'x y' has characters"),
        ({"inet_protocols": "ipv5"}, "inet_protocols: 'ipv5'"),
        ({"unlisted_services": "drop"}, "unlisted_services: 'drop' is not one of the choices"),
        ({"findings": "perhaps"}, "findings: 'perhaps' is not one of the choices"),
        ({"timeout": "long"}, "timeout: 'long' is not a number"),
        ({"timeout": 0}, "timeout: '0.0' is not a number of seconds"),
        ({"instances": [{}, {}]}, "instances: '-' is named twice"),
        ({"instances": [{}, {"config_directory": "/etc/postfix/"}]}, "instances: '-' is named twice"),
        ({"instances": [{"state": "present"}]}, "instance: '' is not the name of a secondary instance"),
        ({"instances": [{"instance": "out", "state": "present"}]}, "instance: 'out' is not the name of a secondary"),
        ({"instances": [{"instance": OUT, "state": "gone"}]}, "state: 'gone' is not one of the choices"),
        ({"instances": [{"config_directory": "/etc/x", "state": "absent"}]}, "cannot be given together with state"),
        ({"instances": [{"config_directory": "/etc/x", "instance": OUT}]}, "cannot be given together with instance"),
        (
            {"instances": [{}, {"instance": OUT, "state": "present"}]},
            f"'smtp/inet' would listen on 0.0.0.0 port 25, which smtp/inet in /etc/postfix claims|{OUT}",
        ),
        ({"services": [{"name": "smtp", "state": "absent"}]}, "services: 'inet' has no listener left"),
        ({"findings": "fail", "smtp_bind_address": "127.0.0.1", **QUIET}, "smtp_bind_address: .* has a finding: "),
    ],
)
def test_what_the_role_refuses(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    report = plan_of(tmp_path, QUIET, options)
    record = only(report)
    assert record["status"] == "refused"
    assert only(report)["now"]["listeners"], "it stays as it is"
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(record["problem"])
    assert record["refusal"]["parameter"]
    assert report.failures() == {"mx1": report.failures()["mx1"]}
    assert record["problem"] in report.failures()["mx1"]
    assert report.difference
    assert not any(report.difference["endpoints"].values())


def test_active_sources_that_dns_does_not_favour(tmp_path: Path) -> None:
    """Given as the role is given it: in a file, or in the inventory, which counts more."""
    path = tmp_path / "records.json"
    path.write_text(json.dumps({"ptr": {"192.0.2.1": []}, "spf": {"example.net": {"results": {"192.0.2.1": "pass"}}}}))
    one = {**QUIET, "sources": {"one": {"address": "192.0.2.1", "helo": "one.example.net"}}}
    planned = {**QUIET, "sources": {"one": {**one["sources"]["one"], "state": "planned"}}}
    told = {"_mailfleet_records": str(path)}
    record = only(plan_of(tmp_path, {**planned, **told}, {**one, **told}))
    assert record["status"] == "refused"
    words = "state of the source one: 'active' needs other records in DNS: 192.0.2.1, which one sends from, has no PTR"
    assert record["problem"].startswith(words)
    assert record["now"]["listeners"], "it stays as it is"
    out = {"instance": OUT, "state": "absent", "sources": one["sources"]}
    for base, proposal in (
        ({**planned, **told}, planned),
        ({**one, **told}, one),
        (one, {**one, **told, "records": ""}),
        (one, {**one, **told, "records": {"ptr": {"192.0.2.1": ["one.example.net"]}}}),
        (planned, {**planned, **told, "instances": [{}, out]}),
    ):
        assert only(plan_of(tmp_path, base, proposal))["status"] != "refused"
    for records in (str(tmp_path / "nowhere.json"), {"ptr": 7}):
        report = plan_of(tmp_path, one, {**one, "records": records})
        assert "mailfleet_records" in only(report)["problem"]
    bad = plan_of(tmp_path, {**one, **told}, {**one, **told, "_addresses": []})
    assert (bad.records[0]["status"], bad.records[0]["instance"]) == ("refused", "-")


def test_a_base_that_is_refused(tmp_path: Path) -> None:
    report = plan_of(tmp_path, {"inet_protocols": "ipv5"}, QUIET)
    record = only(report)
    assert (record["status"], record["presence"], record["now"]) == ("changed", None, None)
    assert "What the base makes of it is not known: inet_protocols: 'ipv5'" in record["problem"]
    assert not report.failures()


def test_a_host_of_unknown_addresses(tmp_path: Path) -> None:
    options = {**QUIET, "_addresses": []}
    report = plan_of(tmp_path, options, options)
    record = only(report, instance=None)
    assert (record["status"], record["now"], record["planned"]) == ("unknown", None, None)
    assert "the host has no variable addresses" in record["problem"]
    assert not report.failures()
    assert plan_of(tmp_path, options, options, fail_on_unknown=True).failures() == {"mx1": record["problem"]}
    audit = {"mx1": Audited([{"address": address} for address in ("127.0.0.1", "192.0.2.7")], "3.7.11")}
    known = only(plan_of(tmp_path, options, options, audit=audit))
    assert (known["version"], [each["address"] for each in known["addresses"]]) == (
        "3.7.11",
        ["127.0.0.1", "192.0.2.7"],
    )


def test_names_are_known_from_a_mapping_only(tmp_path: Path) -> None:
    options = {"inet_interfaces": ["mx.example.net"], **QUIET}
    record = only(plan_of(tmp_path, QUIET, options), instance=None)
    assert (record["status"], record["problem"][:34]) == ("unknown", "inet_interfaces: 'mx.example.net' ")
    known = only(plan_of(tmp_path, QUIET, options, names={"mx.example.net": "192.0.2.1"}))
    assert known["planned"]["own_addresses"] == ["192.0.2.1"]


def test_findings_are_new_or_known_or_resolved(tmp_path: Path) -> None:
    wrong, right = {"smtp_bind_address": "127.0.0.1", **QUIET}, {"smtp_bind_address": "192.0.2.1", **QUIET}
    brought = plan_of(tmp_path, right, wrong)
    (loopback,) = (each for each in only(brought)["findings"] if each["code"] == "loopback_source")
    assert (loopback["severity"], loopback["new"]) == ("error", True)
    assert list(brought.failures()) == ["mx1"]
    known = plan_of(tmp_path, wrong, {**wrong, "services": [SUBMISSION]})
    (loopback,) = (each for each in only(known)["findings"] if each["code"] == "loopback_source")
    assert not loopback["new"]
    assert list(known.failures()) == ["mx1"]
    assert not plan_of(tmp_path, wrong, {**wrong, "services": [SUBMISSION]}, only_new=True).failures()
    assert not plan_of(tmp_path, right, wrong, fail_on="never").failures()
    resolved = only(plan_of(tmp_path, wrong, right))["resolved"]
    assert [each["code"] for each in resolved if each["severity"] == "error"] == ["loopback_source"]
    assert all("new" not in each for each in resolved)


def test_what_only_a_look_across_hosts_shows(tmp_path: Path) -> None:
    shared = [*addresses_of(1), "198.51.100.5/24"]
    base = {name: {"_addresses": shared, **QUIET} for name in ("mx1", "mx2")}
    proposal = {name: {**options, "smtp_bind_address": "198.51.100.5"} for name, options in base.items()}
    report = plan(inventory(tmp_path / "base", base), inventory(tmp_path / "proposal", proposal))
    (finding,) = (each for each in report.fleet if each["code"] == "duplicate_source_address")
    assert finding["new"]
    assert set(report.failures()) == {"mx1", "mx2"}
    again = plan(tmp_path / "proposal", tmp_path / "proposal")
    assert [each["new"] for each in again.fleet if each["code"] == "duplicate_source_address"] == [False]
    assert report.difference
    assert report.difference["sources"]["removed"] == ["10.0.0.1", "192.0.2.1", "2001:db8::1"][:2]


def test_entries_that_get_lost_are_told(tmp_path: Path) -> None:
    hosts = {"mx1": {}, "mx2": {}}
    base = inventory(tmp_path / "base", hosts, {"services": [SMTP, SUBMISSION]})
    own = {**hosts, "mx2": {"services": [{**SMTP, "options": {"syslog_name": "{{ own }}"}}]}}
    proposal = inventory(tmp_path / "proposal", own, {"services": [SMTP, SUBMISSION]})
    (finding,) = plan(base, proposal).fleet
    assert (finding["code"], finding["places"], finding["new"]) == (
        "shadowed_list_entry",
        [{"host": "mx2", "instance": None}],
        True,
    )
    assert "submission/inet is not in it" in finding["message"]
    assert only(plan(base, proposal), "mx2")["status"] == "finding"
    assert [each["new"] for each in plan(proposal, proposal).fleet] == [False]


def test_a_change_has_to_be_confirmed_if_files_change(tmp_path: Path) -> None:
    assert only(plan_of(tmp_path, {}, {"smtp_bind_address": "192.0.2.1"}, confirm=90))["confirm"] == 90
    assert only(plan_of(tmp_path, {}, {"backup": True}, confirm=90))["confirm"] == 0
    assert only(plan_of(tmp_path, {}, {"smtp_bind_address": "192.0.2.1"}))["confirm"] == 0


def test_addresses_that_move_with_the_proposal(tmp_path: Path) -> None:
    """Each inventory goes by the addresses that it gives a host."""
    base = {"inet_interfaces": ["192.0.2.1"], "_addresses": ["127.0.0.1/8", "192.0.2.1/24"], **QUIET}
    proposal = {"inet_interfaces": ["192.0.2.5"], "_addresses": ["127.0.0.1/8", "192.0.2.5/24"], **QUIET}
    record = only(plan_of(tmp_path, base, proposal))
    assert (record["status"], record["action"]) == ("finding", "restart")
    assert "could not run" not in json.dumps(record["reasons"])
    assert (record["now"]["own_addresses"], record["planned"]["own_addresses"]) == (["192.0.2.1"], ["192.0.2.5"])


def test_the_files_that_hosts_have_first(tmp_path: Path) -> None:
    stock = {
        "main.cf": "mynetworks = 127.0.0.0/8\ninet_protocols = ipv4\n",
        "master.cf": "smtp inet n - y - - smtpd\n465 inet n - y - - smtpd\nsmtp unix - - y - - smtp\n",
    }
    found = read_stock(str(write(tmp_path / "stock", stock)))
    record = only(plan_of(tmp_path, {}, {"unlisted_services": "report", "services": [SMTP]}, stock=found))
    assert [each["port"] for each in record["now"]["listeners"]] == [25, 465]
    assert record["now"]["mynetworks"] is None
    assert [each["code"] for each in record["findings"] if each["new"]] == ["unlisted_service"]
    prototypes = {f"{name}.proto": text.replace("465", "2465") for name, text in stock.items()}
    found = read_stock(str(write(tmp_path / "stock", prototypes)))
    both = {"instances": [{}, {"instance": OUT, "state": "present", "services": [{"name": "smtp", "state": "absent"}]}]}
    new = only(plan_of(tmp_path, {}, both, stock=found), instance=OUT)
    assert [each["port"] for each in new["planned"]["listeners"]] == [2465]
    (tmp_path / "stock/master.cf.proto").unlink()
    with pytest.raises(InputError, match="mailfleet_stock: '.*master.cf.proto' cannot be read: No such file"):
        read_stock(str(tmp_path / "stock"))
    assert Stock().default[1].startswith("smtp inet n - y - - smtpd\n")


def test_versions_make_a_difference(tmp_path: Path) -> None:
    proposal = {"services": [{"name": "smtp", "state": "absent"}, {"name": "192.0.2.1:smtp", "command": "smtpd"}]}
    assert only(plan_of(tmp_path, {}, proposal, version="3.5"))["action"] == "restart"
    assert only(plan_of(tmp_path, {}, proposal, version="3.6"))["action"] == "reload"
    assert only(plan_of(tmp_path, {}, proposal, version="3.6"))["version"] == "3.6"
    assert only(plan_of(tmp_path, {}, proposal))["version"] is None


# The report


def everything(path: Path) -> Report:
    """A plan with a host in each state."""
    base = {
        "mx1": {},
        "mx2": {"smtp_bind_address": "192.0.2.2"},
        "mx3": {},
        "mx4": {"_addresses": []},
        "mx5": {},
        "mx6": {},
    }
    proposal = {
        "mx1": {"inet_protocols": "ipv4"},
        "mx2": {"smtp_bind_address": "127.0.0.1"},
        "mx3": {"inet_interfaces": ["192.0.2.9"]},
        "mx4": {"_addresses": []},
        "mx6": {},
        "mx7": {},
    }
    return plan(inventory(path / "base", base), inventory(path / "proposal", proposal), confirm=600)


def test_the_json_is_as_the_schema_says(tmp_path: Path) -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    data = json.loads(FORMATS["json"](everything(tmp_path)))
    assert not [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(data)]
    assert (data["playbook"], data["time"]) == ("plan", None)
    statuses = {record["host"]: record["status"] for record in data["instances"]}
    assert statuses["mx3"] == "refused"
    assert statuses["mx4"] == "unknown"


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_inventories_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    texts = {FORMATS[name](everything(tmp_path / place)) for place in ("one", "two")}
    assert len(texts) == 1


def test_the_table_has_what_changes_and_the_worst_first(tmp_path: Path) -> None:
    report = everything(tmp_path)
    lines = as_table(report)
    hosts = [line.split()[0] for line in lines[: len(worst_first(report))]]
    assert hosts[:2] == ["mx3", "mx2"]
    assert sorted(hosts[2:]) == ["mx1", "mx4", "mx5", "mx7"]
    assert "192.0.2.2 -> 127.0.0.1; 1 new error" in lines[1]
    text = "\n".join(lines)
    assert "REFUSED: inet_interfaces: '192.0.2.9'" in text
    assert "UNKNOWN: The addresses of the host are not known" in text
    assert "to be confirmed within 600 s" in text
    assert "1 host without a change" in text
    assert not [line for line in lines if line.startswith("mx6")]
    assert lines[-1].startswith("7 hosts: 1 refused, ")


def test_a_table_of_nothing(tmp_path: Path) -> None:
    inventory(tmp_path, {"mx1": QUIET, "mx2": QUIET})
    assert as_table(plan(tmp_path, tmp_path)) == ["2 hosts without a change", "", "2 hosts: 2 as before"]


def test_hosts_are_in_the_order_of_groups_and_names(tmp_path: Path) -> None:
    hosts = {"b": {"hosts": {"mx3": {}, "mx1": {}}}, "a": {"hosts": {"mx2": {}}}}
    write(tmp_path, {"hosts.yml": hosts, "group_vars/all.yml": {"addresses": ["192.0.2.1"]}})
    report = plan(tmp_path, tmp_path, groups=["b", "a"])
    assert [(record["group"], record["host"]) for record in report.records] == [
        ("b", "mx1"),
        ("b", "mx3"),
        ("a", "mx2"),
    ]
