# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that wait from one master to the next, on the real kernel: each test in a network namespace of its own."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import keep_clients_waiting
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.keep_clients_waiting import (
    Hold,
    cannot_hold,
    cannot_hold_at,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.tcp_migrate_req import Migration, put_back
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import (
    Master,
    listening_sockets,
    read_process,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import IN_MASTER_CF
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import socket_at

SWITCH = "/proc/" + keep_clients_waiting.SWITCH
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_FLAGS, UP = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP


def enter_network() -> None:
    """Go to a new network, with loopback up."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


def in_child(work: Callable[[], None]) -> int:
    """Run something in a process of its own and return the process."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    return child


def in_own_network(work: Callable[[], None]) -> bool:
    """Run something in a network of its own; returns whether it succeeded."""

    def there() -> None:
        enter_network()
        work()

    return os.waitpid(in_child(there), 0)[1] == 0


def _possible() -> None:
    assert cannot_hold((3, 6)) is None


@pytest.fixture(name="network")
def _network() -> Callable[[Callable[[], None]], None]:
    """Runs a function in a network of its own."""
    if os.geteuid() or not in_own_network(_possible):
        pytest.skip("needs root, namespaces and Linux 5.14")

    def run(work: Callable[[], None]) -> None:
        assert in_own_network(work)

    return run


def switch() -> str:
    return Path(SWITCH).read_text(encoding="ascii").strip()


def soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


class Server:
    """What a master does: sockets that share their ports, and somebody who greets whom they accept."""

    def __init__(self, name: str, *places: Socket, delay: float = 0.0) -> None:
        self.name, self.delay = name, delay
        self.sockets: List[socket.socket] = []
        for address, port, _family in places:
            one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if ":" in address:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address, port))
            one.listen(100)
            one.settimeout(0.05)
            self.sockets.append(one)
        self.ended = False
        self.threads = [threading.Thread(target=self._serve, args=(one,)) for one in self.sockets]
        for thread in self.threads:
            thread.start()

    def _serve(self, one: socket.socket) -> None:
        while not self.ended:
            try:
                client = one.accept()[0]
            except socket.timeout:
                continue
            time.sleep(self.delay)
            client.sendall(self.name.encode("ascii"))
            client.close()

    @property
    def held(self) -> Dict[str, Socket]:
        mine = {str(os.fstat(one.fileno()).st_ino) for one in self.sockets}
        return {inode: at for inode, at in listening_sockets(os.getpid()).items() if inode in mine}

    def end(self) -> None:
        self.ended = True
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()


def promised(*places: Socket) -> List[Listener]:
    return [Listener("smtp", "inet", place, IN_MASTER_CF) for place in places]


W4, W6, A4, B4, A6 = map(socket_at, ("0.0.0.0", "::", "127.0.0.1", "127.0.0.2", "::1"))


@pytest.mark.duration
@pytest.mark.parametrize(
    "old, new, where",
    [
        ([W4, W6], [W4, W6], [A4, B4, A6]),
        ([W4, W6], [A4, A6], [A4, A6]),
        ([A4, A6], [W4, W6], [A4, B4, A6]),
        ([A4], [A4, B4], [A4]),
        ([A4, B4, A6], [A4, A6], [A4, A6]),
        ([A4, socket_at("0.0.0.0", 2525)], [A4, socket_at("127.0.0.1", 2525)], [A4, socket_at("127.0.0.1", 2525)]),
    ],
)
def test_nobody_is_refused_between_two_masters(
    network: Callable[..., None], tmp_path: Path, old: List[Any], new: List[Any], where: List[Any]
) -> None:
    network(partial(two_masters, old, new, where, str(tmp_path), 0.9))  # who sends a packet again waits a second


@pytest.mark.duration
def test_where_no_socket_may_be_reached_a_packet_is_sent_again(
    network: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_clients_waiting, "Deafening", forbidden)
    network(partial(two_masters, [A4, A6], [W4, W6], [A4, B4, A6], str(tmp_path), 2.0))


@pytest.mark.duration
def test_where_the_kernel_does_not_tell_who_was_greeted_nobody_is_refused(
    network: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_clients_waiting, "unanswered", forbidden)
    network(partial(two_masters, [A4], [A4, B4], [A4], str(tmp_path), 0.9))


def forbidden(*_arguments: object) -> None:
    raise PermissionError


