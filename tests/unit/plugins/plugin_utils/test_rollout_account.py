# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rollout knows from batch to batch, and what it tells at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.failing import (
    failing_hosts,
    keep,
    why_it_fails,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import Record, empty_record
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.account import Account
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.controls import Controls
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.ending import ending

HOSTS = {"c1": "canary", "a1": "site_a", "a2": "site_a", "b1": "site_b"}


def record(host: str, status: str = "changed", problem: str | None = None, instance: str = "-") -> Record:
    return {
        **empty_record(),
        "host": host,
        "group": HOSTS[host],
        "instance": instance,
        "status": status,
        "problem": problem,
    }


def opened(path: Path) -> Account:
    account = Account(str(path))
    assert not account.is_open
    account.open(HOSTS, [1, 2, 1])
    return account


def batch(account: Account, *records: Record, controls: Controls | None = None, check_mode: bool = False) -> None:
    account.begin(dict.fromkeys(each["host"] for each in records))
    account.record(records, controls or Controls(), check_mode)


def test_each_step_reads_what_the_one_before_has_written(tmp_path: Path) -> None:
    batch(opened(tmp_path), record("c1"))
    account = Account(str(tmp_path))
    assert (account.is_open, account.batch, account.batches) == (True, 1, 3)
    assert (account.done, account.hosts, account.problems, account.ends) == (1, 4, {}, False)
    account.begin(["a1", "a2"])
    assert Account(str(tmp_path)).current == ["a1", "a2"]


@pytest.mark.parametrize(
    "status, controls, check_mode, stopped, failing",
    [
        ("changed", Controls(), False, False, False),
        ("finding", Controls(), False, False, False),
        ("refused", Controls(), False, True, True),
        ("refused", Controls(max_fail=1), False, False, True),
        ("drift", Controls(), False, True, True),
        ("drift", Controls(), True, False, False),
        ("unreachable", Controls(max_fail=9), False, True, True),
        ("unreachable", Controls(unreachable="skip"), False, False, True),
        ("unreachable", Controls(unreachable="skip", allow_unreachable=True), False, False, False),
    ],
)
def test_whether_it_goes_on(
    tmp_path: Path, status: str, controls: Controls, check_mode: bool, stopped: bool, failing: bool
) -> None:
    account = opened(tmp_path)
    batch(account, record("c1", status, "Bad."), controls=controls, check_mode=check_mode)
    assert (account.stopped, account.ends) == (stopped, stopped)
    assert set(account.failures(controls)) == ({"c1"} if failing else set())


def test_failures_of_all_batches_count(tmp_path: Path) -> None:
    account, controls = opened(tmp_path), Controls(max_fail=1)
    batch(account, record("c1", "refused", "Bad."), controls=controls)
    assert not account.stopped
    bad = [record("a1", "refused", "Bad too.", name) for name in ("-", "postfix-out")]
    batch(account, *bad, record("a2"), controls=controls)
    assert account.stopped
    assert account.problems == {"c1": "Bad.", "a1": "Bad too."}
    assert account.failures(controls)["c1"] == (
        "Bad. Correct this and run the playbook again. 1 host of later batches was not touched."
    )


def test_a_batch_in_parts_is_one_batch(tmp_path: Path) -> None:
    """It is decided at its end whether the rollout goes on, by all of its parts."""
    account, controls = Account(str(tmp_path)), Controls(max_fail=1)
    account.open(HOSTS, [1, 3], [1, 1, 2])
    assert account.begin(["c1"]) == ["canary"]
    account.record([record("c1", "refused", "Bad.")], controls)
    assert (account.batch, account.is_over, account.stopped) == (1, True, False)
    assert account.begin(["a1"]) == ["site_a", "site_b"]
    assert (account.batch, account.size, account.done, account.is_over) == (2, 3, 1, False)
    account.record([record("a1", "refused", "Bad.")], controls)
    assert (account.is_over, account.stopped, account.ends) == (False, False, False)
    assert account.begin(["a2", "b1"]) is None
    assert (account.batch, account.size, account.done, account.is_over, account.ends) == (2, 3, 2, True, False)
    account.record([record("a2"), record("b1")], controls)
    assert (account.is_over, account.stopped, account.ends) == (True, True, True)


def test_a_host_that_cannot_be_reached_in_the_first_part_stops_after_the_batch(tmp_path: Path) -> None:
    account = Account(str(tmp_path))
    account.open(HOSTS, [3, 1], [1, 2, 1])
    batch(account, record("c1", "unreachable", "Nobody answers."))
    assert not account.stopped
    batch(account, record("a1"), record("a2"))
    assert account.stopped


def test_a_part_is_known_by_any_of_its_hosts(tmp_path: Path) -> None:
    """Ansible leaves out of a part the hosts that failed in an earlier play of the run."""
    account = Account(str(tmp_path))
    account.open(HOSTS, [2, 2], [1, 1, 1, 1])
    batch(account, record("a1"))
    assert (account.batch, account.is_over) == (1, True)
    batch(account, record("b1"))
    assert (account.batch, account.is_over, account.ends) == (2, True, True)


def test_the_records_are_in_the_order_of_the_rollout(tmp_path: Path) -> None:
    account = opened(tmp_path)
    batch(account, record("c1"))
    batch(account, record("a2"), record("a1"))
    assert [(each["host"], each["status"]) for each in account.records()] == [
        ("c1", "changed"),
        ("a1", "changed"),
        ("a2", "changed"),
        ("b1", "untouched"),
    ]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    account = opened(tmp_path)
    batch(account, record("c1"))
    (path,) = tmp_path.glob("*/records.jsonl")
    path.write_text(path.read_text() + '{"host": "a1", ')
    assert [each["status"] for each in account.records()] == ["changed", "untouched", "untouched", "untouched"]


def test_a_second_rollout_of_a_run_has_an_account_of_its_own(tmp_path: Path) -> None:
    account = opened(tmp_path)
    batch(account, record("c1", "refused", "Bad."))
    account.close()
    account = opened(tmp_path)
    assert (account.problems, account.batch) == ({}, 0)
    assert {each["status"] for each in account.records()} == {"untouched"}


def test_the_end_of_a_rollout_that_was_interrupted(tmp_path: Path) -> None:
    account = opened(tmp_path)
    batch(account, record("c1"))
    account.begin(["a1", "a2"])
    result: dict[str, Any] = {"changed": False, "instances": [{"instance": "-", "changed": False, "action": "none"}]}
    lines = ending(Account(str(tmp_path)), {"a1": result, "a2": None}, False)
    text = "\n".join(" ".join(line.split()) for line in lines)
    assert "It was in batch 2 of 3; 1 of 4 hosts were done before." in text
    assert "c1 canary (default) files as before none" in text
    assert "a1 site_a (default) files as before none" in text
    assert "a2 site_a FAILED: The rollout ended while it was at work on this host" in text
    assert "b1 site_b left alone" in text


def test_the_hosts_that_fail_are_kept_for_a_play(tmp_path: Path) -> None:
    path = str(tmp_path)
    assert (failing_hosts(path), why_it_fails(path, "a1")) == (None, "")
    keep(path, {"a1": "Bad.", "x/../y": "\u00fcbel"}, teller="c1")
    assert failing_hosts(path) == ["c1", "a1", "x/../y"]
    assert [why_it_fails(path, host) for host in ("c1", "a1", "x/../y")] == ["", "Bad.", "\u00fcbel"]
    keep(path, {})
    assert (failing_hosts(path), why_it_fails(path, "a1")) == ([], "")
