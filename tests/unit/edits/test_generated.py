# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The generator and the comparison of the random edits, without a host: can they find anything?"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.tests.conformance.generate import NAMES
from ansible_collections.mailfleet.postfix.tests.edits.compare import Runs, differences
from ansible_collections.mailfleet.postfix.tests.edits.generate import SINCE, case

CASES = [case(1, number) for number in range(600)]


def test_a_number_is_one_case_for_ever() -> None:
    assert case(1, 7) == case(1, 7)
    assert case(1, 7) != case(1, 8)
    assert case(1, 7) != case(2, 7)


@pytest.mark.parametrize(
    "kind",
    [
        lambda one: "MANAGED BLOCK" in one["files"]["master"],
        lambda one: "### START" in one["files"]["main"],
        lambda one: "\n#smtp inet" in one["files"]["master"] and "\nsmtp inet" in one["files"]["master"],
        lambda one: "flags=" in json.dumps(one["options"].get("services")),
        lambda one: "authenticated, reject" in json.dumps(one["options"].get("services")),
        lambda one: "directory" in one["links"],
        lambda one: {"main.cf", "master.cf"} <= one["links"].keys(),
        lambda one: any(f"myhostname = {name}\n" in one["files"]["main"] for name in NAMES[4:12]),
        lambda one: "mngtmpaddr" in json.dumps(one["interfaces"]),
        lambda one: any(place == "::" and not v6only for place, _port, v6only, _listens in one["holders"]),
        lambda one: "\r\n" in one["files"]["main"],
        lambda one: not one["files"]["main"].endswith("\n"),
        lambda one: one["options"].get("select") and one["options"].get("apply"),
        lambda one: one["options"].get("unlisted_services") == "remove",
        *((lambda one, since=since: one["since"] == since) for since in dict.fromkeys(SINCE)),
    ],
)
def test_there_are_cases_of_each_kind(kind: Callable[[dict[str, Any]], bool]) -> None:
    assert any(map(kind, CASES))


LOOK: dict[str, Any] = {
    "files": {
        "main.cf": {"text": "a = b\n", "inode": 1, "mtime": 1, "mode": "0o100644"},
        "master.cf": {"text": "x\n", "inode": 2, "mtime": 1, "mode": "0o100644"},
    },
    "links": ["", "", ""],
    "names": ["main.cf", "master.cf"],
    "state": {},
    "master": ["7", "70"],
    "children": [["qmgr", "8", "80"]],
    "sockets": ["127.0.0.1 25"],
}
DIFF = [{"before_header": "/etc/postfix/main.cf", "before": "a = b\n", "after": "a = c\n"}]
ANSWER: dict[str, Any] = {
    "changed": True,
    "action": "reload",
    "reasons": [],
    "files": ["/etc/postfix/main.cf"],
    "sockets": [{"address": "127.0.0.1", "port": 25}],
    "diff": DIFF,
}
CASE = {"since": "nothing", "options": {"apply": True}}


def runs() -> Runs:
    """A run that did what was foretold."""
    after = copy.deepcopy(LOOK)
    after["files"]["main.cf"].update(text="a = c\n", inode=3)
    after["children"] = [["qmgr", "9", "90"]]
    again = {**ANSWER, "changed": False, "action": "none", "files": [], "diff": []}
    return Runs(LOOK, ANSWER, LOOK, ANSWER, after, again, after)


def with_changes(**changes: dict[str, Any]) -> Runs:
    done = runs()._asdict()
    return Runs(**{name: {**value, **changes.get(name, {})} for name, value in done.items()})


FAILED = {"failed": True, "msg": "it does not work"}


@pytest.mark.parametrize(
    "changes",
    [
        {"between": {"names": ["main.cf", "main.cf.tmp", "master.cf"]}},
        {"check": {"action": "restart"}},
        {"check": {"changed": False}},
        {"check": {"diff": []}},
        {"check": FAILED},
        {"real": FAILED},
        {"check": FAILED, "real": {**FAILED, "msg": "something else"}},
        {"check": FAILED, "real": FAILED},  # and a file is changed
        {"check": {"action": "none"}, "real": {"action": "none"}},
        {"check": {"changed": False}, "real": {"changed": False}},
        {"after": {"sockets": []}, "at_the_end": {"sockets": []}},
        {"after": {"links": ["", "elsewhere", ""]}, "at_the_end": {"links": ["", "elsewhere", ""]}},
        {"at_the_end": {"master": ["70", "700"]}},
        {"again": {"changed": True}},
        {"again": {"action": "reload"}},
        {"again": {"diff": DIFF}},
        {"again": FAILED},
        {"real": {"trouble": "Traceback"}},
    ],
)
def test_each_difference_is_found(changes: dict[str, dict[str, Any]]) -> None:
    assert differences(CASE, runs()) == []
    assert differences(CASE, with_changes(**changes))
