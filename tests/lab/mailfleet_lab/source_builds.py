# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a Postfix that is built from source, in the layout of another family of systems.

Their suite is named LAYOUT-SUITE, such as el-bookworm: the host is one of that Debian suite, and so are the sources,
without Debian's patches, unless MAILFLEET_LAB_SOURCE names a directory with Postfix's sources of any version.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .system import LAB, LabError

RECIPE = LAB / "image" / "postfix.sh"
#: The layouts: what is in the directory of that name beside the recipe is put on the host.
LAYOUTS = ("el", "local")


def base_of(suite: str) -> str:
    """The Debian suite that a host with a Postfix from source is made of; empty for any other suite."""
    layout, _hyphen, base = suite.partition("-")
    return base if layout in LAYOUTS else ""


def _source() -> Path | None:
    """The directory with Postfix's sources that the user has named, if any."""
    named = os.environ.get("MAILFLEET_LAB_SOURCE", "")
    if not named:
        return None
    directory = Path(named).resolve()
    if not (directory / "makedefs").is_file():
        raise LabError(f"MAILFLEET_LAB_SOURCE: {directory} has no makedefs, so these are not the sources of Postfix.")
    return directory


def checksum() -> bytes:
    """What changes with the recipe and with the sources."""
    known = hashlib.sha256()
    for directory in filter(None, (RECIPE.parent, _source())):
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            known.update(f"{file.relative_to(directory)}\n{file.stat().st_mode:o}\n".encode())
            known.update(hashlib.sha256(file.read_bytes()).digest())
    return known.digest()


def recipe(suite: str, base: Path, directory: Path) -> list[str]:
    """The command that makes the host of an image of its base in a directory."""
    layout = suite.partition("-")[0]
    return [str(RECIPE), layout, str(base), str(_source() or "-"), str(directory)]
