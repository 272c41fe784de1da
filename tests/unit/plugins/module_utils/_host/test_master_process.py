# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import (
    Master,
    Process,
    all_listening_sockets,
    find_master,
    listening_sockets,
    owners,
    read_process,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_in, write_stat

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000000000000000 100
   1: 0100007F:0019 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 112 1 0000000000000000 100
   2: 0200000A:09DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 113 1 0000000000000000 100
   3: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 999 1 0000000000000000 100
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 114 1
   1: B80D0120000000000000000001000000:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0 0 0 0 115 1
"""


class FakeProc:
    """A /proc with what the tests put into it, in the layout of proc(5)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("sys/kernel/random/boot_id", "d9f1\n")

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def process(self, pid: int, name: str, parent: int = 1, ticks: int = 500, state: str = "S") -> None:
        write_stat(self.path, pid, name, parent, ticks, state)

    def master(self, pid: int, cwd: str, **environment: str) -> None:
        self.process(pid, "master")
        self.write(f"{pid}/environ", "".join(f"{name}={value}\0" for name, value in environment.items()))
        self.write(f"{pid}/net/tcp", TCP)
        self.write(f"{pid}/net/tcp6", TCP6)
        base = self.path / str(pid)
        base.joinpath("cwd").symlink_to(cwd)
        base.joinpath("root").symlink_to("/")
        base.joinpath("fd").mkdir()
        targets = [
            "/dev/null",
            "socket:[111]",
            "socket:[113]",
            "socket:[115]",
            "socket:[112]",
            "pipe:[111]",
            "socket:[7]",
        ]
        for number, target in enumerate(targets):
            base.joinpath("fd", str(number)).symlink_to(target)


@pytest.fixture(name="proc")
def _proc(tmp_path: Path) -> FakeProc:
    return FakeProc(tmp_path / "proc")


def pid_file(found: Instance, text: str) -> None:
    os.makedirs(f"{found.queue_directory}/pid")
    Path(found.queue_directory, "pid", "master.pid").write_text(text)


def test_the_master_that_the_pid_file_names(tmp_path: Path, proc: FakeProc) -> None:
    found = instance_in(tmp_path)
    pid_file(found, "                             320\n")
    proc.master(320, found.queue_directory, MAIL_CONFIG=found.config_directory)
    master = find_master(found, str(proc.path))
    assert master is not None
    assert master.process == Process(320, "master", 1, 500)
    assert master.queue_directory == found.queue_directory
    assert master.identity == "d9f1/320/500"
    # 10.0.0.2 and the IPv6 address read as the kernel prints them; not port 22, which is somebody else's
    assert master.sockets == {
        Socket("127.0.0.1", 25, "ipv4"),
        Socket("10.0.0.2", 2525, "ipv4"),
        Socket("2001:db8::1", 25, "ipv6"),
    }
    assert master.is_alive()


@pytest.mark.parametrize("text", ["", "garbage\n", "77777\n", None])
def test_a_pid_file_that_is_wrong_does_not_hide_a_master(tmp_path: Path, proc: FakeProc, text: str) -> None:
    found = instance_in(tmp_path)
    if text is not None:
        pid_file(found, text)
    proc.process(5, "bash")
    proc.master(320, found.queue_directory, MAIL_CONFIG=found.config_directory)
    master = find_master(found, str(proc.path))
    assert master is not None
    assert master.process.pid == 320


def other_directory(found: Instance, proc: FakeProc) -> None:
    proc.master(320, found.queue_directory, MAIL_CONFIG="/etc")


def no_directory(found: Instance, proc: FakeProc) -> None:
    proc.master(320, found.config_directory)


def other_program(found: Instance, proc: FakeProc) -> None:
    proc.master(320, found.queue_directory, MAIL_CONFIG=found.config_directory)
    proc.process(320, "mistress (master)")


def ended(found: Instance, proc: FakeProc) -> None:
    proc.master(320, found.queue_directory, MAIL_CONFIG=found.config_directory)
    proc.process(320, "master", state="Z")


def container(found: Instance, proc: FakeProc) -> None:
    """The same environment, but another root, as a container's master looks from its host."""
    proc.master(320, found.queue_directory, MAIL_CONFIG=found.config_directory)
    (proc.path / "320" / "root").unlink()
    (proc.path / "320" / "root").symlink_to(proc.path)


@pytest.mark.parametrize("arrange", [other_directory, no_directory, other_program, ended, container])
def test_a_process_that_is_not_this_instance_s_master(
    tmp_path: Path, proc: FakeProc, arrange: Callable[[Instance, FakeProc], None]
) -> None:
    found = instance_in(tmp_path)
    pid_file(found, "320\n")
    arrange(found, proc)
    assert find_master(found, str(proc.path)) is None


def test_a_master_without_mail_config_is_known_by_where_it_works(tmp_path: Path, proc: FakeProc) -> None:
    found = instance_in(tmp_path)
    proc.master(320, found.queue_directory, PATH="/bin")
    assert find_master(found, str(proc.path)) is not None


