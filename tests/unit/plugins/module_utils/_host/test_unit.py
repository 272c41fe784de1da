# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit as unit_module
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master
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


@pytest.mark.parametrize("more, lean", [("", True), (" ; ExecStartPre={ path=/bin/true", False)])
def test_what_runs_before_a_start_is_run_ahead_and_then_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, lean: bool
) -> None:
    ran: List[List[str]] = []

    def run(command: List[str], *_more: object) -> Outcome:
        ran.append(command)
        words = ["ExecStartPre={ path=/configure ; argv[]=/configure - ; }", *filter(None, more.split(" ; "))]
        return Outcome(" ".join(command), 0, words if "show" in command else [])

    monkeypatch.setattr(unit_module, "run", run)
    monkeypatch.setattr(unit_module, "before_start", lambda instance: ["/configure", instance.name])
    monkeypatch.setattr(unit_module, "is_generated", lambda unit: True)
    monkeypatch.setattr(unit_module, "_LEAN", f"{tmp_path}/{{}}.d/lean.conf")
    drop_in = tmp_path / "postfix@-.service.d/lean.conf"
    service = ServiceControl(DEFAULT, "postfix@-.service")
    with service.lean_starts(0.0):
        assert drop_in.exists() == lean
        if lean:
            assert drop_in.read_text() == "[Service]\nExecStartPre=\n"
    assert not drop_in.parent.exists()
    expected = [["/configure", "-"], *[["systemctl", "daemon-reload"]] * 2] if lean else []
    assert ran[1:] == expected


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
        end = time.monotonic() + 10
        while not children.read_text() and time.monotonic() < end:
            time.sleep(0.01)
        (sleep,) = map(int, children.read_text().split())
        (tmp_path / "done").touch()
        unit_module._end_pause(instance)
        if own:
            assert process.wait(10) == 0
        else:
            assert process.poll() is None
            os.kill(sleep, signal.SIGTERM)
