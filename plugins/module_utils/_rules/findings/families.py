# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Findings about IPv4 and IPv6 side by side."""

from __future__ import annotations

from typing import Iterator, Sequence

from ..._base.address import FAMILIES, family, parse_address
from ..._base.words import Family
from ..origin import IN_MASTER_CF, INET_INTERFACES, KERNEL
from ..outlook import Outlook
from ..parameters import for_other_family
from ..source_addresses import Source
from .finding import Point


def half_dual_stack(outlook: Outlook) -> Iterator[Point]:
    """Find one family that is configured while the other, which the host and inet_protocols have, is forgotten."""
    both = [name for name in FAMILIES if name in outlook.families and outlook.reachable(name)]
    if len(both) == 2:
        yield from _family_without_listener(outlook, both)
        yield from _family_without_source(outlook, both)


def _family_without_listener(outlook: Outlook, both: Sequence[Family]) -> Iterator[Point]:
    listed = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    addresses = [parse_address(socket.address) for socket in listed]
    heard = {family(address) for address in addresses if address is not None and not address.is_loopback}
    by_endpoint = {listener.socket.family for listener in outlook.listeners if listener.origin == IN_MASTER_CF}
    for name in both:
        if heard and name not in heard | by_endpoint:
            message = f"inet_interfaces has no {name} address, though inet_protocols and the host have {name}"
            remedy = f"Add the {name} address that the host's name resolves to, or take {name} out of inet_protocols"
            yield Point("inet_interfaces", message, remedy)


def _family_without_source(outlook: Outlook, both: Sequence[Family]) -> Iterator[Point]:
    several = [name for name in both if len(outlook.reachable(name)) > 1]
    if not several:
        return
    for client in outlook.clients:
        sources = dict(client.sources())
        if not sources.keys() >= set(both):  # the transport leaves a family out on purpose
            continue
        chosen = [(name, _chosen_by(sources[name])) for name in both if _chosen_by(sources[name])]
        if not chosen:
            continue
        chosen_family, chosen_by = chosen[0]
        for name in several:
            if sources[name].origin == KERNEL:
                parameter = for_other_family(chosen_by)
                message = f"{client.transport} has a source address for {chosen_family}, and sends by {name} from any"
                yield Point(parameter, message, f"Set {parameter} too")


def _chosen_by(source: Source) -> str:
    """Return the parameter that chooses the address from which mail to other hosts leaves, or nothing."""
    parameter = source.origin.parameter or ""
    address = parse_address(source.address or "")
    if not parameter.endswith(("bind_address", "bind_address6")) or address is None or address.is_loopback:
        return ""
    return parameter
