# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A report as one page of HTML that needs nothing else: style, program and data are in it.

What hosts say is only in the data, as JSON, and the program makes text nodes of it and never markup. The page also has
a policy (Content-Security-Policy) by which a browser runs no program and loads nothing but what is named there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import changes_of, is_changed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import as_data
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_PARTS = Path(__file__).with_name("web")
_TITLES = {"audit": "Postfix audit", "converge": "Postfix rollout", "plan": "Postfix plan"}
#: what an address is unless the data say otherwise
_USUAL = {"up": True, "tentative": False, "primary": True, "temporary": False, "deprecated": False, "dynamic": False}
_DROPPED = ("config_directory", "refusal", "unit", "claims")


def as_html(report: Report) -> str:
    """Return the page."""
    environment = Environment(loader=FileSystemLoader(_PARTS), undefined=StrictUndefined, autoescape=True)
    style, program = _part("page.css"), _part("plan.js") + _part("page.js")
    return environment.get_template("page.html.j2").render(
        title=_TITLES.get(report.kind, f"Postfix {report.kind}"),
        time=report.timestamp,
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(program)}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),
        program=Markup(program),
        data=Markup(embedded(_small(as_data(report)))),
    )


def embedded(data: Any) -> str:
    """Return data as JSON that can stand within a script element: nothing in it ends that or begins a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _small(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without what says nothing, for thousands of hosts; each text that recurs is there once."""
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(text, len(texts))

    instances = []
    for record in data["instances"]:
        small = {name: value for name, value in record.items() if value and name not in _DROPPED}
        small["addresses"] = [_address(entry) for entry in record["addresses"]]
        for name in ("now", "planned"):
            if record[name]:
                small[name] = _view(record[name])
        for name in ("findings", "resolved"):
            if record[name]:
                small[name] = [
                    [each["severity"], each["code"], each["parameter"], number(each["message"]), number(each["remedy"])]
                    + ([1] if each.get("new") else [])
                    for each in record[name]
                ]
        if data["playbook"] == "plan" and is_changed(record):
            small.update(_other_changes(record))
        small["reasons"] = [[each.get("parameter"), each.get("why")] for each in record["reasons"]]
        small["sockets"] = [[each["address"], each["port"], each["state"]] for each in record["sockets"]]
        instances.append(small)
    small_data = {**data, "instances": instances, "texts": list(texts)}
    if "difference" in data:
        small_data["difference"] = {**data["difference"], "endpoints": _counts(data["difference"]["endpoints"])}
    return small_data


def _counts(part: Mapping[str, Any]) -> dict[str, int]:
    """Return how many there are: which ones is told of each host."""
    return {side: len(listed) for side, listed in part.items()}


def _other_changes(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes besides listeners and sources, as what was there only before and only after."""
    changes = changes_of(record)
    pairs = {
        "own": [changes.own_removed, changes.own_added],
        "networks": [changes.networks_removed, changes.networks_added],
    }
    return {name: pair for name, pair in pairs.items() if any(pair)}


def _address(entry: Mapping[str, Any]) -> list[Any]:
    flags = [name for name, usual in _USUAL.items() if entry.get(name, usual) != usual]
    words = {"up": "down", "primary": "secondary"}
    return [
        entry["address"],
        entry.get("prefix_length"),
        entry.get("interface") or "",
        *(words.get(name, name) for name in flags),
    ]


def _view(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return a view: listeners as service, address, port; clients as transport, source by IPv4, source by IPv6."""

    def source(found: Mapping[str, Any] | None) -> Any:
        if found is None:
            return 0
        return [found["address"], found["origin"], found["failure"]]

    small: dict[str, Any] = {
        "listeners": [[each["service"], each["address"], each["port"]] for each in view["listeners"] or ()],
        "clients": [
            [each["transport"], source(each["ipv4"]), source(each["ipv6"])] for each in view["source_addresses"] or ()
        ],
    }
    if view["error"]:
        small["error"] = view["error"]
    return small
