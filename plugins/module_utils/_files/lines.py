# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logical lines of main.cf and master.cf, and edits of them that touch nothing else.

In both (postconf(5), "The main.cf file format"; master(5), "SYNTAX") a logical line starts with text in the first
column, and lines that start with white space continue it, also behind comment lines and empty lines. Only a newline
ends a physical line; a carriage return is white space, a no-break space is text.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Callable, Iterable, Iterator, List, Sequence, Tuple

from .._base.errors import InputError, shortened
from .._base.records import NamedTuple
from .._base.words import Severity, outline

WHITE = " \t\n\v\f\r"  # isspace(3) in the C locale; str.isspace() knows more


def decode_config(data: bytes) -> str:
    """Return any bytes of a file as text; :func:`encode_config` gives them back."""
    return data.decode("utf-8", "surrogateescape")


def encode_config(text: str) -> bytes:
    """Return the bytes of a text from :func:`decode_config`."""
    return text.encode("utf-8", "surrogateescape")


class Problem(NamedTuple):
    """What Postfix would complain about: an "error" keeps Postfix from working, a "warning" does not."""

    line: int
    severity: Severity
    message: str


def line_error(line: int, parameter: str, value: str, reason: str, remedy: str, said: str = "") -> InputError:
    """Return an error about a line of a file; `said` is what Postfix says about it in its log."""
    log = f"; Postfix: {shortened(said)}" if said else ""
    return InputError(parameter, value, f"{reason} (line {line}{log})", remedy)


def line_problem(severity: Severity, line: int, *parts: str) -> Problem:
    """Return a :func:`line_error` as a problem."""
    return Problem(line, severity, str(line_error(line, *parts)))


class Edit(NamedTuple):
    """An edit of a logical line's text: what is from `start` to `end` there becomes `text`."""

    start: int
    end: int
    text: str


class Word(NamedTuple):
    """A part of a text: its place, and its value, which is without the braces around a word."""

    start: int
    end: int
    value: str


class LogicalLine:
    """One logical line of a file.

    :ivar number: the physical line that it starts on, the first is 1
    :ivar start, end: its place in the file, inner comments and the last newline included
    :ivar pieces: its physical lines without their newlines, and where they are in the file
    :ivar text: those, joined as Postfix joins them
    :ivar stray: whether it starts with white space, so that Postfix drops it; only the first of a file can
    """

    def __init__(self, file: str, number: int, pieces: List[Word]) -> None:
        self.number = number
        self.start, self.end = pieces[0].start, min(pieces[-1].end + 1, len(file))
        self.pieces = pieces
        self.text = "".join([piece.value for piece in pieces])
        self.stray = self.text[0] in WHITE

    @property
    def effective(self) -> str:
        """The text that Postfix reads: up to a NUL byte."""
        return self.text.partition("\0")[0]

    def piece_at(self, position: int) -> Tuple[int, int]:
        """Return start and end, in the line's text, of the physical line with the character at `position`."""
        start = end = 0
        for piece in self.pieces:
            start, end = end, end + len(piece.value)
            if position < end:
                break
        return start, end

    def length_to(self, position: int) -> int:
        """Return how much of the line's text is in the physical lines before a place in the file."""
        return sum(len(piece.value) for piece in self.pieces if piece.end <= position)

    def deletion(self, start: int, end: int) -> Edit:
        """Return the edit that removes a word with the blanks before it, or after it if it begins its line."""
        first, last = self.piece_at(start)[0], self.piece_at(end - 1)[1]
        before = len(self.text[first:start].rstrip(" \t")) + first
        if before > first:
            return Edit(before, end, "")
        while end < last and self.text[end] in " \t":
            end += 1
        return Edit(start, end, "")


def logical_lines(text: str) -> List[LogicalLine]:
    """Return the logical lines of a file; between them are only comment lines and empty lines."""
    lines: List[Tuple[int, List[Word]]] = []
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        end = start + len(line)
        content = line.lstrip(WHITE)
        if content and content[0] != "#":
            if not lines or line[0] not in WHITE:
                lines.append((number, []))
            lines[-1][1].append(Word(start, end, line))
        start = end + 1
    return [LogicalLine(text, number, pieces) for number, pieces in lines]


def comment_blocks(text: str, lines: Iterable[LogicalLine]) -> Iterator[Tuple[int, int]]:
    """Yield start and end of what is around the logical lines, but not of what is before a stray one."""
    start = 0
    for line in lines:
        if not line.stray:
            yield start, line.start
        start = line.end
    yield start, len(text)


def line_problems(line: LogicalLine, file: str) -> List[Problem]:
    """Return what is wrong with a logical line of a file, whatever it is about."""
    problems = []
    value = outline(line.text)
    if line.stray:
        reason = "starts with white space, and Postfix ignores it"
        remedy = "Remove the white space before it, or the line"
        problems.append((reason, remedy, "logical line must not start with whitespace"))
    if "\0" in line.text:
        reason = "has a null byte, and Postfix ignores the text after it"
        problems.append((reason, "Remove the null byte", "text after null byte is ignored"))
    return [line_problem("warning", line.number, file, value, *problem) for problem in problems]


