# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What there is to point out about a host and the world: address families, private addresses, NAT."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Any, Iterator, Mapping

from ..._base.address import FAMILIES, Address, family, normal_form, parse_address
from ..._base.errors import InputError
from ..own_addresses import proxy_addresses
from .finding import Context, Finding

#: RFC 1918, RFC 6598 and RFC 4193: nobody answers to them from the Internet
_PRIVATE4 = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
_PRIVATE6 = IPv6Network("fc00::/7")


def is_private(address: Address) -> bool:
    """Tell whether an address is one of those that every site may use."""
    if address.version == 6:
        return address in _PRIVATE6
    return any(address in network for network in _PRIVATE4)


def half_dual_stack(context: Context) -> Iterator[Finding]:
    """One family is taken care of, and the other, which the host and inet_protocols have, is not."""
    both = [name for name in FAMILIES if name in context.families and context.reachable[name]]
    if len(both) < 2:
        return
    outside = [parse_address(one.address) for one in context.sockets if one.origin == "inet_interfaces"]
    heard = {family(address) for address in outside if address is not None and not address.is_loopback}
    beside = {one.family for one in context.sockets if one.origin == "master.cf"}
    for name in both:
        if heard and name not in heard | beside:
            message = f"inet_interfaces has no {name} address, though inet_protocols and the host have {name}"
            remedy = f"Add the {name} address that the host's name has, or take {name} out of inet_protocols"
            yield Finding("half_dual_stack", "info", "inet_interfaces", message, remedy)
    several = [name for name in both if len(context.reachable[name]) > 1]
    if not several:
        return
    for entry in context.sources:
        if not all(entry[name] for name in both):  # the transport leaves a family out on purpose
            continue
        chosen = [name for name in both if _chosen(entry[name])]
        if not chosen:
            continue
        for name in several:
            if entry[name]["origin"] == "kernel":
                six = "6" if name == "ipv6" else ""
                parameter = entry[chosen[0]]["origin"].replace("-o ", "").rstrip("6") + six
                message = f"{entry['transport']} has a source address for {chosen[0]}, and sends by {name} from any"
                yield Finding("half_dual_stack", "info", parameter, message, f"Set {parameter} too")


def _chosen(source: Mapping[str, Any]) -> bool:
    """Tell whether a parameter chooses the address from which mail to other hosts leaves."""
    if not source["address"] or not source["origin"].endswith(("bind_address", "bind_address6")):
        return False
    address = parse_address(source["address"])
    return address is not None and not address.is_loopback


def private_source(context: Context) -> Iterator[Finding]:
    """Mail to the world from an address that the world does not answer, on a host that has another one."""
    told = set()
    for entry in context.sources:
        for name in FAMILIES:
            source = entry[name]
            # A transport of its own, with -o, is there for other hosts; lmtp is for those nearby.
            if not source or not source["address"] or source["origin"].startswith(("-o", "lmtp")):
                continue
            if (source["origin"], source["address"]) in told:
                continue
            told.add((source["origin"], source["address"]))
            address = parse_address(source["address"])
            public = [one for one in context.reachable[name] if not is_private(one)]
            if public and address is not None and is_private(address):
                message = f"{source['origin']} makes mail to all hosts leave from {address}, which is a private address"
                remedy = f"Send from {normal_form(public[0])}, and to the inside by a transport of its own"
                yield Finding("private_source_address", "warning", source["origin"], message, remedy)


def nat(context: Context) -> Iterator[Finding]:
    """The world reaches this host by an address that is somewhere else, and Postfix does not know of it."""
    beyond = [address for name in context.families for address in context.reachable[name]]
    if context.settings.get("inet_interfaces") == "loopback-only" or not beyond or not all(map(is_private, beyond)):
        return
    try:
        hostname = context.settings.get("myhostname")
        known = set(proxy_addresses(context.settings, context.host, context.resolve))
        world = [address for address in context.resolve(hostname) if family(address) in context.families]
    except InputError:  # nobody knows the name here, or proxy_interfaces is bad, which is another finding
        return
    for address in world:
        own = context.host.find(address) is not None or address.is_loopback or is_private(address)
        if not own and address not in known:
            message = (
                f"{hostname} is {address}, which no interface of the host has: behind NAT or a proxy Postfix has to "
                "know the address, or mail to itself loops"
            )
            remedy = f"Set proxy_interfaces to {address}"
            yield Finding("nat_without_proxy_interfaces", "warning", "proxy_interfaces", message, remedy)
