# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system of a host with Postfix, such as an image of the lab, entered without starting the host.

What is written goes to an overlay in memory and is gone afterwards. Needs root. A process calls
:func:`hide_mounts` first, unless it is in a mount namespace of its own already.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

#: where a tree has its programs, also one with a Postfix below /usr/local
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 1 << 18


def hide_mounts() -> None:
    """Enter a mount namespace that nobody else sees and that ends with this process.

    :raises OSError: it is not allowed
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), f"no mount namespace: {os.strerror(ctypes.get_errno())}")


@contextmanager
def mounted(target: Path, *arguments: str) -> Iterator[Path]:
    """A mount on a directory, which is made if there is none; the arguments are mount(8)'s."""
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *arguments, str(target)], check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", str(target)], check=True)


class PostfixTree:
    """The tree as a context manager.

    :param tree: the directory of the file system, which stays as it is
    :param scratch: an empty directory
    :ivar root: the directory in which the tree can be written to
    """

    def __init__(self, tree: Path, scratch: Path) -> None:
        self._tree, self._scratch = tree, scratch
        self._stack = ExitStack()
        self.root = scratch / "root"

    def __enter__(self) -> PostfixTree:
        with ExitStack() as stack:
            stack.enter_context(mounted(self._scratch, "-t", "tmpfs", "-o", "mode=755", "none"))
            upper, work = self._scratch / "upper", self._scratch / "work"
            for directory in (upper, work):
                directory.mkdir()
            layers = f"lowerdir={self._tree},upperdir={upper},workdir={work}"
            stack.enter_context(mounted(self.root, "-t", "overlay", "-o", layers, "none"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stack.close()

    def mount(self, target: str, *arguments: str) -> Path:
        """Mount something on a directory of the tree, for as long as the tree is there; returns where."""
        return self._stack.enter_context(mounted(self.root / target.lstrip("/"), *arguments))

    def command(self, *words: str) -> list[str]:
        """The command that runs a program of the tree."""
        return ["chroot", str(self.root), *words]

    def run(self, *words: str, check: bool = False, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a program of the tree to its end; options as for subprocess.run."""
        return subprocess.run(self.command(*words), check=check, **{"env": {**os.environ, "PATH": PATH}, **options})

    def default(self, parameter: str) -> str:
        """The default of a parameter, as it was compiled in."""
        done = self.run(
            "postconf", "-d", "-h", "-c", "/dev/null", parameter, check=True, capture_output=True, text=True
        )
        return str(done.stdout).strip()

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program of the tree; options as for subprocess.Popen."""
        return subprocess.Popen(self.command(*words), **options)
