# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's two ways to tell what listens agree; each test looks at sockets of its own only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import Dict, Iterator, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import listening
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.listening import Listening

ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")


@pytest.fixture
def ours() -> Iterator[Dict[str, Tuple[Socket, socket.socket]]]:
    """A listening socket at each address, by its inode number; and others, which do not listen."""
    with ExitStack() as stack:
        found = {}
        for address in ADDRESSES:
            kind, family = (socket.AF_INET6, "ipv6") if ":" in address else (socket.AF_INET, "ipv4")
            made = stack.enter_context(socket.socket(kind, socket.SOCK_STREAM))
            if family == "ipv6":
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((address, 0))
            made.listen(5)
            found[str(os.fstat(made.fileno()).st_ino)] = Socket(address, made.getsockname()[1], family), made
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        yield found


def told(pid: "int | str", inodes: Dict[str, object]) -> List[Listening]:
    """What sock_diag tells."""
    return sorted(each for each in listening.listening(pid, "/proc") if each.inode in inodes)


def written(pid: "int | str", inodes: Dict[str, object]) -> List[Listening]:
    """What /proc tells, by a path that is not known to be this host's; a socket can be missing while others come."""
    found: List[Listening] = []
    for _turn in range(50):
        found = sorted(each for each in listening.listening(pid, "/proc/../proc") if each.inode in inodes)
        if len(found) == len(inodes):
            break
    return found


def test_both_ways_tell_the_same(ours: Dict[str, Tuple[Socket, socket.socket]]) -> None:
    expected = sorted(Listening(inode, at, 0) for inode, (at, _made) in ours.items())
    for pid in ("self", os.getpid()):
        assert told(pid, ours) == expected
        assert written(pid, ours) == expected


def test_no_socket_is_missed_while_others_come_and_go(ours: Dict[str, Tuple[Socket, socket.socket]]) -> None:
    expected = told("self", ours)
    others: List[socket.socket] = []
    for turn in range(300):
        others.append(socket.socket())
        others[-1].bind(("127.0.0.1", 0))
        others[-1].listen(1)
        if turn % 30 == 29:
            while others:
                others.pop().close()
        assert told("self", ours) == expected


def test_clients_that_wait_are_counted(ours: Dict[str, Tuple[Socket, socket.socket]]) -> None:
    with ExitStack() as stack:
        for at, made in ours.values():
            for _client in range(2):
                client = stack.enter_context(socket.socket(made.family, socket.SOCK_STREAM))
                client.connect(("::1" if at.family == "ipv6" else "127.0.0.1", at.port))
        expected = sorted(Listening(inode, at, 2) for inode, (at, _made) in ours.items())
        assert told("self", ours) == written("self", ours) == expected
        for _at, made in ours.values():
            made.accept()[0].close()
        assert {each.clients for each in told("self", ours)} == {1}


def test_a_kernel_that_cannot_be_asked(
    ours: Dict[str, Tuple[Socket, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = told("self", ours)
    asked: List[int] = []
    monkeypatch.setattr(listening, "_written", lambda *_arguments: asked.append(1) or [])
    for name, value in (
        ("_NETLINK_SOCK_DIAG", 31),  # no such protocol
        ("_SOCK_DIAG_BY_FAMILY", 77),  # no such request
        ("is_in_our_network", lambda pid: False),
    ):
        assert told("self", ours) == expected
        with monkeypatch.context() as context:
            context.setattr(listening, name, value)
            assert told("self", ours) == []
    assert len(asked) == 6


def test_a_process_that_is_gone() -> None:
    assert listening.is_in_our_network(os.getpid())
    assert not listening.is_in_our_network(2**22 + 1)
    assert listening.listening(2**22 + 1, "/proc") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_process_in_another_namespace(ours: Dict[str, Tuple[Socket, socket.socket]]) -> None:
    script = "import socket, time; one = socket.socket(); one.bind(('', 2525)); one.listen(1)"
    script += "; print('ready', flush=True); time.sleep(60)"
    command = ["unshare", "--net", sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "ready\n"
            there = listening.listening(other.pid, "/proc")
            assert [each.socket for each in there] == [Socket("0.0.0.0", 2525, "ipv4")]
        finally:
            other.kill()
