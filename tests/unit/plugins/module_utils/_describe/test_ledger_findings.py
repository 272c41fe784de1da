# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import ownership
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.items import Item
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.ledger import Setting
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.ownership import Note
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.ledger_findings import ledger_findings

REPORTS = Path(__file__).resolve().parents[5] / "docs" / "reports.md"
SET = Setting(1796000000.0, "alice")
SOURCE = Item("smtp_bind_address")


def note(item: Item, state: str, first: Any, last: Any, found: Any, setting: Any = SET) -> Dict[str, Any]:
    values = [None if value is None else (value,) for value in (first, last, found)]
    return Note(item, state, *values, setting).as_data()


CASES = [
    (
        note(SOURCE, ownership.ABANDONED, None, "192.0.2.1", "192.0.2.1"),
        (
            "smtp_bind_address is '192.0.2.1' because this collection has set it on 2026-11-30T00:53:20Z for alice, "
            "and nothing asks for that any more; without it it would not be set"
        ),
    ),
    (
        note(SOURCE, ownership.ABANDONED, "192.0.2.1", None, None, None),
        (
            "smtp_bind_address is not set because this collection has removed it, and nothing asks for that any more; "
            "without it it would be '192.0.2.1'"
        ),
    ),
    (
        note(Item("services", "587/inet", "-o syslog_name"), ownership.OVERRULED, None, "a", "b"),
        (
            "-o syslog_name of the service 587/inet is '(not shown)'; this collection had set it to '(not shown)' on "
            "2026-11-30T00:53:20Z for alice, and somebody has changed it since; it is set as before"
        ),
    ),
    (
        note(SOURCE, ownership.BY_HAND, None, "192.0.2.1", None, None),
        (
            "smtp_bind_address is not set; this collection had set it to '192.0.2.1', and somebody has changed it "
            "since; that stays"
        ),
    ),
    (
        note(Item("services", "out/unix", "entry"), ownership.UNKNOWN, None, None, "out/unix", None),
        "the service out/unix is there, and this collection was never asked for it",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0]["state"])
def test_each_is_a_sentence_and_documented(case: Any) -> None:
    (finding,) = ledger_findings([case[0]], "report")
    assert finding.message == case[1]
    assert f"| `{finding.code}` | " in REPORTS.read_text(encoding="utf-8")
    row = next(line for line in REPORTS.read_text(encoding="utf-8").splitlines() if f"`{finding.code}`" in line)
    assert finding.severity in row.split("|")[2]


def test_what_was_restored_is_not_worth_a_finding() -> None:
    assert list(ledger_findings([note(SOURCE, ownership.RESTORED, None, "192.0.2.1", "192.0.2.1")], "restore")) == []


def test_what_is_to_be_kept_is_not_worth_a_finding() -> None:
    notes = [note(SOURCE, ownership.ABANDONED, None, "192.0.2.1", "192.0.2.1")]
    assert list(ledger_findings(notes, "keep")) == []
    by_hand = note(SOURCE, ownership.BY_HAND, None, "192.0.2.1", "192.0.2.2")
    assert [finding.code for finding in ledger_findings([*notes, by_hand], "keep")] == ["changed_by_hand"]
