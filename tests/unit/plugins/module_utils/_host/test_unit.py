# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit as unit_module
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit_jobs, unit_properties
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import (
    Master,
    Process,
    read_process,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl, find_service, unit_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    instance_in,
    instance_of,
    process_of,
)

MakeRoot = Callable[[Dict[str, str]], str]

UNIT = {
    "usr/lib/systemd/system/postfix.service": "[Service]\nExecStart=/usr/sbin/postfix start\n",
    "run/systemd/system/other.service": "",  # systemd runs where this directory is
}


DEFAULT = instance_of()
ELSEWHERE = instance_of("/srv/mail", "mail")


def test_the_unit_of_the_package(make_root: MakeRoot) -> None:
    root = make_root(UNIT)
    assert find_service(DEFAULT, root=root).unit == "postfix.service"
    assert find_service(ELSEWHERE, root=root).unit is None


def test_without_systemd_there_is_no_unit(make_root: MakeRoot) -> None:
    path = "usr/lib/systemd/system/postfix.service"
    assert find_service(DEFAULT, root=make_root({path: UNIT[path]})).unit is None


def test_a_masked_unit_is_recognised(make_root: MakeRoot) -> None:
    root = make_root(UNIT)
    service = find_service(DEFAULT, root=root)
    assert not service.is_masked(root)
    os.makedirs(f"{root}/etc/systemd/system")
    os.symlink("/dev/null", f"{root}/etc/systemd/system/postfix.service")
    assert service.is_masked(root)


def master_in(path: Path, cgroup: str) -> Master:
    (path / "proc/7").mkdir(parents=True)
    (path / "proc/7/cgroup").write_text(cgroup)
    return Master(process_of(7), "/var/spool/postfix", {}, "", str(path / "proc"))


@pytest.mark.parametrize(
    "cgroup, unit",
    [
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", "postfix@-.service"),
        ("0::/system.slice/postfix.service\n", "postfix.service"),
        ("9:name=systemd:/system.slice/postfix.service\n8:pids:/other.service\n", "postfix.service"),
        ("0::/machine.slice/pod.service/system.slice/postfix.service\n", "postfix.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", None),
        ("0::/\n", None),
    ],
)
def test_the_unit_that_a_master_runs_in(tmp_path: Path, cgroup: str, unit: Optional[str]) -> None:
    assert unit_of(master_in(tmp_path, cgroup)) == unit


@pytest.mark.parametrize(
    "running, text, unit",
    [
        ("mta.service", "[Service]\nExecStart=/usr/sbin/postfix -c /srv/mail start\n", "mta.service"),
        ("mta.service", "[Service]\nExecStart=/usr/sbin/postmulti -i mail -p start\n", "mta.service"),
        ("cron.service", "[Unit]\nAfter=postfix.service\n[Service]\nExecStart=/usr/sbin/cron -f\n", None),
    ],
)
def test_a_unit_of_the_administrator_s_own(
    make_root: MakeRoot, tmp_path: Path, running: str, text: str, unit: Optional[str]
) -> None:
    root = make_root({**UNIT, f"etc/systemd/system/{running}": text})
    master = master_in(tmp_path, f"0::/system.slice/{running}\n")
    assert find_service(ELSEWHERE, master, root).unit == unit


def test_a_unit_that_starts_all_instances_is_that_of_the_default_one(make_root: MakeRoot, tmp_path: Path) -> None:
    root, master = make_root(UNIT), master_in(tmp_path, "0::/system.slice/postfix.service\n")
    assert find_service(DEFAULT, master, root).unit == "postfix.service"
    assert find_service(ELSEWHERE, master, root).unit is None  # to stop it would stop all