def test_a_master_that_works_in_another_queue_directory_is_found(tmp_path: Path, proc: FakeProc) -> None:
    found = instance_in(tmp_path)
    proc.master(320, str(tmp_path), MAIL_CONFIG=found.config_directory)
    master = find_master(found, str(proc.path))
    assert master is not None
    assert master.queue_directory == str(tmp_path)


@pytest.mark.parametrize("listed", [True, False])
def test_the_older_of_qmgr_and_pickup_tells_when_the_files_were_read(proc: FakeProc, listed: bool) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    proc.process(320, "master", ticks=100)
    proc.process(321, "qmgr", parent=320, ticks=100 + 7 * ticks)
    proc.process(322, "pickup", parent=320, ticks=100 + 5 * ticks)
    proc.process(323, "smtpd", parent=320, ticks=100 + 1 * ticks)
    proc.process(324, "qmgr", parent=1, ticks=100)
    if listed:
        proc.write("320/task/320/children", "321 322 323 ")
    process = read_process(320, str(proc.path))
    assert process is not None
    master = Master(process, "/", {}, "", str(proc.path))
    assert sorted(child.pid for child in master.children()) == [321, 322, 323]
    assert master.last_read() - process.started == pytest.approx(5, abs=0.9)


def test_without_such_children_the_master_s_own_start_tells(proc: FakeProc) -> None:
    proc.process(320, "master")
    process = read_process(320, str(proc.path))
    assert process is not None
    assert Master(process, "/", {}, "", str(proc.path)).last_read() == pytest.approx(process.started, abs=0.9)


def test_what_else_the_master_shows(tmp_path: Path, proc: FakeProc) -> None:
    proc.process(320, "master")
    process = read_process(320, str(proc.path))
    assert process is not None
    master = Master(process, str(tmp_path), {}, "", str(proc.path))
    assert (master.data_directory(), master.environment(), master.clock_was_set()) == (None, None, False)
    (proc.path / "320/fd").mkdir()
    (proc.path / "320/fd/9").symlink_to("/var/spool/postfix/pid/master.pid")
    assert master.data_directory() is None
    (proc.path / "320/fd/10").symlink_to("/var/lib/postfix/master.lock")
    assert master.data_directory() == "/var/lib/postfix"
    proc.process(321, "pickup", parent=320)
    proc.process(322, "smtpd", parent=320)
    proc.write("322/environ", "LANG=de\0")
    assert master.environment() is None
    proc.write("321/environ", "LANG=C\0MAIL_CONFIG=/etc/postfix\0odd\0")
    assert master.environment() == {"LANG": "C", "MAIL_CONFIG": "/etc/postfix"}


@pytest.mark.parametrize("later, was_set", [(0.01, False), (60, False), (-0.01, False), (-2, True), (-86400, True)])
def test_a_pid_file_that_seems_to_be_older_than_its_master_shows_that_the_clock_was_set(
    tmp_path: Path, later: float, was_set: bool
) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            process = read_process(child.pid)
            assert process is not None
            (tmp_path / "pid").mkdir()
            (tmp_path / "pid/master.pid").write_text("1\n")
            then = process.started + later
            os.utime(tmp_path / "pid/master.pid", (then, then))
            assert Master(process, str(tmp_path), {}, "").clock_was_set() == was_set
        finally:
            child.kill()


# Real processes ----------------------------------------------------------------------------------------------------


def test_the_start_of_a_real_process() -> None:
    before = time.time()
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            found = read_process(process.pid)
            assert found is not None
            assert found.parent == os.getpid()
            assert before - 0.1 <= found.started <= time.time() + 0.1
        finally:
            process.kill()
    assert read_process(process.pid) is None


def test_the_sockets_of_a_real_process() -> None:
    with socket.socket() as listening, socket.socket() as bound:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        bound.bind(("127.0.0.1", 0))
        inode = str(os.fstat(listening.fileno()).st_ino)
        at = Socket(*listening.getsockname(), "ipv4")
        assert listening_sockets(os.getpid()) == {inode: at}
        assert all_listening_sockets()[inode] == at
        assert os.getpid() in [process.pid for process in owners(inode)]


@pytest.fixture(name="start_master")
def _start_master(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a program that is called master, and listens."""
    script = tmp_path / "master"
    script.write_text(
        f"#!{sys.executable}\n"
        "import socket, time\n"
        "s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\n"
        "print(s.getsockname()[1], flush=True)\ntime.sleep(60)\n"
    )
    script.chmod(0o755)
    started: List["subprocess.Popen[str]"] = []

    def start(cwd: str, environment: Dict[str, str]) -> "subprocess.Popen[str]":
        options: Dict[str, Any] = {"cwd": cwd, "env": {**os.environ, **environment}, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen([str(script)], universal_newlines=True, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_real_process(tmp_path: Path, start_master: Callable[..., "subprocess.Popen[str]"]) -> None:
    found = instance_in(tmp_path)
    assert find_master(found) is None
    process = start_master(found.queue_directory, {"MAIL_CONFIG": found.config_directory})
    assert process.stdout is not None
    port = int(process.stdout.readline())
    master = find_master(found)
    assert master is not None
    assert master.process.pid == process.pid
    assert master.sockets == {Socket("127.0.0.1", port, "ipv4")}
    process.kill()
    process.wait()
    assert not master.is_alive()
    assert find_master(found) is None
