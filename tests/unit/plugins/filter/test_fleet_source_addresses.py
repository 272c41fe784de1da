# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet sends from: whose addresses count, which prefixes they make, and where an error says it is."""

from __future__ import annotations

import sys
from ipaddress import IPv4Address, IPv6Address, collapse_addresses, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter import fleet_findings
from ansible_collections.mailfleet.postfix.plugins.filter import fleet_source_addresses as file
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet import merged
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._role_variables import ENTRY_OPTIONS, OPTIONS, PREFIX
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    MASTER,
    addresses_of,
    view_of,
)
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within
from hypothesis import given
from hypothesis import strategies as st

fleet_source_addresses = file.fleet_source_addresses
ROLE = Path(__file__).resolve().parents[4] / "roles" / "postfix_interfaces"
ADDRESSES = ["127.0.0.1/8", "10.77.0.1/24", "192.0.2.1/24", "192.0.2.2/24", "::1/128", "fe80::1/64", "2001:db8::1/64"]
FREE = ["10.77.0.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"]


def one(settings: dict, **others: Any) -> list:
    return [{"settings": settings, "addresses": ADDRESSES, **others}]


def host(*have: Any, **options: Any) -> dict:
    """The variables of a host with these variables of the role, and with other addresses if they are given."""
    variables = {PREFIX + name: value for name, value in options.items()}
    return {"other": 1, "have": have[0] if have else ADDRESSES, **variables}


def of_hosts(*args: Any, **options: Any) -> list:
    """What one host sends from."""
    fleet = {"mta1": host(*args, **options)}
    return fleet_source_addresses(fleet, addresses="have")


# The list


def test_nothing_sends_from_nowhere() -> None:
    assert fleet_source_addresses([]) == []
    assert fleet_source_addresses({}) == []


def test_the_kernel_may_choose_every_address_that_leaves_the_link() -> None:
    assert fleet_source_addresses(one({})) == FREE


def test_an_address_that_is_said_is_the_only_one() -> None:
    settings = {"smtp_bind_address": "192.0.2.2", "smtp_bind_address6": "[2001:DB8::1]"}
    assert fleet_source_addresses(one(settings)) == ["192.0.2.2", "2001:db8::1"]
    assert fleet_source_addresses(one({"inet_interfaces": "192.0.2.1"})) == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"inet_protocols": "ipv4", "smtp_bind_address": "127.0.0.1"}, []),
        ({"smtp_bind_address": "127.0.0.1", "smtp_bind_address6": "::1"}, []),
        # a family that cannot send
        ({"smtp_bind_address": "192.0.2.9", "smtp_bind_address_enforce": "yes"}, ["2001:db8::1"]),
        ({"smtp_bind_address": "nonsense"}, ["2001:db8::1"]),
        # without enforcement Postfix goes on unbound
        ({"inet_protocols": "ipv4", "smtp_bind_address": "192.0.2.9"}, FREE[:3]),
    ],
)
def test_what_never_leaves_is_left_out(settings: dict, expected: list) -> None:
    assert fleet_source_addresses(one(settings)) == expected


def test_addresses_that_the_host_will_not_keep_are_left_out() -> None:
    addresses = [
        {"address": "2001:db8::1", "prefix_length": 64},
        {"address": "2001:db8::2", "prefix_length": 64, "temporary": True},
        {"address": "2001:db8::3", "prefix_length": 64, "deprecated": True},
        {"address": "192.0.2.1", "prefix_length": 24, "dynamic": True},
    ]
    assert fleet_source_addresses([{"settings": {}, "addresses": addresses}]) == ["192.0.2.1", "2001:db8::1"]
    for written, kept in (("2001:db8::1", ["2001:db8::1"]), ("2001:db8::2", []), ("2001:db8::3", [])):
        settings = {"inet_protocols": "ipv6", "smtp_bind_address6": written}
        assert fleet_source_addresses([{"settings": settings, "addresses": addresses}]) == kept


def test_family() -> None:
    assert fleet_source_addresses(one({}), family="ipv6") == ["2001:db8::1"]
    assert fleet_source_addresses(one({}), family="ipv4") == FREE[:3]


