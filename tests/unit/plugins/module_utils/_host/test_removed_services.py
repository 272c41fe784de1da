# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes of a master are ended after a reload; that it works, tests/integration/test_actions.py shows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import removed_services
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, Process

KEPT = ("smtp", "inet")
ALL, NO_KILL = "000001ffffffffff", "00000000000404c7"


class Proc:
    """A /proc with a master that has one pipe to the processes of the services that it has kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = Master(Process(100, "master", 1, 1), "/q", {}, "boot", str(path))
        self._directory(100, "")
        (path / "100" / "task" / "100").mkdir(parents=True)
        os.symlink("pipe:[1]", path / "100" / "fd" / "9")
        self.ended: List[int] = []

    def _directory(self, pid: int, command: str) -> None:
        directory = self.path / str(pid)
        (directory / "fd").mkdir(parents=True)
        (directory / "cmdline").write_text(command.replace(" ", "\0") + "\0")
        name, parent = (command.split() or ["master"])[0], 100 if command else 1
        (directory / "stat").write_text(f"{pid} ({name}) S {parent} " + " ".join(["0"] * 17) + " 1 0")

    def may_kill(self, capabilities: str) -> None:
        (self.path / "100" / "status").write_text(f"Name:\tmaster\nCapEff:\t{capabilities}\n")

    def start(self, pid: int, command: str, pipe: str = "pipe:[2]") -> Process:
        self._directory(pid, command)
        os.symlink(pipe, self.path / str(pid) / "fd" / "5")
        self._list()
        return Process(pid, command.split()[0], 100, 1)

    def end(self, pid: int, number: int) -> None:
        self.ended.append(pid)
        (self.path / str(pid) / "stat").unlink()
        self._list()

    def _list(self) -> None:
        running = [each.parent.name for each in self.path.glob("*/stat") if each.parent.name != "100"]
        (self.path / "100" / "task" / "100" / "children").write_text(" ".join(running))


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    made = Proc(tmp_path)
    monkeypatch.setattr(os, "kill", made.end)
    made.may_kill(NO_KILL)
    return made


def soon() -> float:
    return time.monotonic() + 0.1


@pytest.mark.parametrize(
    "command, service",
    [
        ("smtpd -n smtp -t inet -u -c -o stress= -s 2", ("smtp", "inet")),
        ("qmgr -l -t unix -u", ("qmgr", "unix")),
        ("smtp -n out1 -t unix -u -o smtp_bind_address=192.0.2.1", ("out1", "unix")),
        ("cat", None),
    ],
)
def test_the_service_of_a_process(proc: Proc, command: str, service: Tuple[str, str]) -> None:
    assert removed_services.service_of(proc.start(7, command), proc.master) == service


def test_what_has_ended_serves_nothing(proc: Proc) -> None:
    assert removed_services.service_of(Process(8, "smtpd", 100, 1), proc.master) is None


def test_processes_of_services_that_are_gone_are_ended(proc: Proc) -> None:
    proc.start(7, "smtpd -n smtp -t inet -u")
    proc.start(8, "smtpd -n 2525 -t inet -u")
    proc.start(9, "smtp -n smtp -t unix -u")
    removed_services.end_removed(proc.master, [KEPT], time.monotonic() + 10)
    assert sorted(proc.ended) == [8, 9]


def test_a_process_that_the_master_has_not_given_up_is_left_alone(proc: Proc) -> None:
    proc.start(8, "smtpd -n 2525 -t inet -u", pipe="pipe:[1]")
    removed_services.end_removed(proc.master, [KEPT], soon())
    assert not proc.ended


def test_a_master_that_may_end_them_does_it_itself(proc: Proc) -> None:
    proc.may_kill(ALL)
    proc.start(8, "smtpd -n 2525 -t inet -u")
    removed_services.end_removed(proc.master, [KEPT], soon())
    assert not proc.ended