class Ran:
    """What was run instead of commands, which end as they are told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: List[str] = []
        self.status: Dict[str, int] = {}
        self.packaged, self.quick = True, False
        monkeypatch.setattr(unit_module, "run", self._run)
        monkeypatch.setattr(unit_module, "before_start", lambda instance: ["/configure", instance.name])
        monkeypatch.setattr(unit_module, "is_as_packaged", lambda *_arguments: self.packaged)
        monkeypatch.setattr(unit_module, "is_quick", lambda unit: self.quick)
        monkeypatch.setattr(unit_module, "quicken", lambda unit, *_arguments: self.commands.append(f"quicken {unit}"))

    def _run(self, command: List[str], *_more: object) -> Outcome:
        self.commands.append(" ".join(command))
        return Outcome(self.commands[-1], self.status.get(command[0], 0), [])


@pytest.fixture(name="ran")
def _ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    return Ran(monkeypatch)


IN_UNIT = ServiceControl(DEFAULT, "postfix@-.service")
FORGET, CHECK = "systemctl reset-failed postfix@-.service", "/usr/sbin/postfix -c /etc/postfix check"


@pytest.mark.parametrize(
    "packaged, failing, commands",
    [
        (True, "", [FORGET, "/configure -", CHECK, "quicken postfix@-.service"]),
        (True, "/configure", [FORGET, "/configure -"]),
        (True, "/usr/sbin/postfix", [FORGET, "/configure -", CHECK]),
        (False, "", [FORGET, CHECK]),
    ],
)
def test_what_the_unit_runs_before_a_start_is_run_before_the_stop(
    ran: Ran, packaged: bool, failing: str, commands: List[str]
) -> None:
    ran.packaged, ran.status = packaged, {failing: 1}
    assert IN_UNIT.prepare(0.0).status == (1 if failing else 0)
    assert ran.commands == commands


def test_what_an_init_script_runs_before_a_start_is_run_before_the_stop(ran: Ran) -> None:
    ran.status = {"/configure": 1}  # which no init script minds
    assert ServiceControl(DEFAULT, None).prepare(0.0).status == 0
    assert ran.commands == ["/configure -", CHECK]


def test_systemd_is_told_to_forget_before_each_start_that_it_has_failed(ran: Ran) -> None:
    IN_UNIT.start(0.0)
    assert ran.commands == [FORGET, "systemctl start postfix@-.service"]


@pytest.mark.parametrize("quick", [True, False])
def test_a_start_leaves_the_check_out_that_was_made(ran: Ran, tmp_path: Path, quick: bool) -> None:
    """The file that tells postfix-script so is not needed where systemd starts the master itself."""
    marks: List[List[str]] = []
    instance, ran.quick = instance_in(tmp_path), quick
    run = unit_module.run

    def looking(*arguments: Any) -> Outcome:
        marks.append(os.listdir(instance.queue_directory))
        return run(*arguments)

    unit_module.run = looking  # type: ignore[assignment]  # the fixture puts it back
    ServiceControl(instance, "postfix.service").start(0.0, checked=True)
    assert ran.commands == ["systemctl start postfix.service"]
    assert marks == [[] if quick else ["quick-start"]]
    assert os.listdir(instance.queue_directory) == []


# A master by the shell: it ends upon SIGTERM, and has two children; one that is still the master's own program, with
# its handler of SIGTERM that hangs, and one that has become another program.
MASTER = """import os, signal, sys, time
os.setpgid(0, 0)
def end(number, frame):
    if os.getpid() == group:
        os._exit(0)
    time.sleep(60)
group = os.getpid()
signal.signal(signal.SIGTERM, end)
unborn = os.fork()
other = os.fork() if unborn else 0
if not unborn or not other:
    if not other and unborn:
        os.execvp("sleep", ["sleep", "60"])
    while True:
        time.sleep(60)
print(unborn, other, flush=True)
while True:
    time.sleep(60)
