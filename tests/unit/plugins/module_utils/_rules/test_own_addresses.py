# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import (
    asked_once,
    enabled_families,
    own_addresses,
    proxy_addresses,
    sort_as_postfix,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import address_of, host_of
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within
from hypothesis import given
from hypothesis import strategies as st

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64", "fe80::1/64")
NAMES = mapping_resolver(
    {
        "localhost": ["127.0.0.1", "::1"],
        "mx": "10.77.0.1",
        "away": "192.0.2.1",
        "none": [],
        "six": ["::1", "::ffff:10.77.0.2"],
    }
)


def own(inet_interfaces: Any, host: Host = HOST, allow_absent: bool = False, **settings: Any) -> list:
    values = {"mine": "away", "gone": "10.77.0.9", "inet_interfaces": inet_interfaces, **settings}
    found = own_addresses(Settings(values, NEWEST), host, NAMES, allow_absent)
    return list(map(normal_form, found))


@pytest.mark.parametrize(
    "inet_interfaces, expected",
    [
        ("all", ["127.0.0.1", "10.77.0.1", "10.77.0.2", "::1", "fd77::1", "fe80::1"]),
        ("loopback-only", ["127.0.0.1", "::1"]),
        ("", []),
        ("$undefined", []),
        ("fd77::1, 10.77.0.2, 10.77.0.1", ["10.77.0.1", "10.77.0.2", "fd77::1"]),
        (["[fd77::1]", "mx", "MX"], ["10.77.0.1", "fd77::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("fe80::1%eth0", ["fe80::1"]),
    ],
)
def test_own_addresses(inet_interfaces: Any, expected: list) -> None:
    assert own(inet_interfaces) == expected


def test_default_is_all() -> None:
    assert len(own_addresses(Settings({}, NEWEST), HOST, NAMES, allow_absent=False)) == 6


@pytest.mark.parametrize(
    "inet_interfaces, offending, words",
    [
        ("10.77.0.9", "10.77.0.9", "no interface of the host"),
        ("10.77.0.1, 10.77.0.9", "10.77.0.9", "127.0.0.1, 10.77.0.1, 10.77.0.2"),
        ("fd77::9", "fd77::9", "the host has ::1, fd77::1"),
        ("127.0.0.2", "127.0.0.2", "no interface of the host"),
        ("away", "away", "has the address 192.0.2.1, which is on no interface of the host"),
        ("$mine", "$mine", "is away, which has the address 192.0.2.1, which is on no interface"),
        ("localhost, ${gone}", "${gone}", "is 10.77.0.9, which is on no interface"),
        ("none", "none", "no address of a family in use"),
        ("nosuch", "nosuch", "DNS is not asked"),
        ("0.0.0.0", "0.0.0.0", "wildcard"),
        ("::", "::", "wildcard"),
        ("010.077.0.1", "010.077.0.1", "8.63.0.1 for Postfix"),
        ("10.77.0.0/24", "10.77.0.0/24", "network"),
        ("all, mx", "all", "stand alone"),
    ],
)
def test_what_postfix_dies_of(inet_interfaces: str, offending: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        own(inet_interfaces)
    assert (caught.value.parameter, caught.value.value) == ("inet_interfaces", offending)


@pytest.mark.parametrize(
    "protocols, inet_interfaces, expected",
    [
        ("ipv4", "all", ["127.0.0.1", "10.77.0.1", "10.77.0.2"]),
        ("ipv6", "loopback-only", ["::1"]),
        ("ipv4", "localhost", ["127.0.0.1"]),
        ("ipv4", "six", ["10.77.0.2", "127.0.0.1"]),  # what the C library makes of both
        ("ipv4,ipv6", "localhost", ["127.0.0.1", "::1"]),
        ("", "all", []),
        ("", "10.77.0.9", []),
    ],
)
def test_protocols(protocols: str, inet_interfaces: str, expected: list) -> None:
    assert own(inet_interfaces, inet_protocols=protocols) == expected


@pytest.mark.parametrize(
    "protocols, inet_interfaces, parameter, offending",
    [
        ("ipv4", "fd77::1", "inet_interfaces", "fd77::1"),
        ("ipv6", "10.77.0.1, fd77::1", "inet_interfaces", "10.77.0.1"),
        ("ipv6", "mx", "inet_interfaces", "mx"),
        ("IPv4", "all", "inet_protocols", "IPv4"),
        ("ipv4, all, x", "all", "inet_protocols", "x"),
    ],
)
def test_protocols_that_postfix_dies_of(protocols: str, inet_interfaces: str, parameter: str, offending: str) -> None:
    with pytest.raises(InputError) as caught:
        own(inet_interfaces, inet_protocols=protocols)
    assert (caught.value.parameter, caught.value.value) == (parameter, offending)


@pytest.mark.parametrize("inet_interfaces", ["all", "loopback-only", "", "::1"])
def test_no_address_of_the_family(inet_interfaces: str) -> None:
    with pytest.raises(InputError, match="leaves no address"):
        own(inet_interfaces, host_of("127.0.0.1", "10.77.0.1"), inet_protocols="ipv6")


def test_kernel_without_ipv6() -> None:
    host = Host(HOST.addresses[:3], frozenset(["ipv4"]))
    assert enabled_families(Settings({}, NEWEST), host) == {"ipv4"}
    assert own("localhost", host) == ["127.0.0.1"]
    with pytest.raises(InputError, match="switches off"):
        own("::1", host)
    assert own("all", host, inet_protocols="ipv6") == []


def test_interfaces_that_are_down() -> None:
    host = Host([address_of("eth1 10.77.0.1/24 down"), *HOST.addresses[:1]])
    assert own("all", host) == ["127.0.0.1"]
    with pytest.raises(InputError, match="belongs to interface eth1, which is down"):
        own("10.77.0.1", host)
    assert own("10.77.0.1", host, allow_absent=True) == ["10.77.0.1"]


def test_tentative_addresses_are_own_addresses() -> None:
    host = host_of("eth1 fd77::1/64 tentative")
    assert own("all", host) == own("fd77::1", host) == ["fd77::1"]


def test_interface_names() -> None:
    host = host_of("eth0 10.77.0.1/24")
    with pytest.raises(InputError, match="name of an interface") as caught:
        own("eth0", host)
    assert "interface:eth0" in caught.value.remedy
    resolve = mapping_resolver({"eth0": "10.77.0.1"})
    settings = Settings({"inet_interfaces": "eth0"}, NEWEST)
    assert own_addresses(settings, host, resolve, allow_absent=False) == [ip_address("10.77.0.1")]


def test_absent_addresses_can_be_allowed() -> None:
    assert own("10.77.0.9, 127.0.0.1", allow_absent=True) == ["10.77.0.9", "127.0.0.1"]
    with pytest.raises(InputError, match="network"):
        own("10.77.0.0/24", allow_absent=True)


def test_same_address_on_two_interfaces() -> None:
    host = host_of("eth0 10.77.0.1/24", "eth1 10.77.0.1/24")
    assert own("all", host) == ["10.77.0.1", "10.77.0.1"]
    assert own("10.77.0.1", host) == ["10.77.0.1"]


@pytest.mark.parametrize(
    "proxies, expected",
    [("", []), ("198.51.100.1, [2001:db8::1], 198.51.100.1", ["198.51.100.1", "2001:db8::1"]), ("away", ["192.0.2.1"])],
)
def test_proxy_addresses(proxies: str, expected: list) -> None:
    assert (
        list(map(normal_form, proxy_addresses(Settings({"proxy_interfaces": proxies}, NEWEST), HOST, NAMES)))
        == expected
    )


@pytest.mark.parametrize(
    "proxies, offending", [("198.51.100.0/24", "198.51.100.0/24"), ("nosuch", "nosuch"), ("all", "all")]
)
def test_bad_proxies(proxies: str, offending: str) -> None:
    with pytest.raises(InputError) as caught:
        proxy_addresses(Settings({"proxy_interfaces": proxies}, NEWEST), HOST, NAMES)
    assert (caught.value.parameter, caught.value.value) == ("proxy_interfaces", offending)


ADDRESSES = st.lists(st.ip_addresses(), max_size=12)


@given(ADDRESSES)
def test_new_order_is_by_bytes(addresses: list) -> None:
    found = sort_as_postfix(addresses, (3, 12))
    assert sorted(found, key=lambda one: (one.version, one)) == found
    assert set(found) == set(addresses)
    assert len(set(found)) == len(found)


@given(ADDRESSES)
def test_old_order_has_all_and_ipv4_first(addresses: list) -> None:
    found = sort_as_postfix(addresses, (3, 5, 25))
    assert set(found) == set(addresses)
    assert [one.version for one in found] == sorted(one.version for one in found)
    ipv6 = [one for one in found if one.version == 6]
    assert ipv6 == sorted(set(ipv6))


@pytest.mark.parametrize(
    "version, old",
    [
        ((3, 5, 25), True),
        ((3, 7), True),
        ((3, 7, 21), True),
        ((3, 7, 22), False),
        ((3, 8, 19), True),
        ((3, 8, 20), False),
        ((3, 9, 13), True),
        ((3, 9, 14), False),
        ((3, 10, 12), True),
        ((3, 10, 13), False),
        ((3, 11), True),
        ((3, 11, 5), True),
        ((3, 11, 6), False),
        ((3, 12), False),
        ((4, 0), False),
    ],
)
def test_which_versions_have_the_old_order(version: tuple, old: bool) -> None:
    addresses = [ip_address("10.0.0.2"), ip_address("10.0.1.1")]
    assert (sort_as_postfix(addresses, version) == addresses[::-1]) is old


@pytest.mark.parametrize(
    "addresses, expected",
    [
        (["10.0.0.129", "10.0.0.1"], ["10.0.0.129", "10.0.0.1"]),  # each is before the other
        (["10.0.0.1", "10.0.0.129"], ["10.0.0.1", "10.0.0.129"]),
        (["10.0.0.1", "10.0.0.129", "10.0.0.1", "10.0.0.1"], ["10.0.0.1", "10.0.0.129", "10.0.0.1"]),
        (["10.0.0.2", "10.0.0.1"], ["10.0.0.1", "10.0.0.2"]),
        (["10.0.0.200", "10.0.0.1"], ["10.0.0.200", "10.0.0.1"]),
    ],
)
def test_half_of_all_words_apart_is_no_order(addresses: list, expected: list) -> None:
    assert list(map(str, sort_as_postfix(list(map(ip_address, addresses)), (3, 7)))) == expected


def test_each_name_is_asked_once_also_where_there_is_no_answer() -> None:
    asked = []

    def resolve(name: str) -> list:
        asked.append(name)
        if name == "nosuch":
            raise InputError("resolve", name, "is not known", "write an address")
        return [ip_address("10.77.0.1")]

    remembered = asked_once(resolve)
    for _time in range(2):
        assert remembered("mx") == [ip_address("10.77.0.1")]
        with pytest.raises(InputError, match="nosuch' is not known"):
            remembered("nosuch")
    assert asked == ["mx", "nosuch"]


@pytest.mark.duration
def test_many_addresses_are_answered_quickly() -> None:
    texts = [f"10.{n >> 8}.{n & 255}.1" for n in range(10000)]
    assert len(within(1, lambda: own(texts, host_of(*texts)))) == 10000
