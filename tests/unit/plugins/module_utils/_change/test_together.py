# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run over two instances of the stand-in for Postfix."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Sequence, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import change, restart
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.member import Member
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.run import Run
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.together import Together
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.outcome import result_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import (
    Host,
    at,
    ends_early,
    free_ports,
    kill,
    soon,
)

pytestmark = pytest.mark.one_python

Move = Tuple[int, int]
"""The port of an instance, and the one that it is to have instead."""


class Pair:
    """Two instances, A and B, that run. Each listens on a port of its own."""

    def __init__(self, path: Path) -> None:
        self.hosts = [Host(path / name) for name in ("a", "b")]
        self.state = str(path / "state")
        self.ports = [host.port for host in self.hosts]
        for host in self.hosts:
            host.state = self.state
            host.transactions = Run(host.instance, 60, self.state).transactions
            host.apply()
            host.commands  # noqa: B018  # forget the start

    def members(self, *moves: Optional[Move], **values: Any) -> List[Member]:
        found = []
        for host, move in zip(self.hosts, moves):
            changes = []
            if move and move[0] != move[1]:
                changes.append(ServiceChange(f"127.0.0.1:{move[0]}", state="absent"))
                changes.append(ServiceChange(f"127.0.0.1:{move[1]}", command="smtpd", chroot="n"))
            run = Run(host.instance, 60, self.state)
            found.append(Member(run, Edit(host.instance, Wanted(values, services=changes), run.transactions)))
        return found

    def run(self, *moves: Optional[Move], check_mode: bool = False, **values: Any) -> List[Member]:
        members = self.members(*moves, **values)
        for host in self.hosts:
            host.age()
        Together(members, check_mode=check_mode, state_directory=self.state).carry_out()
        return members

    def files(self) -> List[bytes]:
        return [(host.etc / name).read_bytes() for host in self.hosts for name in ("main.cf", "master.cf")]

    def listens(self) -> List[Sequence[int]]:
        return [sorted(port for _address, port in host.sockets) for host in self.hosts]


@pytest.fixture(name="pair")
def _pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setattr(restart, "cannot_hold", lambda version: "not here")
    monkeypatch.setattr(restart, "_SETTLE", 30.0)  # a busy machine is no defect
    monkeypatch.setattr(change, "claims_of_others", lambda here, host, resolve: [])  # those of this machine
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    pair = Pair(tmp_path)
    for host in pair.hosts:
        host.write("127.0.0.1", f"127.0.0.1:{host.port}")
        host.age()
        host.apply()
    yield pair
    for host in pair.hosts:
        host.end()


@pytest.mark.parametrize("check_mode", [False, True])
def test_no_program_of_postfix_waits_for_planned_files_to_come_of_age(pair: Pair, check_mode: bool) -> None:
    port = pair.ports[0]
    (member,) = pair.members((port, port + 1))
    member.edited = member.edit.plan(check_mode) if member.edit else None
    with member.planned_files(check_mode) as directory:
        found = Path(directory, "master.cf")
        assert f"127.0.0.1:{port + 1}" in found.read_text()
        assert int(found.stat().st_mtime) < int(time.time()) - 1
        assert int(Path(directory, "main.cf").stat().st_mtime) < int(time.time()) - 1


def test_nothing_to_do_loads_nothing_that_could_stop_or_start(pair: Pair) -> None:
    before = pair.files()
    members = pair.run(None, None)
    assert [member.changed for member in members] == [False, False]
    assert [member.run.report.in_sync for member in members] == [True, True]
    assert pair.files() == before
    assert [host.commands for host in pair.hosts] == [["reload"], ["reload"]]  # that of the fixture


def test_both_are_changed(pair: Pair) -> None:
    a, b = pair.ports
    c, d = free_ports()
    check = pair.run((a, c), (b, d), check_mode=True)
    before = pair.listens()
    members = pair.run((a, c), (b, d))
    assert (before, pair.listens()) == ([[a], [b]], [[c], [d]])
    for foreseen, done in zip(check, members):
        assert foreseen.changed
        assert done.changed
        assert foreseen.run.report.action == done.run.report.action == "reload"
    again = pair.run((c, c), (d, d))
    assert [member.changed for member in again] == [False, False]
    assert pair.hosts[0].transactions.pending() is None


@pytest.mark.parametrize("turned", [False, True])
def test_the_one_that_frees_an_address_comes_first(pair: Pair, turned: bool) -> None:
    a, b = pair.ports
    (c, _d) = free_ports()
    members = pair.members((a, b), (b, c))
    order: List[str] = []
    for host in pair.hosts:
        host.age()
    original = restart.Attempt.carry_out
    try:
        restart.Attempt.carry_out = lambda self: (order.append(self.run.instance.name), original(self))[1]  # type: ignore
        Together(members[::-1] if turned else members, state_directory=pair.state).carry_out()
    finally:
        restart.Attempt.carry_out = original  # type: ignore[method-assign]
    assert pair.listens() == [[b], [c]]


