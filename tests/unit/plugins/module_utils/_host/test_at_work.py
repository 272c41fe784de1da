# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server is slow and which is broken, with real processes that have a listening socket, as a master's have."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.banner import Answer, Endpoint, ask
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, read_process

pytestmark = pytest.mark.duration

#: A server by what it does with its listening socket.
SERVER = f"""#!{sys.executable} -S
import socket, sys, time
listener = socket.socket(fileno=int(sys.argv[1]))
asks = socket.socket(type=socket.SOCK_DGRAM)
kept = []
print("begun", flush=True)
if sys.argv[2] == "idle":
    time.sleep(60)
kept.append(listener.accept())
if sys.argv[2] == "dies":
    time.sleep(1)
    sys.exit(1)
asks.connect(("127.0.0.9", 53))
time.sleep(60)
"""


class Service:
    """A listening socket, and a process for it that is a child of this one, which stands for the master."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(10)
        self.at = Socket(*self.listener.getsockname(), "ipv4")
        self.program = path / "smtpd"
        self.program.write_text(SERVER)
        self.program.chmod(0o755)
        self.processes: List["subprocess.Popen[bytes]"] = []

    def start(self, kind: str) -> int:
        number = self.listener.fileno()
        command = [str(self.program), str(number), kind]
        process = subprocess.Popen(command, pass_fds=[number], stdout=subprocess.PIPE)
        self.processes.append(process)
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        return process.pid

    @property
    def master(self) -> Master:
        own = read_process(os.getpid())
        assert own
        return Master(own, "/", {str(os.fstat(self.listener.fileno()).st_ino): self.at}, "")

    def answer(self) -> Answer:
        return ask([Endpoint(self.at, "smtpd")], self.master, time.monotonic() + 3)[self.at]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()
        self.listener.close()


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.end()


def test_one_that_has_the_client_and_lives_is_slow(service: Service) -> None:
    pid = service.start("waits")
    answer = service.answer()
    assert answer.slow
    assert answer.problem
    assert answer.problem.startswith("has not answered within ")
    waits = "has the connection, and waits for an answer of the name server 127.0.0.9"
    assert answer.problem.endswith(f": smtpd (process {pid}) {waits}")


def test_all_that_have_other_clients_are_slow(service: Service) -> None:
    service.start("waits")
    with socket.create_connection(service.at[:2]):
        time.sleep(0.3)
        answer = service.answer()
    assert answer.slow
    assert answer.problem
    assert "all 1 processes of smtpd have other clients, and one waits for an answer of the name serv" in answer.problem


@pytest.mark.parametrize("kind", ["idle", "dies"])
def test_one_that_does_not_hear_or_dies_is_broken(service: Service, kind: str) -> None:
    service.start(kind)
    problem = "does not answer" if kind == "idle" else "ends the connection without a banner"
    assert service.answer() == Answer(problem=problem)


def test_a_service_without_a_process_is_not_waited_for_although_another_one_has_one(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Service(tmp_path / "other")
    other.start("idle")
    began = time.monotonic()
    try:
        found = ask([Endpoint(service.at, "smtpd")], service.master, time.monotonic() + 60)
    finally:
        other.end()
    assert found == {service.at: Answer(problem="does not answer")}
    assert time.monotonic() - began < 20


def test_where_no_file_is_left_nothing_is_said(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: object) -> Callable[..., None]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket, "socket", forbidden)
    assert service.answer() == Answer()
