# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which TCP ports SELinux does not let the master listen.

The policy itself is binary. What an administrator has added to it is in a file; semanage(8) tells the rest, where it is
installed. So this is only asked for ports that an edit adds, and where nobody can tell, nothing is said.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Tuple

from .command import run

STANDARD = (25, 465, 587)
"""The ports that have the type smtp_port_t in every policy."""

_ALLOWED = ("smtp_port_t", "amavisd_send_port_t", "spamd_port_t")  # to postfix_master_t, by the reference policy
_SEMANAGE = 30.0  # seconds; it takes one or two

Ranges = List[Tuple[int, int, str]]
"""First port, last port, type."""


def port_type(port: int, root: str = "/") -> Optional[str]:
    """Return the type of a TCP port that SELinux keeps from the master; None if it does not, or nobody can tell."""
    if port in STANDARD or not _is_enforced(root) or _is_for_clients(port, root):
        return None
    found = _type_of(port, list(_local(root))) or _type_of(port, _of_policy())
    return None if found in _ALLOWED else found


def _is_enforced(root: str) -> bool:
    with suppress(OSError), open(os.path.join(root, "sys/fs/selinux/enforce"), encoding="ascii") as stream:
        return stream.read().strip() == "1"
    return False


def _is_for_clients(port: int, root: str) -> bool:
    """Return whether a port is one of those that the kernel gives to clients, which SELinux does not look at."""
    path = os.path.join(root, "proc/sys/net/ipv4/ip_local_port_range")
    with suppress(OSError, ValueError), open(path, encoding="ascii") as stream:
        first, last = map(int, stream.read().split())
        return first <= port <= last
    return False


@lru_cache(maxsize=None)
def _of_policy() -> Ranges:
    return list(_listed(run(["semanage", "port", "-l"], time.monotonic() + _SEMANAGE).words))


def _type_of(port: int, ranges: Ranges) -> Optional[str]:
    """Return the type of a port: that of the smallest range, because those of whole classes of ports overlap others."""
    fitting = [(last - first, kind) for first, last, kind in ranges if first <= port <= last]
    return min(fitting)[1] if fitting else None


def _local(root: str) -> Iterator[Tuple[int, int, str]]:
    """Yield what an administrator has added to the policy."""
    settings: Dict[str, str] = {}
    with suppress(OSError), open(os.path.join(root, "etc/selinux/config"), encoding="utf-8", errors="replace") as file:
        settings = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*(\w+)", file.read()))
    policy = settings.get("SELINUXTYPE", "targeted")
    for directory in (f"var/lib/selinux/{policy}/active", f"etc/selinux/{policy}/modules/active"):
        with suppress(OSError):
            path = os.path.join(root, directory, "ports.local")
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            for first, last, kind in re.findall(r"(?m)^portcon\s+tcp\s+(\d+)(?:-(\d+))?\s+\w+:\w+:(\w+)", text):
                yield int(first), int(last or first), kind
            return


def _listed(lines: List[str]) -> Iterator[Tuple[int, int, str]]:
    """Yield what ``semanage port -l`` lists."""
    for line in lines:
        match = re.match(r"(\w+_t)\s+tcp\s+([\d,\s-]+)\Z", line)
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", match.group(2)) if match else ():
            yield int(first), int(last or first), match.group(1) if match else ""
