# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of an instance are read against."""

from __future__ import annotations

from typing import Callable, Optional, Sequence, Tuple

from .._base.records import NamedTuple
from .._files.endpoint import PortLookup, known_port
from .._rules.host import Host
from .._rules.own_addresses import Resolver
from .addresses import read_host
from .names import system_port, system_resolver


class Surroundings(NamedTuple):
    """The host, Postfix's version, and how names become addresses and ports."""

    host: Host
    version: Tuple[int, ...]
    resolve: Resolver
    port_of: PortLookup = known_port
    #: why a transport cannot be removed, because messages are to leave by it; None if it can
    why_in_use: Callable[[str], Optional[str]] = lambda transport: None
    #: what the tables do not know of this Postfix (:mod:`_rules.unfamiliar`)
    unfamiliar: Sequence[str] = ()


def surroundings(version: Tuple[int, ...], unfamiliar: Sequence[str] = ()) -> Surroundings:
    """Return this host as a Postfix of this version sees it now."""
    return Surroundings(read_host(), version, system_resolver(), system_port, unfamiliar=unfamiliar)
