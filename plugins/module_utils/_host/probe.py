# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try from here whether sockets elsewhere can be used, and whether a peer can be reached from an address of this host.

This runs anywhere, also where there is no Postfix. It tries all at once, and says nothing to a server that has not
finished its greeting: postscreen(8) takes who talks before his turn for a spammer.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from .._base.address import Address, is_private, needs_scope, parse_address, same_private_network
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.sockets import GREETING, TLS, with_port
from .kernel_source import kernel_source

_AT_ONCE = 64
_LONGEST_LINE = 4096
_LEAVING = 1.0  # seconds for a server to take leave
_NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EACCES)


class Found(NamedTuple):
    """What a try has shown. ``reachable`` is None where it was skipped; ``reason`` says why it was, or has failed."""

    reachable: Optional[bool]
    seconds: float = 0.0
    reason: Optional[str] = None


class _Skipped(Exception):
    """It makes no sense to try."""


def probe_sockets(sockets: Sequence[Tuple[str, int, str]], timeout: float) -> List[Found]:
    """Try sockets by their address, port, and what to expect there.

    :raises InputError: one of the addresses is none
    """
    addresses = [_address("sockets", address) for address, _port, _expect in sockets]
    tries = [_socket_try(address, *entry[1:], timeout) for address, entry in zip(addresses, sockets)]
    return _all_at_once(tries)


def probe_sources(sources: Sequence[Tuple[str, str, int]], timeout: float) -> List[Found]:
    """Try to connect from addresses of this host, each with its peer and the peer's port.

    :raises InputError: one of the addresses is none
    """
    addresses = [_address("sources", address) for address, _peer, _port in sources]
    tries = [_source_try(address, *entry[1:], timeout) for address, entry in zip(addresses, sources)]
    return _all_at_once(tries)


def _address(option: str, text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise InputError(option, text, "is not an address", "Give an address, such as 192.0.2.10")
    return address


def _all_at_once(tries: Sequence[Callable[[], None]]) -> List[Found]:
    if not tries:
        return []
    with ThreadPoolExecutor(min(len(tries), _AT_ONCE)) as pool:
        return list(pool.map(_tried, tries))


def _tried(attempt: Callable[[], None]) -> Found:
    began = time.monotonic()
    try:
        attempt()
    except _Skipped as why:
        return Found(None, 0.0, str(why))
    except OSError as error:
        return Found(False, round(time.monotonic() - began, 3), _in_words(error))
    return Found(True, round(time.monotonic() - began, 3))


def _in_words(error: OSError) -> str:
    if isinstance(error, socket.timeout):
        return "it does not answer in time"
    return error.strerror or str(error)


def _socket_try(address: Address, port: int, expect: str, timeout: float) -> Callable[[], None]:
    def attempt() -> None:
        _skip_special(address)
        _skip_without_route(address, port)
        deadline = time.monotonic() + timeout
        with socket.socket(_family(address)) as connection:
            connection.settimeout(timeout)
            connection.connect((str(address), port))
            if expect == TLS:
                _shake_hands(connection, deadline)
            elif expect == GREETING:
                _be_greeted(connection, deadline)

    return attempt


def _source_try(address: Address, peer: str, port: int, timeout: float) -> Callable[[], None]:
    def attempt() -> None:
        _skip_special(address)
        family = _family(address)
        try:
            (*_kind, place) = socket.getaddrinfo(peer, port, family, socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            raise _Skipped(f"{peer} has no IPv{address.version} address") from error
        with socket.socket(family) as connection:
            connection.settimeout(timeout)
            connection.bind((str(address), 0))
            connection.connect(place)

    return attempt


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _skip_special(address: Address) -> None:
    """Skip an address that has a meaning on its own host or link only."""
    if address.is_loopback:
        raise _Skipped("only its own host can use a loopback address")
    if address.is_link_local or needs_scope(address):
        raise _Skipped("only hosts on the same link can use a link-local address")
    if address.is_unspecified or address.is_multicast:
        raise _Skipped("nobody can connect to such an address")


def _skip_without_route(address: Address, port: int) -> None:
    """Skip an address that this host has no way to, or that may belong to somebody else here."""
    try:
        own = parse_address(kernel_source(address, port))
    except OSError as error:
        if error.errno not in _NO_ROUTE:
            raise
        raise _Skipped(f"this host has no route to it: {os.strerror(error.errno or 0)}") from error
    if own == address:
        raise _Skipped("this host has the address itself")
    if own is not None and is_private(address) and not same_private_network(address, own):
        raise _Skipped(f"it is a private address, and this host would connect from another network ({own})")


def _shake_hands(connection: socket.socket, deadline: float) -> None:
    """Begin TLS. Whom the server's certificate is for is not looked at, and an alert is an answer, too."""
    import ssl  # seldom

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection.settimeout(max(deadline - time.monotonic(), 0.001))
    try:
        context.wrap_socket(connection).close()
    except ssl.SSLError as error:
        if "ALERT" not in (error.reason or ""):
            raise OSError(None, f"it does not speak TLS ({error.reason or error})") from error


def _be_greeted(connection: socket.socket, deadline: float) -> None:
    """Wait for the first line of a greeting; if that is all of it, take leave."""
    received = b""
    while b"\n" not in received and len(received) < _LONGEST_LINE:
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout
        connection.settimeout(left)
        more = connection.recv(1024)
        if not more:
            raise OSError(None, "it ends the connection without a greeting")
        received += more
    line = received.split(b"\n")[0].decode("utf-8", "replace").strip()
    if not (line[:3].isdigit() and line[3:4] in ("", " ", "-")):
        raise OSError(None, f"it answers {line!r}")
    if line[3:4] != "-" and received.endswith(b"\n"):
        with suppress(OSError):
            connection.sendall(b"QUIT\r\n")
            connection.settimeout(_LEAVING)
            while connection.recv(1024):
                pass


def failures(entries: Sequence[Dict[str, Any]]) -> List[str]:
    """Return in words what cannot be used, of results with address, port, ``any_of``, reachable and reason.

    Of those of one wildcard (``any_of``) one is enough: nobody says that each address of a host is for everybody.
    """
    groups: Dict[Any, List[Dict[str, Any]]] = {}
    for number, entry in enumerate(entries):
        key = (entry.get("instance"), entry["any_of"]) if entry.get("any_of") else number
        groups.setdefault(key, []).append(entry)
    told = []
    for group in groups.values():
        tried = [entry for entry in group if entry["reachable"] is not None]
        if tried and not any(entry["reachable"] for entry in tried):
            told += [f"{_place(entry)} ({entry['reason']})" for entry in tried]
    return told


def _place(entry: Dict[str, Any]) -> str:
    place = with_port(entry.get("peer") or entry["address"], entry["port"])
    return f"{entry['address']} to {place}" if entry.get("peer") else place
