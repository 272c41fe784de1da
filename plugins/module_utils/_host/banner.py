# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the servers of a running Postfix for their banner, which shows that they work.

A listening socket proves little: the master keeps it open, and clients wait in its queue, while every smtpd(8) dies
when it starts. A program that dies of its configuration sleeps for a second first (msg_fatal), and the master then does
not start it again for throttle_time (60 s), not even after a reload.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from typing import Dict, List, Optional, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.sockets import WILDCARDS, Socket
from .._files.endpoint import identity
from .._rules.outlook import Outlook
from .._rules.settings import Settings
from .master_process import COMM, Master

PROVEN = 1.5
"""Seconds after its start by which a program would have died of its configuration."""

_GOES_ON = re.compile(rb"[0-9]{3}-")
_AT_ONCE = 50  # endpoints that are asked at the same time: half of the processes that a service has by default
_LOOPBACK = {WILDCARDS["ipv4"]: "127.0.0.1", WILDCARDS["ipv6"]: "::1"}
_PROXY = {"smtpd": "smtpd_upstream_proxy_protocol", "postscreen": "postscreen_upstream_proxy_protocol"}


class Endpoint(NamedTuple):
    """A socket on which a server speaks first; ``program`` is the server's name."""

    at: Socket
    program: str


class Answer(NamedTuple):
    """What a client gets: a banner, or a problem; neither if it cannot even connect."""

    banner: Optional[str] = None
    problem: Optional[str] = None


def endpoints(after: Outlook) -> List[Endpoint]:
    """Return the sockets whose server sends its banner at once, not only after TLS has begun or a proxy has spoken."""
    port_of = after.configuration.port_of
    servers = {identity(each.name, each.type, port_of): each for each in after.services if each.type == "inet"}
    result = []
    for listener in after.promised or ():
        service = servers[identity(listener.service, listener.type, port_of)]
        program = os.path.basename(service.command)
        if program not in _PROXY or not listener.socket.port:
            continue
        if _speaks_first(program, after.settings.with_options(service.option_values)):
            result.append(Endpoint(listener.socket, program))
    return result


def _speaks_first(program: str, settings: Settings) -> bool:
    try:
        return settings.get("smtpd_tls_wrappermode").lower() != "yes" and not settings.get(_PROXY[program])
    except InputError:  # the server dies of this value, as asking it will show
        return True


def ask(asked: Sequence[Endpoint], master: Master, deadline: float) -> Dict[Socket, Answer]:
    """Connect to each endpoint as a client on this host does, and return its answer.

    :param deadline: when to stop waiting, by time.monotonic(); a server without any process is not waited for so long
    """
    answers: Dict[Socket, Answer] = {}
    gate = threading.Semaphore(_AT_ONCE)
    for endpoint in asked:
        threading.Thread(target=_ask, args=(endpoint.at, answers, gate, deadline), daemon=True).start()
    last_alive = time.monotonic()
    while len(answers) < len(asked) and time.monotonic() < deadline:
        programs = {child.name for child in master.children()}
        if all(endpoint.program[:COMM] in programs for endpoint in asked if endpoint.at not in answers):
            last_alive = time.monotonic()
        elif time.monotonic() - last_alive > PROVEN:
            break
        time.sleep(0.03)
    in_time = dict(answers)  # threads may still add to the other
    return {endpoint.at: in_time.get(endpoint.at, Answer(problem="does not answer")) for endpoint in asked}


def _ask(at: Socket, answers: Dict[Socket, Answer], gate: threading.Semaphore, deadline: float) -> None:
    with gate:
        address = _LOOPBACK.get(at.address, at.address)
        try:
            connection = socket.create_connection((address, at.port), timeout=max(deadline - time.monotonic(), 0.1))
        except OSError:  # a packet filter, or no loopback, which says nothing about the server
            answers[at] = Answer()
            return
        with connection:
            answers[at] = _greeting(connection)


def _greeting(connection: socket.socket) -> Answer:
    """Wait for the whole greeting, then take leave.

    postscreen(8) sends a line that begins with ``220-``, to see who talks before his turn. This does not.
    """
    received = b""
    try:
        while not _is_whole(received) and len(received) < 8192:
            more = connection.recv(2048)
            if not more:
                break
            received += more
        if _is_whole(received):
            connection.sendall(b"QUIT\r\n")
            # Read to the end: data that nobody reads would make a reset of the close, and a line in the log of that.
            while connection.recv(2048):
                pass
    except OSError:
        pass
    text = received.decode("utf-8", "replace").strip()
    if not text:
        return Answer(problem="ends the connection without a banner")
    last = text.splitlines()[-1]
    # 4xx and 5xx count too: a server that works has refused this client.
    if _is_whole(received) and last[:3].isdigit() and last[3:4] in ("", " "):
        return Answer(banner=last)
    goes_on = _is_whole(received) or not _GOES_ON.match(received)
    return Answer(problem=f"answers {text!r}" if goes_on else f"begins with {text!r} and does not go on")


def _is_whole(received: bytes) -> bool:
    """Return whether the last line that came is not one behind which another line follows."""
    lines = received.split(b"\n")[:-1]
    return bool(lines) and not _GOES_ON.match(lines[-1])
