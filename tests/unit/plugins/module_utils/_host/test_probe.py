# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets that are tried from elsewhere: servers of all kinds, and addresses that nobody can judge from here."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import probe

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[int]:
    """A server on loopback, for one client."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def work() -> None:
            with suppress(OSError):
                client = listening.accept()[0]
                with client:
                    serve(client)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def says(*pieces: bytes, heard: Optional[List[bytes]] = None) -> Serve:
    def serve(client: socket.socket) -> None:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.01)
        client.settimeout(2)
        if heard is not None:
            heard.append(client.recv(100))

    return serve


@pytest.fixture(name="judged")
def _judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is a place like any other."""
    monkeypatch.setattr(probe, "_skip_special", lambda address: None)
    monkeypatch.setattr(probe, "_skip_without_route", lambda address, port: None)


def tried(port: int, expect: str, timeout: float = 5) -> probe.Found:
    (found,) = probe.probe_sockets([("127.0.0.1", port, expect)], timeout)
    return found


@pytest.mark.usefixtures("judged")
def test_who_has_greeted_is_told_goodbye() -> None:
    heard: List[bytes] = []
    with server(says(b"220 mx ", b"ESMTP\r\n", heard=heard)) as port:
        assert tried(port, "greeting").reachable
    assert heard == [b"QUIT\r\n"]


@pytest.mark.usefixtures("judged")
def test_nobody_talks_before_the_end_of_a_greeting() -> None:
    """The first line of postscreen is enough."""
    heard: List[bytes] = []
    with server(says(b"220-mx ESMTP\r\n", heard=heard)) as port:
        assert tried(port, "greeting").reachable
    assert heard == [b""]


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(
    "pieces, expect, reason",
    [
        ([b"421 too many\r\n"], "greeting", None),
        ([], "greeting", "it ends the connection without a greeting"),
        ([b"SSH-2.0-x\r\n"], "greeting", "it answers 'SSH-2.0-x'"),
        ([b"220 mx\r\n"], "tls", "it does not speak TLS"),
        ([], "connect", None),
    ],
)
def test_what_a_server_says(pieces: List[bytes], expect: str, reason: Optional[str]) -> None:
    with server(says(*pieces)) as port:
        found = tried(port, expect)
    assert found.reachable == (reason is None)
    assert (found.reason or "").startswith(reason or "")


@pytest.mark.usefixtures("judged")
def test_a_server_that_begins_tls() -> None:
    """This one has no certificate, and says so in an alert."""

    def serve(client: socket.socket) -> None:
        with suppress(ssl.SSLError):
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_socket(client, server_side=True)

    with server(serve) as port:
        assert tried(port, "tls").reachable


@pytest.mark.usefixtures("judged")
def test_a_server_that_does_not_answer_in_time() -> None:
    with server(lambda client: time.sleep(1)) as port:
        began = time.monotonic()
        found = tried(port, "greeting", 0.2)
        assert time.monotonic() - began < 0.9
    assert (found.reachable, found.reason) == (False, "it does not answer in time")


@pytest.mark.usefixtures("judged")
def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = tried(taken.getsockname()[1], "connect")
    assert (found.reachable, found.reason) == (False, "Connection refused")


@pytest.mark.parametrize(
    "address, reason",
    [
        ("127.0.0.1", "only its own host can use a loopback address"),
        ("::1", "only its own host can use a loopback address"),
        ("169.254.1.1", "only hosts on the same link can use a link-local address"),
        ("fe80::1", "only hosts on the same link can use a link-local address"),
        ("0.0.0.0", "nobody can connect to such an address"),
        ("ff02::1", "only hosts on the same link can use a link-local address"),
        ("224.0.0.1", "nobody can connect to such an address"),
    ],
)
def test_addresses_that_nobody_can_judge_from_elsewhere(address: str, reason: str) -> None:
    for found in [*probe.probe_sockets([(address, 25, "connect")], 1), *probe.probe_sources([(address, "x", 25)], 1)]:
        assert found == (None, 0.0, reason)


class Routes:
    """A socket that only tells from which address it would send."""

    own = ""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __enter__(self) -> Routes:
        return self

    def __exit__(self, *_arguments: object) -> None:
        pass

    def connect(self, _place: object) -> None:
        if not self.own:
            raise OSError(101, "Network is unreachable")

    def getsockname(self) -> Any:
        return (self.own, 1)


@pytest.mark.parametrize(
    "address, own, reason",
    [
        ("192.0.2.1", "", "this host has no route to it: Network is unreachable"),
        ("10.0.0.5", "10.0.0.5", "this host has the address itself"),
        ("10.0.0.5", "192.168.1.5", "it is a private address, and this host would connect from another network"),
        ("10.0.0.5", "198.51.100.5", "it is a private address, and this host would connect from another network"),
        ("10.0.0.5", "10.9.0.5", None),
        ("192.0.2.1", "10.9.0.5", None),
        ("fd00::5", "fd00:1::5", None),
    ],
)
def test_addresses_that_this_host_cannot_judge(
    monkeypatch: pytest.MonkeyPatch, address: str, own: str, reason: Optional[str]
) -> None:
    monkeypatch.setattr(Routes, "own", own)
    monkeypatch.setattr(socket, "socket", Routes)
    skip = probe._skip_without_route
    parsed = probe.parse_address(address)
    assert parsed
    if reason is None:
        skip(parsed, 25)
    else:
        with pytest.raises(probe._Skipped) as caught:
            skip(parsed, 25)
        assert str(caught.value).startswith(reason)


@pytest.mark.usefixtures("judged")
def test_source_addresses() -> None:
    with server(says()) as port:
        found = probe.probe_sources(
            [("127.0.0.2", "127.0.0.1", port), ("127.0.0.2", "::1", port), ("192.0.2.77", "127.0.0.1", port)], 5
        )
    assert [one.reachable for one in found] == [True, None, False]
    assert [one.reason for one in found] == [None, "::1 has no IPv4 address", "Cannot assign requested address"]


def test_a_bad_address_is_refused() -> None:
    with pytest.raises(InputError, match="sockets: 'mx.example' is not an address"):
        probe.probe_sockets([("mx.example", 25, "connect")], 1)


def entry(address: str, reachable: Optional[bool], any_of: Optional[str] = None) -> Dict[str, Any]:
    return {"address": address, "port": 25, "any_of": any_of, "reachable": reachable, "reason": "why"}


def test_what_cannot_be_used() -> None:
    entries = [entry("192.0.2.1", False), entry("192.0.2.2", True), entry("2001:db8::1", False), entry("::1", None)]
    assert probe.failures(entries) == ["192.0.2.1:25 (why)", "[2001:db8::1]:25 (why)"]


def test_a_source_address_that_has_no_connection() -> None:
    assert probe.failures([{**entry("192.0.2.1", False), "peer": "::2"}]) == ["192.0.2.1 to [::2]:25 (why)"]


@pytest.mark.parametrize("others, failed", [([True], 0), ([None], 1), ([False], 2), ([], 1)])
def test_of_a_wildcard_one_address_is_enough(others: List[Optional[bool]], failed: int) -> None:
    entries = [entry("192.0.2.1", False, "0.0.0.0:25"), *(entry("192.0.2.2", one, "0.0.0.0:25") for one in others)]
    assert len(probe.failures(entries)) == failed
