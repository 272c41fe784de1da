# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import outlook_of

FACTS: Any = {
    "interfaces": ["br-int", "eth0.5", "lo", "sit0"],
    "nodename": "mx1",
    "lo": {
        "active": True,
        "device": "lo",
        "ipv4": {"address": "127.0.0.1", "netmask": "255.0.0.0", "network": "127.0.0.0", "prefix": "8"},
        "ipv6": [{"address": "::1", "prefix": "128", "scope": "host"}],
        "type": "loopback",
    },
    "br_int": {
        "active": True,
        "device": "br-int",
        "ipv4": {"address": "10.77.0.1", "netmask": "255.255.255.0", "network": "10.77.0.0", "prefix": "24"},
        "ipv4_secondaries": [{"address": "10.77.0.2", "netmask": "255.255.255.0", "network": "10.77.0.0"}],
        "ipv6": [
            {"address": "fd77::1", "prefix": "64", "scope": "global"},
            {"address": "fe80::1", "prefix": "64", "scope": "link"},
        ],
    },
    "eth0.5": {"active": True, "ipv4": {"address": "198.51.100.7", "netmask": "255.255.255.128"}},
    "sit0": {"active": False},
    "all_ipv4_addresses": ["10.77.0.1", "10.77.0.2", "198.51.100.7"],
    "all_ipv6_addresses": ["fd77::1", "fe80::1"],
    "default_ipv4": {"address": "10.77.0.1"},
}


def shown(host: Host) -> list:
    return [
        (str(known.address), known.prefix_length, known.interface, known.primary)
        for known in host.addresses
        if known.up and not known.tentative
    ]


FROM_FACTS = [
    ("127.0.0.1", 8, "lo", True),
    ("10.77.0.1", 24, "br-int", True),
    ("10.77.0.2", 24, "br-int", False),
    ("198.51.100.7", 25, "eth0.5", True),
    ("::1", 128, "lo", True),
    ("fd77::1", 64, "br-int", True),
    ("fe80::1", 64, "br-int", True),
]


def test_facts() -> None:
    host = host_from_input(FACTS)
    assert shown(host) == FROM_FACTS
    assert host.hostname == "mx1"
    assert host.families == {"ipv4", "ipv6"}


def test_facts_of_the_setup_module() -> None:
    prefixed = {f"ansible_{name}": value for name, value in FACTS.items()}
    assert shown(host_from_input(prefixed)) == FROM_FACTS


def test_facts_without_interfaces() -> None:
    facts = {"all_ipv4_addresses": ["10.77.0.1"], "all_ipv6_addresses": ["fd77::1"]}
    assert shown(host_from_input(facts)) == [("10.77.0.1", 32, "", True), ("fd77::1", 128, "", True)]


def test_facts_of_a_host_without_addresses() -> None:
    assert shown(host_from_input({"all_ipv4_addresses": [], "all_ipv6_addresses": []})) == []
    assert shown(host_from_input({"interfaces": ["lo"], "lo": {"active": False}})) == []


def test_list() -> None:
    host = host_from_input(["10.77.0.1/24", "127.0.0.1/8", "10.77.0.2/24", "10.77.0.3", "FD77:0::1/64", "[::1]"])
    assert shown(host) == [
        ("10.77.0.1", 24, "", True),
        ("127.0.0.1", 8, "", True),
        ("10.77.0.2", 24, "", False),
        ("10.77.0.3", 32, "", True),
        ("fd77::1", 64, "", True),
        ("::1", 128, "", True),
    ]


def test_list_of_mappings() -> None:
    host = host_from_input(
        [
            {"address": "10.77.0.1", "prefix_length": 24, "interface": "eth0", "up": False},
            {"address": "fd77::1/64", "interface": "eth1", "tentative": True, "primary": False},
            {"address": "fd77::2/64", "temporary": True},
            {"address": "fd77::3/64", "deprecated": True, "dynamic": False},
            {"address": "10.77.0.2/24", "dynamic": True},
        ]
    )
    assert host.addresses == (
        HostAddress(ip_address("10.77.0.1"), 24, "eth0", up=False),
        HostAddress(ip_address("fd77::1"), 64, "eth1", tentative=True, primary=False),
        HostAddress(ip_address("fd77::2"), 64, temporary=True, dynamic=True, primary=False),
        HostAddress(ip_address("fd77::3"), 64, deprecated=True),
        HostAddress(ip_address("10.77.0.2"), 24, dynamic=True),
    )


