# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What distinguishes the two sides of a record: what Postfix makes of its files now, and what it would make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import FAMILIES
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import with_port
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import STATUSES, Record
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report

View = Mapping[str, Any]
_NONE: View = {"listeners": None, "source_addresses": None, "own_addresses": None, "mynetworks": None, "error": None}
_NOT_USED = "not used"


class Changes(NamedTuple):
    """What appears and what vanishes for one instance, as text."""

    #: as ``address:port``
    listeners_added: list[str]
    listeners_removed: list[str]
    #: transport, family, and what it sends from before and after: an address, ``kernel``, ``fails`` or ``not used``;
    #: None where there is no such transport
    sources: list[tuple[str, str, str | None, str | None]]
    own_added: list[str]
    own_removed: list[str]
    networks_added: list[str]
    networks_removed: list[str]
    #: whether both sides have a default of mynetworks to compare
    networks_known: bool


def before_of(record: Mapping[str, Any]) -> View | None:
    """Return what Postfix makes of the files as they are; None if the instance is not there, or that is not known."""
    view: View | None = record["now"]
    return view


def after_of(record: Mapping[str, Any]) -> View | None:
    """Return what Postfix would make of the files; None if the instance is not to be there, or that is not known.

    Where the role would refuse something, all stays as it is.
    """
    if record["presence"] == "vanishes":
        return None
    view: View | None = record["planned"] or record["now"]
    return view


def is_changed(record: Mapping[str, Any]) -> bool:
    """Return whether anything becomes of an instance, or whether it appears or vanishes."""
    return bool(record["files_differ"] or record["presence"] or record["action"] != "none")


def sides(records: Iterable[Record]) -> tuple[list[Record], list[Record]]:
    """Return the records of the one side, and those of the other, each with its view in ``now``.

    A record is left out on the side that does not have it. One that was refused, or whose addresses are not known, is
    on each side where its host is.
    """
    before, after = [], []
    for record in records:
        if record["presence"] != "appears":
            before.append({**record, "now": before_of(record), "planned": None})
        if record["presence"] != "vanishes":
            after.append({**record, "now": after_of(record), "planned": None})
    return before, after


def changes_of(record: Mapping[str, Any]) -> Changes:
    """Return what appears and what vanishes for an instance."""
    before, after = before_of(record) or _NONE, after_of(record) or _NONE
    old, new = (_listeners(view) for view in (before, after))
    own = [view["own_addresses"] or [] for view in (before, after)]
    networks = [view["mynetworks"] for view in (before, after)]
    known = None not in networks
    return Changes(
        _beyond(new, old),
        _beyond(old, new),
        _sources(before, after),
        _beyond(own[1], own[0]),
        _beyond(own[0], own[1]),
        _beyond(networks[1], networks[0]) if known else [],
        _beyond(networks[0], networks[1]) if known else [],
        known,
    )


def worst_first(report: Report) -> list[Record]:
    """Return the records of which there is something to say: those that change or fail; the worst are the first."""
    fleet = {
        (place["host"], place["instance"])
        for finding in report.fleet
        if report.is_serious(finding)
        for place in finding["places"]
    }

    def failing(record: Record) -> bool:
        places = {(record["host"], record["instance"]), (record["host"], None)}
        return bool(report.why(record)) or not fleet.isdisjoint(places)

    told = [(failing(record), record) for record in report.records]
    told = [(fails, record) for fails, record in told if fails or is_changed(record) or record["status"] == "unknown"]
    told.sort(key=lambda each: (not each[0], STATUSES.index(each[1]["status"])))
    return [record for _fails, record in told]


def _beyond(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return what only the first has, each once."""
    known = set(other)
    return [each for each in dict.fromkeys(one) if each not in known]


def _listeners(view: View) -> list[str]:
    return [with_port(each["address"], each["port"]) for each in view["listeners"] or ()]


def _sources(before: View, after: View) -> list[tuple[str, str, str | None, str | None]]:
    old, new = _clients(before), _clients(after)
    changed = [(key, old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    return [(*key, was, becomes) for key, was, becomes in changed if not {was, becomes} <= {None, _NOT_USED}]


def _clients(view: View) -> dict[tuple[str, str], str]:
    return {
        (client["transport"], family): _source(client[family])
        for client in view["source_addresses"] or ()
        for family in FAMILIES
    }


def _source(source: Mapping[str, Any] | None) -> str:
    if source is None:
        return _NOT_USED
    return "fails" if source["failure"] else str(source["address"] or "kernel")
