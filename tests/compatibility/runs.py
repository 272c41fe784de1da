# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ran where, and what came of it: one record for each thing that was proven somewhere, kept in a file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from .junit import Result, read

_HEAD = """\
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What ran where, and what came of it: written by `make compatibility` from what tests left in tests/output/junit, and
# never by hand. The tables of README.md and docs/platforms.md are made of it. The fields: tests/compatibility/runs.py.
# yamllint disable rule:line-length
---
"""
#: what says where and what something was; of the other fields of a record there is one value for these
_KEY = ("proof", "suite", "system", "scenario")


class Record(NamedTuple):
    """One kind of proof at one place."""

    #: hosts: tests on a running host; scenario: one of molecule; rules: configurations held against a real Postfix;
    #: units: unit tests, where nothing else was at hand
    proof: str
    #: of the lab, such as bookworm_el
    suite: str = ""
    #: what runs Postfix there, or what else is special
    system: str = ""
    scenario: str = ""
    postfix: str = ""
    python: str = ""
    #: ansible-core
    ansible: str = ""
    #: of the generated configurations
    seeds: tuple[int, ...] = ()
    passed: int = 0
    failed: int = 0
    #: the last day on which it ran
    day: str = ""

    def key(self) -> tuple[str, ...]:
        """What another record has to have in common to take the place of this one."""
        words = [getattr(self, name) for name in _KEY]
        if not self.suite:
            return (*words, self.python, self.ansible)
        # A suite has one Postfix at a time, but from source any number of them, one beside the other.
        return (*words, self.postfix if "_" in self.suite else "", "")

    def fields(self) -> dict[str, Any]:
        """What there is to say."""
        said = {name: value for name, value in self._asdict().items() if value or name == "failed"}
        return {**said, "seeds": list(self.seeds)} if self.seeds else said


def gathered(results: Iterable[Result]) -> list[Record]:
    """The records that results make; those that do not say what they prove make none."""
    kinds: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for one in results:
        if "proof" in one.ran_on:
            kinds[Record(**_words(one)).key()].append(one)
    return [_record(list({one.name: one for one in group}.values())) for group in kinds.values()]


def _record(group: list[Result]) -> Record:
    words = _words(group[-1])
    failed = sum(one.failed for one in group)
    seeds = {
        int(match[1]) for one in group if words["proof"] == "rules" and (match := re.search(r"::(\d+)/\d+\Z", one.name))
    }
    day = max(one.day for one in group)
    return Record(**words, seeds=tuple(sorted(seeds)), passed=len(group) - failed, failed=failed, day=day)


def _words(one: Result) -> dict[str, str]:
    return {name: one.ran_on.get(name, "") for name in (*_KEY, "postfix", "python", "ansible")}


def results_in(directory: Path) -> Iterator[Result]:
    """All that tests have left."""
    for path in sorted(directory.glob("*.xml"), key=lambda path: path.stat().st_mtime):
        yield from read(path)


def merged(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """The records after further runs. A run of fewer tests takes no place, unless something failed in it, or before."""
    kept = {record.key(): record for record in old}
    for record in new:
        before = kept.get(record.key())
        fewer = before is not None and record.passed + record.failed < before.passed + before.failed
        if not (before and fewer and before.postfix == record.postfix and not before.failed and not record.failed):
            kept[record.key()] = record
    return sorted(kept.values(), key=lambda record: record.key())


def load(path: Path) -> list[Record]:
    """The records that are kept."""
    if not path.exists():
        return []
    kept = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return [Record(**{**one, "seeds": tuple(one.get("seeds", ()))}) for one in kept]


def text_of(records: Iterable[Record]) -> str:
    """The file that keeps them, one in a line."""
    return _HEAD + "".join(f"- {_line(record.fields())}\n" for record in records)


def _line(fields: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {_word(value)}" for name, value in fields.items()) + "}"


def _word(value: Any) -> str:
    if isinstance(value, str) and yaml.safe_load(value) != value:
        return f'"{value}"'  # such as 3.10, and a day
    return str(value)
