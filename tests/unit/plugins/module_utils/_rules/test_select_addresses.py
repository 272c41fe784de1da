# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.select_addresses import select_addresses
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of

HOST = host_of(
    "lo 127.0.0.1/8",
    "eth0 10.77.0.1/24",
    "eth0 10.77.0.2/24 secondary",
    "eth1 198.51.100.7/24",
    "eth1 169.254.1.1/16",
    "eth2 10.99.0.1/24 down",
    "lo ::1/128",
    "eth0 fd77::1/64",
    "eth0 fd77::2/64 secondary",
    "eth0 fe80::1/64",
)


def picked(*selectors: Any, host: Host = HOST, **more: Any) -> list:
    return list(map(normal_form, select_addresses(host, selectors, **more)))


@pytest.mark.parametrize(
    "selectors, expected",
    [
        (["10.0.0.0/8"], ["10.77.0.1", "10.77.0.2"]),
        (["10.77.0.99/24"], ["10.77.0.1", "10.77.0.2"]),
        (["fd77::/16"], ["fd77::1", "fd77::2"]),
        (["[fd77::]/16"], ["fd77::1", "fd77::2"]),
        (["::/0"], ["::1", "fd77::1", "fd77::2"]),
        (["fe80::/10"], ["fe80::1"]),
        (["fe80::1"], ["fe80::1"]),
        (["interface:eth0"], ["10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"]),
        (
            ["interface:eth1", "interface:eth0"],
            ["198.51.100.7", "169.254.1.1", "10.77.0.1", "10.77.0.2", "fd77::1", "fd77::2"],
        ),
        (["10.77.0.2"], ["10.77.0.2"]),
        (["[FD77:0::2]"], ["fd77::2"]),
        (["loopback"], ["127.0.0.1", "::1"]),
        (["global"], ["10.77.0.1", "10.77.0.2", "198.51.100.7", "fd77::1", "fd77::2"]),
        (["primary"], ["10.77.0.1", "198.51.100.7", "fd77::1"]),
        (["10.77.0.2", "loopback", "10.0.0.0/8"], ["10.77.0.2", "127.0.0.1", "::1", "10.77.0.1"]),
        (["global", "!10.77.0.0/24"], ["198.51.100.7", "fd77::1", "fd77::2"]),
        (["!10.77.0.0/24", "global"], ["198.51.100.7", "fd77::1", "fd77::2"]),
        (["!interface:eth0", "!169.254.0.0/16"], ["127.0.0.1", "198.51.100.7", "::1"]),
        (["!interface:nosuch", "loopback"], ["127.0.0.1", "::1"]),
        (["!!loopback"], ["127.0.0.1", "::1"]),
        ([" loopback ", "! ::1"], ["127.0.0.1"]),
    ],
)
def test_selectors(selectors: list, expected: list) -> None:
    assert picked(*selectors) == expected


@pytest.mark.parametrize(
    "selectors, families, expected",
    [
        (["primary"], "ipv4", ["10.77.0.1", "198.51.100.7"]),
        (["primary"], "ipv6", ["fd77::1"]),
        (["loopback"], ["ipv6"], ["::1"]),
        (["loopback"], ["ipv4", "ipv6"], ["127.0.0.1", "::1"]),
    ],
)
def test_family(selectors: list, families: Any, expected: list) -> None:
    assert picked(*selectors, families=families) == expected


@pytest.mark.parametrize(
    "selectors, families, value",
    [
        (["10.88.0.0/16"], None, "10.88.0.0/16"),
        (["loopback", "10.77.0.9"], None, "10.77.0.9"),
        (["interface:eth2"], None, "interface:eth2"),
        (["10.99.0.1"], None, "10.99.0.1"),
        (["fd77::/16"], "ipv4", "fd77::/16"),
        (["loopback", "!127.0.0.0/8"], "ipv4", "loopback, !127.0.0.0/8"),
        ([], None, ""),
        (["primary"], [], "primary"),
    ],
)
def test_nothing(selectors: list, families: Any, value: str) -> None:
    with pytest.raises(InputError, match="matches no") as caught:
        picked(*selectors, families=families, parameter="smtp_bind_address")
    assert (caught.value.parameter, caught.value.value) == ("smtp_bind_address", value)
    assert "missing_ok" not in caught.value.remedy  # which only the filter has
    assert isinstance(picked(*selectors, families=families, missing_ok=True), list)


@pytest.mark.parametrize(
    "selector", ["", "!", "eth0", "interface", "10.77.0.0/33", "10.77.0.0/x", "/24", "all", "10.0.0.0/8,::1", None, 5]
)
def test_no_selectors(selector: Any) -> None:
    with pytest.raises(InputError, match="is not a selector"):
        picked("loopback", selector, missing_ok=True)


def test_unknown_family() -> None:
    with pytest.raises(InputError, match="is not an address family"):
        picked("loopback", families="inet")


def test_interfaces_of_a_plain_list() -> None:
    with pytest.raises(InputError, match="without their interfaces"):
        picked("interface:eth0", host=host_of("10.77.0.1/24"), missing_ok=True)


def test_primaries_of_a_plain_list() -> None:
    host = host_from_input(
        ["127.0.0.1/8", "198.51.100.7/24", "198.51.100.8/24", "10.77.0.1/24", "fd77::1/64", "fd77::2/64"]
    )
    assert picked("primary", host=host) == ["198.51.100.7", "10.77.0.1", "fd77::1", "fd77::2"]


def test_same_address_twice() -> None:
    host = host_of("eth0 10.77.0.1/24", "eth1 10.77.0.1/24")
    assert picked("global", host=host) == ["10.77.0.1"]


PASSING = host_of(
    "lo 127.0.0.1/8",
    "eth0 10.77.0.1/24 dynamic",
    "eth0 10.77.0.2/24 deprecated dynamic",
    "lo ::1/128",
    "eth0 fd77::1/64 dynamic",
    "eth0 fd77::2/64 temporary",
    "eth0 fd77::3/64 deprecated",
    "eth0 fd77::4/64 tentative",
    "eth1 fd78::2/64 temporary",
)


@pytest.mark.parametrize(
    "selectors, expected",
    [
        (["global"], ["10.77.0.1", "fd77::1"]),
        (["primary"], ["10.77.0.1", "fd77::1"]),
        (["fd77::/16"], ["fd77::1"]),
        (["::/0"], ["::1", "fd77::1"]),
        (["interface:eth0"], ["10.77.0.1", "fd77::1"]),
        (["!loopback"], ["10.77.0.1", "fd77::1"]),
        (["fd77::2"], ["fd77::2"]),
        (["[fd77::3]", "fd77::4/128", "10.77.0.2/32"], ["fd77::3", "fd77::4", "10.77.0.2"]),
        (["fd77::2", "global"], ["fd77::2", "10.77.0.1", "fd77::1"]),
        (["fd77::2", "fd77::1", "!fd77::2"], ["fd77::1"]),
    ],
)
def test_only_what_the_host_keeps_is_picked_unless_it_is_named(selectors: list, expected: list) -> None:
    assert picked(*selectors, host=PASSING) == expected


@pytest.mark.parametrize("selector", ["interface:eth1", "fd78::/16"])
def test_an_error_says_why_an_address_is_not_picked(selector: str) -> None:
    with pytest.raises(InputError, match=r"will not stay .*: fd78::2 \(temporary\)") as error:
        picked(selector, host=PASSING)
    assert "or name one of them" in error.value.remedy
    assert "fd77::2" not in error.value.remedy
    assert picked(selector, host=PASSING, missing_ok=True) == []
