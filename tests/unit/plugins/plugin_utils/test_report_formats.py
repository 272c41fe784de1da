# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each format of a report, read by somebody else than who wrote it; and hosts that say hostile things."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.files import FORMATS, write
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import (
    as_csv,
    as_json,
    as_junit,
    as_prometheus,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.page import as_html
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import STATUSES, HostResult
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import as_table
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    TIME,
    make_report,
    report_of,
)

SCHEMA = Path(__file__).resolve().parents[4] / "docs" / "report.schema.json"
#: what a host that is not to be trusted says
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\"'`&amp;\\",
    "]]></failure><x>",
    '"} 1\nmailfleet_postfix_hosts{status="ok',
    '=HYPERLINK("http://198.51.100.1/","x")',
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "{{ lookup('pipe', 'id') }}",
    "\x00\x1b[31m\u2028\ud800",
    "${alert(1)}",
)


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(40)


@pytest.fixture(scope="module")
def hostile() -> Report:
    hosts = [HostResult(text, text, {"failed": True, "msg": text}) for text in HOSTILE]
    finding = dict.fromkeys(("code", "parameter", "message", "remedy"), HOSTILE[0])
    for text in HOSTILE:
        part = {
            "changed": False,
            "instance": text,
            "config_directory": text,
            "findings": [{**finding, "severity": "error", "message": text}],
            "sockets": [{"address": text, "port": 25, "state": "listening"}],
        }
        survey = {"addresses": [{"address": text, "interface": text, "prefix_length": 24}], "version": text}
        hosts.append(HostResult(f"{text} as well", None, {"changed": False, "instances": [part], "survey": survey}))
    return make_report("audit", hosts, True, time=TIME)


def test_json_is_as_the_schema_says(report: Report) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(as_json(report))
    jsonschema.validate(data, schema, jsonschema.Draft202012Validator)
    assert {record["status"] for record in data["instances"]} == {"unreachable", "refused", "drift", "finding", "ok"}
    assert data["summary"]["hosts"] == 40
    assert len(data["instances"]) == len({(one["host"], one["instance"]) for one in data["instances"]})
    assert data["time"] == "2026-11-29T04:15:00Z"


def test_json_of_no_host_is_as_the_schema_says() -> None:
    data = json.loads(as_json(make_report("audit", [], True)))
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")), jsonschema.Draft202012Validator)
    assert data["instances"] == []


def test_the_schema_describes_all_keys() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    instance = schema["$defs"]["instance"]
    assert instance["properties"]["status"]["enum"] == list(STATUSES)
    assert sorted(instance["required"]) == sorted(instance["properties"])


def cases_of(text: str) -> dict[str, ElementTree.Element]:
    return {case.get("name", ""): case for case in ElementTree.fromstring(text).iter("testcase")}


def test_junit_has_a_case_for_each_instance(report: Report) -> None:
    root = ElementTree.fromstring(as_junit(report))
    assert [suite.get("name") for suite in root] == ["canary", "ams", "fra", "lhr", "sin"] or {
        suite.get("name") for suite in root
    } == {"canary", "ams", "fra", "lhr", "sin"}
    for suite in root:
        cases = list(suite)
        assert suite.get("tests") == str(len(cases))
        for kind, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(kind) == str(sum(case.find(name) is not None for case in cases))
    cases = cases_of(as_junit(report))
    assert len(cases) == len(report.records)
    assert {case.get("classname") for case in cases.values()} == {f"audit.{suite.get('name')}" for suite in root}
    failing = {
        name.split(" ")[0].rstrip(",") for name, case in cases.items() if len(case) and case[0].tag != "system-out"
    }
    assert failing == set(report.failures())


def test_junit_tells_the_states_apart(report: Report) -> None:
    cases = cases_of(as_junit(report)).values()
    kinds = {(each.tag, each.get("type")) for case in cases for each in case if each.tag != "system-out"}
    assert kinds == {
        ("error", "unreachable"),
        ("error", "refused"),
        ("failure", "drift"),
        ("failure", "finding"),
    }
    untouched = make_report("converge", [HostResult("mta1", "site_b", None)], False)
    (case,) = cases_of(as_junit(untouched)).values()
    assert case[0].tag == "skipped"


METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'


