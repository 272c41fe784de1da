# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host knows by name: the addresses of a host (getaddrinfo(3)) and the port of a service (services(5))."""

from __future__ import annotations

import socket
from typing import Optional, Sequence

from .._base.address import Address, parse_address
from .._base.errors import InputError
from .._files.endpoint import known_port
from .._rules.own_addresses import Resolver, asked_once

HOSTS = "/etc/hosts"


def system_resolver() -> Resolver:
    """Return a resolver that asks this host for the addresses of a name, as Postfix does, once for each name."""
    return asked_once(_ask)


def system_port(service: str) -> Optional[int]:
    """Return the port of a service name on this host: what Postfix knows by itself, then services(5)."""
    try:
        return known_port(service) or socket.getservbyname(service, "tcp")
    except (OSError, ValueError):  # ValueError: the name has a NUL, or bytes that are not UTF-8
        return None


def name_source(name: str, address: Address, path: str = HOSTS) -> str:
    """Return where this host has an address of a name from: the line of the hosts file, if it is there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, start=1):
                literal, *names = line.partition("#")[0].split() or [""]
                if parse_address(literal) == address and name.rstrip(".").lower() in map(str.lower, names):
                    return f"line {number} of {path}"
    except OSError:
        pass
    # The C library takes ::1 in the hosts file for 127.0.0.1 where only IPv4 is asked for.
    return "" if address.is_loopback else f"not from {path}"


def _ask(name: str) -> Sequence[Address]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or "not a valid host name"
        reason = f"is not a host name that this host can resolve ({problem})"
        raise InputError("getaddrinfo", name, reason, "Write its address, or correct the name") from error
    addresses = [parse_address(str(answer[4][0])) for answer in answers]
    return [address for address in addresses if address is not None]
