# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a look across hosts shows; each finding with a fleet that is almost the same and does not have it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter import fleet_findings as face
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import CODES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report import fleet_findings as rules
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import as_json
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    MASTER,
    addresses_of,
    part_of,
    report_of,
    result_of,
    view_of,
)

find = face.FilterModule().filters()["fleet_findings"]
COMMON = {"inet_interfaces": "all", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8"}


def host(
    number: int, source: str = "", *also: str, master: str = MASTER, version: str = "3.7.11", **settings: str
) -> Any:
    """A host with an address of its own, and perhaps others, that sends from one."""
    own = addresses_of(("eth0", f"192.0.2.{number}/24"), *(("eth0", address) for address in also))
    wanted = {**COMMON, **({"smtp_bind_address": source} if source else {}), **settings}
    return result_of(own, part_of(wanted, own, master), version=version)


def codes(fleet: Any, **more: Any) -> list[tuple[str, str]]:
    return [(finding["code"], finding["severity"]) for finding in find(fleet, **more)]


def test_hosts_with_sources_of_their_own() -> None:
    fleet = {"mta1": host(1, "192.0.2.1"), "mta2": host(2, "192.0.2.2"), "mta3": host(3)}
    assert find(fleet) == []


def test_a_source_that_two_hosts_have() -> None:
    vip = "198.51.100.7"
    (finding,) = find({"mta1": host(1, vip, f"{vip}/24"), "mta2": host(2, vip, f"{vip}/24"), "mta3": host(3)})
    assert (finding["code"], finding["severity"]) == ("duplicate_source_address", "error")
    assert (
        finding["message"] == f"{vip} is the source address of mta1 and mta2, and mta1 and mta2 have it on an interface"
    )
    assert finding["places"] == [{"host": name, "instance": "-"} for name in ("mta1", "mta2")]
    private = {name: host(number, "10.1.1.7", "10.1.1.7/24") for number, name in ((1, "mta1"), (2, "mta2"))}
    assert codes(private) == [("duplicate_source_address", "warning")]


def test_results_of_all_instances_tell_which_addresses_the_hosts_have() -> None:
    fleet = {}
    for number, name in ((1, "mta1"), (2, "mta2")):
        own = addresses_of(("eth0", f"192.0.2.{number}/24"), ("eth0", "198.51.100.7/24"))
        view = view_of({**COMMON, "smtp_bind_address": "198.51.100.7"}, own)
        part = {"config_directory": "/etc/postfix", "instance": "-", "addresses": own, "effective": view}
        fleet[name] = {"changed": False, "instances": [part]}
    assert codes(fleet) == [("duplicate_source_address", "error")]


def test_a_source_that_two_hosts_claim_and_one_has_or_none() -> None:
    vip = "198.51.100.7"
    (finding,) = find({"mta1": host(1, vip, f"{vip}/24"), "mta2": host(2, vip)})
    assert (finding["code"], finding["severity"]) == ("shared_source_address", "warning")
    assert finding["message"].endswith("and only mta1 has it")
    (finding,) = find({"mta1": host(1, vip), "mta2": host(2, vip)})
    assert finding["code"] == "shared_source_address"
    assert finding["message"].endswith("and no host of this run has it on an interface")


def test_two_instances_of_one_host_may_share_a_source() -> None:
    own = addresses_of(("eth0", "192.0.2.1/24"))
    wanted = {**COMMON, "smtp_bind_address": "192.0.2.1"}
    parts = part_of(wanted, own), part_of(wanted, own, name="postfix-out")
    assert find({"mta1": result_of(own, *parts), "mta2": host(2)}) == []


def test_a_source_that_no_host_has_or_only_another_one() -> None:
    assert codes({"mta1": host(1, "198.51.100.7"), "mta2": host(2)}) == [("unowned_source_address", "warning")]
    fleet = {"mta1": host(1, "192.0.2.2"), "mta2": host(2)}
    (finding,) = find(fleet)
    assert (finding["code"], finding["severity"]) == ("foreign_source_address", "warning")
    assert finding["message"] == "192.0.2.2 is the source address of mta1, and mta2 has it"
    assert finding["parameter"] == "smtp_bind_address"


def test_loopback_and_the_choice_of_the_kernel_are_not_claimed() -> None:
    assert find({"mta1": host(1, "127.0.0.1"), "mta2": host(2, "127.0.0.1"), "mta3": host(3, "0.0.0.0")}) == []


def refused(value: str, addresses: Any) -> dict[str, Any]:
    parts = {"parameter": "smtp_bind_address", "value": value, "reason": "is absent", "remedy": "Add it"}
    return {"failed": True, "msg": "smtp_bind_address: …", **parts, "survey": {"addresses": addresses}}


def test_an_address_of_the_inventory_that_the_host_lacks() -> None:
    own = addresses_of(("eth0", "192.0.2.1/24"))
    (finding,) = find({"mta1": refused("198.51.100.9", own), "mta2": host(2)})
    assert (finding["code"], finding["severity"]) == ("absent_inventory_address", "error")
    assert "198.51.100.9 to mta1, and no host" in finding["message"]
    (finding,) = find({"mta1": refused("192.0.2.2", own), "mta2": host(2)})
    assert finding["message"].endswith("which does not have it, and mta2 has it")
    assert find({"mta1": refused("loopback-only", own), "mta2": refused("192.0.2.1", own)}) == []
    assert find({"mta1": {"unreachable": True}, "mta2": {"failed": True, "msg": "no"}}) == []


def test_an_absent_address_that_is_allowed_and_that_another_host_has() -> None:
    endpoint = MASTER + "192.0.2.2:2525 inet n - y - - smtpd\n"
    (finding,) = find({"mta1": host(1, master=endpoint), "mta2": host(2)})
    assert (finding["code"], finding["severity"]) == ("absent_inventory_address", "warning")
    assert find({"mta1": host(1, master=endpoint)}) == []


def test_hosts_that_differ_from_most_of_their_group() -> None:
    more = MASTER + "submission inet n - y - - smtpd\n"
    fleet = {f"mta{number}": host(number, master=more if number == 4 else MASTER) for number in range(1, 5)}
    groups = {"site": list(fleet)}
    (finding,) = find(fleet, groups=groups)
    assert (finding["code"], finding["severity"]) == ("differs_from_group", "warning")
    assert finding["message"] == (
        "mta4 listens otherwise than 3 of the 4 hosts of site "
        "(only here: submission on port 587 of all addresses (ipv4))"
    )
    assert find(fleet) == [], "without groups nothing is expected to be alike"
    assert find(fleet, groups={"site": ["mta1", "mta4"], "other": ["mta2", "mta3"]}) == [], "two are no majority"
    halves = {name: host(number, master=(more if number > 2 else MASTER)) for number, name in enumerate(fleet, 1)}
    assert find(halves, groups=groups) == [], "two of four are no majority"


def test_each_host_of_a_group_may_have_addresses_of_its_own() -> None:
    fleet = {
        f"mta{number}": host(number, f"192.0.2.{number}", inet_interfaces=f"127.0.0.1, 192.0.2.{number}")
        for number in range(1, 5)
    }
    assert find(fleet, groups={"site": list(fleet)}) == []
    fleet["mta5"] = host(5, inet_interfaces="127.0.0.1, 192.0.2.5", smtp_bind_address="0.0.0.0")
    assert codes(fleet, groups={"site": list(fleet)}) == [("differs_from_group", "warning")]


def test_an_older_version_in_a_group_is_worth_knowing() -> None:
    fleet = {f"mta{number}": host(number, version="3.5.25" if number == 3 else "3.7.11") for number in range(1, 4)}
    (finding,) = find(fleet, groups={"site": list(fleet)})
    assert (finding["code"], finding["severity"], finding["parameter"]) == ("differs_from_group", "info", "version")


def test_the_instances_of_a_report_give_the_same() -> None:
    report = report_of(40)
    assert report.fleet
    of_hosts = [finding for finding in report.fleet if finding["code"] not in CODES]  # the rest is what DNS says
    assert find(json.loads(as_json(report))["instances"]) == of_hosts


def test_the_most_serious_comes_first() -> None:
    order = [SEVERITIES.index(finding["severity"]) for finding in report_of(200).fleet]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "fleet, groups, word",
    [
        ("mta1", None, "is neither a mapping of hosts nor a list"),
        ({"mta1": "ok"}, None, "is not a result of the host mta1"),
        ([{"name": "mta1"}], None, "is not an instance of a host"),
        ({}, ["site"], "is not a mapping"),
        ({}, {"site": "mta1"}, "is not a list of the hosts of site"),
    ],
)
def test_other_input_is_refused(fleet: Any, groups: Any, word: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(word)):
        find(fleet, groups=groups)


def test_each_code_is_documented_with_its_severities() -> None:
    lines = yaml.safe_load(face.RETURN)["_value"]["contains"]["code"]["description"]
    documented = {
        match[1]: set(match[2].split(" or ")) for line in lines if (match := re.match(r"V\((\w+)\), ([\w ]+):", line))
    }
    with open(rules.__file__, encoding="utf-8") as stream:
        source = stream.read()
    assert set(documented) == set(re.findall(r'"(\w+_address|differs_from_group)"', source)) - {"smtp_bind_address"}
    assert set().union(*documented.values()) == set(SEVERITIES)
