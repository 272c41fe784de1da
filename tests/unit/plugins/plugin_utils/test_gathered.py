# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filter gathered makes of what was found on the hosts of a fleet."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter.gathered import FilterModule

gathered = FilterModule().filters()["gathered"]
WELL = {
    "instance": "-", "config_directory": "/etc/postfix", "running": True, "action": "none", "reasons": [],
    "pending": None, "problems": [], "findings": [{"severity": "info", "message": "no matter"}],
}  # fmt: skip


def host(*instances: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """What the info module returns."""
    return {"instances": [{**WELL, **one} for one in instances or ({},)], "variables": variables}


def test_what_all_hosts_of_a_group_have_becomes_the_groups() -> None:
    found = {"a": host(x=1, y=[1]), "b": host(x=1, y=[2]), "c": host(x=1, y=[1], z=3)}
    assert gathered(found, {"one": ["a", "b"], "other": ["c"]}) == {
        "groups": {"one": {"x": 1}, "other": {}},
        "hosts": {"a": {"y": [1]}, "b": {"y": [2]}, "c": {"x": 1, "y": [1], "z": 3}},
        "notes": [],
    }


@pytest.mark.parametrize(
    "found,groups",
    [
        ({"a": host(x=1), "b": {"msg": "no", "failed": True}}, {"one": ["a", "b"]}),
        ({"a": host(x=1)}, {"one": ["a", "b"]}),
        ({"a": host(x=1), "b": host(x=1), "c": host(x=1)}, {"one": ["a", "b"], "other": ["b", "c"]}),
        ({"a": host(x=1), "b": host(y=1)}, {"one": ["a", "b"]}),
        ({"a": host(x=None), "b": host()}, {"one": ["a", "b"]}),
    ],
)
def test_no_host_gets_a_variable_that_was_not_found_on_it(found: dict[str, Any], groups: dict[str, list[str]]) -> None:
    divided = gathered(found, groups)
    assert not any(divided["groups"].values())
    assert divided["hosts"] == {name: one["variables"] for name, one in found.items() if "variables" in one}


@pytest.mark.parametrize(
    "instance,note",
    [
        ({"running": False, "action": "start"}, "Postfix does not run"),
        (
            {"action": "restart", "reasons": [{"why": "differs"}, {"why": "differs"}]},
            "Postfix is not in line with its files and needs a restart (differs)",
        ),
        ({"pending": {"since": 1}}, "a change by an earlier run is not confirmed"),
        (
            {"problems": [{"severity": "error", "file": "main.cf", "line": 3, "message": "bad"}]},
            "error: main.cf, line 3: bad",
        ),
        ({"findings": [{"severity": "warning", "message": "look"}]}, "warning: look"),
    ],
)
def test_what_needs_attention_is_told(instance: dict[str, Any], note: str) -> None:
    assert gathered({"mx": host(instance)}, {})["notes"] == [f"mx: {note}"]
    other = {**instance, "instance": "postfix-a"}
    assert gathered({"mx": host({}, other)}, {})["notes"] == [f"mx: postfix-a: {note}"]


def test_a_host_of_which_nothing_is_known_is_told() -> None:
    found = {"a": {"msg": "Install Postfix first."}, "b": None}
    notes = ["a: nothing is known: Install Postfix first.", "b: nothing is known: the host could not be described"]
    assert gathered(found, {}) == {"groups": {}, "hosts": {}, "notes": notes}


@pytest.mark.parametrize("found,groups", [([], {}), ({}, []), ({1: {}}, {}), ("text", {})])
def test_input_of_another_kind_is_refused(found: Any, groups: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="is not a mapping by name"):
        gathered(found, groups)
