# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What was found on the hosts of a fleet, as variables of groups and hosts, and what to look at before taking over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError

_FROM_WARNING_ON = ("warning", "error")


def gathered(found: Any, groups: Any) -> dict[str, Any]:
    """Divide the variables of hosts into those of groups and those of hosts, and tell what is wrong with a host.

    :param found: by host, what postfix_interfaces_info returned with all_instances, or why it failed
    :param groups: by group, its hosts
    :raises InputError: for input of another kind
    """
    for name, value in (("_input", found), ("groups", groups)):
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise InputError(name, str(value), "is not a mapping by name", "Give {'name': ...}")
    hosts = {
        host: dict(result["variables"])
        for host, result in found.items()
        if isinstance(result, Mapping) and isinstance(result.get("variables"), Mapping)
    }
    lifted: dict[str, dict[str, Any]] = {}
    for group, members in groups.items():
        # Otherwise a host of which nothing is known, or one of another group, would get variables of this one.
        alone = all(host not in others for other, others in groups.items() if other != group for host in members)
        whole = len(members) > 1 and alone and all(host in hosts for host in members)
        lifted[group] = _common([hosts[host] for host in members]) if whole else {}
        for host in members if whole else ():
            hosts[host] = {name: value for name, value in hosts[host].items() if name not in lifted[group]}
    notes = [f"{host}: {note}" for host, result in found.items() for note in _notes(result)]
    return {"groups": lifted, "hosts": hosts, "notes": notes}


def _common(variables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the variables that all hosts have with one value."""
    first, *others = variables
    return {
        name: value for name, value in first.items() if all(name in other and other[name] == value for other in others)
    }


def _notes(result: Any) -> Iterator[str]:
    """Yield what to look at on a host, each time with the instance if the host has several."""
    if not isinstance(result, Mapping) or "instances" not in result:
        known = result if isinstance(result, Mapping) else {}
        yield f"nothing is known: {known.get('msg') or 'the host could not be described'}"
        return
    several = len(result["instances"]) > 1
    for one in result["instances"]:
        place = f"{one['instance'] or one['config_directory']}: " if several else ""
        yield from (place + note for note in _notes_of_instance(one))


def _notes_of_instance(one: Mapping[str, Any]) -> Iterator[str]:
    if not one["running"]:
        yield "Postfix does not run"
    elif one["action"] != "none":
        why = ", ".join(dict.fromkeys(str(reason["why"]) for reason in one["reasons"]))
        yield f"Postfix is not in line with its files and needs a {one['action']}{f' ({why})' if why else ''}"
    if one["pending"]:
        yield "a change by an earlier run is not confirmed"
    for problem in one["problems"]:
        yield f"{problem['severity']}: {problem['file']}, line {problem['line']}: {problem['message']}"
    for finding in one["findings"]:
        if finding["severity"] in _FROM_WARNING_ON:
            yield f"{finding['severity']}: {finding['message']}"