def test_private() -> None:
    addresses = ["10.77.0.1/24", "100.64.0.1/10", "192.0.2.1/24", "fd77::1/64", "2001:db8::1/64"]
    listed = [{"settings": {}, "addresses": addresses}]
    assert fleet_source_addresses(listed, private=False) == ["192.0.2.1", "2001:db8::1"]
    listed[0]["settings"] = {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "fd77::1"}
    assert fleet_source_addresses(listed, private="no") == []
    assert fleet_source_addresses(listed) == ["10.77.0.1", "fd77::1"]


def test_kernel_choice() -> None:
    settings = {"smtp_bind_address": "192.0.2.2"}
    assert fleet_source_addresses(one(settings), kernel_choice="all") == ["192.0.2.2", "2001:db8::1"]
    assert fleet_source_addresses(one(settings), kernel_choice="none") == ["192.0.2.2"]
    # of one address there is no choice
    assert fleet_source_addresses(one(settings), kernel_choice="error") == ["192.0.2.2", "2001:db8::1"]
    with pytest.raises(AnsibleFilterError) as caught:
        fleet_source_addresses(one({}), kernel_choice="error")
    expected = (
        "_input[0]: smtp/unix: '10.77.0.1, 192.0.2.1, 192.0.2.2' are all possible, since the kernel chooses the source "
        "address for ipv4. Set the source address of the transport, or allow this with kernel_choice=all."
    )
    assert str(caught.value) == expected


SERVICES = """\
smtp unix - - n - - smtp
bulk unix - - n - - smtp -o smtp_bind_address=192.0.2.1
lmtp unix - - n - - lmtp
local unix - - n - - local
"""


def test_transports() -> None:
    settings = {"inet_protocols": "ipv4", "smtp_bind_address": "192.0.2.2", "lmtp_bind_address": "10.77.0.1"}
    listed = one(settings, services=SERVICES)
    assert fleet_source_addresses(listed) == ["192.0.2.1", "192.0.2.2"]
    assert fleet_source_addresses(listed, transports="bulk") == ["192.0.2.1"]
    assert fleet_source_addresses(listed, transports=["smtp/unix", "lmtp"]) == ["10.77.0.1", "192.0.2.2"]
    assert fleet_source_addresses(listed + one(settings), transports=["bulk"]) == ["192.0.2.1"]
    with pytest.raises(AnsibleFilterError, match="transports: 'bluk/unix' is not a transport of any host.*bulk/unix"):
        fleet_source_addresses(listed, transports=["bluk"])


def test_version() -> None:
    # before 3.7 brackets are no part of an address, and the client dies of them
    settings = {"inet_protocols": "ipv4", "smtp_bind_address": "[192.0.2.2]"}
    assert fleet_source_addresses(one(settings), version="3.6") == []
    assert fleet_source_addresses(one(settings, version="3.7"), version="3.6") == ["192.0.2.2"]
    assert fleet_source_addresses({"a": host()}, addresses="have", version="3.6") == FREE


def test_resolve() -> None:
    settings = {"inet_interfaces": "mx.example.org", "inet_protocols": "ipv4"}
    assert fleet_source_addresses(one(settings), resolve={"mx.example.org": "192.0.2.2"}) == ["192.0.2.2"]
    with pytest.raises(AnsibleFilterError, match="_input.0.: inet_interfaces: 'mx.example.org' .*DNS is not asked"):
        fleet_source_addresses(one(settings))


# Hosts with their variables


def test_a_host_without_variables_is_stock() -> None:
    assert of_hosts() == FREE


def test_hosts_of_a_group() -> None:
    fleet = {"mta1": host(["192.0.2.1/24"]), "mta2": host(["192.0.2.2/24"]), "web": {}}
    assert fleet_source_addresses(fleet, ["mta2", "mta1"], "have") == ["192.0.2.1", "192.0.2.2"]
    assert fleet_source_addresses(fleet, "mta2", "have") == ["192.0.2.2"]
    with pytest.raises(AnsibleFilterError, match="hosts: 'mta3' is not a host of the inventory"):
        fleet_source_addresses(fleet, ["mta3"], "have")
    with pytest.raises(AnsibleFilterError, match="web: addresses: 'have' is not a variable of the host. Gather"):
        fleet_source_addresses(fleet, addresses="have")


