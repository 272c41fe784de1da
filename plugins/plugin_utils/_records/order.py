# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The PTR records that sources need, as one orders them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import STATES, read_sources
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import list_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.ask import reverse
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import name_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import (
    Held,
    addresses_by_facts,
    sources_of,
)

_STATES = STATES[:-1]


def ptr_records(sources: Any, hosts: Any = None, states: Any = _STATES) -> list[dict[str, str]]:
    """Return a mapping with address, name and reverse for each address, in the order of the addresses.

    :param sources: by their names; or, with hosts, the variables of these; or a list of variables, one of each host
    :raises InputError: a source cannot be meant, has no name, or shares its address with one of another name
    """
    wanted = list_of(states) or [states]
    for state in wanted:
        if state not in STATES:
            raise InputError("states", str(state), "is not a state of a source", f"Use {', '.join(STATES)}")
    names: dict[str, tuple[str, str]] = {}
    for held, facts in _held(sources, hosts):
        if held.source.state not in wanted:
            continue
        place = f"{held.source.name} of {held.host}" if held.host else held.source.name
        name = name_of(held.source.helo)
        if name is None:
            reason = "is not a name that a PTR record can have"
            raise InputError(f"helo of {place}", held.source.helo or "", reason, "Give the source a helo")
        for address in addresses_by_facts(held, facts):
            other, owner = names.setdefault(address, (name, place))
            if other != name:
                reason = f"greets as {name} ({place}) and as {other} ({owner}), and has one PTR record"
                raise InputError(
                    "address", address, reason, "Give both the same helo, or another address to one of them"
                )
    parsed = sorted(map(ipaddress.ip_address, names), key=lambda each: (each.version, int(each)))
    found = [(str(each), names[str(each)][0]) for each in parsed]
    return [{"address": address, "name": name, "reverse": reverse(address)} for address, name in found]


def _held(sources: Any, hosts: Any) -> Iterator[tuple[Held, Any]]:
    """Yield each source with the facts of its host."""
    if hosts is not None:
        names = list_of(hosts)
        if names is None or not isinstance(sources, Mapping):
            raise InputError(
                "hosts", str(hosts), "is not a list of hosts beside hostvars", "Give hostvars, and names of hosts"
            )
        for name in names:
            if name not in sources:
                raise InputError("hosts", str(name), "is not a host of the inventory", "Correct its name, or add it")
            yield from _of_host(str(name), sources[name])
    elif isinstance(sources, (list, tuple)):
        for index, variables in enumerate(sources):
            yield from _of_host(f"_input[{index}]", variables)
    else:
        yield from ((Held("", None, None, source), {}) for source in read_sources(sources))


def _of_host(name: str, variables: Any) -> Iterator[tuple[Held, Any]]:
    if not isinstance(variables, Mapping):
        raise InputError(name, str(variables), "is not a mapping", "Give the variables of a host")
    host = str(variables.get("inventory_hostname", name))
    facts = variables.get("ansible_facts") or {}
    yield from ((held, facts) for held in sources_of(host, variables, variables.__getitem__))
