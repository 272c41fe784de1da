# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of all findings: no code twice, and no check beside the table."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings import registry
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Point
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import (
    REGISTRY,
    SEVERITIES,
    findings,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of


def test_codes_are_unique() -> None:
    codes = [rule.code for rule in REGISTRY]
    assert len(set(codes)) == len(codes) > 20
    assert all(re.fullmatch("[a-z][a-z_]+", code) for code in codes)


def test_every_check_is_in_the_table() -> None:
    """What yields points is a check, or a part of one, which begins with an underscore."""
    texts = [path.read_text(encoding="utf-8") for path in Path(registry.__file__).parent.glob("*.py")]
    checks = [name for text in texts for name in re.findall(r"^def ([a-z]\w*)\(.*\) -> Iterator\[Point\]", text, re.M)]
    assert sorted(checks) == sorted(rule.code for rule in REGISTRY)


def test_severities_are_known_and_the_graver_comes_first() -> None:
    for rule in REGISTRY:
        places = [SEVERITIES.index(severity) for severity in rule.severities]
        assert places == sorted(set(places))
        assert len(places) in (1, 2)


def test_a_summary_is_one_sentence() -> None:
    for rule in REGISTRY:
        assert rule.summary.endswith(".")
        assert ". " not in rule.summary
        assert len(rule.summary) < 120


def test_code_and_severity_are_those_of_the_table(monkeypatch) -> None:
    def one(_outlook):
        yield Point("grave", "A fact", "A remedy")
        yield Point("mild", "A fact", "A remedy", mild=True)

    def two(outlook):
        yield from one(outlook)

    rules = [
        registry.Rule(one, ["warning"]),
        registry.Rule(two, ["error", "info"]),
    ]
    monkeypatch.setattr(registry, "REGISTRY", rules)
    answer = findings(outlook_of({}, "smtp inet n - n - - smtpd\n", host_of("127.0.0.1")))
    assert [finding[:3] for finding in answer] == [
        ("two", "error", "grave"),
        ("one", "warning", "grave"),
        ("one", "warning", "mild"),
        ("two", "info", "mild"),
    ]
