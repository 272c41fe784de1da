# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import Report, SocketState, socket_states
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, Process
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import INET_INTERFACES

PROMISED = [
    Listener("smtp", "inet", Socket(address, 25, family), INET_INTERFACES)
    for address, family in (("::1", "ipv6"), ("192.0.2.1", "ipv4"), ("127.0.0.1", "ipv4"))
]
HELD = {"1": Socket("127.0.0.1", 25, "ipv4"), "2": Socket("10.0.0.1", 587, "ipv4")}
MASTER = Master(Process(7, "master", 1, 0), "/queue", HELD, "boot")


def test_sockets_are_promised_or_open_or_both_and_ipv4_comes_first() -> None:
    assert socket_states(PROMISED, MASTER) == [
        SocketState("10.0.0.1", 587, "unexpected"),
        SocketState("127.0.0.1", 25, "listening"),
        SocketState("192.0.2.1", 25, "missing"),
        SocketState("::1", 25, "missing"),
    ]
    assert {state.state for state in socket_states(PROMISED, None)} == {"missing"}
    assert {state.state for state in socket_states(None, MASTER)} == {"unexpected"}


def test_a_report_of_nothing_has_all_keys() -> None:
    assert Report().as_result() == {
        "changed": False,
        "action": "none",
        "reasons": [],
        "interruption": "none",
        "sockets": [],
        "answers": [],
        "in_sync": False,
        "rolled_back": False,
        "restored": [],
        "messages": [],
        "unit": None,
        "outside_unit": False,
        "recovered": None,
    }