"""


def test_a_stop_ends_the_master_and_what_it_had_only_forked(ran: Ran, tmp_path: Path) -> None:
    script = tmp_path / "master"
    script.write_text(f"#!{sys.executable}\n{MASTER}")
    script.chmod(0o755)
    with subprocess.Popen([str(script)], stdout=subprocess.PIPE, universal_newlines=True) as process:
        assert process.stdout
        unborn, other = map(int, process.stdout.readline().split())
        try:
            running = read_process(process.pid)
            assert running
            assert running.name == "master"
            assert soon(lambda: getattr(read_process(other), "name", "") == "sleep")
            watched: List[bool] = []
            master = Master(running, str(tmp_path), {}, "")
            began = time.monotonic()
            outcomes = ServiceControl(DEFAULT, None).stop(master, began + 60, lambda: watched.append(True))
            assert [outcome.command for outcome in outcomes] == [f"kill -SIGTERM {process.pid}"]
            assert watched
            assert not master.is_alive()
            assert soon(lambda: read_process(unborn) is None)
            assert read_process(other) is not None
            assert ran.commands == []
        finally:
            for pid in (unborn, other):
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()


def soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("own", [True, False])
def test_the_pause_of_postfix_script_is_ended_and_that_of_no_other(tmp_path: Path, own: bool) -> None:
    """As it stands in postfix-script(1): a look at the master, and a sleep before the next one."""
    instance = instance_in(tmp_path)
    script = tmp_path / "postfix-script"
    script.write_text("#!/bin/sh\nfor i in 1 2; do test -e done && exit 0; sleep 60; done\n")
    script.chmod(0o755)
    environment = {**os.environ, "MAIL_CONFIG": instance.config_directory if own else "/etc"}
    with subprocess.Popen([str(script)], env=environment, cwd=tmp_path) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        # Until it is a sleep: before that it is a shell, which nobody ends.
        assert soon(
            lambda: [getattr(read_process(int(pid)), "name", "") for pid in children.read_text().split()] == ["sleep"]
        )
        (sleep,) = map(int, children.read_text().split())
        (tmp_path / "done").touch()
        unit_module._end_pause(instance)
        if own:
            assert process.wait(60) == 0
        else:
            assert process.poll() is None
            os.kill(sleep, signal.SIGTERM)


@pytest.mark.parametrize(
    "said, forbidden",
    [
        ("", None),
        ("AF_INET AF_INET6 AF_UNIX", None),
        ("AF_INET AF_UNIX", "AF_INET6"),
        ("~AF_INET6 AF_PACKET", "AF_INET6"),
        ("~AF_PACKET", None),
        ("none", "AF_INET6"),
    ],
)
def test_a_family_that_the_unit_forbids(monkeypatch: pytest.MonkeyPatch, said: str, forbidden: Optional[str]) -> None:
    outcome = Outcome("", 0, [f"RestrictAddressFamilies={said}"])
    monkeypatch.setattr(unit_properties, "run", lambda command, deadline: outcome)
    assert ServiceControl(DEFAULT, "postfix.service").forbids("ipv6", 0.0) == forbidden
    assert ServiceControl(DEFAULT, None).forbids("ipv6", 0.0) is None


@pytest.mark.parametrize("booted", [True, False], ids=["systemd", "no-systemd"])
@pytest.mark.parametrize("there", [True, False], ids=["systemd-run", "no-systemd-run"])
def test_what_has_no_unit_is_started_in_a_scope(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, booted: bool, there: bool
) -> None:
    commands: List[List[str]] = []

    def run(command: List[str], deadline: float, watch: Any = None) -> Outcome:
        commands.append(command)
        return Outcome("", 0 if there or command[0] != "systemd-run" else 127, [])

    monkeypatch.setattr(unit_module, "run", run)
    monkeypatch.setattr(unit_module, "_BOOTED", str(tmp_path if booted else tmp_path / "none"))
    ServiceControl(DEFAULT, None).start(0.0)
    plain = [DEFAULT.postfix, "-c", DEFAULT.config_directory, "start"]
    assert [command[-4:] for command in commands] == [plain] * (2 if booted and not there else 1)
    assert (commands[0][0] == "systemd-run") == booted
    assert commands[-1] == plain or commands[-1][:3] == ["systemd-run", "--quiet", "--scope"]


class Supervised:
    """What supervises an instance; it leaves one down that it has stopped itself, or does not."""

    def __init__(self, leaves_down: bool) -> None:
        self.down, self.asked = leaves_down, []  # type: bool, List[str]

    def stop(self, deadline: float, watch: object) -> Outcome:
        self.asked.append("stop")
        return Outcome("sv stop", 0, [])

    def start(self, deadline: float, watch: object) -> Outcome:
        self.asked.append("start")
        return Outcome("sv start", 0, [])

    def leaves_down(self, outcome: Outcome) -> bool:
        return self.down


@pytest.mark.parametrize(
    "service, in_unit, gone_after, commands",
    [
        (IN_UNIT, True, 1, ["systemctl stop --job-mode=ignore-requirements postfix@-.service"]),
        (IN_UNIT, False, 1, ["SIGTERM", "systemctl stop --job-mode=ignore-requirements postfix@-.service"]),
        (ServiceControl(DEFAULT, None), False, 1, ["SIGTERM"]),
        (ServiceControl(DEFAULT, None), False, 2, ["SIGTERM", "SIGKILL"]),
        (ServiceControl(DEFAULT, None), False, 3, ["SIGTERM", "SIGKILL"]),  # whoever asks finds it alive
        (ServiceControl(DEFAULT, None, Supervised(True)), False, 1, ["sv stop"]),  # type: ignore[arg-type]
        (ServiceControl(DEFAULT, None, Supervised(True)), False, 2, ["sv stop", "SIGTERM"]),  # type: ignore[arg-type]
        (ServiceControl(DEFAULT, None, Supervised(False)), False, 9, ["sv stop"]),  # type: ignore[arg-type]
    ],
)
def test_how_a_master_is_stopped(
    ran: Ran,
    monkeypatch: pytest.MonkeyPatch,
    service: ServiceControl,
    in_unit: bool,
    gone_after: int,
    commands: List[str],
) -> None:
    monkeypatch.setattr(unit_module, "unit_of", lambda master: service.unit if in_unit else None)
    monkeypatch.setattr(unit_module, "_is_gone", lambda master, tried, patient=True: len(tried) >= gone_after)
    monkeypatch.setattr(unit_module, "_signal", lambda master, number: Outcome(number.name, 0, []))
    monkeypatch.setattr(unit_module, "_end_pause", lambda instance: None)
    monkeypatch.setattr(unit_module, "_end_unborn", lambda master: None)
    master = Master(Process(320, "master", 1, 1), "/q", {}, "boot", "/nowhere")
    tried = service._stop(master, 0.0, lambda: None)
    assert [outcome.command for outcome in tried] == commands


def test_what_supervises_an_instance_starts_it(ran: Ran) -> None:
    supervisor = Supervised(True)
    assert ServiceControl(DEFAULT, None, supervisor).start(0.0).command == "sv start"  # type: ignore[arg-type]
    assert supervisor.asked == ["start"]
    assert ran.commands == ["/configure -"]


def test_a_command_of_systemd_that_was_ended_is_explained(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_jobs, "finished", lambda unit, outcome, least, watch: outcome._replace(command="waited"))
    monkeypatch.setattr(unit_jobs, "explained", lambda unit, outcome: outcome._replace(command="explained"))
    monkeypatch.setattr(unit_module, "run", lambda command, *_more: Outcome("systemctl", None, []))
    assert ServiceControl._start_unit("x.service", 0.0, lambda: None).command == "waited"
    assert ServiceControl._stop_unit("x.service", 0.0).command == "explained"
