# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes the mail of the tests, and tells from which address it came."""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from typing import Any

PORT = 4025


class _Session(socketserver.StreamRequestHandler):
    """SMTP and LMTP, as much of it as there has to be for mail to be taken."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink ESMTP\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            answer = b"221 bye" if verb == b"QUIT" else b"354 go on" if verb == b"DATA" else b"250 ok"
            if verb == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                os.write(self.server.pipe, f"{recipient} {self.client_address[0].partition('%')[0]}\n".encode())  # type: ignore[attr-defined]
            self.wfile.write(answer + b"\r\n")
            if verb == b"DATA":
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.wfile.write(b"250 ok\r\n")
            elif verb == b"QUIT":
                break


class Sink(socketserver.ThreadingTCPServer):
    """A server for one family, which writes each recipient with the client's address into a pipe."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, pipe: int) -> None:
        self.address_family = family
        self.pipe = pipe
        super().__init__(("", PORT), _Session, bind_and_activate=False)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.server_bind()
        self.server_activate()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 5}, daemon=True).start()

    def handle_error(self, *_arguments: Any) -> None:
        pass
