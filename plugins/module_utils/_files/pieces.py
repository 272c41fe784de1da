# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file as pieces, and the edits of one version of it carried over to another one.

A piece is a logical line with all that continues it, or a single comment line or empty line. Two edits of different
pieces of one file never disturb each other.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Callable, Collection, Dict, Iterator, List, Sequence, Tuple

from .._base.records import NamedTuple
from .endpoint import identity
from .lines import LogicalLine, logical_lines
from .master_entry import Entry

KeyOf = Callable[[LogicalLine], str]
"""What is equal for the logical lines that are about the same thing; empty where that is nothing known."""


class Piece(NamedTuple):
    """One piece: its text without its last newline, and what it is about (:data:`KeyOf`), empty for a comment."""

    text: str
    key: str = ""


class Pieces(NamedTuple):
    """A file, or a part of it; ``ended`` is whether the last piece has a newline."""

    all: List[Piece]
    ended: bool = True

    @property
    def text(self) -> str:
        return "\n".join(piece.text for piece in self.all) + ("\n" if self.ended and self.all else "")

    def of(self, key: str) -> List[Piece]:
        """Return the pieces that are about one thing."""
        return [piece for piece in self.all if piece.key == key]


def parameter_of(line: LogicalLine) -> str:
    """Return the parameter that a logical line of main.cf sets."""
    return "" if line.stray else line.effective.partition("=")[0].strip()


def service_of(line: LogicalLine) -> str:
    """Return the identity of the service that a logical line of master.cf is an entry for."""
    service = Entry(line).service
    return identity(service.name, service.type) if service else ""


def pieces(text: str, key_of: KeyOf) -> Pieces:
    """Return the pieces of a file."""
    found: List[Piece] = []
    done = 0
    for line in logical_lines(text):
        found += [Piece(comment) for comment in _physical(text[done : line.start])]
        found.append(Piece(_without_newline(text[line.start : line.end]), key_of(line)))
        done = line.end
    found += [Piece(comment) for comment in _physical(text[done:])]
    return Pieces(found, text.endswith("\n"))


def carried_over(original: Pieces, written: Pieces, found: Pieces, theirs: Collection[str] = ()) -> Pieces:
    """Return the original version with what somebody has edited in the written one.

    :param original: what ``written`` was made from
    :param written: the version that somebody has edited
    :param found: what they have made of it
    :param theirs: of the keys that differ between ``original`` and ``written``, those that are taken from ``found``; of
        the others an edit is not carried over
    """
    ours = differing(original, written)
    before = [index for index, piece in enumerate(written.all) if piece.key not in ours]
    after = [index for index, piece in enumerate(found.all) if piece.key not in ours]
    stays = _matching([written.all[index] for index in before], [found.all[index] for index in after])
    place_of = {new: old for old, new in _matching(original.all, written.all)}
    edited = {after[new]: before[old] for old, new in stays}
    kept = set(edited.values())
    gone = {place_of[index] for index in before if index not in kept and index in place_of}
    last = {piece.key: index for index, piece in enumerate(original.all)}
    behind: Dict[int, List[Piece]] = {}
    place, loose = -1, False  # where we are in the original, and whether what is just before has no place there
    waiting: List[Piece] = []
    for index, piece in enumerate(found.all):
        if index in edited or piece.key in ours:
            here = place_of.get(edited[index]) if index in edited else last.get(piece.key)
            loose = here is None
            if here is not None:
                behind.setdefault(here - 1 if here > place else place, []).extend(waiting)
                place, waiting = here, []
        if index not in edited and (piece.key not in ours or piece.key in theirs and piece.key not in last):
            (waiting if loose else behind.setdefault(place, [])).append(piece)
    behind.setdefault(place, []).extend(waiting)
    result = behind.get(-1, [])
    for index, piece in enumerate(original.all):
        if piece.key in ours and piece.key in theirs:
            if last[piece.key] == index:
                result += found.of(piece.key)
        elif index not in gone:
            result.append(piece)
        result += behind.get(index, [])
    return Pieces(result, original.ended if written.ended == found.ended else found.ended)


def differing(one: Pieces, other: Pieces) -> List[str]:
    """Return the keys whose pieces are not the same in two versions."""
    keys = dict.fromkeys(piece.key for piece in (*one.all, *other.all) if piece.key)
    by_key: Tuple[Dict[str, List[str]], ...] = ({}, {})
    for version, known in zip((one, other), by_key):
        for piece in version.all:
            known.setdefault(piece.key, []).append(piece.text)
    return [key for key in keys if by_key[0].get(key) != by_key[1].get(key)]


def _matching(old: Sequence[Piece], new: Sequence[Piece]) -> List[Tuple[int, int]]:
    """Return the places in two versions of each piece that is in both, in their order."""
    first, last, both = 0, 0, min(len(old), len(new))
    while first < both and old[first].text == new[first].text:
        first += 1
    while last < both - first and old[-1 - last].text == new[-1 - last].text:
        last += 1
    pairs = [(index, index) for index in range(first)]
    middle = [[piece.text for piece in some[first : len(some) - last]] for some in (old, new)]
    for block in SequenceMatcher(None, middle[0], middle[1], autojunk=False).get_matching_blocks():
        pairs += [(first + block.a + step, first + block.b + step) for step in range(block.size)]
    return pairs + [(len(old) - step, len(new) - step) for step in range(last, 0, -1)]


def _physical(text: str) -> Iterator[str]:
    """Yield the physical lines of a text, without their newlines."""
    return iter(text.split("\n")[: -1 if text.endswith("\n") else None]) if text else iter(())


def _without_newline(text: str) -> str:
    return text[:-1] if text.endswith("\n") else text
