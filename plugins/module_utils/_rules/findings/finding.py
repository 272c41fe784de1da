# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""One thing worth knowing about a configuration, and what the checks that find such things are given."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from ..._base.address import Address, normal_form
from ..._files.service import Service
from ..host import Host
from ..listeners import Listener
from ..own_addresses import Resolver
from ..settings import Settings


class Finding(NamedTuple):
    """One thing worth knowing, with what to do about it."""

    #: stable, for machines
    code: str
    #: ``error``: mail is lost, stuck or refused; ``warning``: probably not what was meant; ``info``: easily forgotten
    severity: str
    parameter: str
    message: str
    remedy: str


class Context(NamedTuple):
    """One configuration, with what the rules say of it."""

    settings: Settings
    host: Host
    services: List[Service]
    resolve: Resolver
    own: List[Address]
    sockets: List[Listener]
    sources: List[Dict[str, Any]]
    families: Sequence[str]
    #: by family, the host's addresses by which other hosts reach it
    reachable: Mapping[str, Sequence[Address]]

    def others(self, address: str, name: str) -> bool:
        """Tell whether the host has another address of a family by which mail could leave."""
        return any(normal_form(known) != address for known in self.reachable[name])
