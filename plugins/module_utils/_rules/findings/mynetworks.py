# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about who may relay."""

from __future__ import annotations

from typing import Iterator

from ..mynetworks import default_mynetworks
from ..outlook import Outlook
from ..own_addresses import local_addresses
from .finding import Point


def mynetworks_default(outlook: Outlook) -> Iterator[Point]:
    """mynetworks is not set, and because of inet_interfaces its default lacks networks of the host."""
    networks = outlook.mynetworks
    if networks is None or not outlook.families:
        return
    everywhere = local_addresses(outlook.host, outlook.families)
    usual = default_mynetworks(outlook.settings, outlook.host, everywhere) or []
    lost = [network for network in usual if network not in networks]
    if not lost:
        return
    shown = ", ".join(lost[:6]) + (", ..." if len(lost) > 6 else "")
    message = f"mynetworks is not set, and inet_interfaces takes {shown} out of its default: clients there cannot relay"
    loopback_lost = any(network.startswith(("127.", "[::1]")) for network in lost)
    yield Point("mynetworks", message, "Set mynetworks to the clients that may relay", mild=not loopback_lost)
