# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What appears and vanishes between two states of a fleet: by audits, by results of the modules, and by a plan."""

from __future__ import annotations

import copy
import json
import random
import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter import fleet_diff as face
from ansible_collections.mailfleet.postfix.plugins.filter import fleet_findings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet import merged
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import prefixes
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import as_json
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_sample import plan_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    MASTER,
    addresses_of,
    part_of,
    report_of,
    result_of,
)
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

diff = face.FilterModule().filters()["fleet_diff"]
find = fleet_findings.FilterModule().filters()["fleet_findings"]
COMMON = {"inet_interfaces": "all", "inet_protocols": "ipv4", "mynetworks": "127.0.0.0/8"}
NOTHING: dict[str, Any] = {"added": [], "removed": []}


def host(number: int, source: str = "", master: str = MASTER, names: tuple[str, ...] = ("-",), **more: str) -> Any:
    """A host with the addresses 192.0.2.N and 198.51.100.N, that sends from one of them."""
    own = addresses_of(("eth0", f"192.0.2.{number}/24"), ("eth0", f"198.51.100.{number}/24"))
    wanted = {**COMMON, **({"smtp_bind_address": source} if source else {}), **more}
    return result_of(own, *(part_of(wanted, own, master, name=name) for name in names))


def test_nothing_changes() -> None:
    fleet = {"mta1": host(1, "192.0.2.1"), "mta2": host(2)}
    found = diff(fleet, copy.deepcopy(fleet))
    prefix = ["192.0.2.1", "192.0.2.2", "198.51.100.2"]
    assert found["sources"] == {"before": prefix, "after": prefix, **NOTHING}
    assert [found[name] for name in ("endpoints", "hosts", "instances")] == [NOTHING] * 3
    assert found["actions"] == []


def test_sources_appear_and_vanish() -> None:
    before = {"mta1": host(16, "192.0.2.16"), "mta2": host(18, "192.0.2.18"), "mta3": host(3, "198.51.100.3")}
    after = {"mta1": host(16, "198.51.100.16"), "mta2": host(18, "192.0.2.18"), "mta4": host(17, "198.51.100.17")}
    found = diff(before, after)["sources"]
    assert found["added"] == ["198.51.100.16/31"]
    assert found["removed"] == ["192.0.2.16", "198.51.100.3"]
    assert found["after"] == ["192.0.2.18", "198.51.100.16/31"]


def test_a_source_that_another_host_still_has_does_not_vanish() -> None:
    own = addresses_of(("eth0", "192.0.2.7/24"))
    result = result_of(own, part_of({**COMMON, "smtp_bind_address": "192.0.2.7"}, own))
    assert diff({"mta1": result, "mta2": result}, {"mta2": result})["sources"]["removed"] == []


def test_which_sources_count() -> None:
    before, after = {"mta1": host(1)}, {"mta1": host(1, "192.0.2.1")}
    assert diff(before, after)["sources"]["removed"] == ["198.51.100.1"]
    assert diff(before, after, kernel_choice="none")["sources"]["added"] == ["192.0.2.1"]
    assert diff(before, after, transports="lmtp")["sources"]["removed"] == []
    assert diff(before, after, family="ipv6")["sources"]["before"] == []
    with pytest.raises(AnsibleFilterError, match="mta1: -: smtp/unix: '192.0.2.1, 198.51.100.1' are all possible"):
        diff(before, after, kernel_choice="error")
    own = addresses_of(("eth0", "10.0.0.1/8"))
    private = {"mta1": result_of(own, part_of(COMMON, own))}
    assert diff({}, private)["sources"]["added"] == ["10.0.0.1"]
    assert diff({}, private, private=False)["sources"]["added"] == []
    bulk = {"mta1": host(1, master=MASTER + "bulk unix - - n - - smtp -o smtp_bind_address=198.51.100.1\n")}
    assert diff(before, bulk, transports=["bulk"])["sources"]["added"] == ["198.51.100.1"]
    with pytest.raises(AnsibleFilterError, match="transports: 'other/unix' is not a transport of any host"):
        diff(before, bulk, transports=["other"])


