# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The sources of hosts, by the variables of the inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    NamedSource,
    place,
    read_sources,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._sources import joined

_INSTANCES = f"{PREFIX}instances"


class Held(NamedTuple):
    """A source of an instance of a host."""

    host: str
    #: as the inventory names it; None where it names none, for the default instance or by its directory
    instance: str | None
    directory: str | None
    source: NamedSource


def sources_of(host: str, names: Iterable[str], value_of: Callable[[str], Any]) -> list[Held]:
    """Return the same as :func:`own_sources`, with errors that name the host."""
    try:
        return own_sources(host, names, value_of)
    except InputError as error:
        raise InputError(f"{host}: {error.parameter}", error.value, error.reason, error.remedy) from error


def own_sources(host: str, names: Iterable[str], value_of: Callable[[str], Any]) -> list[Held]:
    """Return the sources of each instance of a host, as the role gives them to its module.

    :param names: of all variables of the host
    :param value_of: returns the value of one
    :raises InputError: for what the role would refuse
    """
    known = set(names)
    shared = joined(known, value_of)
    entries = value_of(_INSTANCES) if _INSTANCES in known else [{}]
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(_INSTANCES, str(entries), "is not a list of mappings", "Give one mapping for each instance")
    found = []
    for entry in entries:
        own = entry.get("sources", shared)
        if own and entry.get("state") != "absent":
            name, directory = entry.get("instance"), entry.get("config_directory")
            found += [Held(host, name, directory, source) for source in read_sources(own)]
    return found


def sources_by_variables(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[Held]:
    """Return the sources of hosts, in their order.

    :param hostvars: a value is not looked at, and its template not expanded, unless it says something about sources
    :raises InputError: for what the role would refuse
    """
    found: list[Held] = []
    for host in hosts:
        variables = hostvars[host]
        found += sources_of(host, variables, variables.__getitem__)
    return found


def addresses_by_facts(held: Held, facts: Any) -> list[str]:
    """Return the addresses of a source, by the facts of its host where they are selected there.

    :raises InputError: the facts do not say
    """
    if not held.source.select:
        return list(held.source.addresses)
    placed = place(held.source, host_from_input(facts, "ansible_facts"))
    return [normal_form(each) for each in placed.addresses.values()]
