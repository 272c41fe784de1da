# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that the documentation speaks of: mx1, with the addresses of its examples, in a room of the lab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE.parent / "lab")]

from fleet import Sink
from mailfleet_lab import hosts, networks
from mailfleet_lab.system import wait_until

__all__ = ["Commands", "Sink", "add_host", "wait_until"]


def add_host(suite: str) -> hosts.Host:
    """Start mx1; what it sends goes to the room, which has the first address of each network."""
    networks.add_network("outside", "192.0.2.0/24", "2001:db8::/64")
    networks.add_network("inside", "10.0.0.0/24")
    outside = networks.Attachment("outside", ("192.0.2.10", "2001:db8::10"))
    inside = networks.Attachment("inside", ("10.0.0.10",), interface="eth1")
    (host,) = hosts.add_hosts(("mx1", suite, [outside, inside]))
    host.run("sed", "-i", "s/^relayhost =.*/relayhost = [192.0.2.1]/", "/etc/postfix/main.cf")
    host.run("systemctl", "restart", "postfix")
    return host


class Commands:
    """Runs commands as an operator does who has installed the collection, in a directory with the files of a page."""

    def __init__(self, directory: Path) -> None:
        self.home, self.directory = directory / "home", directory / "mail"
        self.directory.mkdir()
        collections = self.home / ".ansible" / "collections" / "ansible_collections" / "mailfleet"
        collections.mkdir(parents=True)
        (collections / "postfix").symlink_to(CHECKOUT)
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "HOME": str(self.home),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_INVENTORY": f"hosts.yml,{hosts.write_inventory()}",
        }

    def write(self, name: str, text: str) -> None:
        """Write a file that a page shows."""
        (self.directory / name).parent.mkdir(exist_ok=True)
        (self.directory / name).write_text(text, encoding="utf-8")

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line; what it says in both streams is in stdout."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,  # a machine that is busy
            check=False,
        )
