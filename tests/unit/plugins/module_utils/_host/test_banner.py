# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as a server that works; over real sockets, with a stand-in for the master's children."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Dict, Iterator, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.in_sync import dead
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.banner import (
    Answer,
    Endpoint,
    ask,
    endpoints,
    expectations,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, Process
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    outlook_of,
    process_of,
)


class Children(Master):
    """A master whose children are as the test says."""

    names: List[str] = ["smtpd", "qmgr"]

    def children(self) -> List[Process]:
        return [process_of(number, name) for number, name in enumerate(self.names, start=2)]


def master(*names: str) -> Children:
    made = Children(process_of(1), "/var/spool/postfix", {}, "")
    made.names = list(names)
    return made


def outlook(master_cf: str, **values: str) -> Outlook:
    return outlook_of({"inet_protocols": "ipv4", **values}, master_cf, host_of("127.0.0.1/8"), "3.7", allow_absent=True)


@pytest.mark.parametrize(
    "line, values, asked",
    [
        ("smtp inet n - y - - smtpd", {}, True),
        ("smtp inet n - y - 1 postscreen", {}, True),
        ("10.0.0.1:25 inet n - n - - smtpd -o smtpd_tls_wrappermode=no", {"smtpd_tls_wrappermode": "yes"}, True),
        ("smtps inet n - y - - smtpd -o smtpd_tls_wrappermode=yes", {}, False),
        ("smtp inet n - y - - smtpd", {"smtpd_upstream_proxy_protocol": "haproxy"}, False),
        ("smtp inet n - y - 1 postscreen", {"postscreen_upstream_proxy_protocol": "haproxy"}, False),
        ("628 inet n - y - - qmqpd", {}, False),
        ("10025 inet n n n - 0 spawn argv=/bin/filter", {}, False),
    ],
)
def test_who_greets_at_once(line: str, values: Dict[str, str], asked: bool) -> None:
    assert bool(endpoints(outlook(line + "\n", **values))) == asked


@pytest.mark.parametrize(
    "line, expect",
    [
        ("2525 inet n - y - - smtpd", "greeting"),
        ("2525 inet n - y - 1 postscreen", "greeting"),
        ("2525 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes", "tls"),
        ("2525 inet n - y - - smtpd -o smtpd_upstream_proxy_protocol=haproxy", "connect"),
        ("2525 inet n - n - 0 spawn user=nobody argv=/bin/true", "connect"),
    ],
)
def test_what_a_client_can_expect(line: str, expect: str) -> None:
    found = expectations(outlook(line + "\n"))
    assert found
    assert {what for _socket, what in found} == {expect}


def test_a_service_given_twice_is_the_last_one() -> None:
    text = "smtp inet n - y - - smtpd -o smtpd_tls_wrappermode=yes\n25 inet n - y - - smtpd\n"
    assert [one.program for one in endpoints(outlook(text))] == ["smtpd"]


@pytest.fixture(name="server")
def _server() -> Iterator[Tuple[socket.socket, List[bytes]]]:
    """A socket that says to each client what the list has."""
    said: List[bytes] = []
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)

    def serve() -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            for text in said:
                client.sendall(text)
                time.sleep(0.02)
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener, said
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "said, answer",
    [
        ([b"220 mx.example ESMTP\r\n"], Answer("220 mx.example ESMTP")),
        ([b"220-wait\r\n", b"220 mx.example ESMTP\r\n"], Answer("220 mx.example ESMTP")),
        ([b"220-wait\r\n22", b"0-and wait\r\n220", b"\r\n"], Answer("220")),
        ([b"220-wait\r\n421 4.3.2 busy\r\n"], Answer("421 4.3.2 busy")),
        ([b"220-wait\r\n"], Answer(problem="begins with '220-wait' and does not go on")),
        ([b"220-wait\r\nthen\r\n"], Answer(problem="answers '220-wait\\r\\nthen'")),
        ([b"220 mx.", b"example ESMTP\r\n"], Answer("220 mx.example ESMTP")),
        ([b"421 4.7.0 too many connections\r\n"], Answer("421 4.7.0 too many connections")),
        ([], Answer(problem="ends the connection without a banner")),
        ([b"SSH-2.0-x\r\n"], Answer(problem="answers 'SSH-2.0-x'")),
    ],
)
def test_what_a_server_says(server: Tuple[socket.socket, List[bytes]], said: List[bytes], answer: Answer) -> None:
    listener, words = server
    words += said
    at = Socket(*listener.getsockname(), "ipv4")
    assert ask([Endpoint(at, "smtpd")], master("smtpd"), time.monotonic() + 60) == {at: answer}


