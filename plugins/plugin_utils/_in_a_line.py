# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What the result of a module says in one line, and what of it somebody sees who runs the module by ``ansible -m``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import with_port

_MOST = 8  # of what is listed
_DONE = {"reload": "reloaded", "restart": "restarted", "start": "started"}
#: keys whose value is shown although it is nested, because somebody has asked for it or has to act on it
_SHOWN = (
    "diff",
    "warnings",
    "deprecations",
    "messages",
    "restored",
    "backup_files",
    "confirm",
    "undone",
    "destinations",
)


def in_a_line(result: Mapping[str, Any], check_mode: bool) -> str:
    """Return what a module has done or found.

    :param result: of a module that has not failed
    """
    if "confirmed" in result:
        return "The change is kept" if result["confirmed"] else "The change was kept already"
    if "sources" in result:
        return _probed(result)
    listed = result.get("instances")
    if listed is None:
        said = "; ".join(_of_instance(result, check_mode))
    else:
        said = " | ".join(f"{_name(part)}: {'; '.join(_of_instance(part, check_mode))}" for part in listed)
    if result.get("confirm"):
        said += "; the change waits to be confirmed"
    if result.get("undone"):
        said += "; a change that nobody has confirmed was undone"
    return said[:1].upper() + said[1:]


def _probed(result: Mapping[str, Any]) -> str:
    """Return what postfix_probe has found."""
    tried = [each for kind in ("sockets", "sources") for each in result[kind]]
    good, left = sum(bool(each["reachable"]) for each in tried), sum(each["skipped"] for each in tried)
    return f"{good} of {len(tried)} can be used{f', {left} were skipped' if left else ''}"


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a result is shown where nobody can register it: what is said in few words."""
    return {
        key: value
        for key, value in result.items()
        if key.startswith("_") or key in _SHOWN and value or isinstance(value, (str, int, float)) and value != ""
    }


def _name(part: Mapping[str, Any]) -> str:
    name = part.get("instance", "-")
    return "default instance" if name == "-" else str(name)


def _of_instance(part: Mapping[str, Any], check_mode: bool) -> Iterator[str]:
    """Yield what is to be said of one instance: first how it is, then what was done, and why."""
    action, has_run = part.get("action", "none"), "in_sync" in part and not check_mode
    verb = "" if has_run or action == "none" else "would " if check_mode else "will "
    yield from _where(part, verb)
    if "replaced" in part:
        yield f"the version of {part['version']} {'would be' if check_mode else 'is'} back"
    yield from (f"{step[:1].lower()}{step[1:]}" for step in part.get("steps") or ())
    files = [str(path).rpartition("/")[2] for path in part.get("files") or ()]
    if files:
        yield f"{'would change' if check_mode else 'changed'} {' and '.join(files)}"
    if action != "none":
        why = dict.fromkeys(str(reason["parameter"]) for reason in part.get("reasons") or ())
        done = _DONE[action] if has_run and part.get("changed") else f"needs a {action}"
        yield f"{done}{' because of ' + _listed(list(why)) if why else ''}"
    findings = dict.fromkeys(finding["code"] for finding in part.get("findings") or ())
    if findings:
        yield f"findings: {_listed(list(findings))}"
    if not part.get("changed") and action == "none":
        yield "nothing to do"


def _where(part: Mapping[str, Any], verb: str) -> Iterator[str]:
    """Yield where an instance listens and what it sends from.

    :param verb: what stands before "listen" where that is not so yet
    """
    view = part.get("after") or part.get("effective") or {}
    if view.get("error"):
        yield f"Postfix does not run by these files: {view['error']}"
    if part.get("running") is False:
        yield "Postfix does not run"
        return
    at = [each for each in part.get("sockets") or view.get("listeners") or () if each.get("state") != "missing"]
    if at:
        sockets = dict.fromkeys(with_port(each["address"], each["port"]) for each in at)
        yield f"{verb}listen{'' if verb else 's'} on {_listed(list(sockets))}"
    clients: dict[str, list[str]] = {}
    for client in view.get("source_addresses") or ():
        for source in filter(None, (client["ipv4"], client["ipv6"])):
            if source["address"] and not source["failure"]:
                clients.setdefault(source["address"], []).append(client["transport"].partition("/")[0])
    if clients:
        said = [f"{address} ({_listed(names)})" for address, names in clients.items()]
        yield f"{verb}send{'' if verb else 's'} from {_listed(said)}"


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _MOST
    return ", ".join([*words[:_MOST], *([f"and {more} more"] if more > 0 else [])])
