# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a plan in a real browser: each host before beside after, filtered by action."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import changes_of, is_changed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import fleet_diff
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.page import as_html
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import empty_record
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_sample import plan_of
from chromium import Page
from conftest import OUTPUT
from test_page import COUNT, HOSTS, PALE, SCREENS, WIDE, PageOf, Tab, click, metrics

#: the texts of each row of the tables that have before beside after
ROWS = """[...document.querySelectorAll('.panel .beside tbody tr')].map(
    row => [row.className, ...[...row.cells].map(cell => cell.textContent.trim())])"""


def host_with(**wanted: Any) -> str:
    """A host of the plan for 40 hosts with a record like this."""
    records = plan_of(40).records
    return next(each["host"] for each in records if all(each[name] == value for name, value in wanted.items()))


def choose(page: Page, action: str) -> None:
    page.run(f"document.getElementById('action').value = {action!r}")
    page.run("document.getElementById('action').dispatchEvent(new Event('change'))")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_it_looks_as_it_should(tab: Tab, plan_page_of: PageOf, screen: str, dark: bool) -> None:
    """Nothing is wider than the screen, all text can be read, and there is a picture to look at."""
    width, height = SCREENS[screen]
    page = tab(width, height, dark)
    name = f"plan-{screen}-{'dark' if dark else 'light'}"
    page.open(plan_page_of(40))
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run(WIDE) == []
    assert page.run(PALE) == []
    page.picture(OUTPUT / f"{name}.png")
    for kind, wanted in {
        "restart": {"action": "restart"},
        "reload": {"action": "reload"},
        "instance": {"instance": "postfix-out"},
        "vanishes": {"presence": "vanishes"},
        "refused": {"status": "refused"},
        "unknown": {"status": "unknown"},
        "stays": {"status": "ok"},
    }.items():
        page.open(plan_page_of(40), f"#host={host_with(**wanted)}")
        page.run("scrollTo(0, document.getElementById('grid').getBoundingClientRect().top + scrollY - 70)")
        assert page.run("document.documentElement.scrollWidth") == width
        assert page.run(WIDE) == []
        assert page.run(PALE) == []
        page.picture(OUTPUT / f"{name}-{kind}.png")


def test_the_head_says_what_the_plan_is_about(tab: Tab, plan_page_of: PageOf) -> None:
    plan = plan_of(40)
    page = tab()
    page.open(plan_page_of(40))
    assert page.run("document.title") == "Postfix plan"
    assert page.run("document.querySelector('h1').textContent") == "Postfix plan"
    assert page.run("document.querySelector('.meta').textContent").startswith("40 hosts, ")
    changed = {record["host"] for record in plan.records if is_changed(record) and record["status"] != "refused"}
    statuses = plan.summary()["statuses"]
    told = page.run("document.getElementById('verdict').textContent")
    others = f"{statuses['refused']} refused, {statuses['unknown']} with unknown addresses"
    assert told == f"{len(changed)} of 40 hosts change, {others}"
    lines = page.run("[...document.querySelectorAll('.difference li')].map(each => each.textContent)")
    assert plan.difference
    sources = plan.difference["sources"]
    both = [f"\u2212{each}" for each in sources["removed"]] + [f"+{each}" for each in sources["added"]]
    assert len(both) > 10
    assert lines == both[:10]
    page.run("document.querySelector('.difference button.plain').click()")
    assert page.run("[...document.querySelectorAll('.difference li')].map(each => each.textContent)") == both
    told = page.run("document.querySelector('.difference .why').textContent")
    assert f"{len(plan.difference['endpoints']['added'])} endpoints appear" in told
    assert "New: " in page.run("document.querySelector('#fleet .point').textContent")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_plans(tab: Tab, plan_page_of: PageOf, count: int) -> None:
    page = tab(375, 812)
    page.open(plan_page_of(count))
    assert page.run(WIDE) == []
    assert len(page.run(HOSTS)) == count
    assert page.run("document.getElementById('verdict').textContent")


def test_an_audit_has_no_filter_by_action(tab: Tab, page_of: PageOf) -> None:
    page = tab()
    page.open(page_of(5))
    assert page.run("getComputedStyle(document.getElementById('actions')).display") == "none"


