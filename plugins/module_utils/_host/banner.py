# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask the servers of a running Postfix for their banner, which shows that they work.

A listening socket proves little: the master keeps it open, and clients wait in its queue, while every smtpd(8) dies
when it starts. A program that dies of its configuration sleeps for a second first (msg_fatal), and the master then does
not start it again for throttle_time (60 s), not even after a reload.

No answer in time proves little, too: a server can wait for a name server that does not answer. So what counts then is
whether a process lives that serves there.
"""

from __future__ import annotations

import errno
import os
import re
import select
import socket
import time
from contextlib import suppress
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.sockets import CONNECTION, GREETING, TLS, WILDCARDS, Socket
from .._files.endpoint import identity
from .._files.service import Service, service_key
from .._rules.outlook import Outlook
from .master_process import COMM, Master

PROVEN = 1.5
"""Seconds after its start by which a program would have died of its configuration."""

_GOES_ON = re.compile(rb"[0-9]{3}-")
_ABSENT = 3.0  # seconds without any process after which a server is not waited for; a busy host starts one late
_LEAVING = 1.0  # seconds for a server that has answered to take leave
_AT_ONCE = 50  # endpoints that are asked at the same time: half of the processes that a service has by default
_LOOPBACK = {WILDCARDS["ipv4"]: "127.0.0.1", WILDCARDS["ipv6"]: "::1"}
_PROXY = {"smtpd": "smtpd_upstream_proxy_protocol", "postscreen": "postscreen_upstream_proxy_protocol"}


class Endpoint(NamedTuple):
    """A socket on which a server speaks first; ``program`` is the server's name, ``service`` what service_key says."""

    at: Socket
    program: str
    service: str = ""


class Answer(NamedTuple):
    """What a client gets: a banner, or a problem; neither if it cannot even connect.

    ``slow`` says that the problem is one of time: a process lives that serves there.
    """

    banner: Optional[str] = None
    problem: Optional[str] = None
    slow: bool = False


def endpoints(after: Outlook) -> List[Endpoint]:
    """Return the sockets whose server sends its banner at once, not only after TLS has begun or a proxy has spoken."""
    port_of, greeting = after.configuration.port_of, dict(expectations(after))
    return [
        Endpoint(at, os.path.basename(service.command), service_key(service, port_of))
        for at, service in _servers(after)
        if greeting[at] == GREETING
    ]


def expectations(after: Outlook) -> List[Tuple[Socket, str]]:
    """Return the sockets with what a client can expect there: GREETING, TLS or CONNECTION.

    Where services share a socket, each connection goes to one of them by chance, so what only some do is not expected.
    """
    found: Dict[Socket, str] = {}
    for at, service in _servers(after):
        expected = _expected(service, after)
        found[at] = expected if found.get(at, expected) == expected else CONNECTION
    return list(found.items())


def _servers(after: Outlook) -> Iterator[Tuple[Socket, Service]]:
    """Yield each promised socket with the service behind it, but those whose port the kernel chooses."""
    port_of = after.configuration.port_of
    servers = {identity(each.name, each.type, port_of): each for each in after.services if each.type == "inet"}
    for listener in after.promised or ():
        service = servers.get(identity(listener.service, listener.type, port_of))
        if service and listener.socket.port:
            yield listener.socket, service


def _expected(service: Service, after: Outlook) -> str:
    program = os.path.basename(service.command)
    if program not in _PROXY:
        return CONNECTION
    settings = after.settings.with_options(service.option_values)
    try:
        if settings.get(_PROXY[program]):
            return CONNECTION
        return TLS if settings.get("smtpd_tls_wrappermode").lower() == "yes" else GREETING
    except InputError:  # the server dies of this value, as asking it will show
        return GREETING


def ask(asked: Sequence[Endpoint], master: Master, deadline: float) -> Dict[Socket, Answer]:
    """Connect to each endpoint as a client on this host does, and return its answer (see :class:`Visits`)."""
    return Visits(asked).answers(master, deadline)


