# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an installed Postfix has that the tables of this collection do not have, or have otherwise.

A Postfix that is newer than those that the tables were compared with can have such things, and one that was built with
other defaults. What is compared: the parameters that this collection sets, with their defaults, and those that look
alike; the defaults of others that the rules count on; all parameters with bounds (:mod:`_rules.bounds`); the programs.
"""

from __future__ import annotations

import re
from typing import Iterable, Iterator, List, Mapping, Sequence

from .._files.command_line import PROGRAMS as WITH_GRAMMAR
from .bounds import START, problem, read_bounds
from .parameters import PARAMETERS, Version
from .program_bounds import PROGRAMS

_LIKES = r"inet_|proxy_interfaces|master_service_|\w+_(?:bind_address|interfaces|listen)|mynetworks"
_KNOWN_LIKES = ("mynetworks", "mynetworks_style", "postscreen_allowlist_interfaces", "postscreen_whitelist_interfaces")
_COUNTED_ON = {
    "compatibility_level": "0",
    "default_process_limit": "100",
    "default_transport": "smtp",
    "mailbox_size_limit": "51200000",
    "message_size_limit": "10240000",
    "myorigin": "$myhostname",
    "relay_transport": "relay",
    "virtual_mailbox_limit": "51200000",
}
_NOT_SERVICES = r"master\Z|fsstone\Z|post-install\Z|.*-(?:script|wrapper)\Z"
_SHOWN = 5


def unfamiliar(version: Version, defaults: Mapping[str, str], programs: Iterable[str]) -> List[str]:
    """Return what is not as the tables have it, in words.

    :param defaults: what ``postconf -d`` prints
    :param programs: the names of those in daemon_directory that belong to Postfix
    """
    return [*_of_the_family(version, defaults), *_of_the_bounds(version, defaults), *_of_the_programs(programs)]


def _of_the_family(version: Version, defaults: Mapping[str, str]) -> Iterator[str]:
    here = {name: row.default for name, row in PARAMETERS.items() if version >= row.since}
    missing = sorted(name for name in here if name not in defaults)
    if missing:
        yield f"no {_listed(missing)}"
    likes = (name for name in defaults if name not in here and name not in _KNOWN_LIKES and re.match(_LIKES, name))
    new = sorted(likes)
    if new:
        yield f"unknown {_listed(new)}"
    for name, ours in sorted({**_COUNTED_ON, **here}.items()):
        if defaults.get(name, ours) != ours:
            yield f"default of {name} is {defaults[name] or 'empty'}, not {ours or 'empty'}"


def _of_the_bounds(version: Version, defaults: Mapping[str, str]) -> Iterator[str]:
    tables = [*read_bounds(START, version).values(), *read_bounds(PROGRAMS, version).values()]
    missing = sorted({name for table in tables for name in table if name not in defaults and name not in PARAMETERS})
    if missing:
        yield f"no {_listed(missing)}"
    refused = set()
    for table in tables:
        for name, bound in table.items():
            value = defaults.get(name, "")  # an empty one, where that is refused, has to be set
            if value and "$" not in value and problem(bound, value):
                refused.add(f"{name} = {value}")
    if refused:
        yield f"defaults that were refused until now: {_some(sorted(refused))}"


def _of_the_programs(programs: Iterable[str]) -> Iterator[str]:
    new = sorted(name for name in programs if name not in WITH_GRAMMAR and not re.match(_NOT_SERVICES, name))
    if new:
        yield f"unknown program{'s' * (len(new) > 1)} {_some(new)}"


def _listed(names: Sequence[str]) -> str:
    return f"parameter{'s' * (len(names) > 1)} {_some(names)}"


def _some(names: Sequence[str]) -> str:
    shown, rest = ", ".join(names[:_SHOWN]), len(names) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
