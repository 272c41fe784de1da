# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change promises to others: the sockets that they can try, and the addresses that mail comes from."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, Iterable, List

from .._base.address import normal_form
from .._base.errors import InputError
from .._base.sockets import ipv4_first, with_port
from .._host.banner import expectations
from .._host.instance import Instance
from .member import Member


def name_of(instance: Instance) -> str:
    """Return what an instance is called in a result."""
    return instance.name or instance.config_directory


def sockets(member: Member) -> List[Dict[str, Any]]:
    """Return the sockets of an instance as somebody outside can try them, with what to expect there.

    For a wildcard these are all addresses of the host that others can use, of which one is enough.
    """
    found: List[Dict[str, Any]] = []
    if member.assessment is None:
        return found
    after = member.assessment.after
    what = dict(expectations(after))
    for socket in ipv4_first(what):
        addresses = [socket.address]
        if socket.is_wildcard:
            addresses = list(map(normal_form, after.stable(socket.family)))
        any_of = str(socket) if socket.is_wildcard else None
        for address in addresses:
            place = {"address": address, "port": socket.port, "expect": what[socket], "any_of": any_of}
            found.append({"instance": name_of(member.run.instance), **place})
    return found


def sources(member: Member) -> List[Dict[str, Any]]:
    """Return the addresses that the clients of an instance are told to send from."""
    found: Dict[str, None] = {}
    if member.assessment:
        with suppress(InputError):  # a client that cannot run
            for client in member.assessment.after.clients:
                found.update(dict.fromkeys(source.address for _family, source in client.sources() if source.address))
    return [{"instance": name_of(member.run.instance), "address": address} for address in found]


def in_words(entries: Iterable[Dict[str, Any]]) -> str:
    """Return sockets as a person writes them, those of a wildcard as that."""
    return ", ".join(dict.fromkeys(each["any_of"] or with_port(each["address"], each["port"]) for each in entries))
