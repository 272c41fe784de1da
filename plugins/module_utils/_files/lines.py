# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""The logical lines of main.cf and master.cf, and edits of them that touch nothing else.

Both files have one line grammar (postconf(5), "The main.cf file format"; master(5), "SYNTAX"): a logical line starts
with text in the first column; a line that starts with white space continues it, over comment lines and empty lines,
which are no part of it. Only a newline ends a physical line, and white space is what isspace(3) says in the C locale:
a carriage return is white space, a no-break space is text.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Callable, Iterable, List, NamedTuple, Sequence, Set, Tuple

from .._base.errors import InputError, shortened
from .._base.words import Severity

WHITE = " \t\n\v\f\r"  # isspace(3) in the C locale; str.isspace() knows more


def decode_config(data: bytes) -> str:
    """Return the bytes of a file as text; whatever they are, :func:`encode_config` gives them back."""
    return data.decode("utf-8", "surrogateescape")


def encode_config(text: str) -> bytes:
    """Return the bytes of a text that came from :func:`decode_config`, edited or not."""
    return text.encode("utf-8", "surrogateescape")


class Problem(NamedTuple):
    """What Postfix would complain about: an "error" keeps Postfix from working, a "warning" does not.

    :ivar line: the number of the line, the first is 1
    :ivar message: what, in the words of an :class:`InputError`, with Postfix's own words in brackets
    """

    line: int
    severity: Severity
    message: str


def line_error(line: int, parameter: str, value: str, reason: str, remedy: str, said: str = "") -> InputError:
    """Return an error about a line of a file.

    :param line: the number of the line
    :param said: what Postfix says about it in its log, for people to find there
    """
    place = f"line {line}; Postfix: {shortened(said)}" if said else f"line {line}"
    return InputError(parameter, value, f"{reason} ({place})", remedy)


class Piece(NamedTuple):
    """The part of a logical line on one physical line: from `start` to `end` in the file, without its newline."""

    start: int
    end: int


class Edit(NamedTuple):
    """An edit of a logical line's text: what is from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


class Word(NamedTuple):
    """A word of a logical line: its place in the line's text, and its value, which is without the braces around it."""

    start: int
    end: int
    value: str


class LogicalLine:
    """One logical line of a file.

    :ivar number: the physical line that it starts on, the first is 1
    :ivar start, end: its place in the file, inner comments and the last newline included
    :ivar pieces: the physical lines that are part of it
    :ivar text: those, joined as Postfix joins them
    :ivar stray: whether it starts with white space, so that Postfix drops it; only the first of a file can
    """

    __slots__ = ("number", "start", "end", "pieces", "text", "stray")

    def __init__(self, number: int, start: int, stray: bool) -> None:
        self.number = number
        self.start = self.end = start
        self.pieces: List[Piece] = []
        self.text = ""
        self.stray = stray

    @property
    def effective(self) -> str:
        """The text that Postfix reads: up to a NUL byte, if there is one."""
        return self.text.partition("\0")[0]

    def piece_at(self, position: int) -> Tuple[int, int]:
        """Return start and end, in the line's text, of the physical line that holds the character at `position`."""
        start = end = 0
        for piece in self.pieces:
            start, end = end, end + piece.end - piece.start
            if position < end:
                break
        return start, end

    def deletion(self, start: int, end: int) -> Edit:
        """Return the edit that removes a word with the blanks before it, or those after it if it begins its line."""
        first, last = self.piece_at(start)[0], self.piece_at(end - 1)[1]
        before = len(self.text[first:start].rstrip(" \t")) + first
        if before > first:
            return Edit(before, end, "")
        while end < last and self.text[end] in " \t":
            end += 1
        return Edit(start, end, "")


def logical_lines(text: str) -> List[LogicalLine]:
    """Return the logical lines of a file in order; between them are only comment lines and empty lines."""
    lines: List[LogicalLine] = []
    current = None
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        end = start + len(line)
        content = line.lstrip(WHITE)
        if content and content[0] != "#":
            indented = line[0] in WHITE
            if current is None or not indented:
                current = LogicalLine(number, start, indented)
                lines.append(current)
            current.pieces.append(Piece(start, end))
            current.end = min(end + 1, len(text))
        start = end + 1
    for logical in lines:
        logical.text = "".join([text[piece.start : piece.end] for piece in logical.pieces])
    return lines


def line_problems(line: LogicalLine, file: str) -> List[Problem]:
    """Return what is wrong with a logical line whatever it is about.

    :param file: the name of its file
    """
    problems = []
    if line.stray:
        error = line_error(
            line.number,
            file,
            line.text[:30],
            "starts with white space, and Postfix ignores it",
            "Remove the white space before it, or the line",
            f'logical line must not start with whitespace: "{line.text[:30]}"',
        )
        problems.append(Problem(line.number, "warning", str(error)))
    if "\0" in line.text:
        reason, said = "has a null byte, and Postfix ignores the text after it", "text after null byte is ignored"
        error = line_error(line.number, file, line.text[:30], reason, "Remove the null byte", said)
        problems.append(Problem(line.number, "warning", str(error)))
    return problems


