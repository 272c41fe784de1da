# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The groups and the batches of a rollout, checked before any host is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.amount import hosts_in

_PARAMETER = "mailfleet_groups"
_SERIAL = "mailfleet_serial"
_SERIAL_REMEDY = (
    "Give a number from 1, a percentage of all hosts such as '25%', or a list of these, such as [1, 10, '25%']"
)
_SHOWN = 12  # names at most in an error
_PART = 250  # hosts of a part, at least so many
_ROUNDS = 10  # and so many for each of Ansible's forks, as these wait for each other at the end of a part
_REMEDY = 'Give a list of groups of the inventory, such as -e \'{"mailfleet_groups": ["canary", "site_a"]}\''

_REMEDY_EMPTY = (
    "Leave it out, or add hosts to it. If this is a slice of an inventory, run the canary in a job without slices "
    "first, and then the other groups in slices with mailfleet_sliced=true"
)


def batches(
    names: Any,
    groups: Mapping[str, Sequence[str]],
    limited: Sequence[str] | None = None,
    serial: Any = None,
    *,
    sliced: bool = False,
    part: int | None = None,
) -> dict[str, Any]:
    """Return the pattern of the groups, how many hosts each batch has, and the parts in which Ansible takes them.

    Ansible keeps much of each host that it works on, each task of a host takes longer the more it keeps, and goes
    through the names of all. In parts, a batch of any size costs what its hosts cost.

    :param groups: all groups with their hosts
    :param limited: the hosts that the limit leaves; None for all
    :param serial: the sizes of the batches, as Ansible's keyword takes them; None for one batch for each group
    :param sliced: whether the inventory is a slice of another one, so that groups of that have no host in this
    :param part: how many hosts a part has at most; None for batches in one part
    :raises InputError: a group is not one, or has no host; a host is in two; the limit leaves no host; or a size is not
        one
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
    if serial is not None:
        sizes = _divided(sum(sizes), serial)
    sizes = [size for size in sizes if size] or [1]
    parts = [each for size in sizes for each in _divided(size, part or size)]
    return {"pattern": ":".join(hosts_of), "sizes": sizes, "parts": parts}


def part_of(forks: Any) -> int:
    """Return how many hosts a part has at most, if Ansible works on so many at once.

    :raises InputError: it is not a number
    """
    number = hosts_in(forks, 0)
    if number is None:
        raise InputError("forks", forks, "is not a number", "Give how many hosts Ansible works on at once, such as 20")
    return max(_PART, _ROUNDS * number)


def part_at(place: int, sizes: Sequence[int]) -> tuple[int, int, int]:
    """Return the number, from 1, and the bounds of the part that a host is in.

    :param place: where the host is among all, from 0
    :param sizes: how many hosts each part has
    :raises InputError: the parts do not have so many
    """
    for number, end in enumerate(accumulate(sizes), 1):
        if place < end:
            return number, end - sizes[number - 1], end
    remedy = "Give the same sizes as to the keyword serial of the play"
    raise InputError("parts", ", ".join(map(str, sizes)), f"has no place for host {place + 1} of the play", remedy)


def groups_of(names: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the first of some groups that each host is in."""
    found: dict[str, str] = {}
    for name in names:
        for host in groups.get(name, ()):
            found.setdefault(host, name)
    return found


def _divided(total: int, serial: Any) -> list[int]:
    """Return the sizes of batches; the last one that is given is that of all others, as in Ansible's keyword."""
    given = list(serial) if isinstance(serial, (list, tuple)) else [serial]
    if not given:
        raise InputError(_SERIAL, serial, "has no size", _SERIAL_REMEDY)
    wanted = [_size(each, total) for each in given]
    sizes: list[int] = []
    left = total
    for size in chain(wanted, repeat(wanted[-1])):
        if not left:
            return sizes
        sizes.append(min(size, left))
        left -= sizes[-1]
    return sizes


def _size(value: Any, total: int) -> int:
    """Return a number of hosts; a percentage is of all of them, and at least one."""
    size = hosts_in(value, total)
    if size is None or (not size and not str(value).strip().rstrip("%").strip("0.")):
        raise InputError(_SERIAL, value, "is neither a number of hosts from 1 nor a percentage", _SERIAL_REMEDY)
    return max(1, size)


def _what_is(name: Any, groups: Mapping[str, Sequence[str]]) -> str:
    if any(name in hosts for hosts in groups.values()):
        return "is a host and not a group"
    known = sorted(set(groups) - {"all", "ungrouped"})
    return f"is not a group of the inventory, which has {', '.join(known[:_SHOWN])}{', ...' * (len(known) > _SHOWN)}"
