# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks for the time of a test."""

from __future__ import annotations

from pathlib import Path

import pytest


def empty_disk(directory: Path, megabytes: int) -> Path:
    """A file in the directory that can become a disk."""
    if not Path("/dev/loop-control").exists():
        pytest.skip("a disk in a file needs loop devices, which this machine does not give")
    image = directory / "disk"
    with image.open("wb") as stream:
        stream.truncate(megabytes << 20)
    return image
