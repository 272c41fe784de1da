# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order what speaks against a reload or a restart is told; each of it has tests of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import obstacle as module
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import open_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import INET_INTERFACES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    instance_of,
    outlook_of,
    socket_at,
)

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "::1/128")
UNIT = "postfix.service"


class Service:
    """What says nothing against it, but for what a test has it say."""

    unit = UNIT

    def __init__(self, **said: Any) -> None:
        self.said: Dict[str, Any] = said

    def forbids_stop(self) -> Any:
        return self.said.get("stop")

    def is_masked(self) -> bool:
        return bool(self.said.get("masked"))

    def forbids(self, family: str, until: float) -> Any:
        return self.said.get(family)

    def is_outside(self, master: object) -> bool:
        return bool(self.said.get("outside"))

    def refusal(self, until: float, directory: str) -> Any:
        return self.said.get("refusal")


def told(
    monkeypatch: pytest.MonkeyPatch, action: str = "restart", runs: bool = True, error: Any = None, **said: Any
) -> Optional[str]:
    promised = [Listener("smtp", "inet", socket_at(place), INET_INTERFACES) for place in ("10.77.0.1", "::1")]
    master = SimpleNamespace(sockets=[socket_at("10.77.0.1")]) if runs else None
    outlook = outlook_of({}, "smtp inet n - n - - smtpd\n", HOST)
    assessment = SimpleNamespace(
        error=error, action=action, promised=promised, master=master, before=outlook, after=outlook
    )
    monkeypatch.setattr(module, "claimed", lambda *arguments: said.get("claimed"))
    monkeypatch.setattr(module, "shared", lambda new, version, claims: said.get("shared") and len(new))
    monkeypatch.setattr(module, "silent_server", lambda after, before: said.get("silent"))
    monkeypatch.setattr(module, "starts_elsewhere", lambda unit, master: said.get("elsewhere"))
    return module.obstacle(instance_of(), assessment, Service(**said), 0.0, [])  # type: ignore[arg-type]


ERROR = InputError("inet_interfaces", "x", "is not an address", "write one")
ELSEWHERE = f"Postfix runs outside of {UNIT}, in a network namespace of its own."


@pytest.mark.parametrize(
    "conditions, words",
    [
        ({}, None),
        ({"error": ERROR}, str(ERROR)),
        ({"error": ERROR, "action": "none"}, str(ERROR)),
        ({"action": "none", "claimed": "taken"}, None),
        ({"claimed": "taken by x", "shared": True}, "taken by x"),
        ({"shared": True, "silent": "mute"}, "1"),  # only what is new can be taken by other instances
        ({"shared": True, "runs": False}, "2"),
        ({"silent": "mute", "stop": "forbidden"}, "mute"),
        ({"stop": "RefuseManualStop", "masked": True}, "RefuseManualStop"),
        ({"stop": "RefuseManualStop", "runs": False}, None),
        ({"masked": True, "ipv6": "IPv6"}, f"{UNIT} is masked. Allow it to be started with systemctl unmask {UNIT}."),
        (
            {"ipv6": "AF_INET6"},
            (
                f"{UNIT} forbids AF_INET6, so Postfix cannot listen there. "
                "Allow it there (RestrictAddressFamilies), or set inet_protocols without ipv6."
            ),
        ),
        ({"ipv4": "AF_INET"}, None),  # the master has it already
        ({"ipv4": "AF_INET", "runs": False}, f"{UNIT} forbids AF_INET, so"),
        ({"outside": True}, None),
        ({"outside": True, "elsewhere": True, "refusal": "x"}, ELSEWHERE),
        ({"outside": True, "elsewhere": True, "runs": False}, None),
        ({"refusal": "fatal: x"}, "Postfix does not accept them: fatal: x."),
        ({"refusal": "fatal: x", "masked": True, "action": "reload"}, "Postfix does not accept them: fatal: x."),
    ],
)
def test_what_is_told_first(conditions: Dict[str, Any], words: Optional[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, **conditions)
    assert found == words or (found is not None and words is not None and found.startswith(words))


def test_many_sockets_need_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "lack_of_files", lambda promised, services, unit: f"{unit} has too few files")
    assert told(monkeypatch) is None
    monkeypatch.setattr(module, "_FEW", 1)
    assert told(monkeypatch) == f"{UNIT} has too few files"
    monkeypatch.setattr(open_files, "lack_of_files", lambda promised, services, unit: None)
    assert told(monkeypatch) is None
