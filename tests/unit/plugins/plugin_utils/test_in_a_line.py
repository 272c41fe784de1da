# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result says in one line, and what is shown of it by ``ansible -m``."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._in_a_line import brief, in_a_line
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import addresses_of, part_of

pytestmark = pytest.mark.one_python

ADDRESSES = addresses_of(("eth0", "192.0.2.10/24"))
PART = {**part_of({"inet_interfaces": "192.0.2.10"}, ADDRESSES), "findings": [], "instance": "-"}
LISTENS = "Listens on 192.0.2.10:25"
SENDS = "sends from 192.0.2.10 (smtp, relay, lmtp)"
EDITED = {
    "changed": True,
    "files": ["/etc/postfix/main.cf"],
    "action": "restart",
    "reasons": [{"parameter": "inet_interfaces", "why": "so it is"}] * 2,
}
WHY = "restart because of inet_interfaces"
ERROR = {"error": "no such service"}
BACK = {"version": "T", "replaced": None, "changed": True}
TWICE = [{"code": "b"}, {"code": "a"}, {"code": "b"}]


def told(verb: str) -> str:
    """Where it listens and sends from once that is so."""
    return f"{verb} listen on 192.0.2.10:25; {verb.lower()} send from 192.0.2.10 (smtp, relay, lmtp)"


def part(**keys: Any) -> dict[str, Any]:
    view = {"after": PART.get("after") or PART.get("effective")}
    return {"changed": False, "action": "none", "instance": "-", **view, **keys}


@pytest.mark.parametrize(
    "result, check_mode, line",
    [
        (part(in_sync=True), False, f"{LISTENS}; {SENDS}; nothing to do"),
        (part(**EDITED), False, f"{told('Will')}; changed main.cf; needs a {WHY}"),
        (
            part(**EDITED, in_sync=True),
            False,
            f"{LISTENS}; {SENDS}; changed main.cf; restarted because of inet_interfaces",
        ),
        (part(**EDITED, in_sync=False), True, f"{told('Would')}; would change main.cf; needs a {WHY}"),
        (part(after=None, running=False, in_sync=False, action="start"), False, "Postfix does not run; needs a start"),
        (part(after=ERROR), False, "Postfix does not run by these files: no such service; nothing to do"),
        (part(after=None, steps=["The instance out is created"], changed=True), False, "The instance out is created"),
        (part(after=None, **BACK), True, "The version of T would be back"),
        (part(after=None, findings=TWICE), False, "Findings: b, a; nothing to do"),
        (part(after=None, confirm={"token": "x"}), False, "Nothing to do; the change waits to be confirmed"),
        ({"changed": False, "confirmed": ["/etc/postfix"]}, False, "The change is kept"),
        ({"changed": False, "confirmed": []}, False, "The change was kept already"),
        (
            {"sockets": [{"reachable": True, "skipped": False}], "sources": [{"reachable": None, "skipped": True}]},
            False,
            "1 of 2 can be used, 1 were skipped",
        ),
    ],
)
def test_the_line(result: dict[str, Any], check_mode: bool, line: str) -> None:
    assert in_a_line(result, check_mode) == line


def test_each_instance_is_named() -> None:
    both = [part(after=None), part(after=None, instance="out")]
    line = in_a_line({"changed": False, "instances": both}, False)
    assert line == "Default instance: nothing to do | out: nothing to do"


def test_many_sockets_are_counted() -> None:
    sockets = [{"address": "2001:db8::1", "port": port, "state": "listening"} for port in range(25, 45)]
    line = in_a_line(part(after=None, sockets=[*sockets, {"address": "::", "port": 1, "state": "missing"}]), False)
    assert line.startswith("Listens on [2001:db8::1]:25, ")
    assert line.endswith("[2001:db8::1]:32, and 12 more; nothing to do")


def test_what_is_shown_on_the_command_line() -> None:
    shown = {"msg": "x", "_ansible_no_log": False, "diff": [{"before": ""}]}
    result = {**part(**EDITED, in_sync=True), "confirm": None, **shown}
    assert brief(result) == {
        "changed": True,
        "action": "restart",
        "instance": "-",
        "in_sync": True,
        **shown,
    }
