# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Markdown of a report as a parser reads it: what it says, what it leaves out, and that nobody gets out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import is_changed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import fleet_diff
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.markdown import LONGEST, as_markdown
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.markdown_text import code, prose
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import empty_record
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_sample import plan_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import report_of
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

pytestmark = pytest.mark.one_python

#: the markup of our own
OURS = re.compile(r"<br>|<details><summary>\d+ more \w+</summary>\n?|</details>\n?|<!-- mailfleet\.postfix\.\w+ -->\n?")
HOSTILE = (
    "</details><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--",
    "a | b",
    "\\| c \\\\| d |",
    "`x` ``y`` |`",
    "``",
    "`",
    "\\",
    "@everyone please",
    "mail@example.net",
    "#1 !2 $3 ~bug %4 &5 GH-12 owner/repo#7",
    "[text](https://198.51.100.1/)",
    "![image](https://198.51.100.1/x.png)",
    "[text]: https://198.51.100.1/",
    "https://198.51.100.1/ www.example.net ftp://example.net",
    "deadbeef1234567890deadbeef1234567890dead",
    "**bold** _it_ ~~gone~~ :smile:",
    "one\n\n# two\n- three\n/close\n```\nfour",
    "\r\n| x | y |\r\n| --- | --- |\r\n",
    "&lt;b&gt; &#64;team",
    "\u202e\u200b\ud800\x00\x1b[31m",
    "$`x`$ {+ + } [[_TOC_]]",
    "x" * 5000,
    " ",
)


