# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs over the stand-in for Postfix that end early, in a process of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Iterator

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import restart
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import (
    START,
    Host,
    at,
    ends_early,
    kill,
    soon,
)

pytestmark = pytest.mark.one_python  # but for one of each kind


@pytest.fixture(name="running")
def _running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setattr(restart, "cannot_hold", lambda version: "not here")
    host = Host(tmp_path)
    host.apply()
    yield host
    host.end()


@pytest.mark.every_python
def test_a_run_that_is_killed_after_the_stop_is_finished(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(running.apply, at("stop", kill)) == signal.SIGKILL
    assert soon(lambda: running.sockets == {("127.0.0.1", running.other)})
    assert not running.apply()["changed"]  # it waits until the keeper has ended
    assert running.transactions.pending() is None


def test_it_goes_back_where_the_start_fails_then(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    assert ends_early(running.apply, at("stop", kill)) == signal.SIGKILL
    assert soon(lambda: running.sockets == {("127.0.0.1", running.port)})
    assert not running.apply()["changed"]
    assert running.main("127.0.0.1") == (running.etc / "main.cf").read_text()


def test_a_run_that_is_killed_while_it_goes_back_is_finished(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    assert ends_early(running.apply, at("start", kill)) == signal.SIGKILL
    assert soon(lambda: running.sockets == {("127.0.0.1", running.port)})
    assert not running.apply()["changed"]


def test_a_run_that_is_killed_before_the_stop_leaves_the_master_alone(running: Host) -> None:
    before = running.master
    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(running.apply, at("prepare", kill)) == signal.SIGKILL
    assert running.transactions.pending() is not None
    time.sleep(0.5)
    assert running.master == before
    assert running.apply()["action"] == "restart"


def test_a_run_that_ends_by_a_fault_of_its_own_is_finished(running: Host) -> None:
    def fail() -> None:
        raise MemoryError

    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(running.apply, at("stop", fail)) == 1 << 8
    assert soon(lambda: running.sockets == {("127.0.0.1", running.other)})
    assert not running.apply()["changed"]


@pytest.mark.every_python
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_run_has_done_its_work(running: Host, number: signal.Signals) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(running.apply, at("stop", lambda: os.kill(os.getpid(), number))) == number
    assert running.sockets == {("127.0.0.1", running.other)}
    assert not running.apply()["changed"]


def test_a_signal_waits_until_the_run_has_gone_back(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    assert ends_early(running.apply, at("stop", lambda: os.kill(os.getpid(), signal.SIGHUP))) == signal.SIGHUP
    assert running.sockets == {("127.0.0.1", running.port)}
    assert not running.apply()["changed"]


def test_a_signal_that_is_ignored_stays_so(running: Host) -> None:
    def install() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        at("stop", lambda: os.kill(os.getpid(), signal.SIGHUP))()

    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(running.apply, install) == 7 << 8


def test_a_run_that_ends_well_leaves_no_process_and_no_handler(running: Host) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
    running.commit("127.0.0.1", f"{running.other}", **START)
    running.apply()
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)] == before
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "mailfleet\n"]


def test_the_mark_of_a_run_that_was_killed_is_removed_and_no_other(running: Host) -> None:
    mark = running.spool / "quick-start"
    service = ServiceControl(running.instance, None)
    mark.touch()  # by postfix quick-stop
    service.tidy()
    assert mark.exists()
    mark.write_text("mailfleet.postfix\n")
    service.tidy()
    assert not mark.exists()


def test_who_waits_in_vain_learns_that_a_run_is_being_finished(running: Host) -> None:
    """The kernel names the process that took the lock, which has ended; its keeper has the lock from it."""
    running.commit("127.0.0.1", f"{running.other}", mail_name="mute", **START)
    assert ends_early(running.apply, at("stop", kill)) == signal.SIGKILL
    with pytest.raises(TransactionError, match="is locked by what finishes a run that has ended early; nothing"):
        apply(running.instance, timeout=1, state_directory=running.state)
    assert soon(lambda: running.sockets == {("127.0.0.1", running.port)})
    assert not running.apply()["changed"]