def two_masters(old: List[Any], new: List[Any], where: List[Any], directory: str, longest: float) -> None:
    """Clients come while one master follows another one."""

    def clients(results: List[Any], stop: threading.Event, place: Socket) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                with socket.create_connection(place[:2], timeout=5) as connection:
                    said = connection.recv(10).decode("ascii")
            except OSError as error:
                said = repr(error)
            results.append((place, said, time.monotonic() - began))
            time.sleep(0.002)

    before = Server("before", *old)
    results: List[Any] = []
    stop = threading.Event()
    threads = [
        threading.Thread(target=clients, args=(results, stop, place)) for place in where if place in old or W4 in old
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    with Hold(before.held, promised(*new), Migration(directory)) as hold:
        assert hold.works
        assert switch() == "1"
        before.end()
        hold.stopped()
        time.sleep(0.2)
        after = Server("after", *new)
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    after.end()
    assert switch() == "0"
    assert {said for _place, said, _took in results} == {"before", "after"}, results
    assert max(took for _place, _said, took in results) < longest


def test_a_master_that_is_not_stopped_hears_its_clients_again(network: Callable[..., None], tmp_path: Path) -> None:
    def work() -> None:
        before = Server("before", A4)
        with Hold(before.held, promised(W4), Migration(str(tmp_path))) as hold:
            assert hold.works
            with socket.create_connection(A4[:2], timeout=60) as waits:  # for the wildcard
                waits.settimeout(0.3)
                with pytest.raises(socket.timeout):
                    waits.recv(10)
        with socket.create_connection(A4[:2], timeout=60) as greeted:
            assert greeted.recv(10) == b"before"
        before.end()

    network(work)


@pytest.mark.one_python
def test_a_client_who_was_accepted_is_greeted_before_the_stop(
    network: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_GREETING_TIME", "_LONGEST_WAIT"):  # on a busy machine a server takes its time
        monkeypatch.setattr(keep_clients_waiting, limit, 60)

    def work() -> None:
        before = Server("before", A4, delay=0.05)
        with socket.create_connection(A4[:2], timeout=60) as client:
            began = time.monotonic()
            with Hold(before.held, promised(A4), Migration(str(tmp_path))):
                client.setblocking(False)
                assert client.recv(10) == b"before"
            assert time.monotonic() - began < 30
        before.end()

    network(work)


def test_the_switch_is_put_back_when_the_run_is_killed(network: Callable[..., None], tmp_path: Path) -> None:
    def hold() -> None:
        with Hold({}, promised(A4), Migration(str(tmp_path))):
            time.sleep(60)

    def work() -> None:
        child = in_child(hold)
        assert soon(lambda: switch() == "1" and (tmp_path / "migration").stat().st_size > 0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert soon(lambda: switch() == "0")
        assert soon(lambda: (tmp_path / "migration").stat().st_size == 0)

    network(work)


def test_the_next_run_puts_it_back_when_all_was_killed(network: Callable[..., None], tmp_path: Path) -> None:
    def hold() -> None:
        with Hold({}, promised(A4), Migration(str(tmp_path))):
            time.sleep(60)

    def work() -> None:
        child = in_child(hold)
        assert soon(lambda: switch() == "1")
        listed = Path(f"/proc/{child}/task/{child}/children").read_text(encoding="ascii").split()
        for pid in [*map(int, listed), child]:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(0.1)
        assert switch() == "1"
        put_back(str(tmp_path))
        assert switch() == "0"
        assert (tmp_path / "migration").stat().st_size == 0

    network(work)


def test_a_switch_that_was_on_stays_on(network: Callable[..., None], tmp_path: Path) -> None:
    def work() -> None:
        Path(SWITCH).write_text("1", encoding="ascii")
        with Hold({}, promised(A4), Migration(str(tmp_path))) as hold:
            assert hold.works
        assert switch() == "1"

    network(work)


@pytest.mark.one_python
def test_two_runs_at_once_take_turns(
    network: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = partial(keep_clients_waiting.Migration, patience=60.0)  # on a busy machine a turn takes long
    monkeypatch.setattr(keep_clients_waiting, "Migration", patient)

    def hold() -> None:
        for _number in range(10):
            with Hold({}, promised(A4), Migration(str(tmp_path))) as held:
                assert held.works
                assert switch() == "1"

    def work() -> None:
        children = [in_child(hold) for _number in range(2)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        assert switch() == "0"

    network(work)


def test_where_a_socket_cannot_be_held_nothing_is_kept(network: Callable[..., None], tmp_path: Path) -> None:
    def work() -> None:
        with socket.socket() as other:  # that does not share its port
            other.bind(A4[:2])
            other.listen(1)
            assert cannot_hold_at([B4, A4], None) == (
                "a socket at 127.0.0.1:25 does not share its port, such as that of a master from before Postfix 3.6"
            )
            with Hold({}, promised(B4, A4), Migration(str(tmp_path))) as hold:
                assert not hold.works
                assert "127.0.0.1:25" in (hold.obstacle or "")
                assert switch() == "0"
                assert set(listening_sockets(os.getpid()).values()) == {A4}

    network(work)


def test_without_new_sockets_nothing_is_switched(network: Callable[..., None], tmp_path: Path) -> None:
    def work() -> None:
        with Hold({}, (), Migration(str(tmp_path))) as hold:
            assert hold.works
            assert switch() == "0"

    network(work)


def test_a_master_elsewhere_in_the_network(network: Callable[..., None]) -> None:
    """In another namespace, or bound to an interface; its clients would not come to sockets of ours."""

    def master_of(pid: int, **held: Socket) -> Master:
        process = read_process(pid)
        assert process
        return Master(process, "/", held, "")

    def sleep() -> None:
        enter_network()
        time.sleep(60)

    def work() -> None:
        child = in_child(sleep)
        own = os.stat("/proc/self/ns/net").st_ino
        assert soon(lambda: os.stat(f"/proc/{child}/ns/net").st_ino != own)
        assert "another network namespace" in (cannot_hold_at([A4], master_of(child)) or "")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        server = Server("x", A4)
        (inode,) = server.held
        master = master_of(os.getpid(), **{inode: A4})
        assert cannot_hold_at([A4], master) is None
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        assert "bound to a network interface" in (cannot_hold_at([A4], master) or "")
        server.end()

    network(work)


def test_hosts_where_clients_cannot_wait(tmp_path: Path) -> None:
    assert "3.6" in (cannot_hold((3, 5, 25)) or "")
    assert "5.14" in (cannot_hold((3, 6, 0), str(tmp_path)) or "")
    put_back(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_addresses_that_become_part_of_a_wildcard() -> None:
    def swallowed(old: List[Any], new: List[Any]) -> FrozenSet[Any]:
        return keep_clients_waiting._swallowed(frozenset(old), frozenset(new))

    assert swallowed([A4, A6, socket_at("127.0.0.1", 26)], [W4, W6]) == {A4, A6}
    assert swallowed([A4, A6], [W4, A6]) == {A4}
    assert swallowed([W4], [A4]) == frozenset()
    assert swallowed([A4], [A4, W4]) == frozenset()
