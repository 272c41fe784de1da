# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter.rollout_batches import FilterModule, rollout_batches

GROUPS = {
    "all": ["c1", "a1", "a2", "b1"],
    "ungrouped": [],
    "canary": ["c1"],
    "site_a": ["a1", "a2"],
    "site_b": ["b1"],
    "both": ["a1", "b1"],
    "empty": [],
}


@pytest.mark.parametrize(
    "names, limited, expected",
    [
        (["canary"], None, {"pattern": "canary", "sizes": [1]}),
        (("canary", "site_a"), None, {"pattern": "canary:site_a", "sizes": [1, 2]}),
        (["site_a", "canary"], ["a2", "c1", "b1"], {"pattern": "site_a:canary", "sizes": [1, 1]}),
        (["canary", "site_a", "site_b"], ["a1", "a2"], {"pattern": "canary:site_a:site_b", "sizes": [2]}),
        (["all"], None, {"pattern": "all", "sizes": [4]}),
    ],
)
def test_groups(names: Any, limited: Any, expected: Any) -> None:
    assert rollout_batches(names, GROUPS, limited) == {**expected, "parts": expected["sizes"]}


@pytest.mark.parametrize(
    "names, limited, expected",
    [
        (["canary", "empty", "site_a"], None, {"pattern": "canary:empty:site_a", "sizes": [1, 2]}),
        (["empty"], None, {"pattern": "empty", "sizes": [1]}),
        (["canary"], ["a1"], {"pattern": "canary", "sizes": [1]}),
    ],
)
@pytest.mark.parametrize("sliced", [True, "yes"])
def test_groups_of_a_slice(names: Any, limited: Any, expected: Any, sliced: Any) -> None:
    assert rollout_batches(names, GROUPS, limited, sliced=sliced) == {**expected, "parts": expected["sizes"]}


@pytest.mark.parametrize(
    "serial, options, sizes, parts",
    [
        (None, {}, [1, 600], [1, 250, 250, 100]),
        (None, {"forks": 25}, [1, 600], [1, 250, 250, 100]),
        (None, {"forks": "40"}, [1, 600], [1, 400, 200]),
        (None, {"whole": True}, [1, 600], [1, 600]),
        ("100%", {}, [601], [250, 250, 101]),
        ([100, 300], {}, [100, 300, 201], [100, 250, 50, 201]),
    ],
)
def test_parts_of_large_batches(serial: Any, options: dict[str, Any], sizes: list[int], parts: list[int]) -> None:
    groups = {"canary": ["c1"], "fleet": [f"h{number}" for number in range(600)]}
    found = rollout_batches(["canary", "fleet"], groups, None, serial, **options)
    assert (found["sizes"], found["parts"]) == (sizes, parts)


def test_the_variable_of_forks() -> None:
    in_a_play = FilterModule().filters()["rollout_batches"]
    groups = {"fleet": [f"h{number}" for number in range(600)]}
    assert in_a_play({"ansible_forks": 50}, ["fleet"], groups)["parts"] == [500, 100]
    with pytest.raises(AnsibleFilterError, match="forks: 'many' is not a number"):
        rollout_batches(["fleet"], groups, forks="many")


def test_the_variable_of_slices() -> None:
    in_a_play = FilterModule().filters()["rollout_batches"]
    assert in_a_play({"mailfleet_sliced": True}, ["empty"], GROUPS)["pattern"] == "empty"
    assert in_a_play({"mailfleet_sliced": False}, ["empty"], GROUPS, None, sliced=True)["pattern"] == "empty"
    with pytest.raises(AnsibleFilterError, match="with mailfleet_sliced=true"):
        in_a_play({}, ["empty"], GROUPS)
    with pytest.raises(AnsibleFilterError, match="mailfleet_sliced: 'perhaps' is not a boolean"):
        in_a_play({"mailfleet_sliced": "perhaps"}, ["canary"], GROUPS)


@pytest.mark.parametrize(
    "names, limited, words",
    [
        ("canary", None, "'canary' is not a list"),
        (None, None, "'None' is not a list"),
        ({"canary": 1}, None, "is not a list"),
        ([], None, "names no group"),
        (["canary", "site_c"], None, "'site_c' is not a group of the inventory, which has both, canary, empty"),
        (["canary", "a1"], None, "'a1' is a host and not a group"),
        (["canary", None], None, "'None' is not a group"),
        (["canary", ["site_a"]], None, "is not a group"),
        (["canary", "empty"], None, "'empty' is a group without hosts"),
        (["canary", "canary"], None, "is given twice"),
        (["site_a", "both"], None, "'a1' is in site_a and both"),
        (["canary"], ["a1"], "no host that --limit leaves"),
        (["canary"], [], "no host that --limit leaves"),
        (["canary:site_a"], None, "is not a group"),
        (["!canary"], None, "is not a group"),
    ],
)
def test_what_is_refused(names: Any, limited: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match="mailfleet_groups: ") as refusal:
        rollout_batches(names, GROUPS, limited)
    assert words in str(refusal.value)


def test_many_groups_are_not_all_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"which has g000, .*, g011, \.\.\.\. Give a list"):
        rollout_batches(["x"], {f"g{number:03}": ["h"] for number in range(50)})
