# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import Report, SocketState, socket_states
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import INET_INTERFACES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import process_of, socket_at

PROMISED = [
    Listener("smtp", "inet", socket_at(address), INET_INTERFACES) for address in ("::1", "192.0.2.1", "127.0.0.1")
]
HELD = {"1": socket_at("127.0.0.1"), "2": socket_at("10.0.0.1", 587)}
MASTER = Master(process_of(7), "/queue", HELD, "boot")


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
        "interruption_cause": None,
        "sockets": [],
        "answers": [],
        "in_sync": False,
        "rolled_back": False,
        "restored": [],
        "messages": [],
        "warnings": [],
        "unit": None,
        "supervisor": None,
        "outside_unit": False,
        "recovered": None,
    }
