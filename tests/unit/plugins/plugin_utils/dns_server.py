# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server on the loopback address, in threads of the test, with the records that the test gives it.

It answers as DNS does: over UDP cut short where an answer is too long for it, and then over TCP; with CNAMEs followed.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

#: by name, by type, what the records say: TXT in quotes, as in a zone file
Zone = Mapping[str, Mapping[str, Sequence[str]]]


class Server:
    """What is answered, and what was asked."""

    def __init__(self, zone: Zone, servfail: Sequence[str] = (), silent: Sequence[str] = ()) -> None:
        self.zone = zone
        self.servfail = servfail
        self.silent = silent
        self.asked: Counter[tuple[str, str]] = Counter()
        self.over_tcp = 0
        self.port = 0

    def answer(self, wire: bytes) -> dns.message.Message | None:
        """Return the answer to a message; None for silence."""
        query = dns.message.from_wire(wire)
        (question,) = query.question
        name, kind = question.name.to_text(True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        if name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.servfail:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        if name not in self.zone:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for _step in range(9):
            records = self.zone.get(name, {})
            if "CNAME" not in records or kind == "CNAME":
                break
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", *records["CNAME"]))
            name = records["CNAME"][0].rstrip(".").lower()
        if self.zone.get(name, {}).get(kind):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *self.zone[name][kind]))
        return answer

    def resolver(self) -> dns.resolver.Resolver:
        """Return a resolver that asks this server alone."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        resolver.lifetime, resolver.timeout = 1, 0.5
        return resolver


@contextmanager
def serving(zone: Zone, **more: Any) -> Iterator[Server]:
    """Have a name server for the time of a test."""
    server = Server(zone, **more)

    class OverUdp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            answer = server.answer(wire)
            if answer is not None:
                sent = answer.to_wire(max_size=65535)
                if len(sent) > 512:
                    answer.flags |= dns.flags.TC
                    answer.answer.clear()
                    sent = answer.to_wire()
                socket.sendto(sent, self.client_address)

    class OverTcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            server.over_tcp += 1
            answer = server.answer(self.rfile.read(length))
            if answer is not None:
                wire = answer.to_wire(max_size=65535)
                self.wfile.write(struct.pack("!H", len(wire)) + wire)

    with (
        socketserver.ThreadingUDPServer(("127.0.0.1", 0), OverUdp) as udp,
        socketserver.ThreadingTCPServer(("127.0.0.1", udp.server_address[1]), OverTcp, False) as tcp,
    ):
        tcp.allow_reuse_address = udp.daemon_threads = tcp.daemon_threads = True
        tcp.server_bind()
        tcp.server_activate()
        server.port = udp.server_address[1]
        threads = [threading.Thread(target=each.serve_forever, args=[0.01], daemon=True) for each in (udp, tcp)]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            udp.shutdown()
            tcp.shutdown()
            for thread in threads:
                thread.join()
