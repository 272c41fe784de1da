# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The results of the modules, host by host, as records: one mapping for each instance, as docs/report.schema.json says.

A host of which nothing is known but a problem has one record, whose instance is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import WILDCARDS, with_port

Record = dict[str, Any]

#: The states of an instance, the worst first.
STATUSES = ("unreachable", "refused", "drift", "finding", "unknown", "untouched", "changed", "ok")
_VIEW = ("listeners", "source_addresses", "own_addresses", "mynetworks", "error")


class HostResult(NamedTuple):
    """What a run knows of one host."""

    host: str
    #: the group that the run had it in
    group: str | None
    #: what the module returned; None if it did not get that far
    result: Mapping[str, Any] | None
    #: what went wrong besides, as a sentence
    problem: str | None = None


def records_of(hosts: Sequence[HostResult], check_mode: bool = True) -> list[Record]:
    """Return the records of hosts, in their order.

    :param check_mode: whether the modules only said what they would do
    """
    return [record for host in hosts for record in _of_host(host, check_mode)]


def settle(records: Sequence[Record], fleet: Sequence[Mapping[str, Any]]) -> None:
    """Give the status finding to each record that was in line, and that a finding of the fleet names.

    :param fleet: what :func:`fleet_findings` returns
    """
    places = {
        (place["host"], place["instance"])
        for finding in fleet
        if finding["severity"] != "info"
        for place in finding["places"]
    }
    for record in records:
        here = {(record["host"], record["instance"]), (record["host"], None)}
        if record["status"] in ("ok", "changed") and not places.isdisjoint(here):
            record["status"] = "finding"


