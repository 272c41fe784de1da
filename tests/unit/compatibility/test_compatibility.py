# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages say was tested is what was kept of runs, and that is what tests have left."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.tests.compatibility import junit, tables
from ansible_collections.mailfleet.postfix.tests.compatibility.__main__ import KEPT, MARKED, PAGES, TABLES, written
from ansible_collections.mailfleet.postfix.tests.compatibility.runs import (
    Record,
    gathered,
    load,
    merged,
    results_in,
    text_of,
)

pytestmark = pytest.mark.one_python
HOST = {"proof": "hosts", "suite": "bookworm", "system": "systemd", "postfix": "3.7.11", "python": "3.11"}
RULES = {"proof": "rules", "suite": "bookworm_el", "postfix": "3.8.5"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_is_kept(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert written(text, load(KEPT)) == text


def test_each_table_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert sorted(match["name"] for match in MARKED.finditer(text)) == sorted(TABLES)
    assert text.count("<!-- tested: ") == len(TABLES)


def test_what_is_kept_is_written_as_it_was_read() -> None:
    assert text_of(load(KEPT)) == KEPT.read_text(encoding="utf-8")


def test_what_is_kept_has_a_row() -> None:
    known = {*tables.SYSTEMS, "systemd", ""}
    for record in load(KEPT):
        release, _built, layout = record.suite.partition("_")
        assert release in {*tables.DEBIAN, ""}, record
        assert layout in {*tables.LAYOUTS, ""}, record
        assert record.system in known, record


def test_from_results_to_records(tmp_path: Path) -> None:
    results = [junit.Result("test_a[bookworm]", HOST), junit.Result("test_b[bookworm]", HOST, failed=True)]
    junit.write(tmp_path / "integration.xml", results)
    cases = [junit.Result(name, RULES) for name in ("77/1", "1/2", "recorded")]
    junit.write(tmp_path / "conformance.xml", [*cases, junit.Result("no proof", {"suite": "forky"})])
    hosts, rules = gathered(results_in(tmp_path))
    assert hosts.day == rules.day >= "2026-11-30"
    assert hosts == Record(**HOST, passed=1, failed=1, day=hosts.day) or hosts.proof == "rules"
    assert {(one.proof, one.passed, one.failed, one.seeds) for one in (hosts, rules)} == {
        ("hosts", 1, 1, ()),
        ("rules", 3, 0, (1, 77)),
    }


def test_what_pytest_leaves(tmp_path: Path) -> None:
    """Properties of all its tests, those of one, and what was skipped."""
    (tmp_path / "unit.xml").write_text(
        '<testsuites><testsuite timestamp="2026-11-30T08:00:00+00:00">'
        '<properties><property name="proof" value="units"/><property name="python" value="3.10"/></properties>'
        '<testcase classname="m" name="a"/><testcase classname="m" name="b"><skipped message="x"/></testcase>'
        '<testcase classname="m" name="c"><properties><property name="system" value="bsd"/></properties></testcase>'
        '<testcase classname="m" name="d"><error message="x"/></testcase></testsuite></testsuites>'
    )
    text = (tmp_path / "unit.xml").read_text().replace("3.10", "3.7")
    (tmp_path / "unit-oldest.xml").write_text(text.replace("error", "none"))
    day = "2026-11-30"
    assert sorted(gathered(results_in(tmp_path))) == [
        Record(proof="units", python="3.10", passed=1, failed=1, day=day),
        Record(proof="units", python="3.7", passed=2, day=day),
        Record(proof="units", python="3.10", system="bsd", passed=1, day=day),
        Record(proof="units", python="3.7", system="bsd", passed=1, day=day),
    ]


BEFORE = Record(**HOST, passed=100, day="2026-11-01")


@pytest.mark.parametrize(
    "new, stays",
    [
        ({"passed": 100}, False),
        ({"passed": 99}, True),  # a part of them
        ({"passed": 99, "failed": 1}, False),
        ({"passed": 3, "failed": 1}, False),
        ({"passed": 3, "postfix": "3.7.12"}, False),
    ],
)
def test_what_takes_the_place_of_what(new: dict[str, object], stays: bool) -> None:
    after = BEFORE._replace(**{"day": "2026-11-30", **new})
    assert merged([BEFORE], [after]) == [BEFORE if stays else after]


def test_from_source_each_version_has_its_record() -> None:
    one, other = (Record(**{**RULES, "postfix": version}, passed=1) for version in ("3.8.5", "3.10.13"))
    assert merged([one], [other]) == [other, one]
    assert [place.postfix for place in tables.places([other, one])] == ["3.8.5", "3.10.13"]


def test_what_failed_is_said() -> None:
    assert tables.count([BEFORE._replace(passed=1234, failed=2)]) == "1,234 (failed: 2)"
    assert tables.count([]) == ""


def test_the_file_has_words_that_yaml_would_take_for_numbers(tmp_path: Path) -> None:
    kept = [Record(proof="units", python="3.10", seeds=(1, 77), passed=1, day="2026-11-30")]
    (tmp_path / "kept.yml").write_text(text_of(kept))
    assert load(tmp_path / "kept.yml") == kept