def test_nobody_talks_before_the_greeting_is_over() -> None:
    """As postscreen finds clients that do: it sends one line of the greeting, and listens."""
    heard: List[bytes] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)

        def screen() -> None:
            client = listener.accept()[0]
            with client:
                client.sendall(b"220-mx.example ESMTP\r\n")
                client.settimeout(0.7)
                with suppress(socket.timeout):
                    heard.append(client.recv(100))
                client.sendall(b"220 mx.example ESMTP\r\n")
                client.settimeout(60)
                heard.append(client.recv(100))
                client.sendall(b"221 bye\r\n")

        threading.Thread(target=screen, daemon=True).start()
        at = Socket(*listener.getsockname(), "ipv4")
        answers = ask([Endpoint(at, "postscreen")], master("postscreen"), time.monotonic() + 60)
    assert answers == {at: Answer("220 mx.example ESMTP")}
    assert heard == [b"QUIT\r\n"]


def test_what_only_some_services_of_a_socket_do_is_not_expected() -> None:
    plain, wrapped = "25 inet n - n - - smtpd\n", "127.0.0.1:25 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
    own = {"inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4"}
    at = Socket("127.0.0.1", 25, "ipv4")
    assert expectations(outlook(plain + wrapped, **own)) == [(at, "connect")]
    assert endpoints(outlook(plain + wrapped, **own)) == []
    assert expectations(outlook(plain, **own)) == [(at, "greeting")]


def test_more_endpoints_than_are_asked_at_once(server: Tuple[socket.socket, List[bytes]]) -> None:
    listener, words = server
    words.append(b"220 x\r\n")
    port = listener.getsockname()[1]
    asked = [Endpoint(Socket(f"127.0.0.{number}", port, "ipv4"), "smtpd") for number in range(1, 80)]
    found = ask(asked, master("smtpd"), time.monotonic() + 60)
    assert found.pop(Socket("127.0.0.1", port, "ipv4")) == Answer("220 x")
    assert set(found.values()) == {Answer()}  # nobody listens there: says nothing about the server


@pytest.mark.duration
def test_a_server_without_processes_is_not_waited_for() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        at, began = Socket(*mute.getsockname(), "ipv4"), time.monotonic()
        found = ask([Endpoint(at, "smtpd")], master("qmgr"), began + 60)
        assert time.monotonic() - began < 10
        assert found == {at: Answer(problem="does not answer")}
        ask([Endpoint(at, "smtpd")], master("smtpd"), time.monotonic() + 2.5)
        assert time.monotonic() - began > 3.5


@pytest.mark.parametrize(
    "line, children, program",
    [
        ("qmgr unix n - n 300 1 qmgr", ["qmgr", "pickup"], None),
        ("qmgr unix n - n 300 1 qmgr", ["pickup"], "qmgr"),
        ("qmgr fifo n - n 300 1 oqmgr", ["oqmgr"], None),
        ("qmgr unix n - n 300 1 oqmgr", ["qmgr"], "oqmgr"),
        ("smtp inet n - n - - smtpd", ["pickup"], None),
    ],
)
def test_the_queue_manager_lives(line: str, children: List[str], program: str) -> None:
    assert dead(outlook(line + "\n"), master(*children)) == program
    assert dead(outlook(line + "\n"), master(*children), time.monotonic()) == program