def test_endpoints() -> None:
    more = MASTER + "192.0.2.1:587 inet n - y - - smtpd\n"
    found = diff({"mta1": host(1)}, {"mta1": host(1, master=more)})["endpoints"]
    endpoint = {"host": "mta1", "instance": "-", "address": "192.0.2.1", "port": 587, "service": "192.0.2.1:587"}
    assert found == {"added": [endpoint], "removed": []}
    assert diff({"mta1": host(1, master=more)}, {"mta1": host(1)})["endpoints"] == {"added": [], "removed": [endpoint]}
    renamed = MASTER.replace("smtp inet", "25 inet")
    assert diff({"mta1": host(1)}, {"mta1": host(1, master=renamed)})["endpoints"] == NOTHING, "the same endpoint"


def test_hosts_and_instances() -> None:
    before = {"mta1": host(1), "mta2": host(2), "mta10": host(10)}
    after = {"mta1": host(1, names=("-", "postfix-out")), "mta3": host(3, names=("-", "postfix-in"))}
    found = diff(before, after)
    assert found["hosts"] == {"added": ["mta3"], "removed": ["mta10", "mta2"]}
    assert found["instances"] == {"added": [{"host": "mta1", "instance": "postfix-out"}], "removed": []}
    assert {each["host"] for each in found["endpoints"]["added"]} == {"mta1", "mta3"}


def test_a_host_that_is_not_known_any_more_stays_as_it_was() -> None:
    before = {"mta1": host(1, "192.0.2.1"), "mta2": host(2)}
    for lost in ({"unreachable": True, "msg": "no route"}, {"failed": True, "msg": "no"}):
        found = diff(before, {"mta1": lost, "mta2": host(2)})
        assert found["sources"]["removed"] == []
        assert [found[name] for name in ("endpoints", "hosts", "instances")] == [NOTHING] * 3
    found = diff({"mta1": {"unreachable": True}}, {"mta1": host(1, "192.0.2.1")})
    assert found["sources"]["added"] == ["192.0.2.1"], "of which nothing was known before"


def test_actions() -> None:
    own = addresses_of(("eth0", "192.0.2.1/24"))
    moved = result_of(own, part_of(COMMON, own, found={**COMMON, "inet_interfaces": "loopback-only"}))
    fleet = {"mta1": host(1), "mta2": moved}
    assert diff(fleet)["actions"] == [{"host": "mta2", "instance": "-", "before": "none", "after": "restart"}]
    assert diff({**fleet, "mta2": host(1)}, fleet)["actions"] == diff(fleet)["actions"]
    assert diff(fleet, fleet)["actions"] == []


def test_a_plan_has_both_states() -> None:
    plan = plan_of(60)
    data = json.loads(as_json(plan))
    found = diff(data)
    assert {name: value for name, value in found.items() if name != "actions"} == plan.difference
    assert diff(data["instances"]) == found
    assert {each["after"] for each in found["actions"]} == {"reload", "restart", "start"}
    assert all(found[name]["added"] and found[name]["removed"] for name in ("sources", "endpoints", "hosts"))
    assert found["instances"]["added"]
    assert found["instances"]["added"][0]["instance"] == "postfix-out"
    # Two plans are compared by their proposals.
    same = diff(data, json.loads(as_json(plan)))
    assert [same[name] for name in ("endpoints", "hosts", "instances")] == [NOTHING] * 3
    assert same["sources"]["before"] == same["sources"]["after"]


def test_the_refused_and_unknown_hosts_of_a_plan_stay_as_they_are() -> None:
    data = json.loads(as_json(plan_of(60)))
    found = diff(data)
    kept = {record["host"] for record in data["instances"] if record["status"] in ("refused", "unknown")}
    assert len(kept) > 2
    named = [each["host"] for part in ("endpoints", "instances") for each in found[part]["removed"]]
    assert kept.isdisjoint([*named, *found["hosts"]["removed"]])


