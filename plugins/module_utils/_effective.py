# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Everything that the rules say of one configuration on one host, in one answer that can be shown and compared."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ._address import normal_form
from ._endpoint import PortLookup, known_port
from ._errors import InputError
from ._host import Host
from ._listeners import listeners
from ._master_entry import Service
from ._mynetworks import default_mynetworks
from ._own_addresses import Resolver, own_addresses
from ._parameters import Settings, Version
from ._source_addresses import source_addresses


def effective_view(
    main_values: Mapping[str, str],
    services: Sequence[Service],
    host: Host,
    version: Version,
    resolve: Resolver,
    lookup: PortLookup = known_port,
    allow_absent: bool = False,
) -> Dict[str, Any]:
    """Return what Postfix would do, as plain data; it never raises.

    :returns: own_addresses, listeners, source_addresses and mynetworks (the default; None when main.cf sets it), each
        None where Postfix would die first; and error, the first sentence that says of what it would die, or None
    """
    view: Dict[str, Any] = dict.fromkeys(("own_addresses", "listeners", "source_addresses", "mynetworks", "error"))
    try:
        settings = Settings(main_values, version, host.hostname)
        own = own_addresses(settings, host, resolve, allow_absent)
        view["own_addresses"] = [normal_form(address) for address in own]
        view["mynetworks"] = default_mynetworks(settings, host, own)
        view["source_addresses"] = source_addresses(settings, host, services, resolve, allow_absent)
        found = listeners(settings, host, services, resolve, lookup, allow_absent)
        view["listeners"] = [dict(listener._asdict()) for listener in found]
    except InputError as error:
        view["error"] = str(error)
    return view
