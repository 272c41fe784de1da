# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's tests use it from outside, as its users do: by its command line. They need what the lab needs (root)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Iterator

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from command_line import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab, with no room up yet; afterwards there is nothing left of it."""
    lab = Lab()
    yield lab
    lab("down")
    assert lab.leftovers() == "Nothing is left.\n"


@pytest.fixture(scope="module")
def mail_hosts() -> Iterator[Lab]:
    """A room with a network and two hosts, mta-bookworm (10.1.0.31, fd00:1::31) and mta-trixie (.32)."""
    lab = Lab()
    lab("image", "bookworm", "trixie", timeout=1200)
    try:
        lab("up", "--owner", str(os.getpid()))
        lab("network", "add", "inside", "10.1.0.0/24", "fd00:1::/64")
        for suite, number in (("bookworm", 31), ("trixie", 32)):
            network = f"inside:ip=10.1.0.{number},ip6=fd00:1::{number}"
            lab("host", "add", f"mta-{suite}", "--suite", suite, "--network", network, "--no-wait")
        lab("host", "wait", "mta-bookworm", "mta-trixie")
        yield lab
    finally:
        lab("down")
    assert lab.leftovers() == "Nothing is left.\n"