def test_findings_of_each_side_of_a_plan() -> None:
    own = addresses_of(("eth0", "192.0.2.1/24"), ("eth0", "192.0.2.9/24"))
    plan = plan_of(2)
    base, proposal = ({**COMMON, "smtp_bind_address": address} for address in ("192.0.2.9", "192.0.2.1"))
    for record in plan.records:
        part = part_of(proposal, own, found=base)
        record.update(addresses=own, now=part["before"], planned=part["after"], claims=part["claims"])
    data = json.loads(as_json(plan))
    (finding,) = find(data)
    assert finding["message"].startswith("192.0.2.1 is the source address of mx1")
    assert find(data["instances"], side="proposal") == [finding]
    for fleet in (data, data["instances"]):
        (finding,) = find(fleet, side="base")
        assert finding["message"].startswith("192.0.2.9 is the source address of mx1")
    with pytest.raises(AnsibleFilterError, match="side: 'both' is not a side of a plan. Use base or proposal"):
        find(data, side="both")


def test_the_findings_of_a_plan_are_those_of_the_proposal() -> None:
    plan = plan_of(100)
    assert plan.fleet
    assert find(json.loads(as_json(plan))) == [
        {name: value for name, value in finding.items() if name != "new"} for finding in plan.fleet
    ]


def test_the_refusal_of_a_proposal_is_not_a_finding_of_the_base() -> None:
    data = json.loads(as_json(plan_of(60)))
    assert "absent_inventory_address" in {finding["code"] for finding in find(data)}
    assert "absent_inventory_address" not in {finding["code"] for finding in find(data, side="base")}


@pytest.mark.parametrize("fleet", ["plan", 1, [{"name": "mta1"}], {"mta1": "ok"}])
def test_other_input_is_refused(fleet: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="_input: "):
        diff(fleet)
    with pytest.raises(AnsibleFilterError, match="_input: "):
        diff({}, fleet)


def test_the_order_of_the_input_does_not_matter() -> None:
    data = json.loads(as_json(plan_of(100)))["instances"]
    shuffled = list(data)
    random.Random(7).shuffle(shuffled)
    assert json.dumps(diff(data)) == json.dumps(diff(shuffled))


def test_prefixes_are_those_of_netaddr() -> None:
    chance = random.Random(11)
    for _turn in range(50):
        some = [IPv4Address(0xC0000200 + chance.randrange(64)) for _number in range(chance.randrange(40))]
        some += [IPv6Address((0x20010DB8 << 96) + chance.randrange(64)) for _number in range(chance.randrange(40))]
        assert prefixes(some) == merged(some)
    assert prefixes([]) == []
    assert prefixes([IPv6Address(number) for number in range(2)]) == merged([IPv6Address(0), IPv6Address(1)])


def test_the_documentation_names_each_part() -> None:
    documented = yaml.safe_load(face.RETURN)["_value"]
    found = diff(plan_of(30).records)
    assert list(documented["contains"]) == list(documented["sample"]) == list(found)
    for name, sample in documented["sample"].items():
        assert not isinstance(sample, dict) or sorted(sample) == sorted(found[name])
    assert sorted(documented["sample"]["endpoints"]["added"][0]) == sorted(found["endpoints"]["added"][0])
    assert sorted(documented["sample"]["actions"][0]) == sorted(found["actions"][0])


def test_the_examples() -> None:
    first, second = yaml.safe_load(face.EXAMPLES)
    assert "monday | mailfleet.postfix.fleet_diff(tuesday)" in first["ansible.builtin.debug"]["msg"]
    audits = [json.loads(as_json(report_of(40, defects=defects))) for defects in (False, True)]
    assert diff(*audits)["sources"]["added"]
    (condition,) = re.findall(r"fleet_diff\((.*)\)\)", second["ansible.builtin.assert"]["that"])
    assert condition == "private=false"
    assert diff(json.loads(as_json(plan_of(40))), private=False)["sources"]["added"]


@pytest.mark.duration
def test_ten_thousand_hosts() -> None:
    data = json.loads(as_json(plan_of(10_000, rate=10)))
    found = within(3, lambda: diff(data))
    assert len(found["hosts"]["added"]) > 90
