# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.mynetworks import default_mynetworks
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import own_addresses
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver

HOST = host_from_input(
    ["127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "172.16.5.9/12", "192.0.2.7/25", "::1", "fd77::1/64"]
)


def networks(host: Host = HOST, **values: Any) -> Any:
    settings = Settings(values, NEWEST)
    return default_mynetworks(settings, host, own_addresses(settings, host, mapping_resolver({})))


@pytest.mark.parametrize(
    "values, expected",
    [
        (
            {"mynetworks_style": "host"},
            [
                "127.0.0.1/32",
                "10.77.0.1/32",
                "10.77.0.2/32",
                "172.16.5.9/32",
                "192.0.2.7/32",
                "[::1]/128",
                "[fd77::1]/128",
            ],
        ),
        (
            {"mynetworks_style": "subnet"},
            ["127.0.0.0/8", "10.77.0.0/24", "172.16.0.0/12", "192.0.2.0/25", "[::1]/128", "[fd77::]/64"],
        ),
        (
            {"mynetworks_style": "class"},
            ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/16", "192.0.2.0/24", "[::1]/128", "[fd77::]/64"],
        ),
        ({"inet_interfaces": "10.77.0.2"}, ["10.77.0.0/24"]),
        ({"inet_interfaces": "10.77.0.2", "compatibility_level": "2"}, ["10.77.0.2/32"]),
        ({"inet_interfaces": "10.77.0.2", "compatibility_level": "3.6"}, ["10.77.0.2/32"]),
        ({"inet_interfaces": "10.77.0.2", "compatibility_level": "1"}, ["10.77.0.0/24"]),
        (
            {"inet_interfaces": "10.77.0.2", "compatibility_level": "3.6", "mynetworks_style": "subnet"},
            ["10.77.0.0/24"],
        ),
        ({"inet_interfaces": ""}, []),
        ({"inet_protocols": ""}, []),
        ({"mynetworks": ""}, None),
        ({"mynetworks": "127.0.0.0/8"}, None),
    ],
)
def test_networks(values: dict, expected: Any) -> None:
    assert networks(**values) == expected


@pytest.mark.parametrize("style", ["Host", "none", "", "host, subnet"])
def test_unknown_styles(style: str) -> None:
    with pytest.raises(InputError, match="not a style"):
        networks(mynetworks_style=style)


def test_network_of_the_first_interface_counts() -> None:
    host = Host(
        [
            HostAddress(ip_address("10.77.0.1"), 8, "eth0", up=False),
            HostAddress(ip_address("10.77.0.1"), 16, "eth1"),
            HostAddress(ip_address("10.77.0.1"), 24, "eth2"),
        ]
    )
    assert networks(host, inet_interfaces="10.77.0.1") == ["10.77.0.0/16"]
