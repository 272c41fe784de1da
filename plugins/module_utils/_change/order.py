# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order several instances are brought in line, so that none needs an address that another one still has."""

from __future__ import annotations

from typing import FrozenSet, List, Sequence

from .._base.records import NamedTuple
from .._base.sockets import Socket


class Move(NamedTuple):
    """The sockets that the master of one instance has, and those that it will have."""

    held: FrozenSet[Socket]
    promised: FrozenSet[Socket]

    def waits_for(self, other: Move) -> bool:
        """Return whether a new socket of this one overlaps one that the other will close."""
        closed = other.held - other.promised
        return any(new.overlaps(old) for new in self.promised - self.held for old in closed)


def in_order(moves: Sequence[Move]) -> List[List[int]]:
    """Return the positions of the moves, in the order to make them: those in one group have to be made together.

    A group of several is a circle, such as two instances that exchange their addresses: all of them stop, then all of
    them start. Where nothing forbids it, the order is that of the moves.
    """
    left = list(range(len(moves)))
    order: List[List[int]] = []
    while left:
        waits = {
            here: [other for other in left if other != here and moves[here].waits_for(moves[other])] for here in left
        }
        free = next((here for here in left if not waits[here]), None)
        group = [free] if free is not None else _circle(left[0], waits)
        order.append(group)
        left = [each for each in left if each not in group]
    return order


def _circle(start: int, waits: "dict[int, List[int]]") -> List[int]:
    """Return a circle of moves that wait for each other, where each waits for at least one."""
    path = [start]
    while True:
        following = waits[path[-1]][0]
        if following in path:
            return sorted(path[path.index(following) :])
        path.append(following)
