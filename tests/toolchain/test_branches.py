# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailfleet.postfix.tests.coverage.branches import CORE, files_of, named, wrong

WELL, LOW = "_rules/listeners.py", "_host/openrc.py"


def report(taken: int) -> dict:
    def found(taken: int, branches: int) -> dict:
        summary = {"covered_branches": taken, "num_branches": branches}
        return {"summary": summary, "missing_branches": [[7, 9], [8, -2]][: branches - taken]}

    return {"files": {str(CORE / WELL): found(taken, 100), str(CORE / LOW): found(2, 4)}}


def readme(name: str, proof: str) -> str:
    table = f"| file | why | proof |\n| --- | --- | --- |\n| `{name}` | no host | {proof} |\n"
    return f"## Left to real hosts\n\n{table}\n## Some, and again\n"


def test_what_is_left() -> None:
    low, well = files_of(report(99))
    assert (low.name, low.percent, low.left) == (LOW, 50.0, [(7, 9), (8, 0)])
    assert (well.name, well.percent, well.left) == (WELL, 99.0, [(7, 9)])


def test_the_goal_and_the_table() -> None:
    rows = named(readme(LOW, "`integration/test_supervisors.py`"))
    assert rows == {LOW: "`integration/test_supervisors.py`"}
    assert list(wrong(files_of(report(98)), rows)) == []
    assert list(wrong(files_of(report(96)), rows)) == ["less than 95 % of the branches are taken"]
    (unnamed,) = wrong(files_of(report(98)), {})
    assert unnamed.startswith(f"{LOW}: less than")
    for name, proof, words in (
        (WELL, "`integration/test_unit.py`", f"{WELL}: tests/README.md need not name it any more"),
        (LOW, "by hand", f"{LOW}: tests/README.md proves it by no file, which is not there"),
        (LOW, "`integration/test_nothing.py`", f"{LOW}: tests/README.md proves it by integration/test_nothing.py"),
    ):
        assert any(said.startswith(words) for said in wrong(files_of(report(98)), named(readme(name, proof)))), words
