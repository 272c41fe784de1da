# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first field of a master.cf service: its grammar, its port, and which service it means.

The rules are those of master(5), "Service name", and of the master's code: host_port() splits, getservbyname(3) knows
the ports after known_tcp_ports, and two fields with the same host and port are one service.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Callable, Optional, Tuple

from .._base.address import normal_form, parse_address
from .._base.errors import InputError
from .._base.words import is_number

PortLookup = Callable[[str], Optional[int]]
# postconf(5), known_tcp_ports: its default, which counts before services(5) since Postfix 3.6
known_port: PortLookup = {"lmtp": 24, "smtp": 25, "smtps": 465, "submission": 587, "submissions": 465}.get

# ASCII without letters, digits and the underscore; a class with all characters beyond takes 10 ms to compile.
_NO_WORD = r"\x00-/:-@\[-^`{-\x7f"
_LABEL = rf"[^{_NO_WORD}](?:(?:-|[^{_NO_WORD}]){{0,61}}[^{_NO_WORD}])?\Z"
_IPV4 = r"(?!0+\.)[0-9]+(?:\.[0-9]+){3}\Z|0+(?:\.0+){3}\Z"
_NO_NUMBER = 0xFFFFFFFF  # getaddrinfo(3) keeps -1 for a port that is not a number, and so takes this one for a name


@lru_cache(maxsize=1024)  # each rule about sockets splits the same few names
def split_endpoint(name: str, parameter: str = "services") -> Tuple[str, str]:
    """Return the host of an inet service, without brackets and ``ipv6:``, or "" if it has none, and its port.

    :raises InputError: when the master would refuse the field, with its own reason behind a colon
    """

    def error(reason: str) -> InputError:
        return InputError(parameter, name, f"is not an endpoint: {reason}", "Write port, host:port or [address]:port")

    if name[:1] == "[":
        host, bracket, rest = name[1:].partition("]")
        if not bracket:
            raise error('missing "]"')
        if rest[:1] not in ("", ":"):
            raise error('garbage after "]"')
        port = rest[1:]
        if host[:5].lower() == "ipv6:":
            host = host[5:]
            if ":" not in host or not _valid_host(host):
                raise error("malformed IPv6 address")
    else:
        host, _colon, port = name.rpartition(":")
    if not port:
        raise error("missing service information")
    if (host or name[0] == "[") and not _valid_host(host):
        raise error("valid hostname or network address required")
    if is_number(port[0]) and not is_number(port):
        raise error("garbage after numerical service")
    return host, port


def _valid_host(host: str) -> bool:
    if ":" in host:
        return "%" not in host and parse_address(host) is not None
    if re.match(_IPV4, host):
        return all(int(octet.lstrip("0")[:4] or "0") < 256 for octet in host.split("."))
    labels = host.split(".")
    is_name = len(host) <= 255 and all(re.match(_LABEL, label) for label in labels)
    return is_name and not is_number(host.replace(".", ""))


def port_number(text: str, lookup: PortLookup = known_port, parameter: str = "services") -> int:
    """Return the number of a port that is written as a name or a number.

    :returns: 0 to 65535; larger numbers wrap around as they do in the system, which chooses a port itself for 0
    :raises InputError: for a name that is not known
    """
    if is_number(text):
        number = min(int(text.lstrip("0")[:21] or "0"), 2**64 - 1)  # like strtoul(3)
        if number & 0xFFFFFFFF != _NO_NUMBER:
            return number & 0xFFFF
    port = lookup(text)
    if port is None:
        reason = "is not a known port: Servname not supported for ai_socktype"
        raise InputError(parameter, text, reason, "Write its number")
    return port


def identity(name: str, type: str, lookup: PortLookup = known_port) -> str:
    """Return a text that is equal for all spellings of one service: ``25/inet`` is ``smtp``, ``:smtp`` and ``25``.

    A numeric host is in its normal form, ``[10.77.0.1]:25/inet``; a host's name keeps its case.
    """
    if type == "inet":
        try:
            host, port = place_of(name, lookup)
            name = f"[{host}]:{port}" if host else str(port)
        except InputError:
            pass  # the master would refuse it
    return f"{name}/{type}"


def place_of(name: str, lookup: PortLookup = known_port) -> Tuple[str, int]:
    """Return the host, a numeric one in its normal form, and the port of an inet service.

    :raises InputError: when the master would refuse the field, or the port is not known
    """
    host, port = split_endpoint(name)
    address = parse_address(host)
    return normal_form(address) if address else host, port_number(port, lookup)