def by_host(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Return the records of each host, by its name."""
    hosts: dict[str, list[Record]] = {}
    for record in records:
        hosts.setdefault(record["host"], []).append(record)
    return hosts


def prefix_of(record: Mapping[str, Any]) -> str:
    """Return what stands before what is said of an instance: its name, unless it is the default one."""
    return "" if record["instance"] in (None, "-") else f"{record['instance']}: "


def column_of(record: Mapping[str, Any]) -> str:
    """Return what a table has for an instance; that of a host of which nothing is known has a question mark."""
    return "(default)" if record["instance"] == "-" else record["instance"] or "?"


def count_of_hosts(number: int) -> str:
    """Return a number of hosts in words."""
    return f"{number} host{'' if number == 1 else 's'}"


def worst(statuses: Sequence[str]) -> str:
    """Return the worst of some states."""
    return min(statuses, key=STATUSES.index, default="ok")


def _of_host(known: HostResult, check_mode: bool) -> Iterator[Record]:
    result = known.result
    if known.problem:
        result = {**(result or {}), "failed": True, "unreachable": False, "msg": known.problem}
    base = {**empty_record(), "host": known.host, "group": known.group}
    if result is None:
        yield {**base, "status": "untouched"}
        return
    survey = result.get("survey") or {}
    base.update(
        seconds=survey.get("seconds"),
        addresses=[dict(entry) for entry in survey.get("addresses") or result.get("addresses") or ()],
        version=survey.get("version") or result.get("version"),
    )
    if result.get("unreachable"):
        yield {**base, "status": "unreachable", "problem": _text(result.get("msg"), "The host could not be reached.")}
        return
    parts = result.get("instances")
    if parts is None:
        parts = [result] if "instance" in result else []
    failed = bool(result.get("failed"))
    if failed and not parts:
        refusal = {name: str(result[name]) for name in ("parameter", "value", "reason", "remedy") if name in result}
        yield {**base, "status": "refused", "problem": _text(result.get("msg"), "failed"), "refusal": refusal or None}
        return
    held = {each["config_directory"]: each for each in survey.get("instances") or () if "sockets" in each}
    records = [_of_instance(base, part, held.get(part.get("config_directory")), check_mode) for part in parts]
    for record in records:
        if failed:
            record.update(status="refused", problem=_text(result.get("msg"), "failed"))
    for record in records[1:]:
        record["seconds"] = None  # the module works on all instances at once
    if records:
        records[0]["findings"] = [*_of_survey(survey, parts), *records[0]["findings"]]
        if records[0]["status"] == "ok" and is_found(records[0]):
            records[0]["status"] = "finding"
    yield from records


def empty_record() -> Record:
    """Return a record of which nothing is known; its keys are those that each record has."""
    return {
        "host": "",
        "group": None,
        "instance": None,
        "config_directory": None,
        "status": "ok",
        "problem": None,
        "refusal": None,
        "version": None,
        "unit": None,
        "seconds": None,
        "files": [],
        "steps": [],
        "undone": False,
        "action": "none",
        "reasons": [],
        "files_differ": False,
        "master_differs": False,
        "addresses": [],
        "claims": {"sources": [], "listeners": []},
        "now": None,
        "planned": None,
        "sockets": [],
        "findings": [],
        "presence": None,
        "confirm": 0,
        "resolved": [],
    }


def _of_instance(
    base: Mapping[str, Any], part: Mapping[str, Any], held: Mapping[str, Any] | None, check_mode: bool
) -> Record:
    """Return the record of an instance.

    :param held: with the sockets that its master has now; in check mode the result has those that it will have
    """
    before, after = _view(part.get("before")), _view(part.get("after") or part.get("effective"))
    now = before if check_mode and before else after
    sockets = [dict(socket) for socket in part.get("sockets") or ()]
    if held or "effective" in part:  # or postfix_interfaces_info
        sockets = list(_states(held["sockets"] or () if held else sockets, after))
    edits = list(part.get("files") or ())
    steps = list(part.get("steps") or ())
    action = part.get("action") or "none"
    record: Record = {
        **base,
        "instance": part.get("instance"),
        "config_directory": part.get("config_directory"),
        "version": base["version"] or part.get("version"),
        "addresses": base["addresses"] or [dict(entry) for entry in part.get("addresses") or ()],
        "unit": part.get("unit"),
        "files": edits,
        "steps": steps,
        "undone": bool(part.get("rolled_back")),
        "action": action,
        "reasons": [dict(reason) for reason in part.get("reasons") or ()],
        "files_differ": check_mode and bool(edits or steps),
        "master_differs": _master_differs(part, now, sockets, check_mode),
        "now": now,
        "planned": after if check_mode and before and after != before else None,
        "sockets": sockets,
        "findings": [dict(finding) for finding in part.get("findings") or ()],
    }
    record["claims"] = part.get("claims") or claims_of(record["planned"] or now)
    record["findings"] += unlisted_services(part.get("unlisted_services") or (), after)
    differs = record["files_differ"] or record["master_differs"] or (check_mode and bool(part.get("changed")))
    if differs or part.get("in_sync") is False:
        record.update(status="drift", problem=_drift(record))
    elif is_found(record):
        record["status"] = "finding"
    elif part.get("changed"):
        record["status"] = "changed"
    return record


def claims_of(view: Mapping[str, Any] | None) -> Record:
    """Return the addresses of a view that a parameter sets; those that the host lacks are not in it."""
    sources: dict[str, str] = {}
    for client in (view or {}).get("source_addresses") or ():
        for source in (client["ipv4"], client["ipv6"]):
            if source and source["address"]:
                sources.setdefault(source["address"], source["origin"])
    listening = dict.fromkeys(each["address"] for each in (view or {}).get("listeners") or ())
    return {
        "sources": [{"address": address, "parameter": origin} for address, origin in sources.items()],
        "listeners": [address for address in listening if address not in WILDCARDS.values()],
    }


def is_found(record: Mapping[str, Any]) -> bool:
    """Return whether a record has a finding that is more than an information."""
    return any(finding["severity"] != "info" for finding in record["findings"])


def _drift(record: Mapping[str, Any]) -> str:
    """Return what is not in line, as a sentence."""
    facts = []
    if record["steps"]:
        facts.append("it is not set up as the inventory says")
    if record["files_differ"] and record["files"]:
        names = " and ".join(path.rpartition("/")[2] for path in record["files"])
        subject = f"the file {names} differs" if len(record["files"]) == 1 else f"the files {names} differ"
        facts.append(f"{subject} from the inventory")
    if record["master_differs"]:
        stopped = record["action"] == "start"
        facts.append("Postfix does not run" if stopped else "the running Postfix is not in line with its files")
    needs = f"Postfix needs: {record['action']}" if record["action"] != "none" else ""
    text = "; ".join([*facts, *([needs] if needs else [])]) or "it is not in line"
    return f"{text[:1].upper()}{text[1:]}."


def _master_differs(part: Mapping[str, Any], now: Any, sockets: Sequence[Mapping[str, Any]], check_mode: bool) -> bool:
    """Return whether the master is behind the files as they are now, whatever is to become of these."""
    if not check_mode:
        return part.get("in_sync") is False
    action = part.get("action") or "none"
    if not part.get("files") and not part.get("steps"):
        return action != "none" or part.get("in_sync") is False
    if action == "start":
        return True
    if not now or now["listeners"] is None or not sockets:
        return False
    promised = {(listener["address"], listener["port"]) for listener in now["listeners"]}
    return promised != {(socket["address"], socket["port"]) for socket in sockets if socket["state"] != "missing"}


def _states(held: Sequence[Mapping[str, Any]], view: Mapping[str, Any] | None) -> Iterator[Record]:
    """Yield each socket with its state, for a master that holds these, by files that say this."""
    open_now = {(socket["address"], socket["port"]) for socket in held}
    promised = {(one["address"], one["port"]) for one in (view or {}).get("listeners") or ()}
    for address, port in sorted(open_now | promised, key=lambda socket: (":" in socket[0], socket)):
        both = (address, port) in open_now and (address, port) in promised
        state = "listening" if both else "missing" if (address, port) in promised else "unexpected"
        yield {"address": address, "port": port, "state": state}


def _view(view: Mapping[str, Any] | None) -> Record | None:
    return {name: view.get(name) for name in _VIEW} if view else None


def unlisted_services(names: Iterable[str], after: Mapping[str, Any] | None) -> Iterator[Record]:
    """Yield a finding for each endpoint that stays although the inventory does not list it.

    :param names: the services that it does not list
    :param after: what Postfix will make of its files
    """
    stay = {listener["service"] for listener in (after or {}).get("listeners") or ()}
    for name in names:
        if name in stay:
            yield {
                "code": "unlisted_service",
                "severity": "warning",
                "parameter": "services",
                "message": f"The service {name}/inet is in master.cf, and the inventory does not list it",
                "remedy": "List it in postfix_interfaces_services, or have it disabled or removed with "
                "postfix_interfaces_unlisted_services",
            }


def _of_survey(survey: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    """Yield findings about what the host has besides the instances of the inventory."""
    named = {part.get("config_directory") for part in parts}
    for instance in survey.get("instances") or ():
        if instance["config_directory"] not in named:
            name = instance["instance"] or instance["config_directory"]
            created = instance.get("created")
            made = f", which this collection has created on {created}" if created else ""
            yield unlisted_instance(f"{name} ({instance['config_directory']}){made}")
    for master in survey.get("masters") or ():
        sockets = (
            ", ".join(with_port(each["address"], each["port"]) for each in master["sockets"]) or "no network socket"
        )
        yield {
            "code": "stray_master",
            "severity": "error",
            "parameter": "instances",
            "message": f"A Postfix master that belongs to no instance of the host runs as process {master['pid']}, by "
            f"{master['config_directory'] or 'an unknown directory'}, with {sockets}",
            "remedy": "Stop it, or list its directory in multi_instance_directories and in the inventory",
        }


def unlisted_instance(name: str) -> Record:
    """Return the finding about an instance that stays although the inventory does not list it."""
    return {
        "code": "unlisted_instance",
        "severity": "warning",
        "parameter": "instances",
        "message": f"The host has the instance {name}, and the inventory does not list it",
        "remedy": "List it in postfix_interfaces_instances, with state absent if it is to go",
    }


def _text(value: Any, otherwise: str) -> str:
    """Return a message in one line, without what Ansible puts before it."""
    text = " ".join(str(value).split()) if value else otherwise
    for prefix in ("Task failed: ", "Module failed: ", "Action failed: "):
        text = text[len(prefix) :] if text.startswith(prefix) else text
    return text