def test_hosts_by_action(tab: Tab, plan_page_of: PageOf) -> None:
    by_action: dict[str, set[str]] = {}
    for record in plan_of(40).records:
        kinds = [record["action"], record["presence"], "confirm" if record["confirm"] else None]
        for kind in kinds:
            by_action.setdefault(kind, set()).add(record["host"])
    page = tab(1440, 4000)  # rows are there only where they are seen
    page.open(plan_page_of(40))
    for action in ("restart", "start", "reload", "confirm", "appears", "vanishes"):
        choose(page, action)
        assert set(page.run(HOSTS)) == by_action[action], action
        assert page.run(COUNT) == f"{len(by_action[action])} of 40 hosts"
    choose(page, "none")
    rest = by_action.pop("none") - set().union(*(by_action[kind] for kind in by_action if kind))
    assert set(page.run(HOSTS)) <= rest
    assert len(page.run(HOSTS)) > 10
    click(page, "#reset")
    assert page.run(COUNT) == "40 hosts"
    assert page.run("document.getElementById('action').value") == ""
    click(page, "[data-key=needs] button")
    needs = page.run("[...document.querySelectorAll('.row .needs')].map(each => each.textContent)")
    assert needs[:2] == ["start", "start"]
    assert Counter(needs)["restart"] == len(by_action["restart"])


def test_before_is_beside_after(tab: Tab, plan_page_of: PageOf) -> None:
    """Each changed host shows what the record says, in its table and in its drawings."""
    page = tab()
    plan = plan_of(40)
    changed = [record for record in plan.records if is_changed(record) and record["status"] != "refused"]
    assert len(changed) > 8
    for record in changed:
        if record["instance"] != "-":
            continue
        page.open(plan_page_of(40), f"#host={record['host']}")
        rows = [row[1:] for row in page.run(ROWS) if row[0] != "same"]
        changes = changes_of(record)
        listening = [row for row in rows if row[0].startswith("listens")]
        assert {row[1] for row in listening} - {"\u2013"} == set(changes.listeners_removed)
        assert {row[2] for row in listening} - {"\u2013"} == set(changes.listeners_added)
        words = {"kernel": "kernel\u2019s choice", None: "\u2013"}
        sending = {row[0]: (row[1], row[2]) for row in rows if row[0].startswith("sends")}
        for transport, family, before, after in changes.sources:
            name = f"sends {transport.removesuffix('/unix')} {family.replace('ip', 'IP')}"
            assert sending.pop(name) == (words.get(before, before), words.get(after, after))
        assert sending == {}
        both = bool(record["now"]) and record["presence"] != "vanishes"
        titles = page.run("[...document.querySelectorAll('.panel figcaption')].map(each => each.textContent)")
        assert titles == (["Before", "After"] if both else ["Before"] if record["now"] else ["After"])
        assert page.run("document.querySelectorAll('.panel .draw .d-missing, .panel .draw .d-unexpected').length") == 0
        assert page.run("document.querySelectorAll('.panel figure .draw').length") == len(titles)


def test_the_drawings_are_beside_each_other(tab: Tab, plan_page_of: PageOf) -> None:
    page = tab()
    page.open(plan_page_of(40), f"#host={host_with(action='restart')}")
    boxes = "[...document.querySelectorAll('.panel figure')].map(each => each.getBoundingClientRect().%s)"
    left, right = page.run(boxes % "left")
    assert right > left
    assert len(set(page.run(boxes % "top"))) == 1
    tops = "[...document.querySelectorAll('%s')].map(each => each.getBoundingClientRect().top)"
    assert len(set(page.run(tops % ".panel .draw .name"))) == 2, "lo and eth0 are at the same height on both sides"
    filters = page.run(tops % ".tools > :not([hidden])")
    assert max(filters) - min(filters) < 12, "the filters are in one line"
    text = page.run("[...document.querySelectorAll('.panel figure')].map(each => each.textContent)")
    assert "587 submission" in text[0]
    assert "587 submission" not in text[1]
    page = tab(375, 812)
    page.open(plan_page_of(40), f"#host={host_with(action='restart')}")
    assert len(set(page.run(boxes % "left"))) == 1, "on a phone one is below the other"


def test_what_a_host_needs_is_told(tab: Tab, plan_page_of: PageOf) -> None:
    page = tab()

    def body(**wanted: Any) -> str:
        page.open(plan_page_of(40), f"#host={host_with(**wanted)}")
        return page.run("document.querySelector('.panel .body').innerText")

    text = body(confirm=120)
    assert "A run would reload Postfix" in text
    assert "It would have to be confirmed from outside within 120 s." in text
    assert "main.cf changes." in text
    assert "No longer in the inventory" in body(presence="vanishes")
    assert "The instance postfix-out is created." in body(instance="postfix-out")
    assert "New: smtp_bind_address = 127.0.0.1" in body(status="finding", action="reload")
    assert "is not an address of the host" in body(status="refused")
    assert "are not known" in body(status="unknown")
    assert "mynetworks" in body(host="mx25.sin.example.net")
    assert "Before" not in body(status="ok", action="none")


