# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that are made quick for a restart, and given back; a file says what systemctl answers."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import platform, quick_restart, unit_properties
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of

UNIT = "postfix.service"
COMMANDS = {"ExecStartPre": "postfix check", "ExecStart": "postfix debian-systemd-start", "ExecStop": "postfix stop"}


def shown(name: str, command: str, ignored: str = "no") -> str:
    """A line of `systemctl show`."""
    return f"{name}={{ path=postfix ; argv[]={command} ; ignore_errors={ignored} ; start_time=[n/a] ; pid=0 }}"


PACKAGED = ["Type=forking", "NeedDaemonReload=no", *(shown(name, command) for name, command in COMMANDS.items())]


class Systemd:
    """What is run instead of commands: it answers, and remembers what the drop-in said at each reload."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.show = PACKAGED
        self.environment = ["LANG=C", f"daemon_directory={directory}/sbin", 'odd="1%" \\x', "postfix: not a = variable"]
        self.status: Dict[str, int] = {}
        self.ran: List[List[str]] = []
        self.directory = directory / "system"
        self.reloads: List[Dict[str, str]] = []
        (directory / "sbin").mkdir()
        (directory / "sbin/master").write_text("")
        (directory / "sbin/master").chmod(0o755)
        monkeypatch.setattr(quick_restart, "run", self._run)
        monkeypatch.setattr(unit_properties, "run", self._run)
        monkeypatch.setattr(quick_restart, "package_commands", lambda instance: COMMANDS)
        monkeypatch.setattr(quick_restart, "is_shared", lambda unit: False)
        monkeypatch.setattr(quick_restart, "DIRECTORY", str(self.directory))

    @property
    def files(self) -> Dict[str, str]:
        return {path.name: path.read_text() for path in self.directory.rglob("*") if path.is_file()}

    def _run(self, command: List[str], *_more: object) -> Outcome:
        self.ran.append(command)
        if "daemon-reload" in command:
            self.reloads.append(self.files)
        words = self.show if "show" in command else self.environment if command[0] == "/usr/bin/env" else []
        return Outcome(" ".join(command), self.status.get(command[0], 0), words)


@pytest.fixture(name="systemd")
def _systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    return Systemd(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "show, packaged",
    [
        (PACKAGED, True),
        (PACKAGED[::-1], True),
        ([*PACKAGED, shown("ExecStartPre", "/bin/true")], False),
        ([*PACKAGED[:-1], shown("ExecStop", "postfix stop", "yes")], False),
        ([*PACKAGED[:-1], shown("ExecStop", "/usr/local/bin/drain")], False),
        (PACKAGED[:-1], False),
        (["Type=simple", *PACKAGED[1:]], False),
        (["Type=forking", "NeedDaemonReload=yes", *PACKAGED[2:]], False),
        ([], False),
    ],
)
def test_a_unit_that_runs_what_the_package_made_it_run(systemd: Systemd, show: List[str], packaged: bool) -> None:
    systemd.show = show
    assert quick_restart.is_as_packaged(UNIT, instance_of(), 0.0) is packaged


def test_an_instance_that_the_package_would_not_start(systemd: Systemd) -> None:
    assert not quick_restart.is_as_packaged(UNIT, instance_of(enabled=""), 0.0)


def test_a_unit_is_made_quick_and_given_back(systemd: Systemd, tmp_path: Path) -> None:
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    assert quick_restart.is_quick(UNIT)
    # Without any variable of ours.
    assert systemd.ran[0] == [
        *("/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
        *("/usr/sbin/postfix", "-c", "/etc/postfix", "/usr/bin/env"),
    ]
    text = (
        "[Service]\nExecStartPre=\nExecStart=\nExecStop=\n"
        f'ExecStart="{tmp_path}/sbin/master" -w\n'
        'Environment="LANG=C"\n'
        f'Environment="daemon_directory={tmp_path}/sbin"\n'
        'Environment="odd=\\"1%%\\" \\\\x"\n'
    )
    assert systemd.reloads == [{"mailfleet-quick-restart.conf": text}]
    quick_restart.give_back(UNIT)
    assert not quick_restart.is_quick(UNIT)
    assert not list(systemd.directory.iterdir())
    # A file without .conf is no drop-in: a run that is killed here is finished by the next.
    assert [list(files) for files in systemd.reloads[1:]] == [["mailfleet-quick-restart.undone"]]
    quick_restart.give_back(UNIT)
    assert len(systemd.reloads) == 2


def test_a_unit_that_starts_all_instances() -> None:
    assert platform.package_commands(instance_of(), "/nowhere") == {
        "ExecStart": "/usr/sbin/postfix start",
        "ExecStop": "/usr/sbin/postfix stop",
    }
    assert platform.is_shared("postfix.service", "/nowhere")
    assert not platform.is_shared("mta.service", "/nowhere")


def test_only_the_master_of_a_shared_unit_is_ended(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_restart, "is_shared", lambda unit: True)
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    assert "\nKillMode=process\n" in systemd.reloads[0]["mailfleet-quick-restart.conf"]


def test_a_unit_that_could_not_be_given_back_is_given_back_by_the_next_run(systemd: Systemd) -> None:
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    systemd.status = {"systemctl": 1}
    quick_restart.give_back(UNIT)
    assert not quick_restart.is_quick(UNIT)
    assert list(systemd.files) == ["mailfleet-quick-restart.undone"]
    systemd.status = {}
    quick_restart.give_back(UNIT)
    assert not list(systemd.directory.iterdir())


def test_what_others_have_in_the_directory_stays(systemd: Systemd) -> None:
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    (systemd.directory / f"{UNIT}.d/other.conf").write_text("")
    quick_restart.give_back(UNIT)
    assert list(systemd.files) == ["other.conf"]


@pytest.mark.parametrize("failing", ["systemctl", "/usr/bin/env"])
def test_a_unit_that_cannot_be_made_quick_stays_as_it_is(systemd: Systemd, failing: str) -> None:
    systemd.status = {failing: 1}
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    assert not quick_restart.is_quick(UNIT)


def test_a_master_that_is_not_there(systemd: Systemd, tmp_path: Path) -> None:
    (tmp_path / "sbin/master").unlink()
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    assert systemd.files == {}
    assert systemd.reloads == []


def test_a_directory_that_cannot_be_written(systemd: Systemd) -> None:
    systemd.directory.write_text("")
    quick_restart.quicken(UNIT, instance_of(), 0.0)
    assert not quick_restart.is_quick(UNIT)
