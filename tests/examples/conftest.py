# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the documentation, with what the page of the first ten minutes does there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mail_host import Commands, Sink, add_host, hosts
from transcripts import Run

SUITE = os.environ.get("MAILFLEET_SUITES", "trixie").split()[-1]


@pytest.fixture(scope="session")
def mx1() -> hosts.Host:
    """The host, as its package has set it up."""
    return add_host(SUITE)


@pytest.fixture(scope="session")
def sink() -> Iterator[Sink]:
    """The mailbox elsewhere."""
    with Sink("192.0.2.1") as receiver:
        yield receiver


@pytest.fixture(scope="session")
def main_cf(mx1: hosts.Host) -> str:
    """The main.cf of the package."""
    return mx1.run("cat", "/etc/postfix/main.cf").stdout


@pytest.fixture(scope="session")
def run(mx1: hosts.Host, main_cf: str, sink: Sink, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The commands of the page, carried out."""
    return Run(Commands(tmp_path_factory.mktemp("operator")), sink)


@pytest.fixture(scope="session")
def uninstalled(run: Run, mx1: hosts.Host) -> tuple[str, bool]:
    """What is left of the first ten minutes: main.cf, and whether there is state."""
    state = mx1.run("test", "-e", "/var/lib/mailfleet.postfix", check=False).returncode == 0
    return mx1.run("cat", "/etc/postfix/main.cf").stdout, state
