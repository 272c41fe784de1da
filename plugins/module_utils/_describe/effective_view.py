# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Postfix will make of a configuration, as plain data for results and in words for a diff."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional

from .._base.address import FAMILIES, normal_form
from .._base.errors import InputError
from .._base.sockets import Socket
from .._rules.host import Host
from .._rules.listeners import Listener
from .._rules.outlook import Outlook
from .._rules.source_addresses import Client, Source


def effective_view(outlook: Outlook) -> Dict[str, Any]:
    """Return what Postfix would do; it never raises.

    :returns: own_addresses, listeners, source_addresses and mynetworks (the default; None when main.cf sets it), each
        None where Postfix would die first; and error, the first sentence that says of what it would die, or None
    """
    view: Dict[str, Any] = dict.fromkeys(("own_addresses", "listeners", "source_addresses", "mynetworks", "error"))
    try:
        if outlook.configuration.fatal is not None:
            raise outlook.configuration.fatal
        view["own_addresses"] = [normal_form(address) for address in outlook.own_addresses]
        view["mynetworks"] = outlook.mynetworks
        view["source_addresses"] = [client_as_dict(client) for client in outlook.clients]
        view["listeners"] = [listener_as_dict(listener) for listener in outlook.listeners]
    except InputError as error:
        view["error"] = str(error)
    return view


def listener_as_dict(listener: Listener) -> Dict[str, Any]:
    """Return a listener as the filter and the modules answer it."""
    place = {"service": listener.service, "type": listener.type, **listener.socket._asdict()}
    return {**place, "origin": str(listener.origin)}


def client_as_dict(client: Client) -> Dict[str, Any]:
    """Return a client's source addresses as the filter and the modules answer them."""
    sources = {"ipv4": _source_as_dict(client.ipv4), "ipv6": _source_as_dict(client.ipv6)}
    return {"transport": client.transport, "program": client.program, **sources}


def _source_as_dict(source: Optional[Source]) -> Optional[Dict[str, Any]]:
    return None if source is None else {**source._asdict(), "origin": str(source.origin)}


def in_words(view: Mapping[str, Any]) -> str:
    """Return a view as lines that a person reads, and a difference shows well: one fact a line."""
    if view["error"] is not None:
        return f"Postfix does not run by these files: {view['error']}\n"
    lines = [f"own address {address}" for address in view["own_addresses"]]
    for one in view["listeners"]:
        address = f"[{one['address']}]" if one["family"] == "ipv6" else one["address"]
        lines.append(f"listener {address}:{one['port']} of {one['service']}/{one['type']}, by {one['origin']}")
    for one in view["source_addresses"]:
        for name in FAMILIES:
            lines.extend(_source_in_words(one["transport"], name, one[name]))
    lines += [f"default mynetworks {network}" for network in view["mynetworks"] or ()]
    return "\n".join(lines) + "\n"


def _source_in_words(transport: str, name: str, source: Optional[Mapping[str, Any]]) -> List[str]:
    if source is None:
        return [f"source address of {transport} by {name}: the family is not used"]
    if source["failure"]:
        return [f"source address of {transport} by {name}: no mail leaves, {source['failure']}"]
    if not source["address"]:
        return [f"source address of {transport} by {name}: chosen by the kernel"]
    enforced = ", enforced" if source["enforced"] else ""
    return [f"source address of {transport} by {name}: {source['address']}, by {source['origin']}{enforced}"]


def plain_addresses(host: Host) -> List[Dict[str, Any]]:
    """Return the addresses of a host as plain data."""
    return [{**known._asdict(), "address": normal_form(known.address)} for known in host.addresses]


def plain_sockets(sockets: Iterable[Socket]) -> List[Dict[str, Any]]:
    """Return sockets as plain data, sorted."""
    return [{"address": each.address, "port": each.port} for each in sorted(sockets)]
