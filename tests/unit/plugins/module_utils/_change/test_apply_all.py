# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""postfix_apply for all instances, with what it does for one taken as done; and the numbers that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import apply as apply_module
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of


def test_of_all_instances_those_that_are_enabled_are_tried_whatever_becomes_of_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("-", "postfix-a", "postfix-off", "postfix-b")
    there = [instance_of(f"/etc/{name}", name)._replace(enabled=name != "postfix-off") for name in names]
    failing: List[str] = []

    def tried(instance: Instance, *more: Any) -> Dict[str, Any]:
        if instance.name in failing:
            raise ApplyError("it does not start", {}) if instance.name == "-" else TransactionError("full")
        return {"changed": instance.name == "postfix-b", "confirm": 1, "undone": 2}

    monkeypatch.setattr(apply_module, "find_instances", lambda compiled: there)
    monkeypatch.setattr(apply_module, "apply", tried)
    told = apply_module.apply_all(state_directory=str(tmp_path))
    assert (told["changed"], told["confirm"], told["undone"]) == (True, None, None)
    assert [each["instance"] for each in told["instances"]] == ["-", "postfix-a", "postfix-b"]
    assert [each["changed"] for each in told["instances"]] == [False, False, True]
    assert told["instances"][2] == {
        "failed": False,
        "changed": True,
        "confirm": None,
        "undone": None,
        "config_directory": "/etc/postfix-b",
        "instance": "postfix-b",
    }
    failing += ["-", "postfix-a"]
    with pytest.raises(ApplyError) as caught:
        apply_module.apply_all(state_directory=str(tmp_path))
    assert str(caught.value) == "/etc/-: it does not start /etc/postfix-a: full"
    results = caught.value.result["instances"]
    assert [(each["failed"], each.get("msg")) for each in results] == [
        (True, "it does not start"),
        (True, "full"),
        (False, None),
    ]


@pytest.mark.parametrize(
    "check, value, words",
    [
        (apply_module.check_confirm, -1, "is not a number of seconds from 0 to"),
        (apply_module.check_confirm, 10**6, "is not a number of seconds from 0 to"),
        (apply_module.check_versions, -1, "is not a number of versions from 0 to 100"),
        (apply_module.check_versions, 101, "is not a number of versions from 0 to 100"),
    ],
)
def test_numbers_that_nobody_can_mean(check: Any, value: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check(value)
    check(0)
    check(100)
