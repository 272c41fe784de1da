# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One listening TCP socket: its address, its port and its family."""

from __future__ import annotations

from typing import Iterable, List

from .records import NamedTuple

WILDCARDS = {"ipv4": "0.0.0.0", "ipv6": "::"}
EXPECTATIONS = GREETING, TLS, CONNECTION = "greeting", "tls", "connect"
"""What a client can expect: the server speaks first, or TLS begins at once, or no more is known."""


class Socket(NamedTuple):
    """A listening socket, whether a file promises it or a process holds it."""

    #: normal form; ``0.0.0.0`` or ``::`` for a wildcard
    address: str
    #: 0 stands for a port that the kernel chooses
    port: int
    #: ``ipv4`` or ``ipv6``
    family: str

    @property
    def is_wildcard(self) -> bool:
        """Whether it takes the connections to all addresses of its family."""
        return self.address == WILDCARDS[self.family]

    def overlaps(self, other: Socket) -> bool:
        """Return whether both claim the same connections: one port, and one address or a wildcard beside it."""
        if self.port != other.port or self.family != other.family or not self.port:
            return False
        return self.address == other.address or self.is_wildcard or other.is_wildcard

    def __str__(self) -> str:
        return with_port(self.address, self.port)


def with_port(host: str, port: int) -> str:
    """Return an address or a name of a host with a port, as a person writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ipv4_first(sockets: Iterable[Socket]) -> List[Socket]:
    """Return sockets in the order that a person expects."""
    return sorted(sockets, key=lambda socket: (socket.family, socket.address, socket.port))


def in_words(sockets: Iterable[Socket]) -> str:
    """Return sockets as a person writes them."""
    return ", ".join(map(str, ipv4_first(sockets)))
