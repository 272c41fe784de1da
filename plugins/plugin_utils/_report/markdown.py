# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A report as Markdown for the comment of a merge request: the worst first, and no longer than a forge takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import (
    Changes,
    after_of,
    before_of,
    changes_of,
    is_changed,
    worst_first,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.markdown_text import code, listed, prose
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import Record, count_of_hosts
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report

#: characters; GitHub takes 65,536 for a comment, and GitLab 1,000,000
LONGEST = 60_000
_SEEN = 10  # entries of a list that are seen without a click
_MOST = 6  # values in one place
_MOST_PREFIXES = 100
_AROUND = 300  # characters around the rows of a list, at most
_STAY = ("refused", "unknown")  # as they are, because the run would not get any further
_ACTIONS = ("restart", "start", "reload")
_TITLES = {"audit": "Postfix audit", "converge": "Postfix rollout", "plan": "Postfix plan"}
_WORDS = {
    "refused": "failed",
    "unreachable": "unreachable",
    "drift": "not in line",
    "unknown": "with unknown addresses",
}
_ARROW = " \u2192 "
_NONE = "(none)"
_SOURCES = {None: _NONE, "kernel": "(the kernel's choice)", "fails": "(no mail leaves)", "not used": "(not used)"}


class Section(NamedTuple):
    """A part of the comment: a table or a list, of which the end can be left out."""

    title: str
    #: the lines of a table before its rows; none for a list
    head: tuple[str, ...]
    rows: list[str]
    #: what is counted, for one and for several
    nouns: tuple[str, str]
    #: of the room for all of them, what this one can have in any case
    share: float


def as_markdown(report: Report) -> str:
    """Return the comment. Its first line, which is not seen, tells it apart from other comments."""
    told = worst_first(report)
    head = [f"<!-- mailfleet.postfix.{report.kind} -->", *_head(report, told)]
    tail = [*_of_fleet(report), *_rest(report, told)]
    sections = [each for each in (_failing(report), _findings(report), _changes(told), _unknown(report)) if each.rows]
    room = LONGEST - len("\n\n".join([*head, *tail])) - 100
    needs = [_AROUND + len(_rendered(each, LONGEST * LONGEST)) for each in sections]
    grants = [min(need, int(each.share * room)) for need, each in zip(needs, sections, strict=True)]
    for index, need in enumerate(needs):
        grants[index] += max(0, min(need - grants[index], room - sum(grants)))
    parts = [_rendered(each, grant) for each, grant in zip(sections, grants, strict=True)]
    return "\n\n".join([*head, *parts, *tail]) + "\n"


def _head(report: Report, told: Sequence[Record]) -> Iterator[str]:
    """Yield the title and the sums."""
    summary = report.summary()
    title, hosts = _TITLES.get(report.kind, f"Postfix {report.kind}"), count_of_hosts(summary["hosts"])
    if report.kind == "plan":
        number = len({record["host"] for record in told if _is_touched(record)})
        yield f"### {title}: {number or 'none'} of {hosts} {'changes' if number == 1 else 'change'}"
    else:
        number = len(report.failures())
        yield f"### {title}: {number or 'none'} of {hosts} {'needs' if number == 1 else 'need'} attention"
    sums = [
        f"{count_of_hosts(summary['statuses'][status])} {_word(report, status)}"
        for status in _WORDS
        if summary["statuses"][status]
    ]
    found = [*report.fleet, *(finding for record in report.records for finding in record["findings"])]
    for severity in SEVERITIES:
        some = [finding for finding in found if finding["severity"] == severity]
        new = sum(bool(finding.get("new")) for finding in some)
        if some and (severity != "info" or new):
            plural = "s" if len(some) > 1 and severity != "info" else ""
            sums.append(f"{len(some)} {severity}{plural}{f' ({new} new)' if new else ''}")
    actions = Counter(record["action"] for record in told)
    sums += [
        f"{actions[action]} {action}{'s' if actions[action] > 1 else ''}" for action in _ACTIONS if actions[action]
    ]
    yield f"**{', '.join(sums) or 'nothing was found'}**"