@pytest.mark.parametrize(
    "value, offending",
    [
        ("10.77.0.1", "10.77.0.1"),
        (None, "None"),
        (42, "42"),
        (["10.77.0.1", "eth0"], "eth0"),
        (["10.77.0.1/33"], "10.77.0.1/33"),
        (["10.77.0.1/-1"], "10.77.0.1/-1"),
        (["10.77.0.1/"], "10.77.0.1/"),
        (["fd77::1/129"], "fd77::1/129"),
        (["10.77.0.1/²"], "10.77.0.1/²"),
        (["0.0.0.0"], "0.0.0.0"),
        (["::"], "::"),
        ([None], "None"),
        ([["10.77.0.1"]], "['10.77.0.1']"),
        ([{"interface": "eth0"}], "None"),
        ({}, "{}"),
        ({"distribution": "Debian"}, "distribution"),
        ({"interfaces": None}, "interfaces"),
        ({"interfaces": ["lo"], "lo": {"ipv4": 5}}, "5"),
        ({"interfaces": ["lo"], "lo": {"ipv4": {"prefix": "8"}}}, "None/8"),
        ({"interfaces": ["lo"], "lo": {"ipv6": [{"address": "::1", "prefix": "x"}]}}, "::1/x"),
    ],
)
def test_other_input(value: Any, offending: str) -> None:
    with pytest.raises(InputError) as caught:
        host_from_input(value)
    assert (caught.value.parameter, caught.value.value) == ("addresses", offending)


def test_names_from_a_mapping() -> None:
    resolve = mapping_resolver({"MX1": "10.77.0.1", "mx2": ["10.77.0.2", "[fd77::2]"], "none": []}, "names")
    assert list(map(str, resolve("mx1"))) == ["10.77.0.1"]
    assert list(map(str, resolve("Mx2"))) == ["10.77.0.2", "fd77::2"]
    assert list(resolve("none")) == []
    with pytest.raises(InputError, match="^names: 'mx3' .*DNS is not asked here.* Give its addresses in names"):
        resolve("mx3")


@pytest.mark.parametrize("mapping", [["localhost"], "localhost", 5, {"a": ["x"]}, {"a": [None]}, {"a": {"b": 1}}])
def test_bad_mappings(mapping: Any) -> None:
    with pytest.raises(InputError, match="^resolve: "):
        mapping_resolver(mapping)


@pytest.mark.shows("bsd")
def test_facts_of_freebsd_and_macos() -> None:
    """As Ansible gathers them there: every address in a list, with its zone, which is an alias of lo0 too."""
    loopback = {
        "ipv4": [{"address": "127.0.0.1", "netmask": "255.0.0.0", "network": "127.0.0.0"}],
        "ipv6": [{"address": "::1", "prefix": "128"}, {"address": "fe80::1%lo0", "prefix": "64", "scope": "0x2"}],
    }
    outside = {
        "ipv4": [
            {"address": "10.77.0.1", "netmask": "255.255.255.0", "network": "10.77.0.0"},
            {"address": "10.77.0.2", "netmask": "255.255.255.255", "network": "10.77.0.2"},
        ],
        "ipv6": [{"address": "fe80::7%vtnet0", "prefix": "64", "scope": "0x1"}, {"address": "fd77::1", "prefix": "64"}],
    }
    host = host_from_input({"interfaces": ["vtnet0", "lo0"], "vtnet0": outside, "lo0": loopback})
    assert shown(host) == [
        ("10.77.0.1", 24, "vtnet0", True),
        ("10.77.0.2", 32, "vtnet0", True),
        ("127.0.0.1", 8, "lo0", True),
        ("fe80::7", 64, "vtnet0", True),
        ("fd77::1", 64, "vtnet0", True),
        ("::1", 128, "lo0", True),
        ("fe80::1", 64, "lo0", True),
    ]
    services = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
    there = outlook_of({"inet_interfaces": "loopback-only"}, services, host)
    assert [listener.socket.address for listener in there.listeners] == ["127.0.0.1", "::1"]
    codes = [finding.code for finding in findings(outlook_of({}, services, host))]
    assert codes == []
