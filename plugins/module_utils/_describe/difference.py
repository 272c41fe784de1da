# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of both files for a difference, line by line, without what may be a password.

What is shown: names, the columns of services, the values of this family, and the options that were asked for unless
they look like secrets. What is not: other values, arguments of programs, and comments. Where one of them is not what it
was, what stands for it says so.
"""

from __future__ import annotations

import re
from typing import Callable, Collection, Dict, Iterable, List

from .._base.records import NamedTuple
from .._base.words import HIDDEN, hidden, looks_secret
from .._files.endpoint import PortLookup, identity
from .._files.lines import WHITE, LogicalLine, indentation, logical_lines
from .._files.master_entry import Entry
from .._files.service_change import ServiceChange
from .._rules.parameters import PARAMETERS

_COMMENT = r"([ \t]*#[# \t]*)(.*?)(\r?)\Z"
_MARK = r"mailfleet\.postfix disabled the next "
_SETTING = r"([A-Za-z0-9_.-]+)([ \t]*=[ \t]*)(?=\S)"
_OPTION = r"-[A-Za-z]*o[ \t]*\{?[ \t]*([A-Za-z0-9_.-]+)([ \t]*=[ \t]*)(?=\S)"
_ENTRY = r"[^ \t]+[ \t]+(?:inet|unix|unix-dgram|fifo|pass)(?:[ \t]+[yn-]){3}[ \t]"


class Span(NamedTuple):
    """A part of a logical line's text, and what stands for it."""

    start: int
    end: int
    instead: str


def shown_main(text: str) -> str:
    """Return main.cf for a difference."""
    return _shown(text, _spans_of_setting, _shown_example)


def shown_master(text: str, changes: Iterable[ServiceChange], port_of: PortLookup, before: str = "") -> str:
    """Return master.cf for a difference.

    :param changes: what was asked for
    :param before: the file before, to tell what is not what it was
    """
    asked = {identity(change.name, change.type, port_of): change.options for change in changes}
    earlier = {_key(entry, port_of): entry for entry in map(Entry, logical_lines(before)) if entry.complete}

    def spans(line: LogicalLine) -> List[Span]:
        entry = Entry(line)
        key = _key(entry, port_of) if entry.complete else ""
        return _spans_of_entry(entry, asked.get(key, ()), earlier.get(key, entry))

    return _shown(text, spans, _shown_service)


def _key(entry: Entry, port_of: PortLookup) -> str:
    return identity(entry.fields[0].value, entry.fields[1].value, port_of)


def _spans_of_setting(line: LogicalLine) -> List[Span]:
    match = re.match(_SETTING, line.text)
    if match and match.group(1) in PARAMETERS and not line.stray:
        return []
    return [Span(match.end() if match else 0, len(line.text), HIDDEN)]


def _spans_of_entry(entry: Entry, asked: Collection[str], was: Entry) -> List[Span]:
    end = len(entry.line.text)
    if not entry.complete:
        return [Span(0, end, HIDDEN)]
    values = {option.name: option.value for option in was.options}
    spans = [Span(word.start, word.end, HIDDEN) for word in entry.invalid]
    spans += [Span(word.start, word.end, HIDDEN) for word in entry.flags if word.value[:1] != "-"]
    for option in entry.options:
        is_asked = option.name in asked and not looks_secret(f"{option.name} {option.value}")
        if option.name not in PARAMETERS and not is_asked:
            instead = hidden(option.value, values.get(option.name, option.value))
            spans.append(Span(option.value_start, option.value_start + len(option.value), instead))
    words, old = ([word.value for word in one.rest] for one in (entry, was))
    if words:
        spans.append(Span(entry.rest[0].start, entry.rest[-1].end, hidden(words, old)))
    return [*spans, Span(len(entry.text), end, HIDDEN)]


def _shown(text: str, spans: Callable[[LogicalLine], List[Span]], comment: Callable[[str], str]) -> str:
    pieces: Dict[int, str] = {}
    for line in logical_lines(text):
        offset = 0
        cuts = sorted(span for span in spans(line) if span.start < span.end)
        for piece in line.pieces:
            pieces[piece.start] = _cut(piece.value, offset, cuts)
            offset += len(piece.value)
    lines, position = [], 0
    for physical in text.split("\n"):
        lines.append(pieces[position] if position in pieces else _shown_comment(physical, comment))
        position += len(physical) + 1
    return "\n".join(lines)


def _cut(piece: str, offset: int, cuts: List[Span]) -> str:
    """Return a physical line with something instead of the parts of it that are not shown."""
    parts, done = [], 0
    for start, end, instead in cuts:
        start, end = max(start - offset, done), min(end - offset, len(piece))
        start = max(start, len(indentation(piece)))
        end = min(end, len(piece.rstrip(WHITE)))
        if start < end:
            parts += [piece[done:start], instead]
            done = end
    return "".join([*parts, piece[done:]])


def _shown_comment(line: str, shown: Callable[[str], str]) -> str:
    match = re.match(_COMMENT, line)
    if match is None:
        return line
    start, text, end = match.groups()
    if not re.search("[A-Za-z0-9]", text) or re.match(_MARK, text):
        return line
    return start + shown(text) + end


def _shown_example(text: str) -> str:
    """Return a comment of main.cf, which can be a setting."""
    match = re.match(_SETTING, text)
    if match and match.group(1) in PARAMETERS:
        return text
    return text[: match.end()] + HIDDEN if match else HIDDEN


def _shown_service(text: str) -> str:
    """Return a comment of master.cf, which can be a line of an entry."""
    if re.match(_ENTRY, text):
        return _shown(text, lambda line: _spans_of_entry(Entry(line), (), Entry(line)), _shown_example)
    match = re.match(_OPTION, text)
    if match and match.group(1) in PARAMETERS:
        return text
    return text[: match.end()] + HIDDEN if match else HIDDEN
