# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room for open files: a run can need a socket for each address of a host with many."""

from __future__ import annotations

import os
import resource

_SPARE = 32  # for the files and commands of a run beside those


def make_room(wanted: int) -> int:
    """Return how many files more this process may open, of a wanted number; at least 1.

    The soft limit is raised where that is necessary, as all programs of Postfix do it (event_init in events.c).
    """
    present = len(os.listdir("/proc/self/fd"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = present + _SPARE + wanted
    if resource.RLIM_INFINITY != soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - present - _SPARE))
