# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about proxy_interfaces, and about NAT or a proxy in front of the host."""

from __future__ import annotations

from typing import Iterator

from ..._base.address import family, is_private
from ..._base.errors import InputError
from ..outlook import Outlook
from .fatal import refuse_unknown_name
from .finding import Point


def bad_proxy_interfaces(outlook: Outlook) -> Iterator[Point]:
    """Find a proxy_interfaces with which Postfix starts, and which makes trivial-rewrite fail later.

    :raises InputError: for a host name whose addresses were not given
    """
    try:
        outlook.proxy_addresses  # noqa: B018  # pylint: disable=pointless-statement
    except InputError as error:
        refuse_unknown_name(error)
        message = (
            f"{error.value[:200]!r} {error.reason}: as soon as somebody writes to user@[address], trivial-rewrite "
            "ends with this error, and mail stops"
        )
        yield Point(error.parameter, message, error.remedy)


def nat_without_proxy_interfaces(outlook: Outlook) -> Iterator[Point]:
    """Find a public address of this host's name that only a NAT or proxy in front of it has, unknown to Postfix."""
    reachable = [address for name in outlook.families for address in outlook.reachable(name)]
    if outlook.settings.get("inet_interfaces") == "loopback-only" or not reachable:
        return
    if not all(map(is_private, reachable)):
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
            message = (
                f"{hostname} resolves to {address}, which no interface of the host has: behind NAT or a proxy, mail to "
                "the host itself loops unless Postfix knows the address"
            )
            yield Point("proxy_interfaces", message, f"Add {address} to proxy_interfaces")
