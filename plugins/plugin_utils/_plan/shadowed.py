# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Entries of list variables that get lost where a list of higher precedence replaces another: Ansible merges none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    normal_form,
    parse_address,
    unbracket,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import shortened, shown
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import identity
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import list_of, port_of_service
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import listed

#: words that stand for other entries, so that a list with one of them is not meant to add to another
_WORDS_FOR_MANY = ("all", "loopback-only")
_MOST = 8  # entries that a finding names


class Override(NamedTuple):
    """A variable of a host that one place sets, and another one of higher precedence sets anew."""

    host: str
    #: such as postfix_interfaces_services
    variable: str
    #: where it is set first, as people name it, such as group_vars/mail.yml
    lower: str
    lower_value: Any
    #: where the value comes from that counts
    upper: str
    value: Any


def shadowed(overrides: Iterable[Override], base: Iterable[Override] = ()) -> list[dict[str, Any]]:
    """Return a finding for each list that lacks entries of one that it replaces, with all hosts that it is about.

    :param overrides: those of one variable of a host from the lowest precedence to the highest
    :param base: those of the inventory to compare with; a finding is new unless they lack the same
    :returns: the new ones first, each with the key ``new``
    """
    known = {(each.host, each.variable, key) for each, lost in _lost(base) for key in lost}
    found: dict[tuple[bool, str, str, str, tuple[str, ...]], dict[str, None]] = {}
    for each, lost in _lost(overrides):
        for old in (False, True):
            labels = tuple(label for key, label in lost.items() if ((each.host, each.variable, key) in known) is old)
            if labels:
                found.setdefault((old, each.variable, each.upper, each.lower, labels), {})[each.host] = None
    return [_finding(*about, hosts) for about, hosts in sorted(found.items(), key=lambda item: item[0][0])]


def _finding(
    old: bool, variable: str, upper: str, lower: str, labels: tuple[str, ...], hosts: Iterable[str]
) -> dict[str, Any]:
    one = len(labels) == 1
    return {
        "code": "shadowed_list_entry",
        "severity": "warning",
        "parameter": variable.removeprefix(PREFIX),
        "message": f"{_line(upper)} replaces {variable} of {_line(lower)}: "
        f"{listed(labels, _MOST)} {'is' if one else 'are'} not in it",
        "remedy": f"Repeat {'it' if one else 'them'} in {_line(upper)} if {'it is' if one else 'they are'} to stay, "
        "since Ansible does not merge lists",
        "places": [{"host": host, "instance": None} for host in hosts],
        "new": not old,
    }


def _lost(overrides: Iterable[Override]) -> list[tuple[Override, dict[str, str]]]:
    """Return the overrides with the entries that get lost by each; one that several places have is told of the last."""
    told: dict[tuple[str, str], set[str]] = {}
    found = []
    for each in reversed(list(overrides)):
        there, lower = entries_of(each.variable, each.value), entries_of(each.variable, each.lower_value)
        if there is None or lower is None or not there.keys().isdisjoint(_WORDS_FOR_MANY):
            continue
        seen = told.setdefault((each.host, each.variable), set())
        lost = {key: label for key, label in lower.items() if key not in {*there, *seen, *_WORDS_FOR_MANY}}
        seen.update(lost)
        if lost:
            found.append((each, lost))
    return found[::-1]


def entries_of(variable: str, value: Any) -> dict[str, str] | None:
    """Return the entries of a list, or the keys of a mapping: for each a text to compare and one for people.

    Services are the same by their name and type, instances by their name, and addresses however they are written.

    :returns: None for what is neither
    """
    if isinstance(value, Mapping):
        return {shown(key): _line(shown(key)) for key in value}
    items = [] if value is None else list_of(value)
    if items is None:
        return None
    is_instance = variable == f"{PREFIX}instances"
    entries: dict[str, str] = {}
    for item in items:
        if item not in (None, ""):
            key, label = _entry(item, is_instance)
            entries.setdefault(key, _line(label))
    return entries


def _entry(item: Any, is_instance: bool) -> tuple[str, str]:
    if isinstance(item, Mapping) and is_instance:
        name = shown(item.get("instance") or item.get("config_directory") or "-")
        return name, "the default instance" if name == "-" else name
    if isinstance(item, Mapping) and item.get("name"):
        name, kind = shown(item["name"]), shown(item.get("type") or "inet")
        return identity(name, kind, port_of_service), f"{name}/{kind}"
    if isinstance(item, (Mapping, list, tuple)):
        text = json.dumps(item, default=shown, sort_keys=True)
        return text, text
    text = shown(item)
    address = parse_address(unbracket(text))
    return (normal_form(address) if address else text), text


def _line(text: str) -> str:
    """Return a text of the inventory as part of one line."""
    return shortened(" ".join(text.split()))
