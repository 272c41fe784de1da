# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that answers requests: both come as lines of JSON."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Mapping
from typing import Any


def ask(process: subprocess.Popen[bytes], request: Mapping[str, Any], name: str, seconds: float) -> dict[str, Any]:
    """Put a request to a process, and return its answer.

    :param name: of the request, for errors
    :raises RuntimeError: there is none in time, or the process has ended
    """
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    if not select.select([process.stdout], [], [], seconds)[0]:
        raise RuntimeError(f"{name}: no answer in {seconds:.0f} s")
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{name}: the process ended with {process.wait()}")
    answer: dict[str, Any] = json.loads(line)
    return answer
