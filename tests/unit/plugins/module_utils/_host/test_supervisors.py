# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs a master, from what /proc says; integration/test_supervisors.py has the real ones."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import (
    openrc,
    supervised_directories,
    supervisord,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import COMM, Master, read_process
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.openrc import OpenRC
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.supervised_directories import S6, Runit
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.supervisor import Supervisor, runs
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.supervisord import Supervisord
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.supervisors import SUPERVISORS, find_supervisor
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of, write_stat

DEFAULT = instance_of()
OUT = instance_of("/etc/postfix.out", "postfix-out")
RUN = "#!/bin/sh\nexec postfix start-fg\n"
GENTOO = "#!/sbin/openrc-run\nstart() { postfix -c $directory start; }\n"
STATUS = """\
cron                             RUNNING   pid 5, uptime 0:01:00
mail:postfix                     RUNNING   pid 12, uptime 0:01:00
web                              FATAL     Exited too quickly
"""


class System:
    """A system by its /proc, where the master has the number 20."""

    def __init__(self, path: Path) -> None:
        self.path, self.proc = path, path / "proc"
        self.said: Dict[str, Tuple[Optional[int], str]] = {}
        self.ran: List[str] = []

    def process(self, pid: int, parent: int, *command: str, directory: str = "", cgroup: str = "0::/\n") -> None:
        name = os.path.basename(command[1] if command[0].startswith("python") else command[0])
        write_stat(self.proc, pid, name[:COMM], parent)
        here = self.proc / str(pid)
        (here / "cmdline").write_text("\0".join(command) + "\0")
        (here / "cgroup").write_text(cgroup)
        if directory:
            (here / "cwd").symlink_to(self.path / directory)

    def file(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def find(self, instance: Instance = DEFAULT) -> Optional[Supervisor]:
        process = read_process(20, str(self.proc))
        master = Master(process, "/var/spool/postfix", {}, "", str(self.proc)) if process else None
        return find_supervisor(instance, master, str(self.proc), str(self.path))

    def run(self, command: List[str], *_more: Any) -> Outcome:
        self.ran.append(" ".join(command))
        status, said = self.said.get(command[-1], (0, ""))
        return Outcome(self.ran[-1], status, said.splitlines())


@pytest.fixture(name="system")
def _system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    system = System(tmp_path)
    for module in (openrc, supervised_directories, supervisord):
        monkeypatch.setattr(module, "run", system.run)
    monkeypatch.setattr(Supervisor, "_works", lambda _self: True)
    return system


def described(found: Optional[Supervisor]) -> Optional[str]:
    return f"{found.kind} {os.path.basename(found.service)}".strip() if found else None


@pytest.mark.parametrize("kind, program", [("runit", "runsv"), ("s6", "s6-supervise")])
def test_the_directory_of_the_service(system: System, kind: str, program: str) -> None:
    system.file("sv/mail/run", "#!/bin/sh\nexec /usr/local/bin/start-mail\n")
    system.process(1, 0, "init")
    system.process(5, 1, program, "mail", directory="sv/mail")
    system.process(20, 5, "/usr/libexec/postfix/master", "-d")
    assert described(system.find()) == f"{kind} mail"
    system.process(20, 7, "/usr/libexec/postfix/master", "-s")
    system.process(7, 5, "/bin/sh", "/usr/libexec/postfix/postfix-script", "start-fg")
    assert system.find() is None  # the script says nothing of Postfix, and the shell may be anybody's
    system.file("sv/mail/run", RUN)
    assert described(system.find()) == f"{kind} mail"


@pytest.mark.parametrize("running", [True, False])
def test_a_service_whose_master_was_left_alone_or_is_down(system: System, running: bool) -> None:
    system.file("sv/ssh/run", "#!/bin/sh\nexec sshd -D\n")
    system.file("sv/mail/run", RUN)
    system.process(1, 0, "runsvdir", "/sv")
    system.process(4, 1, "runsv", "ssh", directory="sv/ssh")
    system.process(5, 1, "runsv", "mail", directory="sv/mail")
    if running:
        system.process(20, 1, "/usr/libexec/postfix/master", "-s")
    assert described(system.find()) == "runit mail"
    assert system.find(OUT) is None


@pytest.mark.parametrize(
    "status, service", [((0, STATUS), "mail:postfix"), ((0, ""), None), ((4, ""), ""), ((None, ""), None)]
)
def test_a_program_of_supervisord_by_its_process(
    system: System, status: Tuple[Optional[int], str], service: Optional[str]
) -> None:
    system.said = {"status": status, "pid": (status[0], "")}
    system.process(1, 0, "/usr/bin/python3", "/opt/bin/supervisord", "-c", "mail.conf", directory="srv")
    system.process(12, 1, "/bin/sh", "/usr/libexec/postfix/postfix-script", "start-fg")
    system.process(20, 12, "/usr/libexec/postfix/master", "-s")
    found = system.find()
    assert (found and found.service) == service
    assert system.ran[0] == f"/opt/bin/supervisorctl -c {system.path}/srv/mail.conf status"
    assert not found or bool(found.forbids()) == (service == "")


def test_a_program_of_supervisord_by_its_configuration(system: System) -> None:
    system.process(1, 0, "/usr/bin/python3", "/usr/bin/supervisord", "-n")
    system.file("etc/supervisor/supervisord.conf", "[include]\nfiles = conf.d/*.conf\n")
    system.file(
        "etc/supervisor/conf.d/mail.conf",
        "[program:in]\ncommand=postfix start-fg ; %(x)s\n[program:web]\ncommand=nginx\n"
        "[program:out]\ncommand=postfix -c /etc/postfix.out start-fg\n[group:mail]\nprograms=in, out\n",
    )
    assert described(system.find()) == "supervisord mail:in"
    assert described(system.find(OUT)) == "supervisord mail:out"
    assert system.find(instance_of("/srv/mail", "mail")) is None


@pytest.mark.parametrize(
    "cgroup, service",
    [
        ("0::/openrc.mta\n", "mta"),
        ("0::/openrc/mta\n", "postfix"),
        ("3:name=openrc:/mta\n0::/\n", "mta"),
        ("0::/openrc.sshd\n", "postfix"),  # started by hand: its init script brings it back
        ("0::/\n", "postfix"),
    ],
)
def test_a_service_of_openrc(system: System, cgroup: str, service: str) -> None:
    for name, text in (("mta", GENTOO), ("postfix", GENTOO), ("sshd", "#!/sbin/openrc-run\ncommand=sshd\n")):
        system.file(f"etc/init.d/{name}", text)
    system.process(1, 0, "init")
    system.process(20, 1, "/usr/libexec/postfix/master", "-w", cgroup=cgroup)
    assert system.find() is None  # it is installed, but has not started this system
    system.file("run/openrc/softlevel", "default")
    assert described(system.find()) == f"openrc {service}"
    assert described(system.find(OUT)) == (f"openrc {service}" if service == "mta" else None)
    system.file("etc/init.d/postfix", "#!/bin/sh -e\npostfix start\n")  # it keeps no account of these
    assert described(system.find()) == (f"openrc {service}" if service == "mta" else None)


@pytest.mark.parametrize(
    "first, below, command, container",
    [
        ("/usr/libexec/postfix/master -i", "", "", True),
        ("tini -- postfix start-fg", "/bin/sh postfix-script start-fg", "-s", True),
        ("/bin/sh /entry.sh", "/bin/sh postfix-script start-fg", "-s", True),
        ("/bin/sh /entry.sh", "", "-w", False),  # it sleeps behind postfix start
        ("tini -- /entry.sh", "", "-w", False),
        ("systemd", "", "-s", False),
        ("init", "bash", "-s", False),
        ("entry.py", "/bin/sh postfix-script start-fg", "-s", True),
        ("tini -- /entry.sh", "", "-s", False),  # what has started it has ended
        ("agent", "/usr/bin/session", "-s", False),  # somebody has started it by hand
    ],
)
def test_a_container(system: System, first: str, below: str, command: str, container: bool) -> None:
    if not command:
        system.process(20, 0, *first.split())  # the number stands for 1 below
        (system.proc / "20").rename(system.proc / "1")
        process = read_process(1, str(system.proc))
    else:
        system.process(1, 0, *first.split())
        if below:
            system.process(9, 1, *below.split())
        system.process(20, 9 if below else 1, "/usr/libexec/postfix/master", command)
        process = read_process(20, str(system.proc))
    assert process
    if not command:
        process = process._replace(pid=1)
    master = Master(process, "/var/spool/postfix", {}, "", str(system.proc))
    found = find_supervisor(DEFAULT, master, str(system.proc), str(system.path))
    assert described(found) == ("container" if container else None)
    assert not found or "Restart the container" in str(found.forbids())


@pytest.mark.parametrize("same", [True, False])
def test_what_a_container_was_started_for_writes_where_the_container_does(system: System, same: bool) -> None:
    system.process(1, 0, "launcher")
    system.process(9, 1, "worker")
    system.process(20, 9, "/usr/libexec/postfix/master", "-s")
    for pid, name in ((1, "log"), (20, "log" if same else "terminal")):
        (system.path / name).touch()
        (system.proc / str(pid) / "fd").mkdir()
        (system.proc / str(pid) / "fd/1").symlink_to(system.path / name)
    assert described(system.find()) == ("container" if same else None)


def test_a_terminal_in_a_container_is_not_what_it_was_started_for(system: System) -> None:
    """What podman exec starts has no parent there."""
    system.process(1, 0, "sleep", "infinity")
    system.process(9, 0, "bash")
    system.process(20, 9, "/usr/libexec/postfix/master", "-s")
    assert system.find() is None


@pytest.mark.parametrize(
    "text, instance, expected",
    [
        (RUN, DEFAULT, True),
        (RUN, OUT, False),
        ("exec postfix -c /etc/postfix.out start-fg", OUT, True),
        ("exec postfix -c/etc/postfix.out start-fg", DEFAULT, False),
        ("MAIL_CONFIG=/etc/postfix.out exec /usr/lib/postfix/sbin/master -d", OUT, True),
        ("exec postmulti -i postfix-out -p start-fg", OUT, True),
        ("exec postmulti -i postfix-out -p start-fg", DEFAULT, False),
        ("# postfix has a service of its own\nexec sshd -D", DEFAULT, False),
        ("exec postfixadmin", DEFAULT, False),
        ("", DEFAULT, False),
    ],
)
def test_what_a_script_runs(text: str, instance: Instance, expected: bool) -> None:
    assert runs(text, instance) is expected


COMMANDS: List[Tuple[Callable[[], Supervisor], str, str]] = [
    (lambda: Runit(DEFAULT, "/sv/mail"), "sv -w 5 stop /sv/mail", "sv -w 5 start /sv/mail"),
    (lambda: S6(DEFAULT, "/sv/mail"), "s6-svc -T 5000 -wd -d /sv/mail", "s6-svc -T 5000 -wu -u /sv/mail"),
    (lambda: Supervisord(DEFAULT, "mail"), "supervisorctl stop mail", "supervisorctl start mail"),
    (lambda: OpenRC(DEFAULT, "mail"), "rc-service mail --nodeps stop", "rc-service mail start"),
]


@pytest.mark.parametrize("make, stop, start", COMMANDS)
def test_the_commands(system: System, make: Callable[[], Supervisor], stop: str, start: str) -> None:
    supervisor = make()
    assert supervisor.stop(0.0, lambda: None).status == 0
    assert supervisor.start(0.0, lambda: None).status == 0
    assert system.ran == [stop, start]


@pytest.mark.parametrize(
    "make, status, said, left",
    [
        (COMMANDS[0][0], 1, "timeout: run: mail: (pid 5) 9s, want down", True),
        (COMMANDS[0][0], 1, "fail: mail: runsv not running", False),
        (COMMANDS[1][0], 99, "", True),
        (COMMANDS[1][0], 100, "s6-svc: fatal: unable to control", False),
        (COMMANDS[2][0], 7, "mail: ERROR (not running)", True),
        (COMMANDS[2][0], 4, "unix:///run/supervisor.sock no such file", False),
        (COMMANDS[3][0], 1, "", True),  # which starts nothing again
    ],
)
def test_whether_a_signal_may_follow(make: Callable[[], Supervisor], status: int, said: str, left: bool) -> None:
    assert make().leaves_down(Outcome("", status, [said])) is left


def test_no_signal_is_sent_to_what_would_be_started_again(system: System) -> None:
    """The master of this test is this process."""
    process = read_process(os.getpid())
    assert process
    system.said["/sv/mail"] = (1, "fail: mail: runsv not running")
    control = ServiceControl(DEFAULT, None, Runit(DEFAULT, "/sv/mail"))
    outcomes = control.stop(Master(process, "/", {}, ""), 0.0)
    assert [outcome.command for outcome in outcomes] == ["sv -w 5 stop /sv/mail"]


def test_supervisord_is_told_anew_while_it_pauses_between_attempts(system: System) -> None:
    system.said["mail"] = (1, "mail: ERROR (already started)")
    Supervisord(DEFAULT, "mail").begin(0.0, lambda: None)
    assert system.ran == [f"supervisorctl {action} mail" for action in ("start", "stop", "start")]


def test_each_kind_has_a_name_of_its_own() -> None:
    assert len({kind.kind for kind in SUPERVISORS}) == len(SUPERVISORS)
    assert all(kind.kind and kind.watchers for kind in SUPERVISORS)


def test_a_start_is_over_when_what_was_to_become_a_master_has_ended(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor starts it again and again. What it had started before, such as a logger, says nothing."""
    turns = [{4, 5}, {4}, {4, 6}, {4, 6}, {4}]
    monkeypatch.setattr(Supervisor, "_works", lambda _self: False)
    monkeypatch.setattr(Supervisor, "_children", lambda _self: turns.pop(0))
    watched: List[int] = []
    outcome = Runit(DEFAULT, "/sv/mail").start(time.monotonic() + 600, lambda: watched.append(len(turns)))
    assert outcome.status == 0
    assert (turns, watched) == ([], [3, 2, 1])


def test_openrc_forgets_a_service_that_it_takes_for_started(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.file("run/openrc/started/postfix", "")
    monkeypatch.setattr(openrc, "ROOT", str(system.path))
    OpenRC(DEFAULT, "postfix").begin(0.0, lambda: None)
    assert system.ran == ["rc-service postfix zap", "rc-service postfix start"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("wanted", [True, False])
def test_the_runlevels_of_openrc(system: System, monkeypatch: pytest.MonkeyPatch, there: bool, wanted: bool) -> None:
    system.file("etc/runlevels/default/sshd", "")
    if there:
        system.file("etc/runlevels/default/postfix.out", "")
    monkeypatch.setattr(openrc, "ROOT", str(system.path))
    steps = OpenRC(OUT, "postfix.out").at_boot(wanted)
    action = "rc-update add postfix.out default" if wanted else "rc-update --all del postfix.out"
    assert [" ".join(command) for _told, command in steps] == ([] if there == wanted else [action])
