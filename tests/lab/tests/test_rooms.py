# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms come up sealed, and go down without a trace however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
from command_line import LAB, Lab
from mailfleet_lab import machine


def eventually(probe: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether `probe` comes true in time."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def processes(lab: Lab) -> list[int]:
    """The processes in the room's cgroup."""
    return [pid for pid, room, _program in machine.processes_of_rooms() if room == lab.room]


def read_pid(lab: Lab, role: str) -> int:
    """Process ID of the room's "keeper" or "init"."""
    return int((lab.state / role).read_text())


def test_a_room_has_nothing_but_itself(lab: Lab) -> None:
    lab("up")
    links = lab("run", "ip", "-oneline", "link").splitlines()
    assert [line.split()[1] for line in links] == ["lo:"]
    assert lab("run", "ip", "route") == lab("run", "ip", "-6", "route", "show", "default") == ""
    assert lab("run", "readlink", "/proc/self/ns/net") != os.readlink("/proc/self/ns/net")
    assert sorted(map(int, lab("run", "sh", "-c", "cd /proc && echo [0-9]*").split()))[0] == 1
    assert lab("run", "stat", "-fc", "%T", "/sys/fs/cgroup") == "cgroup2fs\n"
    inside, outside = "test -e /run/mailfleet-lab-inside", Path("/run/mailfleet-lab-inside")
    assert lab.call("run", "sh", "-c", inside).returncode == 0
    assert not outside.exists()


def test_run_is_transparent(lab: Lab, tmp_path: Path) -> None:
    lab("up")
    assert lab("run", "pwd", cwd=tmp_path) == f"{tmp_path}\n"
    assert lab.call("run", "sh", "-c", "exit 7").returncode == 7
    assert lab("run", "--", "echo", "--room", "x") == "--room x\n"
    answer = subprocess.run(lab.argv("run", "cat"), input="from outside", capture_output=True, text=True, check=True)
    assert answer.stdout == "from outside"
    nested = lab.call("run", sys.executable, str(LAB), "up")
    assert (nested.returncode, nested.stdout) == (1, "")
    assert "inside of a room" in nested.stderr


def test_up_and_down_twice(lab: Lab) -> None:
    assert lab.call("status").returncode == 1
    lab("up")
    keeper = read_pid(lab, "keeper")
    lab("up")
    assert read_pid(lab, "keeper") == keeper
    assert lab.call("leftovers").returncode == 1
    assert "is up" in lab("status")
    lab("down")
    assert not processes(lab)
    assert not lab.state.exists()
    lab("down")
    failed = lab.call("run", "true")
    assert failed.returncode == 1
    assert "is not up: run `tests/lab/mailfleet-lab up`" in failed.stderr


def test_two_rooms_at_once(lab: Lab) -> None:
    other = Lab()
    lab("up")
    try:
        other("up")
        for room in (lab, other):
            room("network", "add", "inside", "10.1.0.0/24")
        lab("down")
        assert "10.1.0.1/24" in other("run", "ip", "address")
        for _again in range(2):
            other("network", "rm", "inside")
        assert "10.1.0.1/24" not in other("run", "ip", "address")
    finally:
        other("down")


@pytest.mark.parametrize("order", [("keeper", "init"), ("init", "keeper"), ("keeper",)])
def test_a_killed_room_ends_at_once_and_the_next_down_clears_it(lab: Lab, order: tuple[str, ...]) -> None:
    lab("up")
    lab("run", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & ip netns add something")
    assert "something" in lab("run", "ip", "netns")
    pids = [read_pid(lab, role) for role in order]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not processes(lab) and not any(Path(f"/proc/{pid}").exists() for pid in pids))
    lab("down")
    assert lab.leftovers() == "Nothing is left.\n"
    lab("down")


def test_what_a_killed_keeper_leaves_is_seen_and_cleared_by_the_next_up_of_any_room(lab: Lab) -> None:
    dead = Lab()
    dead("up")
    os.kill(read_pid(dead, "keeper"), signal.SIGKILL)
    assert eventually(lambda: not processes(dead))
    assert "died and left" in dead.leftovers()
    lab("up")
    assert dead.leftovers() == "Nothing is left.\n"


def test_a_room_whose_init_is_killed_is_cleared_by_its_keeper(lab: Lab) -> None:
    lab("up")
    os.kill(read_pid(lab, "init"), signal.SIGKILL)
    assert eventually(lambda: lab.leftovers() == "Nothing is left.\n")


def test_a_room_ends_with_its_owner(lab: Lab) -> None:
    owner = subprocess.Popen(["sleep", "1000"])
    lab("up", "--owner", str(owner.pid))
    owner.kill()
    owner.wait()
    assert eventually(lambda: lab.leftovers() == "Nothing is left.\n")


def test_a_session_gives_back_the_exit_code_and_leaves_nothing(lab: Lab) -> None:
    assert lab.call("session", "sh", "-c", "test -e /run/mailfleet-lab-inside && exit 5").returncode == 5
    assert lab.leftovers() == "Nothing is left.\n"


@pytest.fixture
def sigint_ignored() -> Iterator[None]:
    """As in `make test &`, under some CI runners."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_session_that_is_ended_takes_its_room_along(lab: Lab, blow: signal.Signals) -> None:
    session = lab.start("session", "sh", "-c", "echo begun; sleep 1000", stdout=subprocess.PIPE)
    assert session.stdout
    assert session.stdout.readline() == b"begun\n"
    assert processes(lab)
    session.send_signal(blow)
    assert session.wait(30) != 0
    assert eventually(lambda: lab.leftovers() == "Nothing is left.\n")


@pytest.mark.usefixtures("sigint_ignored")
def test_a_session_ends_at_sigint_also_where_these_tests_ignore_it(lab: Lab) -> None:
    test_a_session_that_is_ended_takes_its_room_along(lab, signal.SIGINT)


@pytest.mark.parametrize("program", ["ssh-keygen", "ip"])  # one for the keeper, one for init
def test_a_failed_start_says_why_and_leaves_nothing(lab: Lab, program: str, tmp_path: Path) -> None:
    broken = tmp_path / program
    broken.write_text("#!/bin/sh\n[ $# = 0 ] || [ $2 = add ] || { echo out of order; exit 1; }\n")
    broken.chmod(0o755)
    failed = lab.call("up", env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.startswith(f"mailfleet-lab: Room {lab.room} did not come up:")
    assert failed.stderr.endswith("failed (1): out of order\n")
    assert lab.leftovers() == "Nothing is left.\n"


def test_a_room_ends_where_there_is_no_program_to_kill_with(lab: Lab, tmp_path: Path) -> None:
    """As on a machine without the package procps."""
    (tmp_path / "kill").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "kill").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    lab("up", env=path)
    lab("down", env=path, timeout=10)


def test_names_of_rooms_are_checked() -> None:
    argv = [sys.executable, str(LAB), "--room", "../x", "up"]
    failed = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "'../x'" in failed.stderr


def test_the_inotify_limit_is_raised_and_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "limit"
    monkeypatch.setattr(machine, "STATE", tmp_path / "state")
    monkeypatch.setattr(machine, "_INOTIFY", limit)
    monkeypatch.setattr(machine, "_INOTIFY_BEFORE", tmp_path / "state" / "before")
    for before, during, after in (("128\n", "8192", "128"), ("9000\n", "9000\n", "9000\n"), ("128\n", "5", "5")):
        limit.write_text(before)
        machine.raise_limits()
        machine.raise_limits()
        if during == "5":  # somebody else has set it since
            limit.write_text(during)
        assert limit.read_text() == during
        machine.put_back_limits(lambda: True)
        assert limit.read_text() == during
        machine.put_back_limits(lambda: False)
        assert limit.read_text().strip() == after.strip()
        assert not (tmp_path / "state").exists()
