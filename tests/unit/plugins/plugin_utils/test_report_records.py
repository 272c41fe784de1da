# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From results of the modules to records: each state is told apart from the others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import HostResult, records_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    addresses_of,
    make_report,
    part_of,
    result_of,
)

ADDRESSES = addresses_of(("eth0", "192.0.2.10/24"))
#: an inventory without any finding on this host
WANTED = {"inet_interfaces": "all", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8"}


def record_of(result: Any, check_mode: bool = True) -> dict[str, Any]:
    (record,) = records_of([HostResult("mta1", "canary", result)], check_mode)
    return record


def status_of(result: Any, check_mode: bool = True) -> str:
    return str(record_of(result, check_mode)["status"])


def healthy(**more: Any) -> dict[str, Any]:
    return result_of(ADDRESSES, part_of(WANTED, ADDRESSES), **more)


def test_a_host_in_line() -> None:
    record = record_of(healthy())
    assert (record["status"], record["problem"], record["planned"]) == ("ok", None, None)
    assert (record["host"], record["group"], record["instance"]) == ("mta1", "canary", "-")
    assert record["version"] == "3.7.11"
    assert [socket["state"] for socket in record["sockets"]] == ["listening"]


def test_files_that_differ_and_a_master_in_line_with_them() -> None:
    found = {**WANTED, "inet_interfaces": "loopback-only"}
    record = record_of(result_of(ADDRESSES, part_of(WANTED, ADDRESSES, found=found)))
    assert (record["status"], record["files_differ"], record["master_differs"]) == ("drift", True, False)
    assert record["problem"] == "The file main.cf differs from the inventory; Postfix needs: restart."
    assert record["now"]["listeners"][0]["address"] == "127.0.0.1"
    assert record["planned"]["listeners"][0]["address"] == "0.0.0.0"


def test_files_in_line_and_a_master_that_is_not() -> None:
    record = record_of(result_of(ADDRESSES, part_of(WANTED, ADDRESSES, stopped=True)))
    assert (record["status"], record["files_differ"], record["master_differs"]) == ("drift", False, True)
    assert record["problem"] == "Postfix does not run; Postfix needs: start."


def test_files_that_differ_and_a_master_behind_them() -> None:
    found = {**WANTED, "inet_interfaces": "loopback-only"}
    part = part_of(WANTED, ADDRESSES, found=found)
    result = result_of(ADDRESSES, part)
    result["survey"]["instances"][0]["sockets"] = [{"address": "192.0.2.10", "port": 25}]
    record = record_of(result)
    assert (record["files_differ"], record["master_differs"]) == (True, True)


def test_an_instance_that_is_missing() -> None:
    part = {"changed": True, "instance": "postfix-out", "config_directory": "/etc/postfix-out", "action": "none"}
    record = record_of(result_of(ADDRESSES, {**part, "steps": ["The instance postfix-out is created"]}))
    assert (record["status"], record["files_differ"]) == ("drift", True)
    assert record["problem"] == "It is not set up as the inventory says."


def test_a_finding_is_told_apart_from_drift() -> None:
    wanted = {**WANTED, "smtp_bind_address": "127.0.0.1"}
    record = record_of(result_of(ADDRESSES, part_of(wanted, ADDRESSES)))
    assert record["status"] == "finding"
    assert "loopback_source" in [finding["code"] for finding in record["findings"]]


def test_what_was_not_reached_or_refused_or_not_tried() -> None:
    record = record_of({"unreachable": True, "msg": "Task failed: Failed to connect\nto the host"})
    assert (record["status"], record["problem"]) == ("unreachable", "Failed to connect to the host")
    parts = {"parameter": "inet_interfaces", "value": "192.0.2.99", "reason": "is absent", "remedy": "Add it"}
    record = record_of({"failed": True, "msg": "inet_interfaces: …", **parts, "survey": {"addresses": ADDRESSES}})
    assert (record["status"], record["refusal"]) == ("refused", parts)
    assert record["addresses"] == ADDRESSES
    assert status_of(None) == "untouched"
    assert status_of({"failed": True, "module_stderr": "a crash"}) == "refused"


def test_a_failed_run_of_several_instances_fails_them_all() -> None:
    result = {**result_of(ADDRESSES, part_of(WANTED, ADDRESSES)), "failed": True, "msg": "It does not work."}
    record = record_of(result, check_mode=False)
    assert (record["status"], record["problem"], record["instance"]) == ("refused", "It does not work.", "-")


def test_converge() -> None:
    found = {**WANTED, "inet_interfaces": "loopback-only"}
    part = {**part_of(WANTED, ADDRESSES, found=found), "in_sync": True}
    record = record_of(result_of(ADDRESSES, part), check_mode=False)
    assert (record["status"], record["planned"]) == ("changed", None)
    assert record["now"]["listeners"][0]["address"] == "0.0.0.0"
    part["in_sync"] = False
    assert status_of(result_of(ADDRESSES, part), check_mode=False) == "drift"


def test_what_the_host_has_beside_the_inventory() -> None:
    masters = [{"pid": 77, "config_directory": "/etc/postfix-old", "sockets": [{"address": "::", "port": 2525}]}]
    instances = [
        {"instance": "-", "config_directory": "/etc/postfix"},
        {"instance": "postfix-old", "config_directory": "/etc/postfix-old"},
    ]
    record = record_of(healthy(masters=masters, instances=instances))
    assert [finding["code"] for finding in record["findings"]] == ["unlisted_instance", "stray_master"]
    assert "[::]:2525" in record["findings"][1]["message"]
    assert record["status"] == "finding"


def test_services_that_the_inventory_does_not_list() -> None:
    part = part_of(WANTED, ADDRESSES)
    part["unlisted_services"] = ["smtp", "gone"]
    record = record_of(result_of(ADDRESSES, part))
    assert [finding["code"] for finding in record["findings"]] == ["unlisted_service"]
    assert "smtp/inet" in record["findings"][0]["message"]


def test_the_info_module() -> None:
    part = part_of(WANTED, ADDRESSES)
    info = {
        "instance": "-",
        "effective": part["after"],
        "sockets": [{"address": "0.0.0.0", "port": 587}],
        "in_sync": False,
        "action": "restart",
        "addresses": ADDRESSES,
        "version": "3.7.11",
    }
    record = record_of(info)
    assert (record["status"], record["version"], record["addresses"]) == ("drift", "3.7.11", ADDRESSES)
    assert [(socket["port"], socket["state"]) for socket in record["sockets"]] == [(25, "missing"), (587, "unexpected")]


@pytest.mark.parametrize("fail_on, failing", [("error", []), ("warning", ["mta1"]), ("info", ["mta1"]), ("never", [])])
def test_from_which_severity_on_a_finding_fails_its_host(fail_on: str, failing: list[str]) -> None:
    part = part_of(WANTED, ADDRESSES)
    part["unlisted_services"] = ["smtp"]
    report = make_report("audit", [HostResult("mta1", None, result_of(ADDRESSES, part))], True, fail_on)
    assert list(report.failures()) == failing


def test_a_finding_across_hosts_makes_its_hosts_fail_and_not_ok() -> None:
    wanted = {**WANTED, "smtp_bind_address": "192.0.2.10", "smtp_bind_address_enforce": "yes"}
    result = result_of(ADDRESSES, part_of(wanted, ADDRESSES))
    report = make_report("audit", [HostResult("mta1", None, result), HostResult("mta2", None, result)], True)
    assert [record["status"] for record in report.records] == ["finding", "finding"]
    assert list(report.failures()) == ["mta1", "mta2"]
    assert report.summary()["codes"] == {"duplicate_source_address": 1}
