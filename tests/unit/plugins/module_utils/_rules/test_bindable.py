# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.bindable import (
    bind_problem,
    is_broadcast,
    source_problem,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of

HOST = host_of(
    "lo 127.0.0.1/8",
    "eth0 10.77.0.1/24",
    "eth0 10.88.0.1/31",
    "eth1 10.99.0.1/24 down",
    "lo 10.66.0.1/24",
    "lo ::1/128",
    "eth0 fd77::1/64",
    "eth0 fd77::2/64 tentative",
    "eth0 fe80::1/64",
)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "::",
        "127.0.0.1",
        "127.99.1.2",
        "10.77.0.1",
        "10.77.0.255",
        "10.66.0.200",
        "10.99.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fd77::1",
    ],
)
def test_bindable(text: str) -> None:
    assert bind_problem(ip_address(text), HOST) is None


@pytest.mark.parametrize(
    "text, words",
    [
        ("10.77.0.9", "no interface of the host, which has 127.0.0.1, 10.77.0.1"),
        ("10.88.0.0", "no interface"),
        ("10.77.0.0", "no interface"),
        ("0.1.2.3", "no interface"),
        ("10.99.0.255", "no interface"),
        ("fd77::9", "no interface of the host, which has ::1"),
        ("fd77::2", "tentative"),
        ("fe80::1", "link-local"),
        ("ff02::1", "multicast"),
        ("ff05::1", "multicast"),
        ("::ffff:10.77.0.1", "IPv4 address in an IPv6 spelling"),
    ],
)
def test_not_bindable(text: str, words: str) -> None:
    problem = bind_problem(ip_address(text), HOST)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    "text, zone, words",
    [
        ("fe80::1", False, "link-local address without its zone, from which Postfix cannot send"),
        ("fe80::9", True, "is on no interface of the host, which has ::1"),
        ("ff02::1", False, "is a multicast address, from which Postfix cannot send"),
        ("ff02::1", True, "is a multicast address, from which Postfix cannot send"),
        ("::ffff:10.77.0.1", False, "is an IPv4 address in an IPv6 spelling, from which Postfix cannot send by IPv6"),
        ("fd77::9", False, "is on no interface of the host, which has ::1"),
    ],
)
def test_no_source(text: str, zone: bool, words: str) -> None:
    problem = source_problem(ip_address(text), HOST, zone)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize("text, zone", [("10.77.0.1", False), ("fd77::1", False), ("::", False), ("fe80::1", True)])
def test_a_source(text: str, zone: bool) -> None:
    assert source_problem(ip_address(text), HOST, zone) is None


def test_nonlocal_bind() -> None:
    host = Host(HOST.addresses, nonlocal_bind=frozenset(["ipv4"]))
    assert bind_problem(ip_address("192.0.2.1"), host) is None
    assert bind_problem(ip_address("fd77::9"), host) is not None
    host = Host(HOST.addresses, nonlocal_bind=frozenset(["ipv6"]))
    assert bind_problem(ip_address("fd77::9"), host) is None
    assert bind_problem(ip_address("fd77::2"), host) is None
    assert bind_problem(ip_address("fe80::1"), host) is not None
    assert bind_problem(ip_address("192.0.2.1"), host) is not None


def test_the_kernel_knows_better() -> None:
    host = Host(HOST.addresses, bindable=lambda address: str(address) in ("10.99.0.1", "192.0.2.1", "fe80::1"))
    assert bind_problem(ip_address("10.99.0.1"), host) is None
    assert bind_problem(ip_address("192.0.2.1"), host) is None
    assert "cannot be used now" in str(bind_problem(ip_address("10.77.0.1"), host))
    assert bind_problem(ip_address("fe80::1"), host) is not None
    assert bind_problem(ip_address("0.0.0.0"), host) is None


@pytest.mark.parametrize(
    "text, broadcast",
    [
        ("10.77.0.255", True),
        ("255.255.255.255", True),
        ("10.77.0.254", False),
        ("10.88.0.1", False),
        ("127.0.0.1", False),
    ],
)
def test_broadcast(text: str, broadcast: bool) -> None:
    assert is_broadcast(ip_address(text), HOST) is broadcast


def test_loopback_without_a_prefix_length() -> None:
    assert bind_problem(ip_address("127.0.0.2"), host_of("127.0.0.1")) is None
    assert bind_problem(ip_address("127.0.0.2"), host_of("10.77.0.1")) is not None