def newline_of(text: str, position: int) -> str:
    """Return the line ending of the line before `position`, for another line there."""
    end = text.rfind("\n", 0, position)
    if end < 0:
        end = text.find("\n", position)
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def insert_line(text: str, position: int, line: str) -> str:
    """Return the file with a line, given without its newline, before another or at the end."""
    newline = newline_of(text, position)
    if position and text[position - 1] != "\n":
        line = newline + line
    return text[:position] + line + newline + text[position:]


def edit_line(text: str, line: LogicalLine, edits: Iterable[Edit]) -> str:
    """Return the file after edits of the text of a logical line; deletions may overlap.

    A replacement goes where the first character of its span is. Physical lines that an edit leaves blank disappear,
    those that it would turn into comments are joined to the line before, those whose indentation is part of the span
    keep it all the same; comment lines stay where they are.
    """
    pieces = [piece.value for piece in line.pieces]
    ends = list(accumulate(map(len, pieces)))
    limit = len(line.text)
    for edit in sorted(edits, reverse=True):  # from behind, so that the places of the others stay as they are
        last, limit = min(edit.end, limit), edit.start
        replacement = edit.text
        for index, end in enumerate(ends):
            start = ends[index - 1] if index else 0
            cut_from, cut_to = max(edit.start, start), min(last, end)
            if cut_from < cut_to or edit.start == last and (start < last <= end or not last):
                pieces[index] = pieces[index][: cut_from - start] + replacement + pieces[index][cut_to - start :]
                replacement = ""
    return _rebuild(text, line, pieces)


def _rebuild(text: str, line: LogicalLine, pieces: List[str]) -> str:
    for index in range(len(pieces) - 1, 0, -1):
        content = pieces[index].strip(WHITE)
        if content and pieces[index][0] not in WHITE:
            pieces[index] = indentation(line.pieces[index].value) + pieces[index]
        if content[:1] == "#":
            before = pieces[index - 1]
            kept = len(before.rstrip(WHITE))
            pieces[index - 1] = before[:kept] + " " + content + before[kept:]
            pieces[index] = ""
    parts = []
    done = 0
    for index, (piece, new) in enumerate(zip(line.pieces, pieces)):
        blank = index > 0 and not new.strip(WHITE)
        parts += [text[done : piece.start], "" if blank else new]
        done = piece.end + blank  # a blank line goes with its newline
    return "".join(parts) + text[done:]


def indentation(line: str) -> str:
    """Return the white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(WHITE))]


def remove_line(text: str, line: LogicalLine, keep: Callable[[str], bool] = lambda comment: True) -> str:
    """Return the file without a logical line, but with the comments inside it that `keep` is true for."""
    return text[: line.start] + "".join(filter(keep, inner_comments(text, line))) + text[line.end :]


def inner_comments(text: str, line: LogicalLine) -> List[str]:
    """Return the comment lines and empty lines inside a logical line, each with its newline."""
    between = [text[before.end + 1 : after.start] for before, after in zip(line.pieces, line.pieces[1:])]
    return re.findall(".*\n", "".join(between))


def is_parameter_name(name: str) -> bool:
    """Return whether Postfix and its tools can work with a name of a parameter."""
    return bool(re.match(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", name))


def check_encoding(parameter: str, value: str) -> None:
    """Refuse a text that a file cannot hold."""
    try:
        encode_config(value)
    except UnicodeEncodeError:
        raise InputError(parameter, value, "is not text that a file can hold", "Write it in UTF-8") from None


def checked_value(parameter: str, value: str) -> str:
    """Return a value without the blanks around it.

    :raises InputError: when Postfix would not read it back: control characters, a leading ``#``
    """
    value = value.strip(" \t")
    if not value.isprintable() and re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise InputError(parameter, value, "has a line break or a control character", "Write the value on one line")
    if value[:1] == "#":
        raise InputError(parameter, value, "starts with # like a comment", "Leave the comment out")
    check_encoding(parameter, value)
    return value


def changed_words(line: LogicalLine, old: Sequence[Word], new: Sequence[Word], text: str, at: int) -> List[Edit]:
    """Return the edits that replace the words `old` of a logical line by the words `new` of a text.

    Words at the beginning and the end that are the same stay; `at` is where words go when none stays before them.
    """
    both = min(len(old), len(new))
    first = last = 0
    while first < both and old[first].value == new[first].value:
        first += 1
    while last < both - first and old[-1 - last].value == new[-1 - last].value:
        last += 1
    gone = old[first : len(old) - last]
    added = " ".join(text[word.start : word.end] for word in new[first : len(new) - last])
    edits = []
    if added and gone:
        edits.append(Edit(gone[0].start, gone[0].end, added))
        gone = gone[1:]
    elif added:
        at = old[first - 1].end if first else at
        edits.append(Edit(at, at, " " + added))
    return edits + [line.deletion(word.start, word.end) for word in gone]