def samples_of(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Read Prometheus' text format, version 0.0.4, as strictly as its grammar allows."""
    assert text.endswith("\n")
    metrics: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    announced = ""
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            match = re.fullmatch(rf"# (HELP|TYPE) ({METRIC}) (.+)", line)
            assert match, line
            announced = match[2]
            if match[1] == "TYPE":
                assert match[3] == "gauge"
                assert announced not in metrics
                metrics[announced] = {}
            continue
        match = re.fullmatch(rf"({METRIC})\{{({LABEL}(?:,{LABEL})*)\}} (\d+(?:\.\d+)?)", line)
        assert match, line
        assert match[1] == announced
        labels = tuple(re.findall(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"', match[2]))
        assert labels not in metrics[announced], "a sample is there twice"
        metrics[announced][labels] = float(match[3])
    return metrics


def test_prometheus(report: Report) -> None:
    metrics = samples_of(as_prometheus(report))
    hosts = metrics["mailfleet_postfix_hosts"]
    assert sum(hosts.values()) == 40
    assert hosts[(("status", "unreachable"),)] == report.summary()["statuses"]["unreachable"] > 0
    statuses = metrics["mailfleet_postfix_instance_status"]
    assert sum(statuses.values()) == len(report.records)
    assert len(statuses) == len(report.records) * len(STATUSES)
    assert list(metrics["mailfleet_postfix_report_timestamp_seconds"].values()) == [TIME.timestamp()]
    assert sum(metrics["mailfleet_postfix_fleet_findings"].values()) == len(report.fleet)


def test_csv(report: Report) -> None:
    text = as_csv(report)
    assert text.count("\r\n") == len(report.records) + 1
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["host"], row["instance"], row["status"]) for row in rows] == [
        (record["host"], record["instance"] or "", record["status"]) for record in report.records
    ]
    drifting = next(row for row in rows if row["files_differ"] == "yes")
    assert drifting["action"] in ("reload", "restart")
    assert any(row["listeners"].startswith("0.0.0.0:25") for row in rows)


def test_the_table_has_each_instance_and_the_sum(report: Report) -> None:
    lines = as_table(report)
    for record in report.records:
        named = "(default)" if record["instance"] == "-" else record["instance"] or ""
        assert any(line.startswith(record["host"]) and named in line for line in lines)
    assert lines[-1].startswith("40 hosts: 3 unreachable, 3 failed, ")
    assert any("UNREACHABLE: " in line for line in lines)


class Tags(HTMLParser):
    """The tags of a page, and the text of each script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def tags_of(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    return tags


def test_the_page_needs_nothing_else(report: Report) -> None:
    tags = tags_of(as_html(report))
    references = [
        value for _tag, attributes in tags.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert [value for value in references if value and not value.startswith(("#", "data:"))] == []
    assert len(tags.scripts) == 2
    data = json.loads(tags.scripts[0])
    assert len(data["instances"]) == len(report.records)
    (policy,) = (attributes for tag, attributes in tags.tags if "Content-Security-Policy" in attributes.values())
    assert "default-src 'none'" in str(policy["content"])
    assert "unsafe" not in str(policy["content"])


def test_the_page_uses_no_markup_from_the_data() -> None:
    programs = sorted(Path(as_html.__code__.co_filename).with_name("web").glob("*.js"))
    assert [path.name for path in programs] == ["page.js", "plan.js"]
    program = "".join(path.read_text(encoding="utf-8") for path in programs)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert word not in program


def test_nobody_breaks_out_of_the_page(hostile: Report) -> None:
    ordinary = [tag for tag, _attributes in tags_of(as_html(report_of(1))).tags]
    tags = tags_of(as_html(hostile))
    assert [tag for tag, _attributes in tags.tags] == ordinary
    data = json.loads(tags.scripts[0])
    assert data["instances"][0]["host"] == HOSTILE[0]
    assert not re.search("[<>&\u2028\u2029]", tags.scripts[0])


def test_nobody_breaks_out_of_the_other_formats(hostile: Report) -> None:
    data = json.loads(as_json(hostile))
    assert data["instances"][1]["problem"] == HOSTILE[1]
    cases = cases_of(as_junit(hostile))
    assert len(cases) == 2 * len(HOSTILE)
    metrics = samples_of(as_prometheus(hostile))
    assert sum(metrics["mailfleet_postfix_hosts"].values()) == 2 * len(HOSTILE)
    rows = list(csv.reader(io.StringIO(as_csv(hostile))))
    assert len(rows) == 2 * len(HOSTILE) + 1
    formulas = [cell for row in rows for cell in row if re.match(r"\s*[=+@\t\r-]", cell)]
    assert formulas == []


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_becomes_a_file_as_a_whole(
    report: Report, hostile: Report, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "new" / "folder" / f"report.{name}"
    for each in (report, hostile):
        assert write(each, name, f"new/folder/report.{name}") == str(path)
        assert path.read_bytes().decode() == FORMATS[name](each)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(OSError):
        write(report, name, "/dev/null/report")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_the_same_for_the_same_report(report: Report, name: str) -> None:
    assert FORMATS[name](report) == FORMATS[name](report_of(40))


def data_of(text: str) -> Any:
    return json.loads(tags_of(text).scripts[0])


def test_the_page_stays_small() -> None:
    sizes = [len(as_html(report_of(count))) for count in (0, 200)]
    assert (sizes[1] - sizes[0]) / 200 < 2500
