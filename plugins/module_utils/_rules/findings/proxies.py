# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about proxy_interfaces, and about NAT or a proxy in front of the host."""

from __future__ import annotations

from typing import Iterator

from ..._base.address import family
from ..._base.errors import InputError
from ..._base.private import is_private
from ..outlook import Outlook
from .fatal import refuse_unknown_name
from .finding import Point


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
    if not is_private_host or outlook.settings.get("inet_interfaces") == "loopback-only":
        return
    try:
        hostname = outlook.settings.get("myhostname")
        proxies = set(outlook.proxy_addresses)
        resolved = [address for address in outlook.resolve(hostname) if family(address) in outlook.families]
    except InputError:  # nobody knows the name here; or this is a bad_proxy_interfaces
        return
    for address in resolved:
        is_local = outlook.host.find(address) is not None or address.is_loopback or is_private(address)
        if not is_local and address not in proxies:
            consequence = "mail to the host itself loops unless Postfix knows the address"
            message = f"{hostname} resolves to {address}, which no interface of the host has: {consequence}"
            yield Point("proxy_interfaces", message, f"Add {address} to proxy_interfaces")
