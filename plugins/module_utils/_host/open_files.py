# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many files the master may have open when it starts (RLIMIT_NOFILE of getrlimit(2)).

The master raises its soft limit to the hard one when it begins to wait for events (event_init in events.c), and that is
after it has opened all sockets of the first service in master.cf (master_start_service). Observed: Postfix 3.7 with
1,100 addresses and the 1,024 files of systemd's default ends with "fatal: socket: Too many open files".
"""

from __future__ import annotations

import resource
import time
from typing import List, Optional, Sequence

from .._files.service import Service
from .._rules.listeners import Listener
from .unit_properties import unit_properties

_OTHERS = 16  # files that it has open beside sockets by then


def lack_of_files(promised: Sequence[Listener], services: Sequence[Service], unit: Optional[str]) -> Optional[str]:
    """Return in sentences why a master that is started could not open all of its sockets; None if it could.

    :param services: those of master.cf, in their order
    :param unit: what starts it; None where this process does
    """
    first = [one for one in promised[:1] if services and (one.service, one.type) == services[0][:2]]
    at_first = sum((one.service, one.type) == (first[0].service, first[0].type) for one in promised) if first else 0
    soft, hard = _limits(unit)
    for needed, limit in ((at_first, soft), (len(promised), hard)):
        if limit is not None and needed + _OTHERS > limit:
            place = f"Set LimitNOFILE={2 * needed + 1024} in {unit}" if unit else "Raise the limit (ulimit -n)"
            return f"The master would open {needed} sockets, and may have {limit} files open when it starts. {place}."
    return None


def _limits(unit: Optional[str]) -> List[Optional[int]]:
    if unit is None:
        return [
            None if limit == resource.RLIM_INFINITY else limit for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
        ]
    names = ("LimitNOFILESoft", "LimitNOFILE")
    shown = dict(unit_properties(unit, names, time.monotonic() + 10))
    return [int(shown[name]) if shown.get(name, "").isdigit() else None for name in names]