def test_resolved_findings_are_told(tab: Tab) -> None:
    plan = plan_of(4)
    finding = {"code": "gone", "severity": "error", "parameter": "p", "message": "It was wrong", "remedy": "Correct it"}
    plan.records[0]["resolved"] = [finding]
    path = OUTPUT / "plan-resolved.html"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path.write_text(as_html(plan), encoding="utf-8")
    page = tab()
    page.open(path, f"#host={plan.records[0]['host']}")
    text = page.run("document.querySelector('.panel .body').innerText")
    assert "No longer found" in text
    assert "It was wrong." in text


def test_nobody_breaks_out(tab: Tab) -> None:
    names = ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", '"><svg onload=alert(1)>']
    records = []
    for name in names:
        source = {"address": name, "origin": name, "enforced": False, "failure": None}
        view = {"own_addresses": [name], "mynetworks": [name], "error": None}
        view["listeners"] = [{"service": name, "address": name, "port": 25}]
        view["source_addresses"] = [{"transport": name, "program": "smtp", "ipv4": source, "ipv6": None}]
        now = {**view, "own_addresses": [], "mynetworks": [], "listeners": []}
        more: dict[str, Any] = {
            "files_differ": True,
            "files": [name],
            "steps": [name],
            "reasons": [{"parameter": name, "why": name}],
        }
        records.append(
            {**empty_record(), "host": name, "group": name, "instance": name, "now": now, "planned": view, **more}
        )
    plan = Report(
        "plan", None, records, [], difference={**fleet_diff([], []), "sources": {"added": names, "removed": names}}
    )
    path = OUTPUT / "plan-hostile.html"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path.write_text(as_html(plan), encoding="utf-8")
    page = tab(375, 812)
    page.open(path)
    for index in range(len(names)):
        page.run(f"document.querySelectorAll('.row')[{index}].click()")
        assert page.run("document.querySelectorAll('.panel img, .panel script').length") == 0
    assert page.run("document.scripts.length") == 2
    assert page.run(WIDE) == []
    assert not [event for event in page.browser.events if event["method"] == "Page.javascriptDialogOpening"]


def test_paper(tab: Tab, plan_page_of: PageOf) -> None:
    page = tab()
    page.open(plan_page_of(40))
    page.emulate(1440, 900, dark=True, media="print")
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("document.querySelectorAll('#print > table tbody tr').length") == 40
    assert page.run("document.querySelectorAll('#print .sheet .sides figure').length") > 12
    assert page.run(PALE) == []
    page.picture(OUTPUT / "plan-print.png", whole=True)
    pdf = base64.b64decode(page.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    (OUTPUT / "plan-print.pdf").write_bytes(pdf)


def test_five_thousand_hosts(tab: Tab, plan_page_of: PageOf, capsys: pytest.CaptureFixture[str]) -> None:
    """They are there in less than 2 s of processor time, and a filter takes less than 0.2 s."""
    page = tab()
    page.call("Performance.enable", timeDomain="threadTicks")
    before = metrics(page)["ThreadTime"]
    page.open(plan_page_of(5000))
    opened = metrics(page)["ThreadTime"] - before
    assert page.run(COUNT) == "5,000 hosts"
    took = {}
    for action in ("restart", "none", "confirm", ""):
        before = metrics(page)["ThreadTime"]
        choose(page, action)
        page.run("document.body.offsetHeight")
        took[action or "all"] = metrics(page)["ThreadTime"] - before
    for key in ("needs", "host"):
        before = metrics(page)["ThreadTime"]
        page.run(f"document.querySelector('[data-key={key}] button').click(); document.body.offsetHeight")
        took[f"by {key}"] = metrics(page)["ThreadTime"] - before
    with capsys.disabled():
        slowest = max(took, key=lambda words: took[words])
        print(f"\nplan for 5,000 hosts: open in {opened:.2f} s, at most {1000 * took[slowest]:.0f} ms for {slowest!r}")
    assert opened < 2
    assert max(took.values()) < 0.2
