# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of each release for all tests; each test gets it as the package had set it up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

from fleet import MailHost, Sink
from mailfleet_lab import hosts, networks

SUITES = ("bookworm", "trixie")


@pytest.fixture(scope="session")
def fleet() -> dict[str, MailHost]:
    """The hosts by release, on one network with the room."""
    networks.add_network("mail", "10.1.0.0/24", "fd00:1::/64")
    plans = []
    for number, suite in enumerate(SUITES, start=1):
        addresses = (f"10.1.0.{number}0", f"10.1.0.{number}1", f"fd00:1::{number}0", f"fd00:1::{number}1")
        plans.append((suite, suite, [networks.Attachment("mail", addresses)]))
    return {host.suite: MailHost(host) for host in hosts.add_hosts(*plans)}


@pytest.fixture(params=SUITES)
def host(fleet: dict[str, MailHost], request: pytest.FixtureRequest) -> MailHost:
    """A host as its package had set it up."""
    found = fleet[request.param]
    found.reset()
    return found


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver in the room that accepts all mail, and knows from which address it came."""
    with Sink("10.1.0.1", "fd00:1::1") as receiver:
        yield receiver