class Visits:
    """Connections to endpoints, as a client on this host makes them. They begin at once, and nothing here blocks.

    :param asked: where to connect to
    :param at_once: to how many at the same time
    """

    def __init__(self, asked: Sequence[Endpoint], at_once: int = _AT_ONCE) -> None:
        self._asked, self._at_once = asked, at_once
        self._later = list(reversed(asked))
        self._visits: List[_Visit] = []
        self._poll = select.poll()
        self._fill()

    def answers(self, master: Master, deadline: float) -> Dict[Socket, Answer]:
        """Return the answer of each endpoint, and end the connections.

        :param deadline: when to stop waiting, by time.monotonic(); a server without any process is not waited for so
            long
        """
        last_alive = time.monotonic()
        while self._go_on(0.03) and time.monotonic() < deadline:
            if all(_has_process(visit, master) for visit in self._visits if not visit.answer):
                last_alive = time.monotonic()
            elif time.monotonic() - last_alive > _ABSENT:
                break
        for visit in self._visits:
            if not visit.answer:
                visit.answer = _late(visit, master)
        self._go_on(0.0)  # it may have come while others were looked at
        for visit in self._visits:
            visit.end()
        found = {visit.endpoint.at: visit.answer or Answer() for visit in self._visits}
        return {endpoint.at: found.get(endpoint.at, Answer()) for endpoint in self._asked}

    def _go_on(self, seconds: float) -> bool:
        """Do what can be done within a time; return whether something is left."""
        waiting = {visit.connection.fileno(): visit for visit in self._visits if visit.is_open}
        for number, visit in waiting.items():
            self._poll.register(number, visit.events)
        ready = self._poll.poll(seconds * 1000) if waiting else []
        for number in waiting:
            self._poll.unregister(number)
        for number, _events in ready:
            waiting[number].go_on()
        for visit in self._visits:
            if visit.is_open and visit.leaves and time.monotonic() > visit.leaves:
                visit.end()
        self._fill()
        return any(visit.is_open for visit in self._visits)

    def _fill(self) -> None:
        begun = sum(visit.is_open for visit in self._visits)
        while self._later and begun < self._at_once:
            try:
                self._visits.append(_Visit(self._later[-1]))
            except OSError:  # a family that is not there, or no file left
                if begun:
                    return
            self._later.pop()
            begun += 1


class _Visit:
    """One connection. It waits for the whole greeting, then takes leave.

    postscreen(8) sends a line that begins with ``220-``, to see who talks before his turn. This does not.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.answer: Optional[Answer] = None
        #: address and port of this end, once there is a connection
        self.client: Optional[Tuple[str, int]] = None
        self.began = time.monotonic()
        #: until when it waits for the server to end the connection, once it has said QUIT
        self.leaves = 0.0
        self._received = b""
        at = endpoint.at
        self.connection = socket.socket(socket.AF_INET6 if at.family == "ipv6" else socket.AF_INET)
        self.connection.setblocking(False)
        error = self.connection.connect_ex((_LOOPBACK.get(at.address, at.address), at.port))
        if error not in (0, errno.EINPROGRESS):
            self._cannot_connect()

    @property
    def is_open(self) -> bool:
        return self.connection.fileno() >= 0

    @property
    def events(self) -> int:
        """What to wait for (poll(2))."""
        return select.POLLIN if self.client else select.POLLOUT

    def go_on(self) -> None:
        """Do what can be done now."""
        try:
            if not self.client:
                if self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    return self._cannot_connect()
                self.client = self.connection.getsockname()[:2]
                return None
            more = self.connection.recv(2048)
        except BlockingIOError:
            return None
        except OSError:
            more = b""
        if self.leaves:  # read to the end: data that nobody reads would make a reset of the close, and a line of that
            if not more:
                self.end()
            return None
        self._received += more
        if more and not _is_whole(self._received) and len(self._received) < 8192:
            return None
        self.answer = _meaning(self._received)
        if not more or not _is_whole(self._received):
            self.end()
            return None
        with suppress(OSError):
            self.connection.sendall(b"QUIT\r\n")
        self.leaves = time.monotonic() + _LEAVING
        return None

    def end(self) -> None:
        """End the connection."""
        self.connection.close()

    def _cannot_connect(self) -> None:
        """It is a packet filter, or there is no loopback, which says nothing about the server."""
        self.answer = Answer()
        self.end()


def _meaning(received: bytes) -> Answer:
    """Return what a greeting means."""
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


def _has_process(visit: _Visit, master: Master) -> bool:
    """Return whether the master has a process for a server: of its program, and after a while of its service."""
    children = master.children()
    if visit.endpoint.program[:COMM] not in {child.name for child in children}:
        return False
    if time.monotonic() - visit.began < PROVEN:
        return True
    from .at_work import servers  # seldom

    return visit.endpoint.at not in master.sockets or bool(servers(visit.endpoint, children, master))


def _late(visit: _Visit, master: Master) -> Answer:
    """Return what it means that a server has not answered in time."""
    if not visit.client:  # nobody has answered the handshake, which is the kernel's
        return Answer()
    from .at_work import at_work  # seldom

    doing = at_work(visit.endpoint, visit.client, master)
    if doing is None:
        return Answer(problem="does not answer")
    return Answer(problem=f"has not answered within {time.monotonic() - visit.began:.0f} s: {doing}", slow=True)
