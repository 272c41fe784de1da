# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A plan as lines for a terminal: a line for each host and instance that changes or fails, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import Changes, changes_of, worst_first
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import Record, column_of, count_of_hosts
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report, in_words

_MOST = 4  # things of one kind in a line
_PRESENCE = {"appears": "new", "vanishes": "gone"}


def plan_lines(report: Report) -> Iterator[str]:
    """Yield the hosts and instances, those of which there is nothing to say in one line, and the fleet."""
    told = worst_first(report)
    for record in told:
        yield f"{record['host']:<24} {record['group'] or '-':<16} {_cells(record)}".rstrip()
    quiet = len(report.hosts().keys() - {record["host"] for record in told})
    if quiet:
        yield f"{count_of_hosts(quiet)} without a change"
    yield from _of_fleet(report)
    new = [finding for finding in report.fleet if finding["new"]]
    if new:
        yield from ("", *(f"{finding['severity']}: {in_words(finding)}" for finding in new))
    known = len(report.fleet) - len(new)
    if known:
        yield f"{known} {'finding' if known == 1 else 'findings'} across hosts that the base has, too"


def _cells(record: Record) -> str:
    """Return the columns of an instance from its name on."""
    if record["status"] == "refused":
        return f"REFUSED: {record['problem']}"
    if record["status"] == "unknown":
        return f"UNKNOWN: {record['problem']}"
    words = [word for word in (_PRESENCE.get(record["presence"]), record["action"]) if word and word != "none"]
    parts = [*record["steps"], *_parts(changes_of(record)), *_found(record["findings"])]
    if record["files"] and len(parts) == 0:
        parts.append(f"{' and '.join(record['files'])} only")
    if record["confirm"]:
        parts.append(f"to be confirmed within {record['confirm']} s")
    if record["problem"]:
        parts.append(record["problem"])
    return f"{column_of(record):<16} {' '.join(words) or '-':<12} {'; '.join(parts)}"


def _parts(changes: Changes) -> Iterator[str]:
    """Yield what appears and what vanishes."""
    for title, added, removed in (
        ("listens", changes.listeners_added, changes.listeners_removed),
        ("own", changes.own_added, changes.own_removed),
        ("mynetworks", changes.networks_added, changes.networks_removed),
    ):
        if added or removed:
            yield f"{title} {_some([*(f'+{each}' for each in added), *(f'-{each}' for each in removed)])}"
    sources: dict[tuple[str | None, str | None], list[str]] = {}
    for transport, family, before, after in changes.sources:
        sources.setdefault((before, after), []).append(f"{transport.removesuffix('/unix')} {family}")
    for number, ((before, after), clients) in enumerate(sources.items()):
        if number == _MOST:
            yield f"and {len(sources) - number} more sources"
            return
        yield f"{_some(clients, ', ')}: {before or 'none'} -> {after or 'none'}"


def _found(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    counts = Counter((finding["severity"], finding["new"]) for finding in findings)
    for severity in SEVERITIES[:2]:
        for is_new in (True, False):
            number = counts[severity, is_new]
            if number:
                yield f"{number} {'new ' if is_new else ''}{severity}{'' if number == 1 else 's'}"


def _of_fleet(report: Report) -> Iterator[str]:
    """Yield what the fleet sends from, and how many endpoints appear and vanish."""
    difference = report.difference or {}
    for side, verb in (("added", "newly sends from"), ("removed", "no longer sends from")):
        prefixes = difference["sources"][side]
        if prefixes:
            yield f"the fleet {verb} {_some(prefixes, ', ', 10 * _MOST)}"
    counts = [f"{len(difference['endpoints'][side])} {side}" for side in ("added", "removed")]
    if any(difference["endpoints"].values()):
        yield f"endpoints: {', '.join(counts)}"


def _some(parts: Sequence[str], between: str = " ", most: int = _MOST) -> str:
    """Return the first of some words, and how many more there are."""
    more = [f"and {len(parts) - most} more"] if len(parts) > most + 1 else []
    return between.join([*(parts[:most] if more else parts), *more])
