# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of the stand-in for Postfix that goes back unless it is confirmed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import confirmation as of_runs
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import guard, restart, unconfirmed, window
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError, confirmation
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import Record, confirm
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import at_boot
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import read_process
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State, TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import (
    START,
    Host,
    at,
    ends_early,
    kill,
    soon,
)

pytestmark = pytest.mark.one_python  # but for one of each kind

LONG = 600  # seconds, more than a test takes
SHORT = 2


class Confirmed(Host):
    """A host whose changes wait to be confirmed."""

    def change(self, seconds: int = LONG, *services: str, **more: str) -> Dict[str, Any]:
        """Move it to the other port."""
        self.commit("127.0.0.1", *(services or (f"{self.other}",)), **more)
        return self.apply_confirmed(seconds)

    def apply_confirmed(self, seconds: int, check_mode: bool = False) -> Dict[str, Any]:
        return apply(self.instance, 60, check_mode, self.state, seconds)

    @property
    def record(self) -> Record:
        return Record.load(State(None, self.state))

    @property
    def port_now(self) -> List[int]:
        return sorted(port for _address, port in self.sockets)

    def expire(self) -> None:
        """Have the window be over, and nobody who has noticed."""
        record = self.record
        assert record.window
        self.kill_watchdog()
        record._replace(window=record.window._replace(deadline=window.clock() - 1)).save(State(None, self.state))

    def kill_watchdog(self) -> None:
        pid = self.watchdog
        os.kill(pid, signal.SIGKILL)
        assert soon(lambda: not read_process(pid))

    @property
    def watchdog(self) -> int:
        found = self.record.window
        assert found
        assert found.process[0]
        return found.process[0]


@pytest.fixture(name="running")
def _running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Confirmed]:
    monkeypatch.setattr(restart, "cannot_hold", lambda version: "not here")
    monkeypatch.setattr(at_boot, "_BOOTED", str(tmp_path / "booted"))  # a host without systemd
    monkeypatch.setattr(at_boot, "UNITS", str(tmp_path / "units"))
    host = Confirmed(tmp_path)
    host.apply()
    host.age()
    yield host
    found = host.record.window
    if found:
        of_runs.dismiss(found.process)
    host.end()


def left_behind(host: Confirmed) -> List[str]:
    """What there is of a window when it has ended, but for the note of its end."""
    there = [str(path) for path in (Path(at_boot.UNITS), Path(host.state) / "at-boot.zip") if path.exists()]
    return there + [name for name in ("window", "begun") if getattr(host.record, name)]


def test_a_change_that_is_confirmed_stays(running: Confirmed) -> None:
    result = running.change()
    assert result["changed"]
    waits = result["confirm"]
    assert waits["seconds"] == LONG
    socket = {"address": "127.0.0.1", "port": running.other, "expect": "greeting", "any_of": None}
    assert [{**entry, "instance": ""} for entry in waits["sockets"]] == [{**socket, "instance": ""}]
    watchdog = running.watchdog
    assert confirm(waits["token"], base=running.state) == [str(running.etc)]
    assert not read_process(watchdog)
    assert left_behind(running) == []
    assert running.port_now == [running.other]
    again = running.apply_confirmed(LONG)
    assert (again["changed"], again["confirm"], again["undone"]) == (False, None, None)
    assert confirm(waits["token"], base=running.state) == []  # whoever has not heard the answer asks again


@pytest.mark.every_python
def test_one_that_is_not_goes_back_by_itself(running: Confirmed) -> None:
    before = (running.etc / "main.cf").read_text(), (running.etc / "master.cf").read_text()
    token = running.change(SHORT, **START)["confirm"]["token"]
    assert running.port_now == [running.other]
    assert soon(lambda: not running.record.window)
    assert running.port_now == [running.port]
    assert ((running.etc / "main.cf").read_text(), (running.etc / "master.cf").read_text()) == before
    assert soon(lambda: left_behind(running) == [])
    first, second = running.apply(), running.apply()
    assert (first["changed"], first["in_sync"]) == (False, True)
    (told,) = first["warnings"]
    assert f"was not confirmed within {SHORT} s and was undone at " in told
    assert f"Postfix was to listen on 127.0.0.1:{running.other}." in told
    assert f"Postfix runs and listens on 127.0.0.1:{running.port}." in told
    assert second["warnings"] == []
    assert second["undone"]["message"] == told
    with pytest.raises(InputError, match="does not wait any more: The change of .* and was undone at"):
        confirm(token, base=running.state)


