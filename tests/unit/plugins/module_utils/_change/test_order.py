# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.order import Move, in_order


def move(held: str, promised: str) -> Move:
    """A master that has sockets and will have others, each an address of one digit; 0 is the wildcard."""
    places = [
        frozenset(Socket("0.0.0.0" if last == "0" else f"10.77.0.{last}", 25, "ipv4") for last in text)
        for text in (held, promised)
    ]
    return Move(*places)


@pytest.mark.parametrize(
    "moves, order",
    [
        ([], []),
        ([move("1", "1")], [[0]]),
        ([move("1", "2"), move("3", "4")], [[0], [1]]),
        ([move("1", "2"), move("2", "3")], [[1], [0]]),
        ([move("1", "2"), move("2", "3"), move("3", "4")], [[2], [1], [0]]),
        ([move("0", "1"), move("", "2")], [[0], [1]]),
        ([move("", "2"), move("0", "1")], [[1], [0]]),
        ([move("1", "2"), move("2", "1")], [[0, 1]]),
        ([move("1", "2"), move("2", "3"), move("3", "1"), move("4", "5")], [[3], [0, 1, 2]]),
        # Two that exchange their addresses, and one that waits for both or for one of them.
        ([move("", "3"), move("1", "2"), move("23", "1")], [[1, 2], [0]]),
        ([move("4", "1"), move("12", "3"), move("3", "2")], [[1, 2], [0]]),
        # Where all wait, what does not wait for the circle itself comes before it.
        ([move("1", "2"), move("2", "1"), move("15", "2")], None),
    ],
)
def test_none_needs_an_address_that_another_one_still_has(moves: List[Move], order: "List[List[int]] | None") -> None:
    found = in_order(moves)
    assert sorted(each for group in found for each in group) == list(range(len(moves)))
    if order is not None:
        assert found == order
    done: List[int] = []
    for group in found:
        for here in group:
            later = [other for other in range(len(moves)) if other not in done and other not in group]
            assert not any(moves[here].waits_for(moves[other]) for other in later) or len(group) > 1
        done += group
