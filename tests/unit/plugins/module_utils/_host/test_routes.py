# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How mail would leave a host with two ways out, asked of a real kernel. It needs root, for a network namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.routes import routes
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of

TREE = next(str(path) for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())

# A firewall: out0 to the world, in0 to the inside; out1 is a second way out that only its own address may take.
SET_UP = """
set -e
ip link set lo up
for name in out0 in0 out1; do
    ip link add $name type veth peer name x$name
    ip link set x$name up
    ip link set $name up
done
ip address add 198.51.100.1/24 dev out0
ip address add 10.1.0.1/24 dev in0
ip address add 192.0.2.1/24 dev out1
ip address add 203.0.113.200/32 dev lo
ip address add 2001:db8::1/64 dev out0 nodad
ip route add default dev out0
ip route add default dev out1 table 7
ip rule add from 192.0.2.1 table 7
"""

ASK = """
import json, sys
sys.path.insert(0, TREE)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import read_host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.routes import routes
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import outlook_of
host, (settings, destinations) = read_host(), QUESTION
outlook = outlook_of(settings, STOCK_SERVICES, host)
print(json.dumps(routes(destinations, host, outlook.clients)))
"""


def asked(settings: dict[str, str], *destinations: str) -> Any:
    """Ask in the firewall's namespace."""
    if os.geteuid():
        pytest.fail("needs root, for a network namespace")
    script = ASK.replace("TREE", repr(TREE)).replace("QUESTION", repr((settings, destinations)))
    shell = f"{SET_UP}\nexec {sys.executable} -c '{script.replace(chr(39), chr(34))}'"
    done = subprocess.run(["unshare", "--net", "sh", "-c", shell], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def test_the_kernel_chooses() -> None:
    outside, inside = asked({}, "203.0.113.5", "10.1.0.9")
    assert (outside["source"], outside["interface"], outside["error"]) == ("198.51.100.1", "out0", None)
    assert (inside["source"], inside["interface"]) == ("10.1.0.1", "in0")
    assert [one["transport"] for one in inside["transports"]] == ["smtp/unix", "relay/unix", "lmtp/unix"]
    assert inside["transports"][0] == {
        "transport": "smtp/unix",
        "source": "10.1.0.1",
        "source_interface": "in0",
        "interface": "in0",
        "other_interface": False,
        "failure": None,
    }


def test_the_trap_of_the_multihomed_firewall() -> None:
    """One address in inet_interfaces: mail to the inside leaves by in0 with the outside's address."""
    outside, inside = [
        one["transports"][0] for one in asked({"inet_interfaces": "198.51.100.1"}, "203.0.113.5", "10.1.0.9")
    ]
    assert (outside["source"], outside["interface"], outside["other_interface"]) == ("198.51.100.1", "out0", False)
    assert (inside["source"], inside["source_interface"], inside["interface"]) == ("198.51.100.1", "out0", "in0")
    assert inside["other_interface"]


def test_routes_that_depend_on_the_source() -> None:
    (route,) = asked({"smtp_bind_address": "192.0.2.1"}, "203.0.113.5")
    assert route["interface"] == "out0"
    smtp, _relay, lmtp = route["transports"]
    assert (smtp["source"], smtp["interface"], smtp["other_interface"]) == ("192.0.2.1", "out1", False)
    assert (lmtp["source"], lmtp["interface"]) == ("198.51.100.1", "out0")


def test_an_address_of_loopback_leaves_by_another_interface() -> None:
    (route,) = asked({"smtp_bind_address": "203.0.113.200"}, "203.0.113.5")
    assert route["transports"][0]["other_interface"]


def test_to_itself_nothing_leaves() -> None:
    local = asked({"inet_interfaces": "198.51.100.1"}, "10.1.0.1", "127.0.0.1")
    assert [one["transports"][0]["other_interface"] for one in local] == [False, False]


def test_no_route_and_no_family() -> None:
    (route,) = asked({"inet_protocols": "ipv4"}, "2001:db8:5::5")
    assert (route["source"], route["interface"]) == (None, None)
    assert "unreachable" in route["error"]
    assert "inet_protocols" in route["transports"][0]["failure"]
    (route,) = asked({"smtp_bind_address": "10.9.9.9", "smtp_bind_address_enforce": "yes"}, "203.0.113.5")
    assert "is enforced" in route["transports"][0]["failure"]


@pytest.mark.parametrize("text", ["mx.example.org", "", "10.0.0.0/8", "0.0.0.0", "x" * 1_000_000])
def test_what_is_no_destination(text: str) -> None:
    with pytest.raises(InputError, match="destinations: "):
        routes([text], host_of("127.0.0.1"), [])
