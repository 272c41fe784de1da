# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many files this process may have open, sockets included."""

from __future__ import annotations

import resource
from contextlib import contextmanager, suppress
from typing import Iterator


@contextmanager
def more_files(count: int) -> Iterator[None]:
    """Allow this process to have so many more files open in this context, as far as it may."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = now + count if most == resource.RLIM_INFINITY else min(now + count, most)
    if now != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    try:
        yield
    finally:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
