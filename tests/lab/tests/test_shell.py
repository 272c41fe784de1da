# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What make shell does, with a terminal that is not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]


def test_a_shell_on_a_host_that_goes() -> None:
    command = [str(LAB / "mailfleet-lab"), "--room", "shell-test", "session", str(LAB / "shell.sh"), "bookworm"]
    asked = "hostname; id -u; ss -Hltn sport = :25 | wc -l; exit 7\n"
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    assert done.stdout.split()[-3:] == ["mx1", "0", "2"], done.stderr
    assert done.returncode == 7
    left = subprocess.run([str(LAB / "mailfleet-lab"), "--room", "shell-test", "leftovers"], check=False)
    assert left.returncode == 0
