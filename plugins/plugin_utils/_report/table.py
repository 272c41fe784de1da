# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A report as lines for a terminal: the table of all hosts, and what the hosts of one batch did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import CODES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import (
    by_place,
    listeners_of,
    sources_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.plan_table import plan_lines
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    Record,
    by_host,
    column_of,
    count_of_hosts,
    prefix_of,
    worst,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report, in_words

_INDENT = " " * 6
_REASONS = 4  # shown at most for an instance
_FINDINGS = 8  # shown at most of a kind
_WORDS = {
    "unreachable": "unreachable",
    "refused": "failed",
    "drift": "not in line",
    "finding": "in line, with findings",
    "untouched": "left alone",
    "changed": "changed",
    "ok": "in line",
}
_PLAN_WORDS = {
    "refused": "refused",
    "finding": "with findings",
    "unknown": "with unknown addresses",
    "changed": "changed",
    "ok": "as before",
}


def as_table(report: Report) -> list[str]:
    """Return a line for each host and instance, then those for what was found across hosts, then the sum.

    After a rollout, each instance has further lines: why something was done, and its sockets and source addresses. A
    plan has no lines for what stays as it is.
    """
    lines, words = (plan_lines(report), _PLAN_WORDS) if report.kind == "plan" else (_lines(report), _WORDS)
    summary = report.summary()
    sums = ", ".join(f"{number} {words[status]}" for status, number in summary["statuses"].items() if number)
    return [*lines, "", f"{count_of_hosts(summary['hosts'])}: {sums or 'none'}"]


def _lines(report: Report) -> Iterator[str]:
    fleet = by_place(report)
    for records in report.hosts().values():
        for number, record in enumerate(records):
            place = f"{record['host']:<24} {record['group'] or '-':<16}"
            problem = _problem(record)
            if problem and not number:
                yield f"{place} {problem}"
            if not problem or (record["instance"] and report.kind == "converge"):
                found = [*record["findings"], *fleet.get((record["host"], record["instance"]), [])]
                yield f"{place} {_cells(report, record, found)}".rstrip()
            if record["instance"] and report.kind == "converge":
                yield from (f"{_INDENT}{line}" for line in _details(record))
    if report.fleet or (report.world and report.world.about["errors"]):
        yield ""
        yield from _across(report)


def _across(report: Report) -> Iterator[str]:
    """Yield what was found across hosts; of what DNS says the first of each kind, and how many more there are."""
    shown: Counter[str] = Counter()
    for finding in report.fleet:
        shown[finding["code"]] += 1
        if finding["code"] not in CODES or shown[finding["code"]] <= _FINDINGS:
            yield f"{finding['severity']}: {in_words(finding)}"
    for code, number in shown.items():
        if code in CODES and number > _FINDINGS:
            yield f"and {number - _FINDINGS} more of [{code}]"
    errors = report.world.about["errors"] if report.world else ()
    yield from (f"not known: {error}" for error in errors[:_FINDINGS])
    if len(errors) > _FINDINGS:
        yield f"and {len(errors) - _FINDINGS} more that DNS has not answered"


def _problem(record: Mapping[str, Any]) -> str | None:
    """Return what takes the place of the columns for a host of which nothing else is to be said."""
    if record["status"] == "unreachable":
        return f"UNREACHABLE: {record['problem']}"
    if record["status"] == "refused":
        return f"FAILED: {record['problem']}"
    if record["status"] == "untouched":
        return f"left alone{': ' + record['problem'] if record['problem'] else ''}"
    return None


def _cells(report: Report, record: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> str:
    """Return the columns of an instance from its name on."""
    counts = Counter(finding["severity"] for finding in found)
    shown = SEVERITIES if report.kind == "converge" else SEVERITIES[:2]
    told = ", ".join(f"{counts[severity]} {severity}" for severity in shown if counts[severity])
    seconds = "" if record["seconds"] is None else f"{record['seconds']:.1f} s"
    files = _files(report.kind, record)
    return f"{column_of(record):<16} {files:<18} {record['action']:<8} {seconds:>7} {told}"


def _files(kind: str, record: Mapping[str, Any]) -> str:
    """Return what became of the files of an instance, or of the instance itself."""
    if kind == "audit":
        return f"files {'differ' if record['files'] or record['steps'] else 'as inventory'}"
    if record["undone"]:
        return "undone"
    for word in ("removed", "created"):
        if any(step.endswith(f"is {word}") for step in record["steps"]):
            return word
    changed = record["files"] or record["steps"]
    return f"files {'changed' if changed and record['status'] != 'refused' else 'as before'}"


def _details(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was changed and why, where the instance listens, and what it sends from."""
    if record["files"]:
        names = ", ".join(path.rpartition("/")[2] for path in record["files"])
        yield f"{'undone' if record['undone'] else 'changed'}: {names}"
    yield from record["steps"]
    yield from _reasons(record)
    listeners, sources = listeners_of(record), sources_of(record)
    if listeners:
        yield f"listens on {' '.join(listeners)}"
    if sources:
        yield f"sends from {' '.join(sources)}"


def _reasons(record: Mapping[str, Any]) -> list[str]:
    """Return why something was done, the first reasons of many."""
    lines = []
    for reason in record["reasons"][:_REASONS]:
        parameter, before, after = (reason.get(name) for name in ("parameter", "before", "after"))
        change = "" if before is None or after is None else f" from {before or 'empty'} to {after or 'empty'}"
        lines.append(f"{reason.get('action')}: {parameter}{change}: {reason.get('why')}")
    more = len(record["reasons"]) - len(lines)
    return [*lines, f"and {more} more reasons"] if more > 0 else lines


def batch_lines(records: Sequence[Record]) -> list[str]:
    """Return what the hosts of one batch did: a line for each that did something, and how many were in line already."""
    lines, quiet = [], 0
    for host, listed in by_host(records).items():
        if worst([record["status"] for record in listed]) in ("ok", "finding") and not any(map(_did, listed)):
            quiet += 1
            continue
        said = dict.fromkeys(each for record in listed for each in [_in_one_line(record)] if each)
        seconds = next((record["seconds"] for record in listed if record["seconds"] is not None), None)
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        lines.append(f"{host}: {'; '.join(said)}{took}")
    return [*lines, f"in line already: {count_of_hosts(quiet)}"] if quiet else lines


def _did(record: Mapping[str, Any]) -> bool:
    return bool(record["files"] or record["steps"] or record["action"] != "none")


def _in_one_line(record: Mapping[str, Any]) -> str:
    """Return what was done to an instance and why; nothing for one that was in line."""
    problem = _problem(record) or record["problem"]
    if problem:
        return problem
    if not _did(record):
        return ""
    names = " and ".join(path.rpartition("/")[2] for path in record["files"])
    done = [*record["steps"], *([f"{names} changed"] if names else [])]
    if record["action"] != "none":
        why = dict.fromkeys(str(reason["parameter"]) for reason in record["reasons"])
        shown = ", ".join([*list(why)[:_REASONS], *(["..."] if len(why) > _REASONS else [])])
        done.append(f"{record['action']}{' because of ' + shown if shown else ''}")
    return f"{prefix_of(record)}{', '.join(done)}"