def test_where_the_addresses_are() -> None:
    facts = {"interfaces": ["eth0"], "eth0": {"ipv4": {"address": "192.0.2.1", "prefix": "24"}}}
    assert fleet_source_addresses({"mta1": {"ansible_facts": facts}}) == ["192.0.2.1"]
    looked_at = {
        "postfix": {"addresses": [{"address": "192.0.2.1", "up": True}, {"address": "192.0.2.2", "up": False}]}
    }
    assert fleet_source_addresses({"mta1": looked_at}, addresses="postfix.addresses") == ["192.0.2.1"]
    with pytest.raises(AnsibleFilterError, match="mta1: ansible_facts: .*without network facts"):
        fleet_source_addresses({"mta1": {"ansible_facts": {}}})


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"smtp_bind_address": "192.0.2.2"}, ["192.0.2.2", "2001:db8::1"]),
        ({"smtp_bind_address": None}, FREE),
        ({"inet_protocols": "ipv4", "smtp_bind_address_enforce": "true"}, FREE[:3]),
        ({"inet_interfaces": "127.0.0.1, 192.0.2.2", "inet_protocols": ["ipv4"]}, FREE[:3]),
        ({"inet_protocols": ["ipv6"], "unset": ["smtp_bind_address"]}, ["2001:db8::1"]),
        ({"select": {"smtp_bind_address": "192.0.2.2/32", "inet_protocols": []}, "unset": []}, "takes no addresses"),
        ({"select": {"smtp_bind_address": ["192.0.2.0/24", "!192.0.2.1"]}}, ["192.0.2.2", "2001:db8::1"]),
        ({"select": {"inet_interfaces": "10.0.0.0/8"}}, ["10.77.0.1", "2001:db8::1"]),
        ({"timeout": 5, "backup": True, "config_directory": "/etc/postfix", "unlisted_services": "disable"}, FREE),
        (
            {
                "master_service_disable": ["smtp/unix"],
                "services": [{"name": "relay", "type": "unix", "state": "absent"}],
            },
            [],
        ),
        # what the host does not have yet
        ({"smtp_bind_address": "192.0.2.9"}, "mta1: postfix_interfaces_smtp_bind_address: '192.0.2.9' is on no"),
        ({"smtp_bind_address": "192.0.2.9", "allow_absent_addresses": True}, FREE),
        ({"inet_interfaces": ["192.0.2.9"]}, "mta1: postfix_interfaces_inet_interfaces: '192.0.2.9' is on no"),
        ({"inet_interfaces": ["192.0.2.9"], "allow_absent_addresses": "yes"}, FREE),
        # what the role refuses
        (
            {"smtp_bind_adress": "192.0.2.2"},
            "mta1: postfix_interfaces_smtp_bind_adress: .* is not a variable of the role",
        ),
        ({"smtp_bind_address": "192.0.2.300"}, "mta1: postfix_interfaces_smtp_bind_address: '192.0.2.300' is"),
        ({"smtp_bind_address": {}}, "mta1: postfix_interfaces_smtp_bind_address: .* is a dict"),
        (
            {"smtp_bind_address_enforce": "perhaps"},
            "mta1: postfix_interfaces_smtp_bind_address_enforce: .*not a boolean",
        ),
        ({"select": {"smtp_bind_address": ["192.0.2.0/24"]}}, "mta1: smtp_bind_address: .*it takes one address"),
        ({"select": {"smtp_bind_address": ["203.0.113.0/24"]}}, "mta1: smtp_bind_address: .*no usable ipv4 address"),
        ({"select": ["loopback"]}, "mta1: postfix_interfaces_select: .* is not a mapping"),
        ({"select": {"mynetworks": "global"}}, "mta1: postfix_interfaces_select: 'mynetworks' is not a parameter"),
        ({"unset": 5}, "mta1: postfix_interfaces_unset: '5' is not a list"),
        ({"instances": {}}, "mta1: postfix_interfaces_instances: '{}' is not a list"),
        ({"instances": ["x"]}, "mta1: postfix_interfaces_instances: 'x' is not a mapping"),
        ({"instances": [{"path": "x"}]}, "mta1: postfix_interfaces_instances: 'path' is not an option of an instance"),
        ({"allow_absent_addresses": "perhaps"}, "mta1: postfix_interfaces_allow_absent_addresses: .*not a boolean"),
        ({"services": {}}, "mta1: postfix_interfaces_services: '{}' is not a list"),
    ],
)
def test_the_variables_of_the_role(options: dict, expected: Any) -> None:
    if isinstance(expected, list):
        assert of_hosts(**options) == expected
    else:
        with pytest.raises(AnsibleFilterError, match=expected):
            of_hosts(**options)