def newline_of(text: str, position: int) -> str:
    """Return the line ending that is used before `position`, for a line that is inserted there."""
    end = text.rfind("\n", 0, position)
    if end < 0:
        end = text.find("\n", position)
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"


def insert_line(text: str, position: int, line: str) -> str:
    """Insert a line, given without its newline, at the start of a line or at the end of the file."""
    newline = newline_of(text, position)
    if position and text[position - 1] != "\n":
        line = newline + line
    return text[:position] + line + newline + text[position:]


def edit_line(text: str, line: LogicalLine, edits: Iterable[Edit]) -> str:
    """Apply edits of a logical line's text to the file and return the new file.

    A replacement goes where the first character of its span is; deletions may overlap. Physical lines that an edit
    leaves blank disappear, those that it would turn into comments are joined to the line before, those whose
    indentation is part of the span keep it all the same; comment lines stay where they are.
    """
    pieces = [text[piece.start : piece.end] for piece in line.pieces]
    ends = list(accumulate(map(len, pieces)))
    touched = set()
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
                touched.add(index)
    return _rebuild(text, line, pieces, touched)


def _rebuild(text: str, line: LogicalLine, pieces: List[str], touched: Set[int]) -> str:
    """Return the file with other texts for the physical lines of a logical line."""
    for index in range(len(pieces) - 1, 0, -1):
        content = pieces[index].strip(WHITE)
        if content and pieces[index][0] not in WHITE:
            old = text[line.pieces[index].start : line.pieces[index].end]
            pieces[index] = old[: len(old) - len(old.lstrip(WHITE))] + pieces[index]
        if index in touched and content[:1] == "#":
            before = pieces[index - 1]
            kept = len(before.rstrip(WHITE))
            pieces[index - 1] = before[:kept] + " " + content + before[kept:]
            pieces[index] = ""
    parts = []
    done = line.start
    for index, (piece, new) in enumerate(zip(line.pieces, pieces)):
        parts.append(text[done : piece.start])
        done = piece.end
        if index and not new.strip(WHITE):
            done = min(piece.end + 1, len(text))
        else:
            parts.append(new)
    return text[: line.start] + "".join(parts) + text[done:]


def remove_line(text: str, line: LogicalLine, keep: Callable[[str], bool] = lambda comment: True) -> str:
    """Remove a logical line from the file, but not those comments inside it for which `keep` returns True."""
    kept = [comment for comment in inner_comments(text, line) if keep(comment)]
    return text[: line.start] + "".join(kept) + text[line.end :]


def inner_comments(text: str, line: LogicalLine) -> List[str]:
    """Return the comment lines and empty lines inside a logical line, each with its newline."""
    comments: List[str] = []
    for before, after in zip(line.pieces, line.pieces[1:]):
        between = text[before.end + 1 : after.start].split("\n")
        comments.extend(comment + "\n" for comment in between[:-1])
    return comments


def checked_value(parameter: str, value: str) -> str:
    """Return a value as Postfix will read it, without the blanks around it.

    :raises InputError: when the file could not hold it as one value: control characters, a leading ``#``
    """
    value = value.strip(" \t")
    if any(ord(char) < 32 and char != "\t" or ord(char) == 127 for char in value):
        raise InputError(parameter, value, "has a line break or a control character", "Write the value on one line")
    if value[:1] == "#":
        raise InputError(parameter, value, "starts with # like a comment", "Leave the comment out")
    try:
        encode_config(value)
    except UnicodeEncodeError:
        raise InputError(parameter, value, "is not text that a file can hold", "Write it in UTF-8") from None
    return value


def changed_words(
    line: LogicalLine, old: Sequence[Word], new: Sequence[Word], texts: Sequence[str], at: int
) -> List[Edit]:
    """Return the edits that replace words of a logical line, but not those that stay at its beginning and its end.

    :param old: the words in the line
    :param new: the words wanted, compared by value
    :param texts: what to write for each wanted word
    :param at: where words go when none of the old stays before them
    """
    both = min(len(old), len(new))
    first = 0
    while first < both and old[first].value == new[first].value:
        first += 1
    last = 0
    while last < both - first and old[-1 - last].value == new[-1 - last].value:
        last += 1
    gone = old[first : len(old) - last]
    added = " ".join(texts[first : len(new) - last])
    if gone and added:
        return [Edit(gone[0].start, gone[0].end, added)] + [line.deletion(word.start, word.end) for word in gone[1:]]
    if added:
        at = old[first - 1].end if first else at
        return [Edit(at, at, " " + added)]
    return [line.deletion(word.start, word.end) for word in gone]