def test_a_run_that_changes_nothing_needs_no_confirmation(running: Confirmed) -> None:
    result = running.apply_confirmed(LONG)
    assert (result["changed"], result["confirm"]) == (False, None)
    running.end()
    assert running.apply_confirmed(LONG)["action"] == "start"
    assert confirmation(base=running.state)["confirm"] is None
    assert left_behind(running) == []


def test_a_run_in_line_loads_nothing_for_it(running: Confirmed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("window", "confirmation", "unconfirmed"):
        monkeypatch.setitem(sys.modules, f"{unconfirmed.__name__.rpartition('.')[0]}.{name}", None)
    assert running.apply_confirmed(LONG)["in_sync"]


def test_a_change_that_fails_leaves_no_window(running: Confirmed) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    with pytest.raises(ApplyError) as caught:
        running.apply_confirmed(LONG)
    assert caught.value.result["confirm"] is None
    assert left_behind(running) == []
    assert running.port_now == [running.port]


def test_check_mode_opens_no_window(running: Confirmed) -> None:
    running.commit("127.0.0.1", f"{running.other}")
    result = running.apply_confirmed(LONG, check_mode=True)
    assert (result["action"], result["confirm"]) == ("reload", None)
    assert left_behind(running) == []


def test_the_same_settings_again_neither_confirm_nor_prolong(running: Confirmed) -> None:
    first = running.change()["confirm"]
    record, watchdog = running.record, running.watchdog
    time.sleep(1.1)
    for seconds in (0, LONG):
        again = running.apply_confirmed(seconds)
        assert not again["changed"]
        assert again["confirm"]["token"] == first["token"]
        assert again["confirm"]["seconds"] < LONG
    assert (running.record, running.watchdog) == (record, watchdog)


def test_other_settings_keep_the_first_version_to_go_back_to(running: Confirmed) -> None:
    before = (running.etc / "master.cf").read_text()
    first, old = running.change()["confirm"], running.watchdog
    second = running.change(LONG, f"{running.other}", f"127.0.0.1:{running.port}")["confirm"]
    assert second["token"] != first["token"]
    assert not read_process(old)
    with pytest.raises(InputError, match="a later run has added to"):
        confirm(first["token"], base=running.state)
    assert unconfirmed.reject(second["token"], base=running.state)
    assert (running.etc / "master.cf").read_text() == before
    assert running.port_now == [running.port]
    with pytest.raises(InputError, match="does not wait any more: The change of .* was rejected and was undone"):
        confirm(first["token"], base=running.state)


def test_the_first_settings_again_end_the_window(running: Confirmed) -> None:
    running.change()
    assert running.change(LONG, f"{running.port}")["confirm"] is None
    assert left_behind(running) == []


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by a run without confirm"])
def test_an_edit_within_the_window_wins(running: Confirmed, by_hand: bool) -> None:
    running.change()
    if by_hand:
        with (running.etc / "main.cf").open("a") as stream:
            stream.write("x = y\n")
        running.age()
        result = running.apply()
    else:
        running.commit("127.0.0.1", f"{running.other}", f"127.0.0.1:{running.port}")
        result = running.apply()
    assert result["confirm"] is None
    assert result["undone"]["outcome"] == "overtaken"
    assert "were edited since, so nothing was undone" in result["warnings"][0]
    assert running.other in running.port_now
    assert left_behind(running) == []


def test_a_change_after_an_edit_by_hand_has_a_window_of_its_own(running: Confirmed) -> None:
    first = running.change()["confirm"]
    with (running.etc / "main.cf").open("a") as stream:
        stream.write("x = y\n")
    running.age()
    edited = (running.etc / "main.cf").read_text()
    result = running.change(LONG, f"{running.other}", f"127.0.0.1:{running.port}", x="z")
    assert result["undone"]["token"] == first["token"]
    unconfirmed.reject(result["confirm"]["token"], base=running.state)
    assert (running.etc / "main.cf").read_text() == edited
    assert running.port_now == [running.other]


def test_what_was_there_before_by_hand_ends_the_window(running: Confirmed) -> None:
    running.change()
    running.write("127.0.0.1", f"{running.port}")
    running.age()
    result = running.apply()
    assert (result["confirm"], result["undone"]) == (None, None)
    assert left_behind(running) == []


def test_a_watchdog_that_is_killed_while_it_goes_back_is_no_edit(running: Confirmed) -> None:
    running.change()
    running.expire()
    running.write("127.0.0.1", f"{running.port}")  # what it has done, and no more
    running.age()
    assert running.apply()["undone"]["outcome"] == "undone"
    assert running.port_now == [running.port]


def test_an_edit_by_hand_is_noticed_at_the_end(running: Confirmed) -> None:
    running.change(SHORT)
    with (running.etc / "main.cf").open("a") as stream:
        stream.write("x = y\n")
    assert soon(lambda: not running.record.window)
    assert running.port_now == [running.other]
    assert "x = y" in (running.etc / "main.cf").read_text()
    assert "were edited since, so nothing was undone" in running.apply()["warnings"][0]


def test_where_the_watchdog_was_killed_the_next_run_goes_back(running: Confirmed) -> None:
    token = running.change()["confirm"]["token"]
    running.expire()
    assert confirmation(base=running.state)["confirm"] is None
    with pytest.raises(InputError, match="came too late"):
        confirm(token, base=running.state)
    result = running.apply()
    assert result["undone"]["outcome"] == "undone"
    assert running.port_now == [running.port]
    assert left_behind(running) == []


def test_after_a_boot_without_systemd_the_next_run_goes_back(running: Confirmed, monkeypatch: Any) -> None:
    running.change()
    running.kill_watchdog()
    monkeypatch.setattr(window, "boot_id", lambda: "another")
    monkeypatch.setattr(of_runs, "boot_id", lambda: "another")
    assert running.apply()["undone"]["outcome"] == "undone"
    assert running.port_now == [running.port]


def test_where_it_cannot_go_back_the_change_stays(running: Confirmed) -> None:
    token = running.change(LONG, **START)["confirm"]["token"]
    record = running.record
    assert record.window
    (part,) = record.window.parts
    broken = part._replace(original=(part.original[0] + f"fails = {running.port}\n", part.original[1]))
    record._replace(window=record.window._replace(parts=[broken])).save(State(None, running.state))
    with pytest.raises(ApplyError, match="was rejected, and could not be undone: "):
        unconfirmed.reject(token, base=running.state)
    assert running.port_now == [running.other]
    assert left_behind(running) == []


@pytest.mark.parametrize("when", ["prepare", "stop", "start"])
def test_what_finishes_a_killed_run_opens_the_window_too(running: Confirmed, when: str) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(lambda: running.apply_confirmed(LONG), at(when, kill)) == signal.SIGKILL
    assert soon(lambda: running.record.window)
    assert running.port_now == [running.other]
    token = running.apply()["confirm"]["token"]
    unconfirmed.reject(token, base=running.state)
    assert running.port_now == [running.port]


def test_a_run_that_is_killed_right_after_a_reload_has_a_window_too(running: Confirmed) -> None:
    running.commit("127.0.0.1", f"{running.other}")
    assert ends_early(lambda: running.apply_confirmed(SHORT), at("reload", kill)) == signal.SIGKILL
    assert soon(lambda: running.record.window)
    assert soon(lambda: not running.record.window)
    assert running.port_now == [running.port]


def alone() -> None:
    """Have a run killed that has no keeper."""

    def fail(*_arguments: object) -> None:
        raise OSError

    guard.Keeper = fail  # type: ignore[misc, assignment]
    at("prepare", kill)()


def test_the_next_run_opens_the_window_of_one_that_nobody_has_finished(running: Confirmed) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    assert ends_early(lambda: running.apply_confirmed(LONG), alone) == signal.SIGKILL
    assert running.record.begun
    result = running.apply()
    assert LONG - 60 < result["confirm"]["seconds"] <= LONG  # it counts on a busy machine too
    assert running.port_now == [running.other]


def test_the_window_is_private(running: Confirmed) -> None:
    running.change()
    status = os.lstat(f"{running.state}/window.json")
    assert stat.S_IMODE(status.st_mode) == 0o600


@pytest.mark.parametrize("token", ["", "nonsense"])
def test_a_token_that_is_none(running: Confirmed, token: str) -> None:
    for state in ("before", "within"):
        with pytest.raises(InputError, match="is not the token of a change that waits to be confirmed on this host"):
            confirm(token, base=running.state)
        with pytest.raises(InputError, match="is not the token"):
            unconfirmed.reject(token, base=running.state)
        if state == "before":
            running.change()


@pytest.mark.parametrize("seconds", [-1, 86401])
def test_seconds_that_nobody_can_mean(running: Confirmed, seconds: int) -> None:
    with pytest.raises(InputError, match="is not a number of seconds from 0 to 86400"):
        running.apply_confirmed(seconds)


def test_a_damaged_record_says_what_to_do(running: Confirmed) -> None:
    running.change()
    running.kill_watchdog()
    path = Path(running.state) / "window.json"
    path.write_text('{"format": 2}')
    with pytest.raises(TransactionError, match="is not of this version of the collection. Check main.cf"):
        running.apply()
    path.unlink()


class Boot:
    """A host with systemd that boots within a window."""

    def __init__(self, host: Confirmed, path: Path) -> None:
        self.host, self.units = host, path / "units"
        self.code = Path(host.state) / "at-boot.zip"

    def run(self, edit: Optional[str] = None) -> str:
        """Do what systemd does at boot, in another Python that has only this code."""
        state, record = State(None, self.host.state), self.host.record
        if record.window:
            self.host.kill_watchdog()
            record = record._replace(window=record.window._replace(boot="earlier"))
        if record.begun:
            record = record._replace(begun=record.begun._replace(boot="earlier"))
        record.save(state)
        self.host.end()
        if edit:
            with (self.host.etc / "main.cf").open("a") as stream:
                stream.write(edit)
        unit = (self.units / at_boot.NAME).read_text()
        assert f'ExecStart="{sys.executable}" -I -B "{self.code}"' in unit
        said = subprocess.run(
            [sys.executable, "-I", "-B", str(self.code)], stderr=subprocess.PIPE, text=True, check=True
        )
        return said.stderr


@pytest.fixture(name="boot")
def _boot(running: Confirmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Boot:
    (tmp_path / "booted").mkdir()
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(at_boot, "run", lambda *_arguments: None)
    monkeypatch.setattr(at_boot, "unit_properties", lambda *_arguments: [])
    return Boot(running, tmp_path)


def test_at_boot_the_previous_files_come_back(boot: Boot) -> None:
    host = boot.host
    before = (host.etc / "main.cf").read_text(), (host.etc / "master.cf").read_text()
    host.change(LONG, **START)
    assert (boot.units / "multi-user.target.wants" / at_boot.NAME).resolve() == boot.units / at_boot.NAME
    assert boot.run() == ""
    assert ((host.etc / "main.cf").read_text(), (host.etc / "master.cf").read_text()) == before
    result = host.apply()
    assert result["action"] == "start"
    assert host.port_now == [host.port]
    assert "was not confirmed before the host went down and was undone at " in result["warnings"][0]
    assert not boot.code.exists()


def test_at_boot_an_edit_since_wins(boot: Boot) -> None:
    boot.host.change()
    assert boot.run(edit="x = y\n") == ""
    assert "x = y" in (boot.host.etc / "main.cf").read_text()
    assert "nothing was undone" in boot.host.apply()["warnings"][0]


def test_at_boot_what_a_run_had_only_begun_is_taken_back(boot: Boot) -> None:
    host = boot.host
    before = (host.etc / "master.cf").read_text()
    host.commit("127.0.0.1", f"{host.other}", **START)
    assert ends_early(lambda: host.apply_confirmed(LONG), alone) == signal.SIGKILL
    assert boot.run() == ""
    assert (host.etc / "master.cf").read_text() == before
    assert host.record == Record()


def test_the_unit_does_nothing_without_a_boot(boot: Boot) -> None:
    boot.host.change()
    subprocess.run([sys.executable, "-I", "-B", str(boot.code)], check=True)
    assert boot.host.record.window
    assert boot.host.port_now == [boot.host.other]


def test_what_runs_at_boot_has_all_that_it_needs() -> None:
    script = "import sys; sys.path.insert(0, sys.argv[1]); import {0}; print(*sys.modules)"
    core = unconfirmed.__name__.rpartition("_change.")[0]
    tree = next(path for path in sys.path if os.path.isdir(os.path.join(path, "ansible_collections", "mailfleet")))
    command = [sys.executable, "-c", script.format(core + of_runs.PUT_BACK), tree]
    loaded = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    needed = {name[len(core) :] for name in loaded if name.startswith(core + "_") and "." in name[len(core) :]}
    assert needed == {of_runs.PUT_BACK, *of_runs.NEEDED_AT_BOOT}
