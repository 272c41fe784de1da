# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as its users have it: the command line."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

LAB = Path(__file__).resolve().parent.parent

_NUMBERS = itertools.count(1)


class Lab:
    """The command line of the lab, on a room of the test's own."""

    def __init__(self) -> None:
        self.room = f"test-{os.getpid()}-{next(_NUMBERS)}"
        self.state = Path("/run/mailfleet-lab", self.room)

    def argv(self, *arguments: str) -> list[str]:
        """The command for these arguments."""
        return [sys.executable, str(LAB), "--room", self.room, *arguments]

    def call(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Carry it out; its result, whatever that is."""
        options = {"stdin": subprocess.DEVNULL, "timeout": 120, "cwd": "/", **options}
        return subprocess.run(self.argv(*arguments), capture_output=True, text=True, check=False, **options)

    def __call__(self, *arguments: str, **options: Any) -> str:
        """Carry it out and return what it printed; it has to succeed."""
        result = self.call(*arguments, **options)
        assert result.returncode == 0, (arguments, result.stdout, result.stderr)
        return result.stdout

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start it, with SIGINT as a terminal has it, whatever these tests were started with.

        A shell without job control ignores SIGINT in what it starts in the background, and all that is started there
        inherits that.
        """
        return subprocess.Popen(
            self.argv(*arguments), preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options
        )

    def script(self, text: str) -> str:
        """Run Python in the room, with the lab's package at hand, and return what it printed."""
        return self("run", "env", f"PYTHONPATH={LAB}", sys.executable, "-c", f"from mailfleet_lab import *\n{text}")

    def leftovers(self) -> str:
        """What there is of the room."""
        return self.call("leftovers").stdout
