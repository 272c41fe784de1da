# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Whether the servers of a running Postfix do their work: they answer with their banner.

A listening socket proves little: the master keeps it open, and clients wait in its queue, while every smtpd(8) dies at
its start. A program that dies of its configuration sleeps for a second first (msg_fatal), and the master then does not
start it again for throttle_time (60 s), not even after a reload.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Dict, List, NamedTuple, Optional, Sequence

from .._base.errors import InputError
from .._base.sockets import WILDCARDS, Socket
from .._files.endpoint import identity
from .._rules.outlook import Outlook
from .master_process import COMM, Master

PROVEN = 1.5
"""Seconds after which a program that is still there did not die of its configuration."""

_AT_ONCE = 50  # endpoints asked at the same time, half of the processes that a service has by default
_LOOPBACK = {WILDCARDS["ipv4"]: "127.0.0.1", WILDCARDS["ipv6"]: "::1"}
_PROXY = {"smtpd": "smtpd_upstream_proxy_protocol", "postscreen": "postscreen_upstream_proxy_protocol"}


class Endpoint(NamedTuple):
    """A socket that a server speaks SMTP on, first; ``program`` is the server, as the kernel calls its processes."""

    at: Socket
    program: str


class Answer(NamedTuple):
    """What a client got to see: a banner, or what went wrong; neither where it could not even connect."""

    banner: Optional[str] = None
    problem: Optional[str] = None


def endpoints(after: Outlook) -> List[Endpoint]:
    """The sockets whose server greets its clients at once: not only when TLS began, or a proxy told who they are."""
    port_of = after.configuration.port_of
    servers = {identity(one.name, one.type, port_of): one for one in after.services if one.type == "inet"}
    found = []
    for listener in after.promised or ():
        service = servers[identity(listener.service, listener.type, port_of)]
        program = os.path.basename(service.command)
        settings = after.settings.with_options(service.option_values)
        if program not in _PROXY or not listener.socket.port:
            continue
        try:
            wrapped = settings.get("smtpd_tls_wrappermode").lower() == "yes"
            if not wrapped and not settings.get(_PROXY[program]):
                found.append(Endpoint(listener.socket, program))
        except InputError:  # the server dies of it, which is what asking it will show
            found.append(Endpoint(listener.socket, program))
    return found


def ask(asked: Sequence[Endpoint], master: Master, deadline: float) -> Dict[Socket, Answer]:
    """Connect to each endpoint as a client on this host does, and return what it says.

    :param deadline: when to stop waiting for answers, by time.monotonic(); a server that has no process left which
        could answer is not waited for
    """
    answers: Dict[Socket, Answer] = {}
    gate = threading.Semaphore(_AT_ONCE)
    for endpoint in asked:
        threading.Thread(target=_ask, args=(endpoint.at, answers, gate, deadline), daemon=True).start()
    alive = time.monotonic()
    while len(answers) < len(asked) and time.monotonic() < deadline:
        names = {child.name for child in master.children()}
        if all(endpoint.program[:COMM] in names for endpoint in asked if endpoint.at not in answers):
            alive = time.monotonic()
        elif time.monotonic() - alive > PROVEN:
            break
        time.sleep(0.03)
    found = dict(answers)
    return {one.at: found.get(one.at, Answer(problem="does not answer")) for one in asked}


def _ask(at: Socket, answers: Dict[Socket, Answer], gate: threading.Semaphore, deadline: float) -> None:
    with gate:
        address = _LOOPBACK.get(at.address, at.address)
        try:
            connection = socket.create_connection((address, at.port), timeout=max(deadline - time.monotonic(), 0.1))
        except OSError:  # a packet filter, or no loopback: this says nothing about the server
            answers[at] = Answer()
            return
        with connection:
            answers[at] = _greeting(connection)


def _greeting(connection: socket.socket) -> Answer:
    said = b""
    try:
        while b"\n" not in said and len(said) < 2048:
            more = connection.recv(2048)
            if not more:
                break
            said += more
        connection.sendall(b"QUIT\r\n")
        # Until it has ended: what it does not read would turn the end into a reset, and a line in the log.
        while connection.recv(2048):
            pass
    except OSError:
        pass
    text = said.decode("utf-8", "replace").strip()
    # 4xx and 5xx too: this client was refused, by a server that works.
    if text[:3].isdigit():
        return Answer(banner=text.splitlines()[0])
    return Answer(problem=f"answers {text!r}" if text else "ends the connection without a banner")
