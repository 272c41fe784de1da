# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the hosts around this one: NAT or a proxy in front of it, and the clients that may relay."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Iterator, Sequence, Union

from ..._base.address import family, is_private, normal_form
from ..._base.errors import InputError
from ..mynetworks import default_mynetworks, mynetworks_style
from ..outlook import Outlook
from ..own_addresses import local_addresses
from .fatal import refuse_unknown_name
from .finding import Point

Network = Union[IPv4Network, IPv6Network]


def bad_proxy_interfaces(outlook: Outlook) -> Iterator[Point]:
    """Postfix starts, and fails later because of proxy_interfaces.

    :raises InputError: for a host name whose addresses were not given
    """
    try:
        outlook.proxy_addresses  # noqa: B018  # pylint: disable=pointless-statement
    except InputError as error:
        refuse_unknown_name(error)
        consequence = "the first mail to user@[address] ends trivial-rewrite with this error, and mail stops"
        yield Point(error.parameter, f"{error.value[:200]!r} {error.reason}: {consequence}", error.remedy)


def nat_without_proxy_interfaces(outlook: Outlook) -> Iterator[Point]:
    """The host is behind NAT or a proxy, and its public address is not in proxy_interfaces."""
    reachable = [address for name in outlook.families for address in outlook.reachable(name)]
    is_private_host = reachable and all(map(is_private, reachable))
    if not is_private_host or outlook.hears_this_host_only:
        return
    try:
        hostname = outlook.settings.get("myhostname")
        proxies = set(outlook.proxy_addresses)
        resolved = [address for address in outlook.resolve(hostname) if family(address) in outlook.families]
    except InputError:  # nobody knows the name here; or this is a bad_proxy_interfaces
        return
    outside = [
        normal_form(address)
        for address in dict.fromkeys(resolved)
        if outlook.host.find(address) is None and not address.is_loopback and not is_private(address)
        if address not in proxies
    ]
    if outside:
        names = " and ".join(outside)
        message = (
            f"{hostname} resolves to {names}, which no interface of the host has: if connections to it come here, "
        )
        message += "Postfix does not know that mail for a host with this address is for itself"
        remedy = f"Add {names} to proxy_interfaces if they do"
        yield Point("proxy_interfaces", message, remedy, mild=not _takes_mail_for_others(outlook))


def _takes_mail_for_others(outlook: Outlook) -> bool:
    """Return whether the host may be a backup MX, whose mail loops when it does not know itself."""
    settings = outlook.settings
    try:
        return bool(settings.is_set("relay_domains") and settings.get("relay_domains"))
    except InputError:
        return False


def mynetworks_default(outlook: Outlook) -> Iterator[Point]:
    """mynetworks is not set, and because of inet_interfaces its default lacks networks of the host."""
    networks = outlook.mynetworks
    if networks is None or not outlook.families or outlook.hears_this_host_only:
        return
    everywhere = local_addresses(outlook.host, outlook.families)
    usual = default_mynetworks(outlook.settings, outlook.host, everywhere) or []
    lost = [network for network in usual if network not in networks]
    if not lost:
        return
    message = f"mynetworks is not set, and inet_interfaces takes {_some(lost)} out of its default"
    loopback_lost = any(network.startswith(("127.", "[::1]")) for network in lost)
    remedy = "Set mynetworks to the clients that may relay"
    yield Point("mynetworks", f"{message}: clients there cannot relay", remedy, mild=not loopback_lost)


def mynetworks_grows(before: Outlook, outlook: Outlook) -> Iterator[Point]:
    """mynetworks is not set, and because of an edit its default lets more hosts relay."""
    new = outlook.mynetworks
    if new is None or before.settings.is_set("mynetworks"):
        return
    try:
        old = before.mynetworks or []
    except InputError:  # nothing ran before, so nobody could relay
        old = []
    known = list(map(_network, old))
    gained = []
    for text in new:
        network = _network(text)
        alone = network.prefixlen == network.max_prefixlen or network.is_loopback  # this host itself
        if not alone and not any(_contains(one, network) for one in known):
            gained.append(text)
    if gained:
        style = mynetworks_style(outlook.settings)
        message = f"mynetworks is not set, and by mynetworks_style = {style} all hosts in {_some(gained)} may now relay"
        remedy = "Set mynetworks to the clients that may relay, or mynetworks_style to host"
        addresses = [_network(text).network_address for text in gained]
        inside = all(is_private(address) or address.is_link_local for address in addresses)
        yield Point("mynetworks", message, remedy, mild=inside)


def _some(networks: Sequence[str]) -> str:
    return ", ".join(networks[:6]) + (", ..." if len(networks) > 6 else "")


def _network(text: str) -> Network:
    """Return what a word of the default of mynetworks says, such as ``[fd77::]/64``."""
    return ip_network(text.replace("[", "").replace("]", ""), strict=False)


def _contains(one: Network, other: Network) -> bool:
    return one.version == other.version and one.prefixlen <= other.prefixlen and other.network_address in one
