# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real processes wait for, and what systemd does meanwhile."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit_jobs, unit_properties
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome, run
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.waiting import awaited_by, doing, name_server

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(name="start")
def _start() -> Iterator[Start]:
    """Starts Python with a text, and waits until it has said a line."""
    begun: List[Any] = []

    def start(text: str, **options: Any) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-S", "-c", f"import os, socket, sys, time\n{text}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
        begun.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


BEGUN = "print('begun', flush=True)\n"


def soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.duration
def test_a_command_that_takes_too_long_says_what_it_waited_for() -> None:
    outcome = run(["sh", "-c", "echo begun; sh -c 'sleep 77; true'; true"], time.monotonic() + 2)
    assert outcome.status is None
    assert outcome.end.startswith(
        "sh -c echo begun; sh -c 'sleep 77; true'; true took too long and was ended after 2 s"
    )
    assert ", while it waited for `sleep 77` (process " in outcome.end
    assert run(["sh", "-c", "exit 3"], time.monotonic() + 10).end == "sh -c exit 3 ended with exit status 3"


def test_a_name_server(start: Start) -> None:
    process = start(
        "s = socket.socket(type=socket.SOCK_DGRAM)\ns.connect(('127.0.0.9', 53))\n" + BEGUN + "time.sleep(60)"
    )
    assert name_server(process.pid) == "127.0.0.9"
    assert awaited_by(process.pid) == "an answer of the name server 127.0.0.9"
    assert name_server(os.getpid()) is None
    assert name_server(2**22 + 1) is None


def test_another_server(start: Start) -> None:
    with socket.socket() as listener:
        for port in range(20000, 30000):
            try:
                listener.bind(("127.0.0.1", port))
                break
            except OSError:
                continue
        listener.listen(1)
        process = start(f"s = socket.create_connection(('127.0.0.1', {port}))\n" + BEGUN + "s.recv(1)")
        assert awaited_by(process.pid) == f"127.0.0.1:{port}"


def test_a_process_that_was_stopped(start: Start) -> None:
    process = start(BEGUN + "time.sleep(60)")
    assert awaited_by(process.pid) == ""
    process.send_signal(signal.SIGSTOP)
    assert soon(lambda: awaited_by(process.pid) == "a signal to go on, because it was stopped")


def test_a_lock_and_a_fifo(start: Start, tmp_path: Path) -> None:
    if Path("/proc/self/wchan").read_text(encoding="ascii") not in ("", "0") or os.geteuid():
        pytest.skip("the kernel does not tell")
    os.mkfifo(str(tmp_path / "fifo"))
    with open(tmp_path / "lock", "w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        waits = start(f"import fcntl\nf = open({str(tmp_path / 'lock')!r})\n{BEGUN}fcntl.flock(f, fcntl.LOCK_EX)")
        assert soon(lambda: awaited_by(waits.pid) in ("a lock on a file", ""))
    reads = start(f"{BEGUN}open({str(tmp_path / 'fifo')!r})")
    assert soon(lambda: awaited_by(reads.pid) in ("the other end of a FIFO", ""))


def test_what_a_process_runs_in_the_end(start: Start) -> None:
    process = start(f"import subprocess\nchild = subprocess.Popen(['sleep', '55'])\n{BEGUN}child.wait()")
    assert soon(lambda: doing(process.pid).startswith("`sleep 55` (process "))
    assert doing(2**22 + 1) == ""


class Told:
    """systemd as a test has it answer, one answer a question, the last one for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: List[List[str]] = []
        monkeypatch.setattr(unit_properties, "run", self._run)

    def _run(self, command: List[str], deadline: float) -> Outcome:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Outcome("", 0, answer)


@pytest.fixture(name="told")
def _told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


ENDED = Outcome("systemctl start x", None, ["said", "systemctl start x took too long"])
STOPS = ["ActiveState=deactivating", "SubState=stop-post", "Job=7", "ControlPID=0"]
STARTS = ["ActiveState=activating", "SubState=start", "Job=7", "ControlPID=0"]


@pytest.mark.parametrize(
    "answers, status",
    [
        ([STOPS, STOPS, STARTS, ["ActiveState=active"]], 0),
        ([STOPS, ["ActiveState=failed"]], 1),
        ([STOPS, STARTS, STARTS], None),  # it has had its time
        ([[]], None),  # systemd itself does not answer
        ([STARTS], None),
    ],
)
def test_a_start_that_systemd_has_not_begun_is_waited_for(told: Told, answers: List[List[str]], status: Any) -> None:
    told.answers = list(answers)
    watched: List[bool] = []
    outcome = unit_jobs.finished("x.service", ENDED, 0.1, lambda: watched.append(True))
    assert (outcome.command, outcome.status) == ("systemctl start x", status)
    assert outcome.words == (ENDED.words if status is None else ["said"])
    assert bool(watched) == (len(answers) > 1)


def test_what_systemd_runs_meanwhile(told: Told) -> None:
    with subprocess.Popen(["sleep", "44"]) as process:
        told.answers = [["ActiveState=deactivating", "SubState=stop-post", "Job=7", f"ControlPID={process.pid}"]]
        assert soon(lambda: "sleep" in unit_jobs.explained("x.service", ENDED).end)
        end = unit_jobs.explained("x.service", ENDED).end
        process.kill()
    expected = f"; systemd runs ExecStopPost of x.service, `sleep 44` (process {process.pid})"
    assert end == f"systemctl start x took too long{expected}"