def tokens_of(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def leaves_of(text: str) -> Iterator[Token]:
    for token in tokens_of(text):
        yield from token.children or [token]


def tables_of(text: str) -> list[list[list[str]]]:
    """The cells of each row of each table, as their raw text."""
    tables: list[list[list[str]]] = []
    for token in tokens_of(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and tables[-1] and token.level > 3:
            tables[-1][-1].append(token.content)
    return tables


def rows_of(text: str, first: str) -> list[list[str]]:
    """The rows of all tables whose first column has this title."""
    return [row for rows in tables_of(text) if rows[0][0] == first for row in rows[1:]]


def hostile_plan() -> Report:
    """A plan in which everything that others write is hostile."""
    records: list[dict[str, Any]] = []
    for text in HOSTILE:
        client = {"transport": text, "program": "smtp"}
        source = {"address": "192.0.2.1", "origin": text, "enforced": False, "failure": None}
        view = {"own_addresses": [text], "mynetworks": [text], "error": None}
        view["source_addresses"] = [{**client, "ipv4": source, "ipv6": None}]
        view["listeners"] = [{"service": text, "address": text, "port": 25}]
        finding = dict.fromkeys(("code", "parameter", "message", "remedy"), text)
        records.append(
            {
                **empty_record(),
                "host": text,
                "group": text,
                "instance": text,
                "status": "finding",
                "files_differ": True,
                "action": "restart",
                "steps": [text],
                "reasons": [{"parameter": text, "why": text}],
                "planned": view,
                "findings": [{**finding, "severity": "error", "new": True}],
                "resolved": [{**finding, "severity": "error"}],
                "presence": "appears",
            }
        )
        records.append({**empty_record(), "host": f"{text} refused", "status": "refused", "problem": text})
        records.append({**empty_record(), "host": f"{text} unknown", "status": "unknown", "problem": text})
    fleet = [{**finding, "severity": "warning", "new": True, "places": [{"host": HOSTILE[0], "instance": None}]}]
    difference = {**fleet_diff([], []), "sources": {"added": list(HOSTILE), "removed": list(HOSTILE)}}
    return Report("plan", None, records, fleet, difference=difference)


def assert_nobody_gets_out(text: str) -> None:
    for token in leaves_of(text):
        assert token.type not in ("link_open", "image", "fence", "code_block", "em_open", "s_open"), token
        if token.type in ("html_inline", "html_block"):
            assert OURS.fullmatch(token.content), token.content
        if token.type == "text":
            assert not re.search(r"[@#<>|~$%&`\\\u200b\u202e]|://|www\.|\w\.\w|:\w+:|\b[0-9a-f]{7,}\b", token.content)
    for rows in tables_of(text):
        assert len({len(row) for row in rows}) == 1


def test_nobody_gets_out() -> None:
    text = as_markdown(hostile_plan())
    assert_nobody_gets_out(text)
    spans = {token.content for token in leaves_of(text) if token.type == "code_inline"}
    for value in ("<!--", "a | b", "`x` ``y`` |`", "@everyone please", "</details><script>alert(1)</script>"):
        assert any(value in span for span in spans), value
    lines = text.splitlines()
    assert all(line.startswith(("| ", "- ", "#", "<", "**")) or re.match(r"[A-Z0-9]", line) for line in lines if line)
    assert sum(line.startswith("#") for line in lines) == 6


@given(st.text(alphabet="`|\\ a<@*_[]()!\n&;:#", max_size=30))
def test_a_code_span_is_one_whatever_is_in_it(text: str) -> None:
    for sentence in (code(text), prose(text)):
        (row,) = [row for rows in tables_of(f"| a | b |\n| --- | --- |\n| x{sentence}y | z |\n") for row in rows[1:]]
        assert len(row) == 2
        assert row[1] == "z"
        assert "\n" not in sentence
    inline = [token for token in leaves_of(f"x {code(text)} y") if token.type != "softbreak"]
    kinds = [token.type for token in inline if token.type not in ("paragraph_open", "paragraph_close")]
    if text.split():
        assert kinds == ["text", "code_inline", "text"]
    if text.split() and "|" not in text:
        assert inline[2].content == " ".join(text.split())


def test_sentences_stay_sentences() -> None:
    said = "host_vars/mta3.yml replaces it (as Postfix's default): submission/inet is not in it; 192.0.2.1, too."
    assert prose(said) == (
        "`host_vars/mta3.yml` replaces it (as Postfix's default): `submission/inet` is not in it; `192.0.2.1`, too."
    )
    assert prose("ask @team or see #12, GH-3 and abcdef1") == "ask `@team` or see `#12`, `GH-3` and `abcdef1`"


def test_the_worst_is_first() -> None:
    plan = plan_of(40)
    text = as_markdown(plan)
    titles = re.findall(r"(?m)^####? (.*)$", text)
    changed = {record["host"] for record in plan.records if is_changed(record) and record["status"] != "refused"}
    assert titles[0] == f"Postfix plan: {len(changed)} of 40 hosts change"
    assert titles[1:] == ["Refused", "Findings", "Changes", "Hosts with unknown addresses", "What the fleet sends from"]
    kinds = [row[0] for row in rows_of(text, "")]
    order = ["**error**, new", "**error**", "**warning**, new", "**info**, new", "**warning**"]
    assert kinds == sorted(kinds, key=order.index)
    hosts = [code(record["host"]).strip("`") for record in plan.records if record["host"] in changed]
    assert {row[0].strip("`").partition(",")[0] for row in rows_of(text, "Where")} == set(hosts)


def test_what_a_host_does_is_told() -> None:
    text = as_markdown(plan_of(40))
    rows = {row[0].strip("`"): row for row in rows_of(text, "Where")}
    assert rows["mx1.canary.example.net"][1:] == [
        "**reload**, to be confirmed within 120 s",
        "`main.cf`: it needs a reload",
        "`smtp` `relay` by IPv4 `192.0.2.10` \u2192 `192.0.2.11`",
    ]
    listener = rows["mx4.lhr.example.net"]
    assert listener[1] == "**restart**"
    assert "listens on `0.0.0.0:25` `[::]:25` `0.0.0.0:587` `[::]:587` \u2192 `127.0.0.1:25` " in listener[3]
    assert rows["mx16.canary.example.net"][1] == "**start**, new"
    assert rows["mx19.lhr.example.net"][1] == "no longer in the inventory"
    assert "The instance postfix-out is created<br>" in rows["mx22.ams.example.net, instance postfix-out"][3]
    assert "default of mynetworks `185.0.24.0/24`" in rows["mx25.sin.example.net"][3]
    assert "mx10.sin.example.net" not in rows, "is refused, and stays as it is"
    assert "- appears: " in text
    assert re.search(r"(?m)^- vanishes: `", text)
    assert text.endswith(" hosts stay as they are.\n")


def test_nothing_changes() -> None:
    text = as_markdown(plan_of(3, rate=7)._replace(records=plan_of(3, rate=7).records[1:]))
    assert text.splitlines()[2] == "### Postfix plan: none of 2 hosts change"
    assert "2 hosts stay as they are." in text
    assert "Changes" not in text
    empty = plan_of(0)
    assert as_markdown(empty).splitlines()[2] == "### Postfix plan: none of 0 hosts change"
    assert "The same addresses as before." in as_markdown(empty)


@pytest.mark.parametrize("count", [100, 400, 2000])
def test_a_long_comment_is_cut_and_says_so(count: int) -> None:
    plan = plan_of(count)
    text = as_markdown(plan)
    assert len(text) <= LONGEST
    assert_nobody_gets_out(text)
    assert text.count("<details>") == text.count("</details>") > 0
    left_out = re.findall(r"(?m)^(\d+) more (\w+) (?:do|does) not fit in here\.", text)
    changed = [record for record in plan.records if is_changed(record) and record["status"] != "refused"]
    rows = rows_of(text, "Where")
    missing = sum(int(number) for number, noun in left_out if noun.startswith("instance"))
    assert len(rows) + missing == len(changed)
    assert bool(missing) is (count > 100)
    assert "What the fleet sends from" in text


def test_one_host_with_very_much_does_not_displace_all_others() -> None:
    plan = plan_of(40)
    record = plan.records[0]
    record["reasons"] = [{"parameter": "x" * 400, "why": "y " * 400} for _number in range(100)]
    record["findings"] = [
        {"code": f"c{n}", "severity": "error", "message": "m " * 900, "remedy": "r", "new": True} for n in range(500)
    ]
    text = as_markdown(plan)
    assert len(text) <= LONGEST
    assert "`mx22.ams.example.net, instance postfix-out`" in text


def test_an_audit_has_it_too() -> None:
    text = as_markdown(report_of(40))
    assert_nobody_gets_out(text)
    assert re.search(r"(?m)^### Postfix audit: \d+ of 40 hosts need attention$", text)
    assert "#### Not as the inventory says" in text
    assert "- **unreachable** `" in text
    assert re.search(r"\d+ hosts in line\.", text)
    assert "What the fleet sends from" not in text


def test_the_order_of_hosts_and_the_time_do_not_matter() -> None:
    assert as_markdown(plan_of(100)) == as_markdown(plan_of(100))
