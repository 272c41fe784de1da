# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of master.cf that are commented out: how to find, make and undo them.

A comment is such an entry when it has all eight fields and the master would accept each. Its continuation lines are
comments that look like nothing else: ``-o`` settings, flags, and arguments of pipe(8) and spawn(8). Between them can be
prose that is indented as in the stock file, by two blanks or more behind its ``#``.

Where that would not bring back an entry as it was, or another one instead, a mark before it says how many lines it has:
``# mailfleet.postfix disabled the next 3 lines``. Of several marked ones the last that was disabled comes first.
"""

from __future__ import annotations

import re
from typing import List, Optional, Sequence

from .._base.records import NamedTuple
from .entry_words import split_words
from .lines import WHITE, LogicalLine, comment_blocks, logical_lines
from .master_entry import Entry

_HEADER = (
    r"#[ \t]*([^ \t\r#]\S*)[ \t]+(inet|unix|unix-dgram|fifo|pass)(?:[ \t]+[yn-]){2}[ \t]+([yn-])[ \t]+(?:-|[0-9]+\??)"
    r"[ \t]+(?:-|[0-9]+)[ \t]+([A-Za-z0-9_./][^ \t{}]*)(?=[ \t]|\Z)"
)
_LIKE_HEADER = r"#[# \t]*[^ \t]+[ \t]+(?:inet|unix|unix-dgram|fifo|pass)[ \t]"
_MARK = r"# mailfleet\.postfix disabled the next (?:line|([0-9]{1,6}) lines)(?: \(([0-9]{1,6})\))?\r?\n"
_OPTION = r"#[# \t]*-o[ \tA-Za-z{]"
_SETTING = r"\{?[ \t]*[A-Za-z0-9_][\w.-]*[ \t]*="
_FLAG = r"-[A-Za-z]+\Z"
_ARGUMENT = r"(?:argv|user|flags|directory|eol|size|null_sender|chroot)=|[$/{]|-[A-Za-z]"


class CommentedOutEntry(NamedTuple):
    """A commented-out entry.

    :ivar start, end: where it is in the file, its mark included
    :ivar text: what it is when it comes back
    :ivar mark: the number of its mark, the higher the later; 0 without a mark
    """

    name: str
    type: str
    chroot: str
    command: str
    start: int
    end: int
    text: str
    mark: int = 0


def commented_entries(text: str, lines: Sequence[LogicalLine]) -> List[CommentedOutEntry]:
    """Return the commented-out entries between the logical lines of a file."""
    entries = []
    for start, stop in comment_blocks(text, lines):
        while start < stop:
            entry = _marked_entry(text, start) or _entry(text, start)
            if entry:
                entries.append(entry)
            start = entry.end if entry else _line_end(text, start)
    return entries


def _entry(text: str, start: int) -> Optional[CommentedOutEntry]:
    """Return the entry without a mark that begins at a line."""
    end = _line_end(text, start)
    match = re.match(_HEADER, text[start:end].rstrip("\r\n"))
    if not match:
        return None
    name, kind, chroot, command = match.groups()
    end = lookalike_end(text, end, command)
    lines = text[start:end].split("\n")
    lines[0] = lines[0][1:].lstrip(" \t")
    for index, line in enumerate(lines[1:], 1):
        if _commented(line) or line[:1] == "#" and _continues(line[1:], command):
            lines[index] = line[1:]
    entry = CommentedOutEntry(name, kind, chroot, command, start, end, "\n".join(lines))
    return None if _arguments_go_on(text, entry) else entry


def _marked_entry(text: str, start: int) -> Optional[CommentedOutEntry]:
    """Return the entry behind a mark that begins at a line, unless its lines are not what they were."""
    match = re.compile(_MARK).match(text, start)
    if not match:
        return None
    end = match.end()
    body = ""
    for _line in range(int(match.group(1) or 1)):
        begin, end = end, _line_end(text, end)
        if text[begin : begin + 1] != "#":
            return None
        body += text[begin + 1 : end]
    logical = logical_lines(body)
    service = Entry(logical[0]).service if len(logical) == 1 else None
    if not service or logical[0].start or logical[0].end < len(body):
        return None
    mark = int(match.group(2) or 1)
    return CommentedOutEntry(service.name, service.type, service.chroot, service.command, start, end, body, mark)


def _arguments_go_on(text: str, entry: CommentedOutEntry) -> bool:
    """Return whether it is not clear where the arguments of an entry end and prose begins."""
    after = text[entry.end : _line_end(text, entry.end)].rstrip("\r\n")
    return _indented(after) and not _commented(after) and bool(Entry(logical_lines(entry.text)[0]).rest)


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
        elif not _commented(line) and not _indented(line):
            break
    return end


def belonging_end(text: str, position: int, program: str) -> int:
    """Return where the comments end that people see as a part of the entry before `position`.

    Beside those that look like one, these are indented comments, and options that are commented out in any way with
    what is said between them; behind an empty line only such options that are indented.
    """
    end = position = lookalike_end(text, position, program)
    apart = False
    while position < len(text):
        start, position = position, _line_end(text, position)
        line = text[start:position].rstrip("\r\n")
        comment = line.lstrip(WHITE)
        apart = apart or not comment
        if comment[:1] not in ("#", "") or re.match(_LIKE_HEADER, comment) or re.compile(_MARK).match(text, start):
            break
        if apart and comment == line != "":
            break
        if option_comment(line) or not apart and comment != line:
            end = position
    return end


def option_comment(line: str) -> bool:
    """Return whether a line is an option that is commented out."""
    return bool(re.match(_OPTION, line.lstrip(WHITE)))


def commented_out(text: str, program: str) -> str:
    """Return lines with a ``#`` before each but indented prose, for :func:`restored` to undo."""
    lines = text.split("\n")
    for index, line in enumerate(lines[:-1] if lines[-1] == "" else lines):
        bare = line.rstrip("\r")
        if not _indented(bare) or _continues(bare[1:], program) or _commented(bare):
            lines[index] = "#" + line
    return "\n".join(lines)


def protected(text: str, program: str) -> str:
    """Return text with a second ``#`` before comments that would look like a part of the entry before it."""
    end = lookalike_end(text, 0, program)
    return commented_out(text[:end], program) + text[end:]


def marked(text: str, newline: str, number: int) -> str:
    """Return lines with a ``#`` before each, and a mark before them, for :func:`restored` to undo exactly."""
    lines = re.findall(r".*\n|.+\Z", text)
    count = "line" if len(lines) == 1 else f"{len(lines)} lines"
    order = f" ({number})" if number > 1 else ""
    return f"# mailfleet.postfix disabled the next {count}{order}{newline}" + "".join("#" + line for line in lines)


def restored(text: str, entry: CommentedOutEntry) -> str:
    """Return the file without the ``#`` that comments out an entry."""
    return text[: entry.start] + entry.text + text[entry.end :]


def _commented(line: str) -> bool:
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
