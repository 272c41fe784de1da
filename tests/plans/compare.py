# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan foretold against what a rollout did, and against the host; one sentence for each difference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .generate import ABSENT

Record = Mapping[str, Any]
#: what the host itself knows, and a plan does not: other findings are foretold
_OF_THE_HOST = {
    "nat_without_proxy_interfaces",
    "unlisted_instance",
    "stray_master",
    "mynetworks_grows",
    "forbidden_port",
}

#: what a ledger says besides: when something was set, and for whom
_HISTORY = r"(because this collection has (?:set|removed) it) on [0-9TZ:-]+(?: for \S+)?(?=,)"

#: why the run refuses what a plan cannot know: an instance that was there before, an address that comes later
_NOT_KNOWN = (
    "is not the name of an instance that",
    f"The files cannot be applied: inet_interfaces: '{ABSENT}' is on no",
    f"The files cannot be applied: services: '{ABSENT}:2527/inet' cannot listen: its address is on no",
)


class Look(NamedTuple):
    """What was seen of a host."""

    sockets: frozenset[tuple[str, int]]
    #: process numbers of its masters, by instance
    masters: Mapping[str, str]
    files: str


class Runs(NamedTuple):
    """What was done with a host: the records of both rollouts, and what it was before and after the second one."""

    first: Sequence[Record]
    second: Sequence[Record]
    before: Look
    after: Look
    #: whether the second one has waited to be confirmed from outside, and was
    confirmed: bool = False


def differences(planned: Sequence[Record], runs: Runs, *, knows_stock: bool) -> list[str]:
    """All of a host.

    :param planned: the records of the plan
    :param knows_stock: whether the plan was told the files that the host had first
    """
    foretold, real = _refused(planned), _refused(runs.second)
    if real and any(words in real for words in _NOT_KNOWN):
        return []
    first = _refused(runs.first)
    if (
        not foretold
        and bool(first) != bool(planned[0]["problem"])
        and not (first and any(map(first.count, _NOT_KNOWN)))
    ):
        return [f"the plan says {planned[0]['problem']!r} of the base, the run {first!r}"]
    if foretold or real:
        return _of_refused(foretold, real, runs)
    return [*_of_instances(planned, runs, knows_stock), *_of_host(planned, runs, knows_stock)]


def _refused(records: Sequence[Record]) -> str | None:
    return next((record["problem"] for record in records if record["status"] in ("refused", "unreachable")), None)


def _of_refused(foretold: str | None, real: str | None, runs: Runs) -> list[str]:
    if not foretold or not real:
        return [f"the plan says {foretold or 'it works'!r}, the run {real or 'it works'!r}"]
    reason = foretold.partition(" Give them")[0]
    found = [] if reason.rstrip(".") in real else [f"the plan refuses it with {foretold!r}, the run with {real!r}"]
    if runs.before != runs.after:
        found.append(f"the run failed, and the host was {runs.before} and is {runs.after}")
    return found


def _of_instances(planned: Sequence[Record], runs: Runs, knows_stock: bool) -> Iterable[str]:
    done = {record["instance"]: record for record in runs.second}
    for record in planned:
        name = record["instance"]
        place = "" if name == "-" else f"{name}: "
        if any(finding["code"] == "unlisted_instance" for finding in record["findings"]):
            if name in done:
                yield f"{place}the plan says that it is not listed"
            continue
        if name not in done:
            yield f"{place}is not in the run"
            continue
        if name != "-" and not knows_stock:  # it was made from the prototypes of the package
            continue
        run = done[name]
        if record["action"] != run["action"]:
            reasons = [(each["parameter"], each["why"]) for each in record["reasons"]]
            others = [(each["parameter"], each["why"]) for each in run["reasons"]]
            yield f"{place}the plan says {record['action']} ({reasons}), the run {run['action']} ({others})"
        names = {path.rpartition("/")[2] for path in run["files"]}
        if knows_stock and record["presence"] is None and set(record["files"]) != names:
            yield f"{place}the plan says that {record['files']} change, the run {sorted(names)}"
        if _view(record) is None or run["now"] is None:
            if (record["presence"] == "vanishes") != any("is removed" in step for step in run["steps"]):
                yield f"{place}the plan says {record['presence']}, the run {run['steps']}"
            continue
        yield from _of_views(place, _view(record) or {}, run["now"], knows_stock)
        codes = [_codes(each["findings"]) for each in (record, run)]
        if knows_stock and codes[0] != codes[1]:
            yield f"{place}the plan finds {sorted(codes[0] - codes[1])}, the run {sorted(codes[1] - codes[0])} besides"


def _view(record: Record) -> Record | None:
    """What the plan says that it will be."""
    if record["presence"] == "vanishes":
        return None
    view: Record | None = record["planned"] or record["now"]
    return view


def _of_views(place: str, planned: Record, real: Record, knows_stock: bool) -> Iterable[str]:
    names = ["listeners", "source_addresses", "own_addresses", *(["mynetworks"] if knows_stock else [])]
    for name in names:
        one, other = planned[name], real[name]
        if name == "source_addresses":
            one, other = ({each["transport"]: each for each in clients or ()} for clients in (one, other))
        if name == "listeners":
            one, other = (sorted((each["address"], each["port"]) for each in found or ()) for found in (one, other))
        if one != other:
            yield f"{place}{name}: the plan says {one}, the run {other}"


def _codes(findings: Sequence[Record]) -> set[tuple[str, str, str]]:
    return {
        (finding["code"], finding["severity"], re.sub(_HISTORY, r"\1", finding["message"]))
        for finding in findings
        if finding["code"] not in _OF_THE_HOST
    }


def _of_host(planned: Sequence[Record], runs: Runs, knows_stock: bool) -> Iterable[str]:
    promised = {
        (each["address"], each["port"]) for record in planned for each in (_view(record) or {}).get("listeners") or ()
    }
    if promised != runs.after.sockets and (knows_stock or all(record["instance"] == "-" for record in planned)):
        yield f"the plan says that it listens on {sorted(promised)}, and it does on {sorted(runs.after.sockets)}"
    for record in planned:
        if record["instance"] != "-" and not knows_stock:
            continue
        old, new = (look.masters.get(record["instance"]) for look in (runs.before, runs.after))
        stays = record["action"] in ("none", "reload") and record["presence"] != "vanishes"
        if old and stays != (old == new):
            yield f"{record['instance']}: the plan says {record['action']}, the master was {old} and is {new}"
    if knows_stock and runs.confirmed != any(record["confirm"] for record in planned):
        seconds, waited = [record["confirm"] for record in planned], "waited" if runs.confirmed else "did not wait"
        yield f"the plan has it confirmed within {seconds} s, and the run {waited} for that"
    if knows_stock and runs.before.files == runs.after.files and any(record["files"] for record in planned):
        yield "the plan says that files change, and none has"
