# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of a rollout, and the sizes of its batches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.amount import hosts_in
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import batches
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.controls import Controls, read_controls


def read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_what_is_not_given_has_its_default() -> None:
    assert read_controls({}, 10, "/") == Controls(0, "stop", False, 0, None, None)
    empty = dict.fromkeys(("max_fail", "unreachable", "allow_unreachable", "pause", "before", "after", "confirm"), "")
    assert read_controls(empty, 10, "/") == Controls()


def test_a_change_waits_until_all_of_a_batch_may_be_done() -> None:
    assert read_controls({}, 1000, "/", largest=60).confirm == 600
    assert read_controls({}, 1000, "/", largest=250).confirm == 2500
    assert [read_controls({"confirm": value}, 1000, "/", largest=250).confirm for value in (0, "30")] == [0, 30]


@pytest.mark.parametrize("value", ["soon", -1, "1.5", True, 86401])
def test_a_time_for_confirmation_that_is_none(value: Any) -> None:
    with pytest.raises(InputError, match="is not a number of seconds from 0 to 86400") as caught:
        read_controls({"confirm": value}, 10, "/")
    assert caught.value.parameter == "mailfleet_confirm"


@pytest.mark.parametrize(
    "value, total, number",
    [
        (0, 10, 0),
        ("3", 10, 3),
        (" 3 ", 10, 3),
        (30, 10, 30),
        ("5%", 100, 5),
        ("5%", 19, 0),
        ("12.5%", 80, 10),
        ("100%", 7, 7),
        ("101%", 7, None),
        ("-1", 7, None),
        (-1, 7, None),
        (1.5, 7, None),
        ("1.5", 7, None),
        (True, 7, None),
        ("", 7, None),
        ("%", 7, None),
        ("1 %", 7, None),
        ("many", 7, None),
        ([1], 7, None),
        ("1" * 5000, 7, None),
    ],
)
def test_a_number_of_hosts(value: Any, total: int, number: int | None) -> None:
    assert hosts_in(value, total) == number


@pytest.mark.parametrize(
    "given, words",
    [
        (
            {"max_fail": "many"},
            "mailfleet_max_fail: 'many' is neither a number of hosts nor a percentage. Give how many",
        ),
        ({"max_fail": -1}, "mailfleet_max_fail: '-1' is neither"),
        ({"max_fail": True}, "mailfleet_max_fail: 'True' is neither"),
        ({"unreachable": "ignore"}, "mailfleet_unreachable: 'ignore' is neither stop nor skip"),
        ({"allow_unreachable": True}, "mailfleet_allow_unreachable: 'True' has no effect"),
        ({"allow_unreachable": "maybe", "unreachable": "skip"}, "mailfleet_allow_unreachable: 'maybe' is neither"),
        ({"pause": "1m"}, "mailfleet_pause: '1m' is not a number of seconds"),
        ({"pause": -1}, "mailfleet_pause: '-1' is not"),
        ({"pause": True}, "mailfleet_pause: 'True' is not"),
        ({"before": "none.yml"}, "mailfleet_before: 'none.yml' is not a file, as there is no "),
        ({"after": ["a.yml"]}, "mailfleet_after: '['a.yml']' is not the path of a file"),
        ({"after": "mapping"}, "mailfleet_after: 'mapping' is not a list of tasks"),
        ({"after": "empty"}, "mailfleet_after: 'empty' is not a list of tasks"),
        ({"after": "broken"}, "mailfleet_after: 'broken' cannot be read: "),
    ],
)
def test_what_is_refused(tmp_path: Path, given: dict[str, Any], words: str) -> None:
    for name, text in (("mapping", '{"hosts": "all"}'), ("empty", "[]"), ("broken", "[")):
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as refusal:
        read_controls(given, 10, str(tmp_path), read)
    assert words in str(refusal.value).replace('"', "'")


def test_hooks_start_at_a_directory(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    path = tmp_path / "hooks" / "drain.yml"
    path.write_text('[{"ansible.builtin.ping": null}]')
    controls = read_controls({"before": "hooks/drain.yml", "after": str(path)}, 10, str(tmp_path), read)
    assert (controls.before, controls.after) == (str(path), str(path))


@pytest.mark.parametrize(
    "serial, sizes",
    [
        (None, [1, 9]),
        (4, [4, 4, 2]),
        ("4", [4, 4, 2]),
        ([1, 3], [1, 3, 3, 3]),
        ([1, "50%"], [1, 5, 4]),
        ("1%", [1] * 10),
        (100, [10]),
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4]),
    ],
)
def test_sizes_of_batches(serial: Any, sizes: list[int]) -> None:
    groups = {"canary": ["c"], "rest": [f"r{number}" for number in range(9)]}
    found = batches(["canary", "rest"], groups, None, serial)
    assert found == {"pattern": "canary:rest", "sizes": sizes, "parts": sizes}


@pytest.mark.parametrize("serial", [0, "0", "0%", "x", [1, "x"], [], [[1]], -1, True, {"a": 1}, "101%"])
def test_a_size_that_is_none(serial: Any) -> None:
    with pytest.raises(InputError, match="mailfleet_serial: "):
        batches(["canary"], {"canary": ["c"]}, None, serial)


def test_batches_of_a_fleet_are_linear() -> None:
    groups = {f"g{number}": [f"h{number}-{host}" for host in range(100)] for number in range(1000)}
    assert batches(list(groups), groups, None, 1)["sizes"] == [1] * 100_000
