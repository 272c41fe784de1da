# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The groups of a rollout, checked before any host is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError

_PARAMETER = "mailfleet_groups"
_SHOWN = 12  # names at most in an error
_REMEDY = 'Give a list of groups of the inventory, such as -e \'{"mailfleet_groups": ["canary", "site_a"]}\''

_REMEDY_EMPTY = (
    "Leave it out, or add hosts to it. If this is a slice of an inventory, run the canary in a job without slices "
    "first, and then the other groups in slices with mailfleet_sliced=true"
)


def batches(
    names: Any, groups: Mapping[str, Sequence[str]], limited: Sequence[str] | None = None, *, sliced: bool = False
) -> dict[str, Any]:
    """Return the pattern of the groups, and how many hosts of each group the limit leaves.

    :param groups: all groups with their hosts
    :param limited: the hosts that the limit leaves; None for all
    :param sliced: whether the inventory is a slice of another one, so that groups of that have no host in this
    :raises InputError: a group is not one, or has no host; a host is in two; or the limit leaves no host
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise InputError(_PARAMETER, names, "is not a list", _REMEDY)
    if not names:
        raise InputError(_PARAMETER, names, "names no group", _REMEDY)
    hosts_of: dict[str, list[str]] = {}
    group_of: dict[str, str] = {}
    for name in names:
        if not isinstance(name, str) or name not in groups:
            raise InputError(_PARAMETER, name, _what_is(name, groups), _REMEDY)
        if name in hosts_of:
            raise InputError(_PARAMETER, name, "is given twice", "Give each group once")
        hosts_of[name] = list(groups[name])
        if not hosts_of[name] and not sliced:
            raise InputError(_PARAMETER, name, "is a group without hosts", _REMEDY_EMPTY)
        for host in hosts_of[name]:
            other = group_of.setdefault(host, name)
            if other != name:
                reason = f"is in {other} and {name}, so it is not clear where one batch ends"
                raise InputError(_PARAMETER, host, reason, "Name groups that have no host in common")
    left = group_of if limited is None else set(limited)
    sizes = [sum(host in left for host in hosts) for hosts in hosts_of.values()]
    if not any(sizes) and not sliced:
        reason = "has no host that --limit leaves"
        raise InputError(_PARAMETER, ", ".join(names), reason, "Correct --limit, or name other groups")
    return {"pattern": ":".join(hosts_of), "sizes": [size for size in sizes if size] or [1]}


def _what_is(name: Any, groups: Mapping[str, Sequence[str]]) -> str:
    if any(name in hosts for hosts in groups.values()):
        return "is a host and not a group"
    known = sorted(set(groups) - {"all", "ungrouped"})
    return f"is not a group of the inventory, which has {', '.join(known[:_SHOWN])}{', ...' * (len(known) > _SHOWN)}"