def test_two_exchange_their_addresses(pair: Pair) -> None:
    a, b = pair.ports
    foreseen = pair.run((a, b), (b, a), check_mode=True)
    members = pair.run((a, b), (b, a))
    assert pair.listens() == [[b], [a]]
    for each in (foreseen, members):
        assert [member.run.report.action for member in each] == ["restart", "restart"]
        assert [member.run.report.interruption for member in each] == ["brief", "brief"]
    assert [host.commands[-2:] for host in pair.hosts] == [["stop", "start"], ["stop", "start"]]


def test_a_wrong_wish_for_the_last_changes_nothing_in_the_first(pair: Pair) -> None:
    before = pair.files(), pair.listens()
    a, b = pair.ports
    members = pair.members((a, free_ports()[0]), (b, b))
    members[1].edit.wanted = Wanted({"inet_interfaces": "nonsense!"})  # type: ignore[union-attr]
    with pytest.raises(InputError):
        Together(members, state_directory=pair.state).carry_out()
    assert (pair.files(), pair.listens()) == before


def test_a_taken_port_of_the_last_changes_nothing_in_the_first(pair: Pair) -> None:
    before = pair.files(), pair.listens()
    (a, b), (c, d) = pair.ports, free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", d))
        other.listen()
        for check_mode in (True, False):
            members = pair.members((a, c), (b, d))
            with pytest.raises(ApplyError, match=f"/b/etc: The files cannot be applied: .*port {d}"):
                Together(members, check_mode=check_mode, state_directory=pair.state).carry_out()
            assert [result_of(member, True, False, failed=True)["changed"] for member in members] == [False, False]
    assert (pair.files(), pair.listens()) == before
    assert pair.hosts[0].commands == ["reload"]  # that of the fixture


def test_all_goes_back_when_the_last_fails(pair: Pair) -> None:
    (a, b), (c, d) = pair.ports, free_ports()
    with (pair.hosts[1].etc / "main.cf").open("a") as stream:
        stream.write(f"fails = 127.0.0.1:{d}\n")
    pair.hosts[1].age()
    pair.hosts[1].apply()
    before = pair.files(), pair.listens()
    with pytest.raises(ApplyError) as caught:
        pair.run((a, c), (b, d))
    assert (pair.files(), pair.listens()) == before
    said = str(caught.value)
    assert said.startswith(f"{pair.hosts[1].etc}: ")
    assert f"{pair.hosts[0].etc}: The previous version of {pair.hosts[0].etc}/master.cf was restored." in said
    assert not any(member.changed for member in pair.run((a, a), (b, b)))


def test_all_goes_back_when_the_last_cannot_be_written(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pair.files(), pair.listens()
    (a, b), (c, d) = pair.ports, free_ports()
    members = pair.members((a, c), (b, d))

    def full(*_arguments: object) -> None:
        raise TransactionError("The disk is full.")

    monkeypatch.setattr(members[1].run.transactions, "commit", full)
    with pytest.raises(ApplyError, match="The disk is full. .*/a/etc: The previous version of .* was restored."):
        Together(members, state_directory=pair.state).carry_out()
    assert (pair.files(), pair.listens()) == before


def test_a_run_that_was_killed_between_the_two_is_finished_by_the_next(pair: Pair, monkeypatch: Any) -> None:
    (a, b), (c, d) = pair.ports, free_ports()
    done = []

    def killed(group: Sequence[restart.Attempt]) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(restart.carry_out(group))

    with monkeypatch.context() as patched:
        patched.setattr(change, "carry_out", killed)
        with pytest.raises(KeyboardInterrupt):
            pair.run((a, c), (b, d))
    assert pair.listens() == [[c], [b]]
    assert any(member.changed for member in pair.run((c, c), (d, d)))
    assert pair.listens() == [[c], [d]]


def test_a_run_that_was_killed_between_the_two_goes_back_in_the_next(pair: Pair, monkeypatch: Any) -> None:
    (a, b), (c, d) = pair.ports, free_ports()
    before = pair.files()

    def killed(group: Sequence[restart.Attempt]) -> None:
        restart.carry_out(group)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(change, "carry_out", killed)
        with pytest.raises(KeyboardInterrupt):
            pair.run((a, c), (b, d))
    with socket.socket() as other:
        other.bind(("127.0.0.1", d))
        other.listen()
        with pytest.raises(ApplyError):
            pair.run((c, c), (d, d))
    assert pair.files() == before
    assert pair.listens() == [[a], [b]]


@pytest.mark.parametrize("name", ["stop", "start"])
def test_a_run_that_is_killed_while_two_exchange_their_addresses_is_finished(pair: Pair, name: str) -> None:
    """By one keeper for both."""
    a, b = pair.ports
    assert ends_early(lambda: pair.run((a, b), (b, a)), at(name, kill, turn=2)) == signal.SIGKILL
    assert soon(lambda: pair.listens() == [[b], [a]])
    assert not any(member.changed for member in pair.run((b, b), (a, a)))


def test_one_instance_twice_is_refused(pair: Pair) -> None:
    member = pair.members((1, 1))[0]
    with pytest.raises(InputError, match="is named twice"):
        Together([member, member], state_directory=pair.state).carry_out()
