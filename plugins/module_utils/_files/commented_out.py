# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of master.cf that are commented out: how to find, make and undo them.

A comment is such an entry when it has all eight fields and the master would accept each. Its continuation lines are
comments that look like nothing else: ``-o`` settings, flags, and arguments of pipe(8) and spawn(8). Between them can be
prose that is indented as in the stock file, by two blanks or more behind its ``#``.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Sequence

from .entry_words import split_words
from .lines import LogicalLine, comment_blocks, logical_lines
from .master_entry import Entry

_HEADER = (
    r"#[ \t]*([^ \t\r#]\S*)[ \t]+(inet|unix|unix-dgram|fifo|pass)(?:[ \t]+[yn-]){3}[ \t]+(?:-|[0-9]+\??)[ \t]+"
    r"(?:-|[0-9]+)[ \t]+([A-Za-z0-9_./][^ \t{}]*)(?=[ \t]|\Z)"
)
_SETTING = r"\{?[ \t]*[A-Za-z0-9_][\w.-]*[ \t]*="
_FLAG = r"-[A-Za-z]+\Z"
_ARGUMENT = r"(?:argv|user|flags|directory|eol|size|null_sender|chroot)=|[$/{]|-[A-Za-z]"


class CommentedOutEntry(NamedTuple):
    """A commented-out entry, and where it is in the file."""

    name: str
    type: str
    command: str
    start: int
    end: int


def commented_entries(text: str, lines: Sequence[LogicalLine]) -> List[CommentedOutEntry]:
    """Return the commented-out entries between the logical lines of a file."""
    entries = []
    for start, stop in comment_blocks(text, lines):
        while start < stop:
            end = _line_end(text, start)
            match = re.match(_HEADER, text[start:end].rstrip("\r\n"))
            if match:
                name, kind, command = match.groups()
                end = lookalike_end(text, end, command)
                entry = CommentedOutEntry(name, kind, command, start, end)
                if not _arguments_go_on(text, entry):
                    entries.append(entry)
            start = end
    return entries


def _arguments_go_on(text: str, entry: CommentedOutEntry) -> bool:
    """Return whether it is not clear where the arguments of an entry end and prose begins."""
    after = text[entry.end : _line_end(text, entry.end)].rstrip("\r\n")
    return _indented(after) and not _marked(after) and bool(Entry(logical_lines(_uncommented(text, entry))[0]).rest)


def lookalike_end(text: str, position: int, program: str) -> int:
    """Return where the comments end that look like a part of the entry of a program before `position`."""
    end = position
    while position < len(text):
        start, position = position, _line_end(text, position)
        line = text[start:position].rstrip("\r\n")
        if line[:1] != "#" or re.match(_HEADER, line):
            break
        if _continues(line[1:], program) or line[1:2] == "#" and _continues(line[2:], program):
            end = position
        elif not _marked(line) and not _indented(line):
            break
    return end


def commented_out(text: str, program: str) -> str:
    """Return lines with a ``#`` before each but indented prose, for :func:`restored` to undo."""
    lines = text.split("\n")
    for index, line in enumerate(lines[:-1] if lines[-1] == "" else lines):
        bare = line.rstrip("\r")
        if not _indented(bare) or _continues(bare[1:], program) or _marked(bare):
            lines[index] = "#" + line
    return "\n".join(lines)


def protected(text: str, program: str) -> str:
    """Return text with a second ``#`` before comments that would look like a part of the entry before it."""
    end = lookalike_end(text, 0, program)
    return commented_out(text[:end], program) + text[end:]


def restored(text: str, entry: CommentedOutEntry) -> str:
    """Return the file without the ``#`` that comments out an entry."""
    return text[: entry.start] + _uncommented(text, entry) + text[entry.end :]


def _uncommented(text: str, entry: CommentedOutEntry) -> str:
    lines = text[entry.start : entry.end].split("\n")
    lines[0] = lines[0][1:].lstrip(" \t")
    for index, line in enumerate(lines[1:], 1):
        if _marked(line) or line[:1] == "#" and _continues(line[1:], entry.command):
            lines[index] = line[1:]
    return "\n".join(lines)


def _marked(line: str) -> bool:
    """Return whether :func:`commented_out` has put a ``#`` before a comment or an empty line."""
    return line[:1] == "#" and line[1:].lstrip(" \t\r")[:1] in ("#", "")


def _indented(line: str) -> bool:
    """Return whether a line is a comment with two blanks or more behind its ``#``."""
    return line[:3] == "#  " or line[:2] == "#\t"


def _continues(line: str, program: str) -> bool:
    """Return whether a line without its ``#`` looks like a continuation line of an entry of a program."""
    if line[:1] not in (" ", "\t"):
        return False
    words = [line[start:end] for start, end in split_words(line)]
    if not words:
        return False
    if words[0][:2] == "-o":
        setting = words[0][2:] or "".join(words[1:2])
        return bool(re.match(_SETTING, setting))
    if line[1:2] not in (" ", "\t"):
        return False
    if program in ("pipe", "spawn"):
        return bool(re.match(_ARGUMENT, words[0]))
    return all(re.match(_FLAG, word) for word in words)


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
