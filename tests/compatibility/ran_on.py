# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test tells of where it ran, as properties of its result."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from ..postfix_tree import PATH


@functools.cache
def tree(suite: str, root: Path) -> dict[str, str]:
    """A suite of the lab, with the Postfix and the Python in the file system that its hosts start from."""
    python = _asked(root, "python3", "-V").rpartition(" ")[2]
    return {
        "suite": suite,
        "postfix": _asked(root, "postconf", "-d", "-h", "mail_version"),
        "python": ".".join(python.split(".")[:2]),
    }


def _asked(root: Path, *argv: str) -> str:
    done = subprocess.run(
        ["chroot", str(root), *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": PATH, "LC_ALL": "C"},
    )
    return done.stdout.strip()
