# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mail hosts (systemd, sshd, Postfix) on one machine, in a sealed room. See ``tests/lab/README.md``."""

from __future__ import annotations

from .hosts import Host, add_hosts, all_hosts, find_host, write_inventory
from .images import ensure_images
from .networks import Attachment, add_network, remove_network
from .rooms import Room
from .system import LabError

__all__ = [
    "Attachment",
    "Host",
    "LabError",
    "Room",
    "add_hosts",
    "add_network",
    "all_hosts",
    "ensure_images",
    "find_host",
    "remove_network",
    "write_inventory",
]
