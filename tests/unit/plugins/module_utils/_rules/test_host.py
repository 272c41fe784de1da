# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, addresses_shown
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import address_of, host_of


def test_find_prefers_an_interface_that_is_up() -> None:
    down = address_of("eth0 10.77.0.1/24 down")
    up = address_of("eth1 10.77.0.1/24")
    assert Host([down, up]).find(ip_address("10.77.0.1")) is up
    assert Host([up, down]).find(ip_address("10.77.0.1")) is up
    assert Host([down]).find(ip_address("10.77.0.1")) is down
    assert Host([down]).find(ip_address("10.77.0.2")) is None


def test_addresses_shown() -> None:
    texts = [*(f"10.77.0.{number}" for number in range(1, 15)), "fd77::1"]
    host = host_of(*texts)
    assert addresses_shown(host, "ipv6") == "fd77::1"
    assert addresses_shown(host, "ipv4").endswith("10.77.0.12, ...")
    assert addresses_shown(Host([]), "ipv4") == "no ipv4 address"
    assert addresses_shown(Host([])) == "no usable address"
