# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "172.16.5.9/12", "192.0.2.7/25", "::1", "fd77::1/64")


def networks(host: Host = HOST, **values: Any) -> Any:
    return outlook_of(values, STOCK_SERVICES, host).mynetworks


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
    with pytest.raises(InputError, match="not a style|is empty"):
        networks(mynetworks_style=style)


def test_network_of_the_first_interface_counts() -> None:
    host = host_of(
        "eth0 10.77.0.1/8 down",
        "eth1 10.77.0.1/16",
        "eth2 10.77.0.1/24",
    )
    assert networks(host, inet_interfaces="10.77.0.1") == ["10.77.0.0/16"]
