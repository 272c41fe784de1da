# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode foretold against what a run did, and what both did to the host; one sentence for each difference."""

from __future__ import annotations

from typing import Any, NamedTuple

#: how what stands for a value in a diff begins
NOT_SHOWN = "(not shown"

#: what only a run can know: what servers and Postfix said, copies, and how what an earlier run left was completed
_NOT_FORETOLD = {
    "answers", "messages", "backup_files", "recovered", "rolled_back", "restored", "outside_unit", "warnings",
    "ansible_facts", "deprecations",
}  # fmt: skip
#: of a failure: what it says of the way back
_OF_THE_WAY_BACK = {"in_sync", "sockets", "interruption", "interruption_cause", "changed"}


class Runs(NamedTuple):
    """What was done with a case: answers of the module, and what the host was before, between and after."""

    before: dict[str, Any]
    check: dict[str, Any]
    between: dict[str, Any]
    real: dict[str, Any]
    after: dict[str, Any]
    again: dict[str, Any]
    at_the_end: dict[str, Any]


def differences(case: dict[str, Any], runs: Runs) -> list[str]:
    """All of a case."""
    troubles = [f"trouble: {one['trouble']}" for one in runs if "trouble" in one]
    if troubles:
        return troubles
    found = [f"check mode changed {what}" for what in changed_on_host(runs.before, runs.between)]
    found += _foretold(runs.check, runs.real)
    if runs.real.get("failed"):
        return found + _failed(case, runs)
    return found + _done(case, runs) + _again(case, runs)


def changed_on_host(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what differs in what was seen of the host."""
    return [name for name in one if one[name] != other[name]]


def bytes_of(look: dict[str, Any]) -> dict[str, str]:
    """The texts of both files."""
    return {name: file["text"] for name, file in look["files"].items()}


def _foretold(check: dict[str, Any], real: dict[str, Any]) -> list[str]:
    failed = bool(check.get("failed"))
    if failed != bool(real.get("failed")):
        return [f"check mode says {check.get('msg', 'it works')!r}, the run {real.get('msg', 'it works')!r}"]
    ignored = set(_NOT_FORETOLD)
    if (
        check.get("action") != "none"
    ):  # check mode says whether Postfix is in line now, the run whether it is at the end
        ignored.add("in_sync")
    if failed:
        ignored |= {*_OF_THE_WAY_BACK, "msg"}
        if not _same_reason(check["msg"], real["msg"]):
            return [f"check mode fails with {check['msg']!r}, the run with {real['msg']!r}"]
    keys = [key for key in {**check, **real} if key not in ignored]
    return [
        f"{key}: check mode says {check.get(key)!r}, the run {real.get(key)!r}"
        for key in keys
        if check.get(key) != real.get(key)
    ]


def _same_reason(foretold: str, said: str) -> bool:
    """Whether a failure is the one that was foretold; how it goes back is told in other words."""
    reason = foretold.partition(" The previous version of the files would be restored.")[0]
    return said.startswith(reason)


def _failed(case: dict[str, Any], runs: Runs) -> list[str]:
    """A run that fails leaves everything as it was, or what it says; what was left half written is completed first."""
    found = []
    edited = bytes_of(runs.after) != bytes_of(runs.before)
    if edited and case["since"] != "interrupted" and not runs.real.get("restored"):
        found.append("the run failed, and changed the files")
    if runs.before["master"] and runs.before["sockets"] != runs.after["sockets"]:
        found.append(f"the run failed ({runs.real['msg']!r}), and the master has {runs.after['sockets']}")
    return found


def _done(case: dict[str, Any], runs: Runs) -> list[str]:
    found = []
    real, before, after = runs.real, runs.before, runs.after
    edited = bytes_of(before) != bytes_of(after)
    what_runs = _what_ran(before, after)
    modes = [file["mode"] for look in (before, after) for file in look["files"].values()]
    attributes = modes[:2] != modes[2:]
    if real["changed"] != (edited or what_runs != "none" or attributes):
        found.append(f"changed is {real['changed']}; files edited: {edited}, master: {what_runs}, modes: {attributes}")
    if case["options"].get("apply") or what_runs != "none":
        action = real["action"] if case["options"].get("apply") else "none"
        if what_runs != action:
            found.append(f"the action is {action}, what happened to the master is {what_runs}")
    if case["options"].get("apply"):
        promised = sorted(f"{one['address']} {one['port']}" for one in real["sockets"])
        if promised != sorted(set(after["sockets"])):  # two services may share one
            found.append(f"the sockets are {after['sockets']}, the run says {promised}")
    if before["links"] != after["links"]:
        found.append(f"links were {before['links']} and are {after['links']}")
    left = [name for name in after["names"] if name not in before["names"] and "~" not in name]
    if left:
        found.append(f"left in the directory: {left}")
    return found + _diffs(case, runs, edited)


def _diffs(case: dict[str, Any], runs: Runs, edited: bool) -> list[str]:
    found = []
    shown = {one["before_header"].rpartition("/")[2]: one for one in runs.real["diff"]}
    for name, text in bytes_of(runs.after).items():
        old = bytes_of(runs.before)[name]
        if (text != old) != (name in shown):
            found.append(f"{name} {'is' if text != old else 'is not'} changed, the diff has {list(shown)}")
        elif name in shown and not (_shows(shown[name]["before"], old) and _shows(shown[name]["after"], text)):
            found.append(f"the diff of {name} is not what was done")
    if not edited and runs.real.get("files"):
        found.append(f"no file is changed, files are {runs.real['files']}")
    return found


def _shows(shown: str, text: str) -> bool:
    """Whether a text of a diff is that of a file, but for what is not shown of a line."""
    lines, there = shown.split("\n"), _printable(text).split("\n")
    return len(lines) == len(there) and all(
        line == one or (NOT_SHOWN in line and one.startswith(line.partition(NOT_SHOWN)[0]))
        for line, one in zip(lines, there, strict=True)
    )


def _what_ran(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What has happened to the master."""
    if not before["master"]:
        return "start" if after["master"] else "none"
    if before["master"] != after["master"]:
        return "restart"
    return "none" if before["children"] == after["children"] else "reload"


def _again(case: dict[str, Any], runs: Runs) -> list[str]:
    if runs.again.get("failed"):
        return [f"the second run fails with {runs.again['msg']!r}"]
    found = [f"a second run changed {what}" for what in changed_on_host(runs.after, runs.at_the_end)]
    if runs.again["changed"]:
        found.append("a second run says changed")
    if runs.again["action"] != "none":
        found.append(f"a second run says {runs.again['action']} because of {runs.again['reasons']}")
    if runs.again["diff"]:
        found.append(f"a second run has a diff: {runs.again['diff']}")
    return found


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
