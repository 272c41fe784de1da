# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What there is to point out about a host and the world: address families, private addresses, NAT."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Iterator

from ..._base.address import FAMILIES, Address, family, normal_form, parse_address
from ..._base.errors import InputError
from ..origin import IN_MASTER_CF, INET_INTERFACES, KERNEL
from ..outlook import Outlook
from ..source_addresses import Source
from .finding import Finding

#: RFC 1918, RFC 6598 and RFC 4193: nobody answers to them from the Internet
_PRIVATE4 = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
_PRIVATE6 = IPv6Network("fc00::/7")


def is_private(address: Address) -> bool:
    """Tell whether an address is one of those that every site may use."""
    if address.version == 6:
        return address in _PRIVATE6
    return any(address in network for network in _PRIVATE4)


def half_dual_stack(outlook: Outlook) -> Iterator[Finding]:
    """One family is taken care of, and the other, which the host and inet_protocols have, is not."""
    both = [name for name in FAMILIES if name in outlook.families and outlook.reachable(name)]
    if len(both) < 2:
        return
    listed = [listener.socket for listener in outlook.listeners if listener.origin == INET_INTERFACES]
    outside = [parse_address(socket.address) for socket in listed]
    heard = {family(address) for address in outside if address is not None and not address.is_loopback}
    beside = {listener.socket.family for listener in outlook.listeners if listener.origin == IN_MASTER_CF}
    for name in both:
        if heard and name not in heard | beside:
            message = f"inet_interfaces has no {name} address, though inet_protocols and the host have {name}"
            remedy = f"Add the {name} address that the host's name has, or take {name} out of inet_protocols"
            yield Finding("half_dual_stack", "info", "inet_interfaces", message, remedy)
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
                parameter = chosen_by.rstrip("6") + ("6" if name == "ipv6" else "")
                message = f"{client.transport} has a source address for {chosen_family}, and sends by {name} from any"
                yield Finding("half_dual_stack", "info", parameter, message, f"Set {parameter} too")


def _chosen_by(source: Source) -> str:
    """Return the parameter that chooses the address from which mail to other hosts leaves, or nothing."""
    parameter = source.origin.parameter or ""
    address = parse_address(source.address or "")
    if not parameter.endswith(("bind_address", "bind_address6")) or address is None or address.is_loopback:
        return ""
    return parameter


def private_source(outlook: Outlook) -> Iterator[Finding]:
    """Mail to the world from an address that the world does not answer, on a host that has another one."""
    told = set()
    for client in outlook.clients:
        for name, source in client.sources():
            parameter = source.origin.parameter
            # A transport of its own, with -o, is there for other hosts; lmtp is for those nearby.
            if not source.address or not parameter or source.origin.in_master_cf or parameter.startswith("lmtp"):
                continue
            if (parameter, source.address) in told:
                continue
            told.add((parameter, source.address))
            address = parse_address(source.address)
            public = [candidate for candidate in outlook.reachable(name) if not is_private(candidate)]
            if public and address is not None and is_private(address):
                message = f"{parameter} makes mail to all hosts leave from {address}, which is a private address"
                remedy = f"Send from {normal_form(public[0])}, and to the inside by a transport of its own"
                yield Finding("private_source_address", "warning", parameter, message, remedy)


def nat(outlook: Outlook) -> Iterator[Finding]:
    """The world reaches this host by an address that is somewhere else, and Postfix does not know of it."""
    beyond = [address for name in outlook.families for address in outlook.reachable(name)]
    if outlook.settings.get("inet_interfaces") == "loopback-only" or not beyond or not all(map(is_private, beyond)):
        return
    try:
        hostname = outlook.settings.get("myhostname")
        known = set(outlook.proxy_addresses)
        world = [address for address in outlook.resolve(hostname) if family(address) in outlook.families]
    except InputError:  # nobody knows the name here, or proxy_interfaces is bad, which is another finding
        return
    for address in world:
        own = outlook.host.find(address) is not None or address.is_loopback or is_private(address)
        if not own and address not in known:
            message = (
                f"{hostname} is {address}, which no interface of the host has: behind NAT or a proxy Postfix has to "
                "know the address, or mail to itself loops"
            )
            remedy = f"Set proxy_interfaces to {address}"
            yield Finding("nat_without_proxy_interfaces", "warning", "proxy_interfaces", message, remedy)
