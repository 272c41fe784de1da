# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks that other tools keep in a file, between a comment that begins and one that ends each: nothing is added there.

A tool writes all of its block anew when it runs next. The comments of a pair say the same, but for a word such as BEGIN
or START in one and END or STOP in the other: ``# BEGIN ANSIBLE MANAGED BLOCK`` of blockinfile, ``### amavis: start``.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Sequence, Tuple

from .._base.records import NamedTuple
from .lines import WHITE, LogicalLine

_BEGINS = ("begin", "begins", "beginning", "start", "starts")
_ENDS = ("end", "ends", "ending", "stop", "stops", "finish", "finished")
_FILLING = {"of", "the", "for", "from", "here"}
_WORD = r"[^\W_]+"
_BRACKETS = ((">>>", "<<<"), ("{{{", "}}}"))
_TAG = r"[<\[](/?)([^][<>/]+)[>\]]\Z"


class _Marker(NamedTuple):
    """A comment that can be the first or the last of a block.

    :ivar label: what it says beside
    :ivar certain: whether the word can hardly be one of a sentence: in capitals, or at either end
    """

    begins: bool
    label: Tuple[str, ...]
    certain: bool
    start: int
    end: int


def marked_blocks(text: str) -> List[Tuple[int, int]]:
    """Return start and end of each block, the two comments included; of blocks in each other only the outer one."""
    blocks: List[Tuple[int, int]] = []
    begun: List[_Marker] = []
    for marker in _markers(text):
        if marker.begins:
            begun.append(marker)
            continue
        first = next((other for other in reversed(begun) if _same(other, marker)), None)
        if first:
            del begun[begun.index(first) :]
            blocks = [block for block in blocks if block[0] < first.start]
            blocks.append((first.start, marker.end))
    return blocks


def free_place(text: str, lines: Sequence[LogicalLine], position: int) -> int:
    """Return the first place from a position on that is in no block and in no logical line of the file."""
    blocks = marked_blocks(text)
    while True:
        inside = next((line.end for line in lines if line.start < position < line.end), position)
        free = outside(blocks, inside)
        if free == position:
            return position
        position = free


def outside(blocks: Sequence[Tuple[int, int]], position: int) -> int:
    """Return a position, or the end of the block that it is in."""
    return next((end for start, end in blocks if start < position < end), position)


def _same(begin: _Marker, end: _Marker) -> bool:
    if begin.label == end.label:
        return True
    both = min(len(begin.label), len(end.label))
    return begin.certain and end.certain and begin.label[:both] == end.label[:both]


def _markers(text: str) -> Iterator[_Marker]:
    start = 0
    for line in text.split("\n"):
        end = min(start + len(line) + 1, len(text))
        comment = line.strip(WHITE)
        if comment[:1] == "#":
            yield from _marker(comment.strip("#" + WHITE), start, end)
        start = end


def _marker(comment: str, start: int, end: int) -> Iterator[_Marker]:
    words = re.findall(_WORD, comment)
    tag = re.match(_TAG, comment)
    if tag:
        yield _Marker(not tag.group(1), (tag.group(2).strip().casefold(),), True, start, end)
        return
    for at, word in enumerate(words):
        begins = word.casefold() in _BEGINS
        if begins or word.casefold() in _ENDS:
            others = [other.casefold() for other in words[:at] + words[at + 1 :]]
            label = tuple(other for other in others if other not in _FILLING)
            yield _Marker(begins, label, word.isupper() or at in (0, len(words) - 1), start, end)
            return
    for opening, closing in _BRACKETS:
        if comment[:3] in (opening, closing):
            yield _Marker(comment[:3] == opening, tuple(word.casefold() for word in words), True, start, end)
