# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of postfix_apply over the stand-in for Postfix."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import restart
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply, apply_all
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import START, Host

pytestmark = pytest.mark.one_python  # but for some of each kind


@pytest.fixture(name="host")
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    # Holding sockets changes a setting of the machine: test_hold.py has a network of its own for that.
    monkeypatch.setattr(restart, "cannot_hold", lambda version: "not here")
    monkeypatch.setattr(restart, "_SETTLE", 30.0)  # a busy machine is no defect
    host = Host(tmp_path)
    yield host
    host.end()


@pytest.fixture(name="running")
def _running(host: Host) -> Host:
    host.apply()
    assert host.commands == ["start"]
    return host


def snapshot(path: Path) -> List[Tuple[str, int, bytes]]:
    return sorted((str(file), file.stat().st_ino, file.read_bytes()) for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize("timeout", [0, -1, 0.5, float("nan"), float("inf"), 1e30])
def test_a_timeout_that_is_none_is_refused_before_anything_is_touched(host: Host, timeout: float) -> None:
    for run in (lambda: apply(host.instance, timeout, True, host.state), lambda: apply_all(timeout, True, host.state)):
        with pytest.raises(InputError, match=r"timeout: '.*' is not a number of seconds") as caught:
            run()
        assert caught.value.parameter == "timeout"


@pytest.mark.every_python
def test_a_stopped_instance_is_started(host: Host) -> None:
    predicted = host.apply(check_mode=True)
    assert host.master is None
    result = host.apply()
    assert result["changed"]
    assert result["action"] == "start"
    assert result["in_sync"]
    assert result["sockets"] == [{"address": "127.0.0.1", "port": host.port, "state": "listening"}]
    assert (predicted["action"], predicted["sockets"]) == (result["action"], result["sockets"])
    assert host.sockets == {("127.0.0.1", host.port)}


@pytest.mark.every_python
def test_in_sync_nothing_happens(running: Host) -> None:
    master, before = running.master, snapshot(Path(running.state))
    for check_mode in (True, False):
        result = running.apply(check_mode)
        assert (result["changed"], result["action"], result["in_sync"]) == (False, "none", True)
        assert result["messages"] == []
    assert running.commands == []
    assert running.master == master
    assert snapshot(Path(running.state)) == before


def test_a_run_in_sync_loads_nothing_that_could_stop_or_start(running: Host) -> None:
    script = f"""
        import sys
        from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
        from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
        result = apply({running.instance!r}, 10, False, {running.state!r})
        assert result["in_sync"] and not result["changed"], result
        late = ("restart", "rollback", "keep_clients_waiting", "conflicts", "banner", "log")
        loaded = [name for name in sys.modules if "mailfleet" in name and name.rpartition(".")[2] in late]
        assert not loaded, loaded
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, env=environment)


@pytest.mark.every_python
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_only_a_start_takes_up_needs_a_stop_and_a_start(running: Host, by_hand: bool) -> None:
    change = running.write if by_hand else running.commit
    change("127.0.0.1", f"{running.other}", **START)
    running.age()
    predicted = running.apply(check_mode=True)
    before = running.master
    result = running.apply()
    assert (result["action"], result["changed"], result["in_sync"]) == ("restart", True, True)
    assert (predicted["action"], predicted["sockets"]) == (result["action"], result["sockets"])
    assert running.commands == ["check", "stop", "start"]
    assert running.master != before
    assert running.sockets == {("127.0.0.1", running.other)}
    assert not running.apply()["changed"]


@pytest.mark.every_python
def test_a_new_endpoint_needs_a_reload(running: Host) -> None:
    before = running.master
    running.commit("127.0.0.1", f"{running.port}", f"127.0.0.1:{running.other}")
    result = running.apply()
    assert (result["action"], result["in_sync"]) == ("reload", True)
    assert running.commands == ["reload"]
    assert before is not None
    assert before.is_alive()
    assert running.sockets == {("127.0.0.1", running.port), ("127.0.0.1", running.other)}


@pytest.mark.every_python
def test_check_mode_touches_nothing(running: Host, tmp_path: Path) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    before, master = snapshot(tmp_path), running.master
    running.apply(check_mode=True)
    running.write("127.0.0.1", f"{running.port}", mail_name="nosuch")
    running.fails(check_mode=True)
    running.write("127.0.0.1", f"{running.other}")
    running.age()
    assert [entry[0] for entry in snapshot(tmp_path)] == [entry[0] for entry in before]
    assert running.master == master
    assert running.commands == []


def test_a_success_confirms_the_transaction(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.port}", f"127.0.0.1:{running.other}")
    assert running.transactions.pending() is not None
    running.apply()
    assert running.transactions.pending() is None


@pytest.mark.every_python
def test_a_killed_play_is_finished_by_the_next(running: Host) -> None:
    running.commit("127.0.0.1", f"127.0.0.1:{running.port}", f"{running.other}", **START)
    # It died here, before it applied; and the next play's edit is no change any more.
    result = running.apply()
    assert result["changed"]
    assert running.sockets == {("127.0.0.1", running.port), ("127.0.0.1", running.other)}
    assert not running.apply()["changed"]


def test_what_cannot_be_remembered_does_no_harm(host: Host) -> None:
    (Path(host.transactions.state.directory) / "running.json.new").mkdir(parents=True)
    assert host.apply()["in_sync"]
    host.commit("127.0.0.1", f"{host.port}", f"127.0.0.1:{host.other}")
    result = host.apply()
    assert (result["action"], result["in_sync"]) == ("reload", True)
    assert host.transactions.pending() is None


# What goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("up", [True, False])
def test_files_that_could_not_come_up_do_not_stop_a_running_master(host: Host, up: bool) -> None:
    host.apply()
    if not up:
        host.end()
    before, old = host.master, snapshot(host.etc)
    host.commit("127.0.0.9", f"{host.port}")
    assert "would be restored" in host.fails(check_mode=True)[0]
    assert host.commands == ["start"]
    message, result = host.fails()
    assert "127.0.0.9" in message
    assert f"The previous version of {host.etc}/main.cf was restored." in message
    assert f"Postfix runs and listens on 127.0.0.1:{host.port}." in message
    assert (result["rolled_back"], result["restored"]) == (True, [f"{host.etc}/main.cf"])
    assert result["in_sync"]
    assert [entry[2] for entry in snapshot(host.etc)] == [entry[2] for entry in old]
    assert host.commands == ([] if up else ["start"])
    if up:
        assert host.master == before
    assert not host.apply()["changed"]


def test_files_that_postfix_itself_refuses_do_not_stop_it(running: Host) -> None:
    before = running.master
    running.commit("127.0.0.1", f"{running.other}", mail_name="nosuch")
    message, result = running.fails()
    assert "not to the taste of this stand-in" in message
    assert result["rolled_back"]
    assert running.master == before
    assert running.commands == []


def test_with_nothing_to_go_back_to_a_running_master_is_left_alone(running: Host) -> None:
    before = running.master
    running.write("127.0.0.9", f"{running.port}")
    message, result = running.fails()
    assert "There is no previous version of the files to go back to." in message
    assert f"Postfix runs and listens on 127.0.0.1:{running.port}." in message
    assert (result["rolled_back"], result["in_sync"], result["changed"]) == (False, False, False)
    assert running.master == before
    assert (running.etc / "main.cf").read_text() == running.main("127.0.0.9")


def test_with_nothing_to_go_back_to_and_nothing_running(host: Host) -> None:
    host.write("127.0.0.9", f"{host.port}")
    message, _result = host.fails()
    assert message.endswith("There is no previous version of the files to go back to. Postfix is not running.")


@pytest.mark.every_python
def test_the_answer_of_each_server_is_told(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.port}", f"127.0.0.1:{running.other}")
    expected = [
        {"address": "127.0.0.1", "port": port, "banner": "220 stand-in ESMTP", "problem": None, "slow": False}
        for port in sorted([running.port, running.other])
    ]
    assert running.apply(check_mode=True)["answers"] == []
    assert running.apply()["answers"] == expected
    assert running.apply()["answers"] == []


@pytest.mark.parametrize("name, words", [("mute", "does not answer"), ("rude", "answers 'stand-in ESMTP'")])
def test_a_server_that_does_not_greet_is_gone_back_on(running: Host, name: str, words: str) -> None:
    running.commit("127.0.0.1", f"{running.other}", mail_name=name, **START)
    message, result = running.fails()
    assert f"The server at 127.0.0.1:{running.other} {words}." in message
    assert message.endswith(f"Postfix runs and listens on 127.0.0.1:{running.port}.")
    assert (result["rolled_back"], result["in_sync"]) == (True, True)
    assert running.commands == ["check", "stop", "start", "check", "stop", "start"]
    assert not running.apply()["changed"]


@pytest.mark.parametrize("before", [False, True])
def test_a_program_that_the_master_gives_up_is_gone_back_on_unless_it_was_so_before(
    running: Host, before: bool
) -> None:
    if before:
        with running.log.open("a") as log:
            log.write("Nov 22 postfix/master[1]: warning: /usr/lib/x/policyd: bad command startup -- throttling\n")
    running.commit("127.0.0.1", f"{running.other}", gives_up="policyd", **START)
    if before:
        assert running.apply()["in_sync"]
    else:
        message, result = running.fails()
        assert "The master cannot run policyd." in message
        assert (result["rolled_back"], result["in_sync"]) == (True, True)


@pytest.mark.parametrize(
    "options, log, fails",
    [
        ("", "", False),
        (" -o x=y", "", True),
        ("", "fatal: bad value for data_directory", True),
        ("", "fatal: bad value for queue_directory", False),
    ],
)
@pytest.mark.parametrize("up", [True, False])
def test_a_program_that_is_run_as_before_is_no_reason_to_go_back(
    running: Host, options: str, log: str, fails: bool, up: bool
) -> None:
    """Unless it says that it dies of what was changed."""
    policy = "policy unix - n n - - policyd"
    running.commit("127.0.0.1", f"{policy}\n{running.port}")
    assert running.apply()["in_sync"]
    running.commit("127.0.0.1", f"{policy}{options}\n{running.other}", gives_up="policyd", complains=log, **START)
    if not up:
        running.end()
    if fails:
        message, result = running.fails()
        assert "The master cannot run policyd." in message
        assert (result["rolled_back"], result["in_sync"]) == (True, True)
    else:
        result = running.apply()
        assert result["in_sync"]
        (warning,) = result["warnings"]
        assert warning.startswith("The master cannot run policyd, by what was not changed.")


def test_a_check_that_takes_too_long_is_named_and_nothing_is_stopped(
    running: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = running.master
    running.commit("127.0.0.1", f"{running.other}", sleeps="55", **START)
    monkeypatch.setattr(restart, "_FOR_CHECK", 1.0)
    with pytest.raises(ApplyError) as caught:
        apply(running.instance, 1.0, False, running.state)
    message = str(caught.value)
    assert "Postfix was not stopped, because it is not known whether it can start: " in message
    assert "check took too long and was ended after " in message
    assert "`sleep 55` (process " in message
    assert caught.value.result["rolled_back"]
    assert running.master == before


def test_a_restart_after_a_reload_has_its_own_time_and_both_are_told(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.port}", f"127.0.0.1:{running.other}", mail_name="mute")
    message, result = running.fails()
    first = min(running.port, running.other)
    assert f"The server at 127.0.0.1:{first} does not answer. And by a restart: The server at 127.0.0.1:" in message
    assert (result["rolled_back"], result["in_sync"]) == (True, True)


@pytest.mark.every_python
def test_what_postfix_check_finds_stops_nothing(running: Host) -> None:
    before = running.master
    running.commit("127.0.0.1", f"{running.other}", integrity="no directory", **START)
    message, result = running.fails()
    assert "Postfix does not accept the files" in message
    assert "no directory" in message
    assert (result["rolled_back"], result["in_sync"], result["interruption"]) == (True, True, "none")
    assert running.master == before
    assert running.commands == ["check"]


@pytest.mark.parametrize("possible", [True, False])
def test_an_interruption_is_predicted_and_told(running: Host, possible: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    held: List[Any] = []

    class Held(restart.Hold):
        def __enter__(self) -> restart.Hold:
            self.works = possible
            held.extend(self._new)
            return self

    monkeypatch.setattr(restart, "cannot_hold", lambda version: None if possible else "not here")
    monkeypatch.setattr(restart, "cannot_hold_at", lambda places, master: None)
    monkeypatch.setattr(restart, "Hold", Held)
    running.commit("127.0.0.1", f"{running.other}", **START)
    expected = "none" if possible else "brief"
    for check_mode in (True, False):
        result = running.apply(check_mode)
        assert (result["interruption"], result["interruption_cause"]) == (expected, None if possible else "not here")
    assert [listener.socket.port for listener in held] == ([running.other] if possible else [])


def test_a_queue_manager_that_died_needs_a_restart(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.port}")
    with (running.etc / "master.cf").open("a") as stream:
        stream.write("qmgr unix n - n 300 1 qmgr\n")
    running.apply()
    assert running.master
    for child in running.master.children():
        os.kill(child.pid, signal.SIGKILL)
    while running.master.children():  # on a busy machine the signal takes a moment
        time.sleep(0.01)
    assert running.apply(check_mode=True)["action"] == "restart"
    result = running.apply()
    assert (result["action"], result["in_sync"]) == ("restart", True)
    assert [reason["parameter"] for reason in result["reasons"]] == ["qmgr"]
    assert not running.apply()["changed"]


@pytest.mark.every_python
@pytest.mark.parametrize("stopped", [False, True])
def test_a_start_that_fails_is_gone_back_on(running: Host, stopped: bool) -> None:
    if stopped:
        running.end()
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    message, result = running.fails()
    assert "Postfix does not run after" in message
    assert f"It says: postfix/master: fatal: bind 127.0.0.1 port {running.other}: Cannot assign" in message
    assert f" was restored. What did not work is kept in {running.transactions.rejected}. " in message
    assert message.endswith(f"Postfix runs and listens on 127.0.0.1:{running.port}.")
    assert result["restored"] == [f"{running.etc}/main.cf", f"{running.etc}/master.cf"]
    assert result["action"] == ("start" if stopped else "restart")
    assert (result["changed"], result["in_sync"]) == (True, True)
    assert any("bind 127.0.0.1" in word for word in result["messages"])
    assert running.sockets == {("127.0.0.1", running.port)}
    assert running.commands == (["start", "start"] if stopped else ["check", "stop", "start", "start"])
    assert running.transactions.pending() is None
    assert not running.apply()["changed"]


def test_a_reload_that_kills_the_master_is_gone_back_on(running: Host) -> None:
    endpoint = f"127.0.0.1:{running.other}"
    running.commit("127.0.0.1", f"{running.port}", endpoint, fails=endpoint)
    message, result = running.fails()
    assert "Postfix does not run after" in message
    assert (result["action"], result["rolled_back"], result["in_sync"]) == ("reload", True, True)
    assert running.sockets == {("127.0.0.1", running.port)}
    assert running.commands == ["reload", "start"]


def test_an_edit_by_hand_that_fails_is_undone_and_kept(running: Host) -> None:
    before = read_files(str(running.etc)).texts
    running.write("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    running.age()
    edited = read_files(str(running.etc)).texts
    message, result = running.fails()
    assert message.endswith(f"Postfix runs and listens on 127.0.0.1:{running.port}.")
    assert (result["rolled_back"], result["in_sync"]) == (True, True)
    assert read_files(str(running.etc)).texts == before
    assert read_files(running.transactions.rejected).texts == edited
    assert not running.apply()["changed"]


def test_a_start_that_fails_with_nothing_to_go_back_to_says_so(running: Host) -> None:
    os.unlink(running.transactions.state.path("running.json"))
    running.write("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    running.age()
    message, result = running.fails()
    assert "There is no previous version" in message
    assert message.endswith("Postfix is not running.")
    assert not result["in_sync"]
    running.write("127.0.0.1", f"{running.port}")
    assert running.apply()["in_sync"]


def test_a_rollback_that_does_not_come_up_either_says_so(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    running.transactions.confirm()
    running.commit("127.0.0.1", f"127.0.0.1:{running.other}", fails=f"127.0.0.1:{running.other}", **START)
    message, result = running.fails()
    assert message.count("Postfix does not run after") == 2
    assert message.endswith("Postfix is not running.")
    assert (result["rolled_back"], result["in_sync"]) == (True, False)
    running.commit("127.0.0.1", f"{running.port}")
    assert running.apply()["in_sync"]


def test_a_master_that_does_not_end_is_ended_all_the_same(running: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "_GRACE", 0.5)
    before = running.master
    running.write("127.0.0.1", f"{running.other}", mail_name="stubborn", **START)
    running.age()
    result = running.apply()
    assert (result["action"], result["in_sync"]) == ("restart", True)
    assert before is not None
    assert not before.is_alive()
    assert running.sockets == {("127.0.0.1", running.other)}


def test_a_master_of_which_nothing_is_known_is_restarted_when_in_doubt(running: Host) -> None:
    # An edit by hand before this collection ever ran: what the master has cached is not known.
    for record in Path(running.state).rglob("running.json"):
        record.unlink()
    running.write("127.0.0.1", f"{running.other}")
    running.age()
    result = running.apply()
    assert (result["action"], result["in_sync"]) == ("restart", True)
    assert running.sockets == {("127.0.0.1", running.other)}


@pytest.mark.parametrize("up", [True, False])
def test_a_port_that_another_program_has_is_refused_beforehand(running: Host, up: bool) -> None:
    if not up:
        running.end()
    with socket.socket() as other:
        other.bind(("127.0.0.1", running.other))
        other.listen(1)
        running.commit("127.0.0.1", f"{running.port}", f"127.0.0.1:{running.other}")
        message, result = running.fails()
    assert f"port {running.other}" in message
    assert f"(process {os.getpid()})" in message
    assert result["rolled_back"]
    assert running.sockets == {("127.0.0.1", running.port)}
    assert running.commands == ([] if up else ["start"])


def test_two_runs_at_once_do_not_disturb_each_other(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    children = []
    for _number in range(3):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 10 if running.apply()["changed"] else 20
            finally:
                os._exit(status)
        children.append(child)
    statuses = sorted(os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children)
    assert statuses == [10, 20, 20]
    assert running.commands == ["check", "stop", "start"]
    assert running.sockets == {("127.0.0.1", running.other)}


def test_a_file_edited_by_somebody_else_is_not_rolled_back(running: Host) -> None:
    running.commit("127.0.0.9", f"{running.port}")
    running.write("127.0.0.8", f"{running.port}")
    message, result = running.fails()
    assert "127.0.0.8" in message
    assert "edited by somebody else" in result["recovered"]
    assert not result["rolled_back"]
    assert (running.etc / "main.cf").read_text() == running.main("127.0.0.8")


@pytest.mark.duration
def test_a_running_master_serves_until_main_cf_is_old_enough(running: Host) -> None:
    running.commit("127.0.0.1", f"{running.other}", **START)
    os.utime(running.etc / "main.cf")
    begin = time.time()
    script = """
        import socket, sys, time
        while True:
            with socket.socket() as s:
                s.connect(("127.0.0.1", int(sys.argv[1])))
            time.sleep(0.01)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(running.port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as client:
        assert client.poll() is None
        running.apply()
        taken = time.time() - begin
        assert client.wait(timeout=5) == 1  # refused, but only at the end
        served = time.time() - begin
    assert served > 1.0
    assert taken < 5.0
