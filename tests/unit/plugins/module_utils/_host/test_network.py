# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces of processes that have the name and the environment of a master."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import network
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import read_host
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.network import (
    enter_network_of,
    in_network_of,
    network_of,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_in

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
OURS = "/proc/self/ns/net"


def start(found: Instance, path: Path, pid_file: bool = True, apart: bool = True) -> "subprocess.Popen[str]":
    """Start a master in a network namespace of its own, or in ours."""
    script = path / "master"
    script.write_text(f"#!{sys.executable}\nprint('ready', flush=True)\ninput()\n")
    script.chmod(0o755)
    command = [*(["unshare", "--net"] if apart else []), str(script)]
    environment = {**os.environ, "MAIL_CONFIG": found.config_directory}
    started = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    if pid_file:
        directory = Path(found.queue_directory, "pid")
        directory.mkdir()
        (directory / "master.pid").write_text(f"{started.pid}\n")
    return started


@pytest.fixture(name="running")
def _running(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Starts the master of an instance."""
    started: List["subprocess.Popen[str]"] = []

    def running(name: str, **options: bool) -> Instance:
        path = tmp_path / name
        found = instance_in(path)
        started.append(start(found, path, **options))
        return found

    yield running
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("pid_file", [True, False])
def test_a_master_in_another_network(running: Callable[..., Instance], pid_file: bool) -> None:
    found = running("one", pid_file=pid_file)
    before = os.stat(OURS).st_ino
    path = network_of(found)
    assert path is not None
    there = os.stat(path).st_ino
    assert there != before
    with in_network_of(found):
        assert os.stat(OURS).st_ino == there
        assert network_of(found) is None
        assert not [entry for entry in read_host().addresses if entry.up]
    assert os.stat(OURS).st_ino == before
    with pytest.raises(ZeroDivisionError), in_network_of(found):
        print(1 / 0)
    assert os.stat(OURS).st_ino == before


@pytest.mark.parametrize("pid_file", [True, False])
def test_a_master_in_ours(running: Callable[..., Instance], pid_file: bool) -> None:
    found = running("one", pid_file=pid_file, apart=False)
    before = os.stat(OURS).st_ino
    assert network_of(found) is None
    assert not enter_network_of([found])
    with in_network_of(found):
        assert os.stat(OURS).st_ino == before


def test_instances_in_several(running: Callable[..., Instance]) -> None:
    one, two, three = running("one"), running("two"), running("three", apart=False)
    for pair in ([one, two], [one, three], [three, one]):
        with pytest.raises(InputError, match="runs in another network namespace than .*a task of its own"):
            enter_network_of(pair)
    assert not enter_network_of([])


def test_a_network_that_may_not_be_entered(running: Callable[..., Instance], monkeypatch: pytest.MonkeyPatch) -> None:
    found = running("one")

    def refuse(descriptor: int) -> None:
        os.close(descriptor)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(network, "_enter", refuse)
    with pytest.raises(TransactionError, match="which this process may not enter: Operation not permitted"):
        enter_network_of([found])


@pytest.mark.parametrize(
    "says, expected", [("NetworkNamespacePath=OTHER", "OTHER"), ("NetworkNamespacePath=", None), ("", None)]
)
def test_what_the_unit_of_a_stopped_instance_says(
    running: Callable[..., Instance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, expected: str
) -> None:
    other = network_of(running("other")) or ""
    stopped = instance_in(tmp_path / "stopped")
    from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit, unit_properties

    monkeypatch.setattr(unit, "find_service", lambda instance: ServiceControl(instance, "postfix.service"))
    words = [says.replace("OTHER", other)] if says else []
    monkeypatch.setattr(unit_properties, "run", lambda command, deadline: Outcome("", 0, words))
    assert network_of(stopped) == (other if expected else None)
    assert network_of(instance_in(tmp_path / "elsewhere")) == (other if expected else None)


@pytest.mark.parametrize("path", ["/nonexistent", "/proc/self/ns/net"])
def test_a_unit_whose_network_is_ours_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit, unit_properties

    monkeypatch.setattr(unit, "find_service", lambda instance: ServiceControl(instance, "postfix.service"))
    words = [f"NetworkNamespacePath={path}"]
    monkeypatch.setattr(unit_properties, "run", lambda command, deadline: Outcome("", 0, words))
    assert network_of(instance_in(tmp_path)) is None