@pytest.mark.parametrize(
    "services, expected",
    [
        ([{"name": "bulk", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": "192.0.2.2"}}], FREE),
        ([{"name": "relay", "type": "unix", "options": {"smtp_bind_address": "192.0.2.2"}}], FREE[1:]),
        ([{"name": "relay", "type": "unix", "unset_options": ["syslog_name"], "chroot": None}], FREE),
        ([{"name": "relay", "type": "unix", "state": "disabled"}], ["192.0.2.1", "2001:db8::1"]),
        # listeners may need what only the host knows
        ([{"name": "relay", "type": "unix", "state": "absent"}, {"name": "amavis"}], ["192.0.2.1", "2001:db8::1"]),
        ([{"name": "bulk", "type": "unix", "options": {"a": "b"}}], "bulk"),
        ([{"name": "x", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": "192.0.2.9"}}], "on no"),
        ([{"name": "x", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": "me"}}], "host name"),
        ([{"name": "x", "type": "unix", "command": "smtp", "options": ["a=b"]}], "not a mapping of options"),
        ([{"name": "x", "type": "unix", "state": "gone"}], "'gone' is not a state"),
        ([{"name": "x", "typ": "unix"}], "postfix_interfaces_services: 'typ' is not a key"),
        ([{"type": "unix"}], "postfix_interfaces_services: .*not a mapping with a name"),
        (["smtp"], "postfix_interfaces_services: 'smtp' is not a mapping with a name"),
    ],
)
def test_the_services_of_the_role(services: list, expected: Any) -> None:
    """Beside the stock clients, of which relay sends from anywhere and smtp from one address."""
    always = {"name": "smtp", "type": "unix", "options": {"smtp_bind_address": "192.0.2.1"}}
    if isinstance(expected, list):
        assert of_hosts(services=[always, *services]) == expected
    else:
        with pytest.raises(AnsibleFilterError, match=f"mta1: .*{expected}"):
            of_hosts(services=[always, *services])


def test_instances() -> None:
    instances = [
        {"inet_interfaces": "loopback-only", "smtp_bind_address": "10.77.0.1"},
        {"instance": "postfix-out", "state": "present", "group": "out", "inet_interfaces": ["192.0.2.1"]},
        {"instance": "postfix-old", "state": "absent", "smtp_bind_address": "192.0.2.9"},
        {"instance": "postfix-shop", "smtp_bind_address": None, "inet_interfaces": ["192.0.2.1", "192.0.2.2"]},
    ]
    options = {"inet_protocols": "ipv4", "smtp_bind_address": "192.0.2.2"}
    assert of_hosts(**options, instances=instances[:1]) == ["10.77.0.1"]
    assert of_hosts(**options, instances=instances[:3]) == ["10.77.0.1", "192.0.2.2"]
    assert of_hosts(**options, instances=instances) == FREE[:3]  # null takes back what the host's variable says
    assert of_hosts(**options, instances=[]) == []
    instances[1]["smtp_bind_address"] = "192.0.2.9"
    expected = r"mta1: postfix_interfaces_instances\[1\]: smtp_bind_address: '192.0.2.9' is on no"
    with pytest.raises(AnsibleFilterError, match=expected):
        of_hosts(**options, instances=instances)


def test_the_variables_are_those_of_the_role() -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    of_runs = ("instances", "findings", "survey", "confirm", "keep_versions", "records")
    assert {PREFIX + name for name in (*OPTIONS, *of_runs)} == set(options)
    assert {*OPTIONS, *ENTRY_OPTIONS} == set(options[PREFIX + "instances"]["options"])


# What hosts really do

LMTP = "smtp unix - - n - - smtp\nnear unix - - n - - lmtp -o lmtp_bind_address=192.0.2.2\n"
SHARED = "198.51.100.7"


def found(number: int, source: str = "", *also: str, master: str = MASTER, **settings: str) -> dict:
    """A result of postfix_interfaces_info for one instance, of a host with an address of its own and others."""
    own = addresses_of(("eth0", f"192.0.2.{number}/24"), *(("eth0", f"{address}/24") for address in also))
    wanted = {"inet_protocols": "ipv4", **({"smtp_bind_address": source} if source else {}), **settings}
    part = {"config_directory": "/etc/postfix", "instance": "-", "addresses": own}
    return {"changed": False, "failed": False, **part, "effective": view_of(wanted, own, master)}


def several(*parts: dict) -> dict:
    """The same with all_instances."""
    return {"changed": False, "failed": False, "instances": list(parts), "variables": {}}


def test_results() -> None:
    one, two = found(1, "192.0.2.1"), found(2)
    assert fleet_source_addresses(one) == ["192.0.2.1"]
    assert fleet_source_addresses(several(one, found(1, "192.0.2.9", "192.0.2.9"))) == ["192.0.2.1", "192.0.2.9"]
    assert fleet_source_addresses([one, several(two)]) == ["192.0.2.1", "192.0.2.2"]
    assert fleet_source_addresses({"mta1": one, "mta2": several(two)}) == ["192.0.2.1", "192.0.2.2"]
    assert fleet_source_addresses({"mta1": one, "mta2": two}, ["mta2"]) == ["192.0.2.2"]
    # beside what the inventory says, which does not count
    fleet = {"mta1": {**host(["192.0.2.8"]), "postfix": one}, "mta2": {"postfix": several(two)}, "www": {}}
    assert fleet_source_addresses(fleet, ["mta1", "mta2"], results="postfix") == ["192.0.2.1", "192.0.2.2"]
    assert fleet_source_addresses(fleet, "mta1", addresses="have") == ["192.0.2.8"]


def test_the_transports_of_results() -> None:
    near = found(1, "", "192.0.2.2", master=LMTP)
    assert fleet_source_addresses(near, kernel_choice="none") == []
    assert fleet_source_addresses(near, transports=["near"]) == ["192.0.2.2"]
    with pytest.raises(AnsibleFilterError, match="_input: -: smtp/unix: '192.0.2.1, 192.0.2.2' are all possible"):
        fleet_source_addresses(near, kernel_choice="error")


@pytest.mark.parametrize(
    "fleet, options, words",
    [
        (
            {"changed": False, "unreachable": True, "msg": "no route"},
            {},
            "mta1: results: 'no route' is all that is known",
        ),
        ({"changed": False, "failed": True, "msg": "no such"}, {}, "mta1: results: 'no such' is all that is known"),
        ({"changed": False, "skipped": True}, {}, "mta1: results: 'skipped' is all that is known"),
        (found(1, inet_interfaces="192.0.2.9"), {}, "mta1: results: .*192.0.2.9.* Postfix would die of"),
        (several({"instance": "-"}), {}, "mta1: results: .* is not a result of postfix_interfaces_info"),
        ({"changed": False, "instances": 5}, {}, "mta1: results: '5' is not a result of postfix_interfaces_info"),
        ({"postfix": 5}, {"results": "postfix"}, "mta1: results: '5' is not a result of postfix_interfaces_info"),
        ({"postfix": {}}, {"results": "postfix"}, "mta1: results: '{}' is not a result of postfix_interfaces_info"),
        ({}, {"results": "postfix"}, "mta1: results: 'postfix' is not a variable of the host. Describe"),
        ({}, {"results": 5}, "results: '5' is not the name of a variable"),
        ({}, {"results": "postfix", "addresses": "have"}, "addresses: 'have' is not needed beside results"),
        (found(1), {"shared": ["192.0.2.300"]}, "shared: '192.0.2.300' is neither an address nor a prefix"),
        (found(1), {"shared": 5}, "shared: '5' is not a list of names"),
    ],
)
def test_results_that_say_nothing(fleet: dict, options: dict, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        fleet_source_addresses({"mta1": fleet}, **options)


def test_results_are_of_hosts() -> None:
    with pytest.raises(AnsibleFilterError, match="results: 'postfix' only applies to hosts"):
        fleet_source_addresses([found(1)], results="postfix")


def test_an_address_that_two_hosts_claim() -> None:
    fleet = {"mta1": found(1, SHARED, SHARED), "mta2": found(2, SHARED, SHARED), "mta3": found(3)}
    expected = (
        f"smtp_bind_address: '{SHARED}' is the source address of mta1 and mta2, and mta1 and mta2 have it on an "
        "interface. Give each host an address of its own, or list this one in shared if it moves between them."
    )
    with pytest.raises(AnsibleFilterError) as caught:
        fleet_source_addresses(fleet)
    assert str(caught.value) == expected
    # in the same words as the findings across a fleet
    (finding,) = fleet_findings.fleet_findings(fleet)
    assert finding["message"] in expected.replace("'", "")
    for shared in (SHARED, [f"{SHARED}/32"], ["198.51.100.0/24", "2001:db8::/32"], ["0.0.0.0/0", "::/0"]):
        assert fleet_source_addresses(fleet, shared=shared) == ["192.0.2.3", SHARED]
    with pytest.raises(AnsibleFilterError, match="mta1 and mta2"):
        fleet_source_addresses(fleet, shared=["198.51.100.8", "2001:db8::/32"])
    # two instances of one host may share it
    assert fleet_source_addresses({"mta1": several(fleet["mta1"], fleet["mta1"])}) == [SHARED]
    assert fleet_source_addresses({"mta1": fleet["mta1"], "mta3": found(3, "", SHARED)}) == ["192.0.2.3", SHARED]


def test_an_address_that_two_hosts_claim_by_their_variables() -> None:
    wanted = {"inet_protocols": "ipv4", "smtp_bind_address": "10.1.1.7"}
    fleet = {name: host([f"192.0.2.{number}", "10.1.1.7"], **wanted) for number, name in ((1, "mta1"), (2, "mta2"))}
    with pytest.raises(
        AnsibleFilterError, match="smtp_bind_address: '10.1.1.7' is the source address of mta1 and mta2"
    ):
        fleet_source_addresses(fleet, addresses="have")
    # what is not asked for is not claimed
    assert fleet_source_addresses(fleet, addresses="have", private=False) == []
    assert fleet_source_addresses(fleet, addresses="have", shared=["10.0.0.0/8"]) == ["10.1.1.7"]
    # nor what the kernel may choose
    free = {name: {**variables, PREFIX + "smtp_bind_address": None} for name, variables in fleet.items()}
    assert fleet_source_addresses(free, addresses="have") == ["10.1.1.7", "192.0.2.1", "192.0.2.2"]


# Errors


@pytest.mark.parametrize(
    "fleet, options, words",
    [
        (None, {}, "_input: 'None' is neither hostvars nor a list of configurations"),
        ("all", {}, "_input: 'all' is neither"),
        (["mta1"], {}, r"_input\[0\]: configuration: 'mta1' is not a mapping"),
        ([{"settings": {}, "addrs": []}], {}, r"_input\[0\]: configuration: 'addrs' is not a key"),
        ([{"addresses": ADDRESSES}], {}, r"_input\[0\]: settings: 'None' is not a mapping"),
        ([{"settings": {}}], {}, r"_input\[0\]: addresses: 'None' is neither"),
        (one({}) + one({"inet_interfaces": "10.0.0.0/8"}), {}, r"_input\[1\]: inet_interfaces: .* is a network"),
        (one({}, version=3.1), {}, r"_input\[0\]: version: '3.1' is not text"),
        (one({}, services=5), {}, r"_input\[0\]: services: '5' is neither"),
        (one({}), {"hosts": ["mta1"]}, "hosts: .*only applies to hosts with their variables"),
        (one({}), {"addresses": "have"}, "addresses: 'have' only applies to hosts with their variables"),
        (one({}), {"family": "inet"}, "family: 'inet' is not one of the choices. Use one of ipv4, ipv6"),
        (
            one({}),
            {"kernel_choice": "some"},
            "kernel_choice: 'some' is not one of the choices. Use one of all, none, error",
        ),
        (one({}), {"private": "perhaps"}, "private: 'perhaps' is not a boolean"),
        (one({}), {"transports": 5}, "transports: '5' is not a list of names"),
        (one({}), {"transports": [5]}, "transports: .* is not a list of names"),
        ({"mta1": host()}, {"hosts": {"mta1": 1}, "addresses": "have"}, "hosts: .* is not a list of names"),
        ({"mta1": host()}, {"hosts": [["mta1"]], "addresses": "have"}, "hosts: .* is not a list of names"),
        ({"mta1": host()}, {"addresses": ["192.0.2.1"]}, "addresses: .*is not the name of a variable"),
        ({"mta1": host()}, {"addresses": "have.it"}, "mta1: addresses: 'have.it' is not a variable of the host"),
        ({"mta1": host("192.0.2.1")}, {"addresses": "have"}, "mta1: have: '192.0.2.1' is neither a list"),
        ({"mta1": host()}, {"addresses": "have", "version": 3.1}, "version: '3.1' is not text"),
        ({"mta1": host()}, {"addresses": "have", "resolve": "mx"}, "resolve: 'mx' is not a mapping"),
        ({"mta1": None}, {}, "mta1: variables: 'None' is not a mapping"),
    ],
)
def test_bad_input(fleet: Any, options: dict, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        fleet_source_addresses(fleet, **options)


def test_without_netaddr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netaddr", None)
    with pytest.raises(AnsibleFilterError, match="'netaddr' cannot be imported .*-m pip install netaddr"):
        fleet_source_addresses(one({}))


# Prefixes


def test_prefixes() -> None:
    addresses = [f"192.0.2.{number}/24" for number in (*range(16, 24), 25)] + ["2001:db8::/64", "2001:db8::1/64"]
    listed = [{"settings": {}, "addresses": addresses}, {"settings": {}, "addresses": ["192.0.2.24", "192.0.2.27"]}]
    assert fleet_source_addresses(listed) == ["192.0.2.16/29", "192.0.2.24/31", "192.0.2.27", "2001:db8::/127"]


def test_the_order_of_the_fleet_does_not_matter() -> None:
    listed = [{"settings": {}, "addresses": [f"192.0.{number % 7}.{number}"]} for number in range(50)]
    assert fleet_source_addresses(listed) == fleet_source_addresses(listed[::-1])


ADDRESS = st.one_of(
    st.integers(0, 40).map(lambda number: IPv4Address("192.0.2.0") + number),
    st.integers(0, 40).map(lambda number: IPv6Address("2001:db8::ffff:fff0") + number),
    st.integers(0, 2**32 - 1).map(IPv4Address),
    st.integers(0, 2**128 - 1).map(IPv6Address),
)


@given(st.lists(ADDRESS, max_size=60))
def test_they_are_the_fewest_with_exactly_these_addresses(addresses: list) -> None:
    expected = []
    for version in (4, 6):
        expected += collapse_addresses(ip_network(one) for one in addresses if one.version == version)
    answer = merged(addresses)
    assert [ip_network(text) for text in answer] == expected
    assert not [text for text in answer if text.endswith(("/128", "/32")) and ":" not in text]


def test_the_example_says_what_comes_out() -> None:
    (example,) = [task for task in yaml.safe_load(file.EXAMPLES) if "instances" in task.get("vars", {})]
    instances = example["vars"]["instances"]
    assert fleet_source_addresses(instances, family="ipv4") == ["192.0.2.16/31", "192.0.2.18"]


@pytest.mark.duration
def test_a_thousand_hosts() -> None:
    """What ten times as many take, tests/bench tells."""
    fleet = {}
    for number in range(1000):
        mine = f"10.{number >> 8}.{number & 255}"
        bulk = {"name": "bulk", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": f"{mine}.2"}}
        have = [f"{mine}.1/24", f"{mine}.2/24", f"2001:db8:{number:x}::1/64"]
        fleet[f"mta{number}"] = host(have, smtp_bind_address=f"{mine}.1", services=[bulk])
    answer = within(3, lambda: fleet_source_addresses(fleet, addresses="have"))
    assert len(answer) == 3000


def test_sources_by_name_count_in_the_states_that_are_asked_for() -> None:
    fleet = {
        "mx1": {
            "addresses": ["127.0.0.1/8", "192.0.2.10/24", "192.0.2.11/24"],
            "postfix_interfaces_smtp_bind_address": "192.0.2.10",
            "postfix_interfaces_inet_protocols": "ipv4",
            "postfix_interfaces_sources": {
                "old": {"address": "192.0.2.11", "state": "draining"},
                "new": {"address": "198.51.100.7", "state": "planned"},
            },
            "postfix_interfaces_sources_b": {"gone": {"address": "198.51.100.9", "state": "retired"}},
        }
    }

    def asked(**more: Any) -> list[str]:
        return fleet_source_addresses(fleet, addresses="addresses", **more)

    assert asked() == ["192.0.2.10/31"]
    assert asked(states=["planned", "active", "draining"]) == ["192.0.2.10/31", "198.51.100.7"]
    assert asked(states=["active"]) == ["192.0.2.10"]
    with pytest.raises(AnsibleFilterError, match="states: 'old' is not one of|states"):
        asked(states=["old"])
