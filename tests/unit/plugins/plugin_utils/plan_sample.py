# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for fleets of any size: records as the playbook plan makes them, of hosts that change and hosts that do not.

By hand: PYTHONPATH=.venv/collections python tests/unit/plugins/plugin_utils/plan_sample.py 40 build/plan.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import claims
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import read_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import sides
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.files import FORMATS
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import fleet_diff
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import fleet_findings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.read import read_side
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import empty_record, settle
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
    MASTER,
    OWN,
    SITES,
    _moved,
    addresses_of,
    view_of,
)

OWNED = addresses_of(("eth0", "192.0.2.10/24"), ("eth0", "192.0.2.11/24"), ("eth0", "2001:db8:10::10/64"))
BASE = {
    "inet_interfaces": "all",
    "smtp_bind_address": "192.0.2.10",
    "smtp_bind_address6": "2001:db8:10::10",
    **OWN,
}
SUBMISSION = MASTER + "submission inet n - y - - smtpd\n"
#: what recurs, in this order, among hosts that stay as they are
KINDS = ("source", "listener", "finding", "refused", "unknown", "appears", "vanishes", "instance", "mynetworks")


@lru_cache(maxsize=16)
def template(kind: str) -> tuple[dict[str, Any], ...]:
    """The records of a host, as on host number 0."""
    if kind == "source":
        return (record({**BASE}, {**BASE, "smtp_bind_address": "192.0.2.11"}, action="reload", confirm=120),)
    if kind == "listener":
        planned = {**BASE, "inet_interfaces": "127.0.0.1, 192.0.2.10, 2001:db8:10::10"}
        return (record(BASE, planned, masters=(SUBMISSION, MASTER), action="restart"),)
    if kind == "finding":
        wrong = {"inet_interfaces": "all", "smtp_bind_address": "127.0.0.1"}
        return (record(BASE, wrong, action="reload"),)
    if kind == "refused":
        problem = "smtp_bind_address: '198.18.0.99' is not an address of the host. Use an address of the host."
        refusal = {"parameter": "smtp_bind_address", "value": "198.18.0.99", "reason": "is absent", "remedy": "Add it"}
        refused = record(BASE, None, masters=(SUBMISSION, MASTER))
        return ({**refused, "instance": None, "status": "refused", "problem": problem, "refusal": refusal},)
    if kind == "unknown":
        problem = "The addresses of the host are not known."
        return ({**empty_record(), "status": "unknown", "problem": problem},)
    if kind == "appears":
        return (record(None, BASE, presence="appears", action="start"),)
    if kind == "vanishes":
        return (record(BASE, None, presence="vanishes"),)
    if kind == "instance":
        steps = ["The instance postfix-out is created"]
        outer = {**BASE, "inet_interfaces": "192.0.2.11", "smtp_bind_address": "192.0.2.11"}
        new = record(None, outer, name="postfix-out", presence="appears", action="start", steps=steps)
        return record(BASE, BASE), new
    if kind == "mynetworks":
        before = {name: value for name, value in BASE.items() if name != "mynetworks"}
        return (record(before, {**before, "inet_interfaces": "loopback-only"}, action="restart"),)
    return (record(BASE, BASE),)


def record(
    base: Mapping[str, str] | None,
    planned: Mapping[str, str] | None,
    *,
    masters: Sequence[str] = (MASTER, MASTER),
    name: str = "-",
    **more: Any,
) -> dict[str, Any]:
    """The record of an instance between two settings of main.cf; None where there is no such instance."""
    views = [
        None if one is None else view_of(one, OWNED, text) for one, text in zip((base, planned), masters, strict=True)
    ]
    outlook = read_input(dict(planned or base or {}), list(OWNED), masters[planned is not None], "3.7", None)
    known = (
        {each.code for each in findings(read_input(dict(base), list(OWNED), masters[0], "3.7", None))} if base else ()
    )
    found = [{**each._asdict(), "new": each.code not in known} for each in findings(outlook)] if planned else []
    changed = views[0] != views[1]
    action = more.get("action", "none")
    reasons = [{"parameter": "main.cf", "before": "", "after": "", "action": action, "why": f"it needs a {action}"}]
    return {
        **empty_record(),
        "instance": name,
        "version": "3.7.11",
        "status": "changed" if changed else "ok",
        "files": ["main.cf"] if changed and planned else [],
        "files_differ": changed,
        "addresses": OWNED,
        "claims": claims(outlook),
        "now": views[0],
        "planned": views[1] if changed else None,
        "findings": found,
        "reasons": reasons if action != "none" else [],
        **more,
    }


def records(count: int, rate: int = 3) -> Iterator[dict[str, Any]]:
    """The records of so many hosts, of which one in so many changes."""
    for number in range(count):
        turn = number // rate % len(KINDS)
        kind = "" if number % rate else KINDS[turn]
        host = {"host": f"mx{number + 1}.{SITES[number % 5]}.example.net", "group": SITES[number % 5]}
        for each in template(kind):
            yield {**_moved(each, number), **host}


def plan_of(count: int, rate: int = 3, **more: Any) -> Report:
    """The plan of a change of such a fleet."""
    listed = list(records(count, rate))
    before, after = sides(listed)
    known = {(each["code"], each["message"]) for each in fleet_findings(read_side(listed, side="base"))}
    fleet = [{**each, "new": (each["code"], each["message"]) not in known} for each in fleet_findings(after)]
    settle(listed, fleet)
    for each in listed:
        if each["status"] in ("ok", "changed") and any(found["severity"] != "info" for found in each["findings"]):
            each["status"] = "finding"
    return Report("plan", None, listed, fleet, difference=fleet_diff(before, after), **more)


if __name__ == "__main__":
    path = Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    name = {".md": "markdown"}.get(path.suffix, path.suffix[1:])
    path.write_text(FORMATS[name](plan_of(int(sys.argv[1]))), encoding="utf-8")
