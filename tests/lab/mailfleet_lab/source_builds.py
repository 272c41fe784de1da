# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with a Postfix that is built from source, in the layout of another family of systems.

Their suite is named SUITE_LAYOUT, such as bookworm_el: the host is one of that Debian suite, and so are the sources,
without Debian's patches, unless MAILFLEET_LAB_SOURCE names a directory with Postfix's sources of any version.
``image/LAYOUT.sh`` says where all is to be; ``image/build.sh``, which it reads, does the work.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .system import LAB, LabError

RECIPE = LAB / "image" / "build.sh"
#: The layouts: what is in the directory of that name beside the recipe is put on the host.
LAYOUTS = ("el", "local")


def is_one(suite: str) -> bool:
    """Whether the hosts of a suite have a Postfix from source."""
    return suite.partition("_")[2] in LAYOUTS


def sources() -> Path | None:
    """The directory with Postfix's sources that the user has named, if any."""
    named = os.environ.get("MAILFLEET_LAB_SOURCE", "")
    if not named:
        return None
    directory = Path(named).resolve()
    if not (directory / "makedefs").is_file():
        raise LabError(f"MAILFLEET_LAB_SOURCE: {directory} has no makedefs, so these are not the sources of Postfix.")
    return directory


def checksum(suite: str) -> bytes:
    """What changes with the work that is done for a suite, with what it puts on the host, and with the sources."""
    known = hashlib.sha256(RECIPE.read_bytes())
    for directory in filter(None, (RECIPE.parent / suite.partition("_")[2], sources())):
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            known.update(f"{file.relative_to(directory)}\n{file.stat().st_mode:o}\n".encode())
            known.update(hashlib.sha256(file.read_bytes()).digest())
    return known.digest()
