# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Everything that the rules say of one configuration on one host, in one answer that can be shown and compared."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._base.address import FAMILIES, normal_form
from .._base.errors import InputError
from .._files.endpoint import PortLookup, known_port
from .._files.service import Service
from .host import Host
from .listeners import listeners
from .mynetworks import default_mynetworks
from .own_addresses import Resolver, own_addresses
from .parameters import Version
from .settings import Settings
from .source_addresses import source_addresses


def effective_view(
    main_values: Mapping[str, str],
    services: Sequence[Service],
    host: Host,
    version: Version,
    resolve: Resolver,
    lookup: PortLookup = known_port,
    allow_absent: bool = False,
    fatal: Optional[InputError] = None,
) -> Dict[str, Any]:
    """Return what Postfix would do, as plain data; it never raises.

    :param fatal: what Postfix dies of in the text of the files, if it does
    :returns: own_addresses, listeners, source_addresses and mynetworks (the default; None when main.cf sets it), each
        None where Postfix would die first; and error, the first sentence that says of what it would die, or None
    """
    view: Dict[str, Any] = dict.fromkeys(("own_addresses", "listeners", "source_addresses", "mynetworks", "error"))
    try:
        if fatal is not None:
            raise fatal
        settings = Settings(main_values, version, host.hostname)
        own = own_addresses(settings, host, resolve, allow_absent)
        view["own_addresses"] = [normal_form(address) for address in own]
        view["mynetworks"] = default_mynetworks(settings, host, own)
        view["source_addresses"] = source_addresses(settings, host, services, resolve, allow_absent)
        found = listeners(settings, host, services, resolve, lookup, allow_absent)
        view["listeners"] = [dict(listener._asdict()) for listener in found]
    except InputError as error:
        view["error"] = str(error)
    return view


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
    enforced = ", enforced" if source["enforced"] else ""
    chosen = source["address"] or "chosen by the kernel"
    return [f"source address of {transport} by {name}: {chosen}, by {source['origin']}{enforced}"]
