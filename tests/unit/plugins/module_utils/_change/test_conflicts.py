# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether sockets are free, asked of the kernel of this machine: what each program here holds is a real socket."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from typing import Any, Iterator, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import conflicts
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.conflicts import claimed
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import socket_in_use
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import (
    Master,
    all_listening_sockets,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import IN_MASTER_CF
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    BOOKWORM,
    host_of,
    instance_of,
    process_of,
    socket_at,
)


@pytest.fixture
def port() -> int:
    """A port that nobody uses, of either family."""
    with closing(socket.socket(socket.AF_INET6)) as probe:
        probe.bind(("::", 0))
        return int(probe.getsockname()[1])


def held(address: str, port: int, v6only: bool = True, listening: bool = True) -> socket.socket:
    """Return a socket of a program that does not share it."""
    held = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    if ":" in address:
        held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    held.bind((address, port))
    if listening:
        held.listen(1)
    return held


def asked(address: str, port: int, master: Optional[Master] = None, version: Any = BOOKWORM) -> Optional[InputError]:
    wanted = Listener(f"{address}:{port}", "inet", socket_at(address, port), IN_MASTER_CF)
    return claimed([wanted], master, version)


@pytest.mark.parametrize("wanted", ["::", "::1"])
def test_an_ipv4_address_in_the_other_spelling_is_no_ipv6_socket(port: int, wanted: str) -> None:
    with closing(held("::ffff:127.0.0.1", port, False)):
        assert asked(wanted, port) is None


@pytest.mark.parametrize(
    "holds, v6only, wanted",
    [
        ("::", False, "127.0.0.1"),
        ("::", False, "0.0.0.0"),
        ("::", False, "::1"),
        ("::", True, "::1"),
        ("::ffff:127.0.0.1", False, "127.0.0.1"),
        ("::ffff:127.0.0.1", False, "0.0.0.0"),
        ("0.0.0.0", True, "127.0.0.1"),
        ("127.0.0.1", True, "0.0.0.0"),
    ],
)
def test_what_another_program_holds(port: int, holds: str, v6only: bool, wanted: str) -> None:
    assert asked(wanted, port) is None
    with closing(held(holds, port, v6only)):
        error = asked(wanted, port)
        assert error is not None
        assert f"cannot listen on {wanted} port {port}: " in error.reason
        assert "(process " in error.reason
        for_both = ":" in holds and ":" not in wanted
        assert (f"on [{holds}]:{port} for IPv4 too" in error.reason) == for_both


@pytest.mark.parametrize(
    "holds, v6only, wanted",
    [("::", True, "127.0.0.1"), ("::", True, "0.0.0.0"), ("127.0.0.1", True, "::1"), ("127.0.0.2", True, "127.0.0.1")],
)
def test_what_another_program_leaves(port: int, holds: str, v6only: bool, wanted: str) -> None:
    with closing(held(holds, port, v6only)):
        assert asked(wanted, port) is None


def test_a_socket_that_does_not_listen_is_in_the_way_too(port: int) -> None:
    with closing(held("127.0.0.1", port, listening=False)):
        error = asked("127.0.0.1", port)
        assert error is not None
        assert "none listens there" in error.reason
        assert asked("127.0.0.2", port) is None


def test_a_program_that_is_called_master_and_does_not_share(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A master shares its ports, where the other one has the wildcard."""
    monkeypatch.setattr(conflicts, "owners", lambda inode, proc: [process_of(7, "master")])
    with closing(held("0.0.0.0", port)):
        error = asked("127.0.0.1", port)
        assert error is not None
        assert "master (process 7) does" in error.reason


def test_a_kernel_that_tells_nothing_of_ipv6_sockets_is_asked_by_a_trial(port: int, monkeypatch: Any) -> None:
    def refused() -> Iterator[str]:
        raise OSError("no such protocol")

    monkeypatch.setattr(socket_in_use, "_inodes", refused)
    with closing(held("::", port, v6only=False)):
        assert asked("127.0.0.1", port) is not None
    with closing(held("::", port, v6only=True)):
        assert asked("127.0.0.1", port) is None


def test_what_the_master_holds_itself_is_free(port: int) -> None:
    with closing(held("127.0.0.1", port)):
        mine = {inode: at for inode, at in all_listening_sockets().items() if at.port == port}
        master = Master(process_of(1), "/var/spool/postfix", mine, "boot")
        assert asked("127.0.0.1", port, master) is None
        assert asked("0.0.0.0", port, master) is None


def test_what_other_instances_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are enabled, in the same network, and whose files can be read."""
    host, there = host_of("127.0.0.1/8", "10.77.0.1/24"), []
    for name, enabled in (("here", True), ("a", True), ("off", False), ("far", True), ("dead", True), ("torn", True)):
        instance = instance_of(str(tmp_path / name), name)._replace(enabled=enabled)
        there.append(instance)
        (tmp_path / name).mkdir()
        address = "10.9.9.9" if name == "dead" else "10.77.0.1"
        (tmp_path / name / "main.cf").write_text(f"inet_interfaces = {address}\ninet_protocols = ipv4\n")
        if name != "torn":
            (tmp_path / name / "master.cf").write_text("smtp inet n - n - - smtpd\n")
    monkeypatch.setattr(conflicts, "find_instances", lambda: there)
    monkeypatch.setattr(conflicts, "network_of", lambda instance: "/run/netns/x" if instance.name == "far" else None)
    claims = conflicts.claims_of_others([str(tmp_path / "here")], host, mapping_resolver({}))
    assert [(directory, [one.socket for one in theirs]) for directory, theirs in claims] == [
        (str(tmp_path / "a"), [socket_at("10.77.0.1")]),
        (str(tmp_path / "dead"), []),
    ]

    def not_installed() -> None:
        raise InputError("command", "postconf", "is not found", "install Postfix")

    monkeypatch.setattr(conflicts, "find_instances", not_installed)
    assert conflicts.claims_of_others([], host, mapping_resolver({})) == []


def test_a_port_that_the_system_chooses_is_known_by_nobody() -> None:
    error = asked("127.0.0.1", 0)
    assert error is not None
    assert (error.parameter, error.value) == ("services", "127.0.0.1:0/inet")
    assert "has a port that does not exist" in error.reason
