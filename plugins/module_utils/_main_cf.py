# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""main.cf, read as Postfix reads it and edited without touching anything else.

The values are those in the text: nothing is expanded and no default is known. Of a parameter that is there several
times the last one counts (postconf(5), "The main.cf file format").
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional

from ._config_lines import (
    WHITE,
    Edit,
    LogicalLine,
    Problem,
    Word,
    changed_words,
    checked_value,
    edit_line,
    insert_line,
    line_problems,
    logical_lines,
    remove_line,
)
from ._errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_EXAMPLE_GOES_ON = re.compile(r"#(?:  |\t)[ \t]*[^ \t\r]")
_WORD = re.compile(r"[^ \t\n\v\f\r]+")

# A new parameter without a commented-out example goes behind the first of these that is there.
_SIBLINGS = (
    ("inet_interfaces", "inet_protocols", "proxy_interfaces", "mynetworks", "mynetworks_style", "mydestination"),
    ("smtp_bind_address", "smtp_bind_address6", "smtp_bind_address_enforce"),
    ("lmtp_bind_address", "lmtp_bind_address6", "lmtp_bind_address_enforce"),
    ("smtp_bind_address", "lmtp_bind_address", "inet_interfaces", "inet_protocols"),
)


class Setting(NamedTuple):
    """One ``name = value`` of the file; the span is the value's in the logical line's text."""

    name: str
    value: str
    start: int
    end: int
    line: LogicalLine


class Duplicate(NamedTuple):
    """A parameter that is set more than once: the lines, of which only the last counts."""

    name: str
    lines: List[int]


class MainCf:
    """A main.cf file.

    :param text: the file, decoded by :func:`decode_config`
    """

    def __init__(self, text: str) -> None:
        self._read(text)

    @property
    def text(self) -> str:
        """The file: what was read, with the edits."""
        return self._text

    def _read(self, text: str) -> None:
        self._text = text
        self._problems: List[Problem] = []
        self._settings: Dict[str, List[Setting]] = {}
        self._lines = logical_lines(text)
        for line in self._lines:
            self._problems.extend(line_problems(line))
            if not line.stray:
                self._read_setting(line)

    def _read_setting(self, line: LogicalLine) -> None:
        text = line.effective
        left, equals, right = text.partition("=")
        name = left.rstrip(WHITE)
        if not name:
            self._problems.append(Problem(line.number, "error", f'missing attribute name: "{text}"'))
            return
        if not equals or any(char in name for char in WHITE):
            self._problems.append(Problem(line.number, "error", f"missing '=' after attribute name: \"{text}\""))
            return
        value = right.strip(WHITE)
        start = len(text) - len(right.lstrip(WHITE)) if value else len(left) + 1
        setting = Setting(name, value, start, start + len(value), line)
        earlier = self._settings.setdefault(name, [])
        if earlier:
            old = earlier[-1].value
            message = f"overriding earlier entry: {name}={old}" if old != value else f"the same again: {name}={old}"
            self._problems.append(Problem(line.number, "warning", message))
        earlier.append(setting)

    def values(self) -> Dict[str, str]:
        """The value of each parameter that the file sets: unexpanded, continuation lines joined as Postfix does."""
        return {name: settings[-1].value for name, settings in self._settings.items()}

    def get(self, name: str) -> Optional[str]:
        """The effective value of a parameter, None when the file does not set it."""
        settings = self._settings.get(name)
        return settings[-1].value if settings else None

    def line(self, name: str) -> Optional[int]:
        """The number of the line that sets a parameter effectively."""
        settings = self._settings.get(name)
        return settings[-1].line.number if settings else None

    def duplicates(self) -> List[Duplicate]:
        """The parameters that are set more than once."""
        return [
            Duplicate(name, [setting.line.number for setting in settings])
            for name, settings in self._settings.items()
            if len(settings) > 1
        ]

    def problems(self) -> List[Problem]:
        """What Postfix would complain about, in the order of the file."""
        return sorted(self._problems)

    def set(self, name: str, value: str) -> None:
        """Make the file say that a parameter has a value, in exactly one line.

        Nothing changes when it says so already. A value over several lines keeps the lines of the words that stay;
        there a run of white space is as good as any other. A new parameter goes behind its commented-out example, else
        behind the nearest of its siblings, else at the end.

        :raises InputError: when name or value could not be read back as they are
        """
        settings = self._settings.get(name)
        if not settings:
            if not _NAME.match(name):
                raise InputError(name, value, "this is no parameter name", "Use letters, digits and underscores")
            self._read(insert_line(self._text, self._place(name), f"{name} = {checked_value(name, value)}".rstrip(" ")))
            return
        if not _says(settings[-1], value):
            self._read(edit_line(self._text, settings[-1].line, _edits(settings[-1], checked_value(name, value))))
        self._remove(self._settings[name][:-1])

    def unset(self, name: str) -> None:
        """Remove a parameter wherever it is set; comments inside its continuation lines stay."""
        self._remove(self._settings.get(name, []))

    def _remove(self, settings: List[Setting]) -> None:
        if settings:
            text = self._text
            for setting in reversed(settings):
                text = remove_line(text, setting.line)
            self._read(text)

    def _place(self, name: str) -> int:
        """Where a line for a parameter that the file does not set goes."""
        example = re.compile(rf"#[ \t]*{re.escape(name)}[ \t]*=")
        gap = 0
        for line in self._lines + [LogicalLine(0, len(self._text), False)]:
            found = 0
            position = gap
            for comment in self._text[gap : line.start].split("\n"):
                position += len(comment) + 1
                if example.match(comment) or found and _EXAMPLE_GOES_ON.match(comment):
                    found = position
                elif found:
                    break
            if found and not line.stray:
                return min(found, len(self._text))
            gap = line.end
        for family in _SIBLINGS:
            if name in family:
                for sibling in sorted(family, key=lambda other: abs(family.index(other) - family.index(name))):
                    if sibling in self._settings:
                        return self._settings[sibling][-1].line.end
        return len(self._text)


def _spans_lines(setting: Setting) -> bool:
    return bool(setting.value) and setting.line.piece_at(setting.start) != setting.line.piece_at(setting.end - 1)


def _says(setting: Setting, value: str) -> bool:
    if _spans_lines(setting):
        return _WORD.findall(setting.value) == _WORD.findall(value)
    return setting.value == value.strip(WHITE)


def _words(value: str, offset: int = 0) -> List[Word]:
    return [Word(match.start() + offset, match.end() + offset, match.group()) for match in _WORD.finditer(value)]


def _edits(setting: Setting, value: str) -> List[Edit]:
    if not setting.value:
        # Behind the blanks after the "=", or with one like that before it.
        before, after = setting.line.text[setting.start - 2], setting.line.text[setting.start :]
        at = setting.start + len(after) - len(after.lstrip(" \t"))
        return [Edit(at, at, " " + value if at == setting.start and before in " \t" else value)]
    if not _spans_lines(setting):
        return [Edit(setting.start, setting.end, value)]
    new = _words(value)
    return changed_words(
        setting.line, _words(setting.value, setting.start), new, [word.value for word in new], setting.start
    )
