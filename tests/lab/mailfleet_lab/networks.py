# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a room, and how hosts are attached to them. Works inside of the room only."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .rooms import Room
from .system import LabError, run


@dataclass(frozen=True)
class Attachment:
    """An interface of a host: on which network, with which addresses, and its name.

    An address gets the prefix length of the subnet that it lies in, unless it brings its own ("10.9.0.1/32").
    """

    network: str
    addresses: tuple[str, ...]
    interface: str = "eth0"


def add_network(name: str, *subnets: str) -> None:
    """Make a network (a bridge) of subnets ("10.1.0.0/24", "fd00:1::/64"); the room has the first address of each."""
    Room.require_here()
    if not re.fullmatch(r"[a-z][a-z0-9]{0,13}", name):
        raise LabError(f"A network's name is up to 14 lower-case letters and digits, not {name!r}.")
    # An address of its own: otherwise it takes that of a host, and another one when that host goes.
    run(["ip", "link", "add", name, "address", f"02:00:00:{_digest(name)[:3].hex(':')}", "type", "bridge"])
    for subnet in subnets:
        network = ipaddress.ip_network(subnet)
        ip("address", "add", f"{network.network_address + 1}/{network.prefixlen}", "dev", name)
    run(["ip", "link", "set", name, "up"])


def remove_network(name: str) -> None:
    """Remove a network, if it is there; interfaces of hosts that are on it lose their connection."""
    Room.require_here()
    if Path("/sys/class/net", name, "bridge").is_dir():
        run(["ip", "link", "delete", name])


def attach(host: str, attachment: Attachment) -> None:
    """Give the network namespace `host` an interface on the network, with its addresses."""
    if not Path("/sys/class/net", attachment.network, "bridge").is_dir():
        raise LabError(f"There is no network {attachment.network}.")
    outer = "v" + _digest(f"{host} {attachment.interface}")[:5].hex()
    inner = ["peer", "name", attachment.interface, "netns", host]
    run(["ip", "link", "add", outer, "master", attachment.network, "type", "veth", *inner])
    run(["ip", "link", "set", outer, "up"])
    for address in attachment.addresses:
        if "/" not in address:
            address = f"{address}/{_prefix_length(attachment.network, address)}"
        ip("-n", host, "address", "add", address, "dev", attachment.interface)
    ip("-n", host, "link", "set", attachment.interface, "up")


def ip(*argv: str) -> None:
    """Run ip; an IPv6 address that is added serves at once, without looking for duplicates."""
    nodad = ["nodad"] if "add" in argv and any(":" in word for word in argv) else []
    run(["ip", *argv, *nodad])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _prefix_length(network: str, address: str) -> int:
    """That of the network's subnet which the address lies in."""
    listing = json.loads(run(["ip", "-json", "address", "show", "dev", network]).stdout)
    for entry in listing[0]["addr_info"]:
        subnet = ipaddress.ip_interface(f"{entry['local']}/{entry['prefixlen']}").network
        if ipaddress.ip_address(address) in subnet:
            return subnet.prefixlen
    raise LabError(f"{address} lies in no subnet of network {network}.")
