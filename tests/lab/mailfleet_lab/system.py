# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every part of the lab uses: running a command, a lock that a killed process cannot leave behind, waiting."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Sequence, TypeVar

#: Runs a command as the first process of namespaces of its own, with a /proc of its own; it ends when the caller ends.
SEALED = ["setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child=SIGKILL"] + [
    "--pid",
    "--mount-proc",
    "--mount",
    "--propagation",
    "private",
    "--uts",
]

#: The directory whose ``__main__.py`` is the command line: ``python3 LAB VERB ...``.
LAB = Path(__file__).resolve().parent.parent

Answer = TypeVar("Answer")


class LabError(Exception):
    """Something that the lab cannot do, as one sentence for a person."""


def run(argv: Sequence[str], what: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return it with its output as text; LabError about it, or `what`, when it fails."""
    options = {"capture_output": True, "stdin": subprocess.DEVNULL, **options}
    if "input" in options:
        del options["stdin"]
    process = subprocess.run(list(argv), text=True, check=False, **options)
    if process.returncode:
        said = ((process.stderr or "") + (process.stdout or "")).strip() or "it said nothing"
        raise LabError(f"`{what or ' '.join(argv)}` failed ({process.returncode}): {said}")
    return process


def wait_until(probe: Callable[[], Answer | None], seconds: float, what: str) -> Answer:
    """Ask `probe` until it answers something true; LabError saying `what` when `seconds` are over."""
    end = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {seconds:g} seconds")
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The process IDs of the children of `pid`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:  # ended in the meantime
                continue
            if int(status.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)


class Lock:
    """An exclusive lock on a file: the kernel drops it when its holder ends, however it ends.

    The file may be deleted by the holder: who waited for it then locks the new one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, wait: bool = True) -> bool:
        """Take the lock; with wait=False return False at once when somebody else has it."""
        while True:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except FileNotFoundError:  # its directory was just removed by the previous holder
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if os.fstat(descriptor).st_ino == self.path.stat().st_ino:
                    self._descriptor = descriptor
                    return True
            except FileNotFoundError:  # deleted while we waited
                pass
            except BlockingIOError:
                os.close(descriptor)
                return False
            os.close(descriptor)

    def held(self) -> bool:
        """Whether some process holds the lock now."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Lock:
        self.take()
        return self

    def __exit__(self, *_unused: object) -> None:
        self.release()