def _word(report: Report, status: str) -> str:
    return "refused" if report.kind == "plan" and status == "refused" else _WORDS[status]


def _failing(report: Report) -> Section:
    """Return the hosts that are not, or could not be, as the inventory says."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for status in ("refused", "unreachable", "drift"):
        for record in report.records:
            if record["status"] == status:
                hosts.setdefault((status, record["problem"]), []).append(_name(record["host"], record["instance"]))
    rows = [
        f"- **{_word(report, status)}** {listed(list(dict.fromkeys(names)), _MOST)}: {prose(problem)}"
        for (status, problem), names in hosts.items()
    ]
    title = "Refused" if report.kind == "plan" else "Not as the inventory says"
    return Section(title, (), rows, ("reason", "reasons"), 0.25)


def _unknown(report: Report) -> Section:
    hosts: dict[str, list[str]] = {}
    for record in report.records:
        if record["status"] == "unknown":
            hosts.setdefault(record["problem"], []).append(record["host"])
    rows = [f"- {prose(problem)} {listed(names, 10 * _MOST)}" for problem, names in hosts.items()]
    return Section("Hosts with unknown addresses", (), rows, ("reason", "reasons"), 0.05)


def _findings(report: Report) -> Section:
    """Return the findings, each once with all its places: errors, then what is new, then the rest."""
    places: dict[tuple[Any, ...], list[str]] = {}

    def add(finding: Mapping[str, Any], hosts: Iterable[str]) -> None:
        about = tuple(finding[name] for name in ("severity", "code", "message", "remedy"))
        places.setdefault((*about, finding.get("new", False)), []).extend(hosts)

    for finding in report.fleet:
        add(finding, dict.fromkeys(_name(place["host"], place["instance"]) for place in finding["places"]))
    for record in report.records:
        for finding in record["findings"]:
            if finding["severity"] != "info" or finding.get("new"):
                add(finding, [_name(record["host"], record["instance"])])

    def order(about: tuple[Any, ...]) -> tuple[Any, ...]:
        severity, *_words, new = about
        return severity != SEVERITIES[0], not new, SEVERITIES.index(severity)

    rows = []
    for about in sorted(places, key=order):
        severity, finding_code, message, remedy, new = about
        said = f"{prose(message)}. {prose(remedy)}. {code(finding_code)}"
        rows.append(f"| **{severity}**{', new' if new else ''} | {said} | {listed(places[about], _MOST)} |")
    return Section("Findings", ("| | Finding | Where |", "| --- | --- | --- |"), rows, ("finding", "findings"), 0.35)


def _changes(told: Sequence[Record]) -> Section:
    rows = []
    for record in told:
        if record["status"] in _STAY:
            continue
        both = bool(before_of(record) and after_of(record))
        lines = [*map(prose, record["steps"]), *_before_and_after(changes_of(record), both)]
        if _is_touched(record) or lines:
            why = dict.fromkeys(f"{reason.get('parameter')}: {reason.get('why')}" for reason in record["reasons"])
            said = [prose(each) for each in list(why)[:_MOST]]
            rows.append(f"| {_place(record)} | {_does(record)} | {_lines(said)} | {_lines(lines)} |")
    head = ("| Where | Does | Why | Before \u2192 after |", "| --- | --- | --- | --- |")
    return Section("Changes", head, rows, ("instance", "instances"), 0.35)


def _is_touched(record: Mapping[str, Any]) -> bool:
    return is_changed(record) and record["status"] not in _STAY


def _does(record: Mapping[str, Any]) -> str:
    """Return what becomes of an instance."""
    parts = [f"**{record['action']}**"] if record["action"] != "none" else []
    parts += {"appears": ["new"], "vanishes": ["no longer in the inventory"]}.get(record["presence"], [])
    if record["confirm"]:
        parts.append(f"to be confirmed within {record['confirm']} s")
    return ", ".join(parts) or "no action"


def _before_and_after(changes: Changes, both: bool) -> Iterator[str]:
    """Yield what appears and what vanishes, a line for each kind.

    :param both: whether the instance is there before and after
    """
    for title, removed, added in (
        ("listens on", changes.listeners_removed, changes.listeners_added),
        ("own addresses", changes.own_removed, changes.own_added),
        ("default of mynetworks", changes.networks_removed, changes.networks_added),
    ):
        if (removed or added) and (both or title == "listens on"):
            yield f"{title} {_ARROW.join(listed(each, _MOST) or _NONE for each in (removed, added))}"
    transports: dict[tuple[str, str | None, str | None], list[str]] = {}
    for transport, family, before, after in changes.sources:
        transports.setdefault((family, before, after), []).append(transport.removesuffix("/unix"))
    for number, ((family, before, after), names) in enumerate(transports.items()):
        if number == 2 * _MOST:
            yield f"and {len(transports) - number} more sources"
            return
        sides = [_SOURCES[each] if each in _SOURCES else code(each) for each in (before, after)]
        yield f"{listed(names, _MOST)} by {family.replace('ip', 'IP')} {_ARROW.join(sides)}"


def _of_fleet(report: Report) -> Iterator[str]:
    """Yield what becomes of the fleet as a whole."""
    if not report.difference:
        return
    sources, endpoints = report.difference["sources"], report.difference["endpoints"]
    yield "#### What the fleet sends from"
    if sources["added"] or sources["removed"]:
        yield "For SPF records and firewalls, private addresses included:"
        words = [("appears", sources["added"]), ("vanishes", sources["removed"])]
        yield "\n".join(f"- {word}: {listed(prefixes, _MOST_PREFIXES)}" for word, prefixes in words if prefixes)
    else:
        yield "The same addresses as before."
    numbers = [
        f"{len(part[side])} {noun} {verbs[len(part[side]) != 1]}"
        for nouns, part in ((("endpoint", "endpoints"), endpoints), (("host", "hosts"), report.difference["hosts"]))
        for side, verbs in (("added", ("appears", "appear")), ("removed", ("vanishes", "vanish")))
        for noun in [nouns[len(part[side]) != 1]]
        if part[side]
    ]
    if numbers:
        yield f"In the whole fleet, {', '.join(numbers)}."


def _rest(report: Report, told: Sequence[Record]) -> Iterator[str]:
    """Yield what is only counted."""
    resolved = Counter(each["code"] for record in report.records for each in record["resolved"])
    if resolved:
        yield f"No longer found: {', '.join(f'{code(name)} ({number})' for name, number in sorted(resolved.items()))}."
    quiet = len(report.hosts().keys() - {record["host"] for record in told})
    if quiet:
        verb = ("stays as it is" if quiet == 1 else "stay as they are") if report.kind == "plan" else "in line"
        yield f"{count_of_hosts(quiet)} {verb}."


def _rendered(section: Section, room: int) -> str:
    """Return a section with as many rows as there is room for; those beyond the first are seen after a click."""
    title = f"#### {section.title}"
    left = room - _AROUND - sum(map(len, section.head))
    shown = 0
    for row in section.rows:
        left -= len(row) + 1
        if left < 0:
            break
        shown += 1
    seen = shown if shown <= _SEEN + 2 else _SEEN
    parts = [title, *(["\n".join([*section.head, *section.rows[:seen]])] if seen else [])]
    if shown > seen:
        number = shown - seen
        parts.append(f"<details><summary>{number} more {section.nouns[number > 1]}</summary>")
        parts += ["\n".join([*section.head, *section.rows[seen:shown]]), "</details>"]
    missing = len(section.rows) - shown
    if missing:
        parts.append(
            f"{missing} more {section.nouns[missing > 1]} {'do' if missing > 1 else 'does'} not fit in here. "
            "The other formats of this report have all of them."
        )
    return "\n\n".join(parts)


def _lines(parts: Sequence[str]) -> str:
    return "<br>".join(parts)


def _place(record: Mapping[str, Any]) -> str:
    return code(_name(record["host"], record["instance"]))


def _name(host: str, instance: str | None) -> str:
    return host if instance in (None, "-") else f"{host}, instance {instance}"
