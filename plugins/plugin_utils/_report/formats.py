# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A report as text for programs: JSON, JUnit's XML, Prometheus' text format and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import with_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import SEVERITIES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import STATUSES
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FORMAT, VERSION, Report, in_words

#: what a test case is about, by the playbook
_PASSED = {"plan": "can be as the proposal says"}
#: what XML 1.0 cannot hold (section 2.2), not even escaped
_NOT_XML = "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def as_data(report: Report) -> dict[str, Any]:
    """Return what the JSON says: docs/report.schema.json."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "playbook": report.kind,
        "time": report.timestamp,
        "summary": report.summary(),
        **({} if report.difference is None else {"difference": report.difference}),
        "findings": report.fleet,
        "records": report.world.about if report.world else None,
        "sources": report.world.sources if report.world else [],
        "instances": report.records,
    }


def as_json(report: Report) -> str:
    """Return one object, with those of source addresses and of instances each on a line of its own."""
    data = as_data(report)
    long = ("sources", "instances")
    text = json.dumps({name: value for name, value in data.items() if name not in long}, ensure_ascii=False, indent=2)
    parts = [f'  "{name}": {_by_line(data[name])}' for name in long]
    return ",\n".join([text[:-2], *parts]) + "\n}\n"


def _by_line(entries: Sequence[Mapping[str, Any]]) -> str:
    lines = ",\n".join(f"    {json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    return f"[\n{lines}\n  ]" if lines else "[]"


def as_junit(report: Report) -> str:
    """Return a test suite for each group, and in it a case for each host and instance.

    A case fails where the host differs from the inventory or has a serious finding, and is an error where nothing could
    be found out.
    """
    suites = ElementTree.Element("testsuites", name=f"mailfleet.postfix.{report.kind}")
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in report.records:
        groups.setdefault(record["group"] or "no group", []).append(record)
    fleet = by_place(report)
    for group, records in groups.items():
        suite = ElementTree.SubElement(suites, "testsuite", name=_xml(group))
        if report.timestamp:
            suite.set("timestamp", report.timestamp.rstrip("Z"))
        counts: Counter[str] = Counter()
        for record in records:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_xml(f"{report.kind}.{group}"),
                name=_xml(
                    f"{record['host']}{_instance(record)} {_PASSED.get(report.kind, 'is as the inventory says')}"
                ),
                time=f"{record['seconds'] or 0:.3f}",
            )
            counts["tests"] += 1
            counts[_verdict(report, record, fleet, case)] += 1
        for name in ("tests", "failures", "errors", "skipped"):
            suite.set(name, str(counts[name]))
        suite.set("time", f"{sum(record['seconds'] or 0 for record in records):.3f}")
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _verdict(
    report: Report, record: Mapping[str, Any], fleet: Mapping[Any, list[Mapping[str, Any]]], case: ElementTree.Element
) -> str:
    """Say in a case what came of a record, and return as what it counts."""
    others = fleet.get((record["host"], record["instance"]), [])
    found = [*record["findings"], *others]
    said = report.why(record) + [in_words(finding) for finding in others if report.is_serious(finding)]
    verdict = "passed"
    if record["status"] == "untouched":
        ElementTree.SubElement(case, "skipped", message="The run did not get to this host.")
        verdict = "skipped"
    elif record["status"] == "unknown" and not said:
        ElementTree.SubElement(case, "skipped", message=_xml(record["problem"]))
        verdict = "skipped"
    elif said:
        verdict = "errors" if record["status"] in ("unreachable", "refused", "unknown") else "failures"
        element = ElementTree.SubElement(case, verdict[:-1], type=record["status"], message=_xml(said[0]))
        element.text = _xml("\n".join(said))
    if found:
        text = "\n".join(f"{finding['severity']}: {in_words(finding)}" for finding in found)
        ElementTree.SubElement(case, "system-out").text = _xml(text)
    return verdict


def by_place(report: Report) -> dict[tuple[str, str | None], list[Mapping[str, Any]]]:
    """Return the findings across hosts, by the hosts and instances that they name.

    One that names a host without an instance is about each of its instances.
    """
    fleet: dict[tuple[str, str | None], list[Mapping[str, Any]]] = {}
    hosts = report.hosts() if report.fleet else {}
    for finding in report.fleet:
        for place in finding["places"]:
            host, instance = place["host"], place["instance"]
            every = [record["instance"] for record in hosts.get(host, ())] if instance is None else [instance]
            for name in every or [instance]:
                fleet.setdefault((host, name), []).append(finding)
    return fleet


def _xml(text: str) -> str:
    return re.sub(_NOT_XML, "\ufffd", text)


def _instance(record: Mapping[str, Any]) -> str:
    return "" if record["instance"] in (None, "-") else f", instance {record['instance']},"


def as_prometheus(report: Report) -> str:
    """Return metrics for the textfile collector of the node exporter."""
    summary = report.summary()
    lines: list[str] = []

    def metric(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> None:
        full = f"mailfleet_postfix_{name}"
        lines.extend([f"# HELP {full} {text}", f"# TYPE {full} gauge"])
        for labels, value in samples:
            inner = ",".join(f'{label}="{_label(each)}"' for label, each in labels.items())
            lines.append(f"{full}{{{inner}}} {value:.16g}")

    if report.time:
        metric(
            "report_timestamp_seconds",
            "When the report was made, in seconds since the epoch.",
            [({"playbook": report.kind}, round(report.time.timestamp()))],
        )
    metric("hosts", "Hosts by their worst state.", (({"status": s}, n) for s, n in summary["statuses"].items()))
    metric(
        "fleet_findings",
        "Findings across hosts.",
        (
            ({"code": code, "severity": severity}, number)
            for (code, severity), number in Counter((one["code"], one["severity"]) for one in report.fleet).items()
        ),
    )
    metric("instance_status", "1 for the state of an instance, 0 for all other states.", _statuses(report))
    metric("instance_findings", "Findings about an instance.", _findings(report))
    return "\n".join(lines) + "\n"


def _labels(record: Mapping[str, Any]) -> dict[str, str]:
    return {"host": record["host"], "group": record["group"] or "", "instance": record["instance"] or ""}


def _statuses(report: Report) -> Iterator[tuple[dict[str, str], float]]:
    for record in report.records:
        for status in STATUSES:
            yield {**_labels(record), "status": status}, float(status == record["status"])


def _findings(report: Report) -> Iterator[tuple[dict[str, str], float]]:
    for record in report.records:
        counts = Counter(finding["severity"] for finding in record["findings"])
        for severity in SEVERITIES:
            yield {**_labels(record), "severity": severity}, counts[severity]


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


_COLUMNS = (
    "host",
    "group",
    "instance",
    "status",
    "problem",
    "files_differ",
    "master_differs",
    "action",
    "version",
    "unit",
    "listeners",
    "sources",
    *(f"{severity}s" for severity in SEVERITIES),
    "codes",
    "seconds",
)


def as_csv(report: Report) -> str:
    """Return a line for each host and instance (RFC 4180). No cell is a formula for a spreadsheet."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(_COLUMNS)
    fleet = by_place(report)
    for record in report.records:
        found = [*record["findings"], *fleet.get((record["host"], record["instance"]), [])]
        counts = Counter(finding["severity"] for finding in found)
        row = {
            **record,
            **{f"{severity}s": counts[severity] for severity in SEVERITIES},
            "listeners": " ".join(listeners_of(record)),
            "sources": " ".join(sources_of(record)),
            "codes": " ".join(sorted({finding["code"] for finding in found})),
        }
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return what a spreadsheet takes for text and not for a formula, whoever wrote it; the lone - is an instance."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "" if value is None else str(value)
    return f"'{text}" if re.match(r"\s*[=+@\t\r-]", text) and text != "-" else text


def listeners_of(record: Mapping[str, Any]) -> list[str]:
    """Return where an instance listens now, as ``address:port``."""
    view = record["now"] or {}
    sockets = record["sockets"] or view.get("listeners") or ()
    return [with_port(each["address"], each["port"]) for each in sockets if each.get("state") != "missing"]


def sources_of(record: Mapping[str, Any]) -> list[str]:
    """Return what each client sends from now, as ``transport=address``."""
    view = record["now"] or {}
    return [
        f"{client['transport']}={source['address'] or 'kernel'}"
        for client in view.get("source_addresses") or ()
        for source in (client["ipv4"], client["ipv6"])
        if source and not source["failure"]
    ]
