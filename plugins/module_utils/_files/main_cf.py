# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""main.cf, read as Postfix reads it and edited without touching anything else.

The values are those in the text: nothing is expanded and no default is known. Of a parameter that is set several times
the last line counts (postconf(5), "The main.cf file format").
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

from .._base.errors import InputError
from .lines import (
    WHITE,
    Edit,
    LogicalLine,
    Problem,
    Word,
    changed_words,
    checked_value,
    edit_line,
    insert_line,
    line_error,
    line_problems,
    logical_lines,
    remove_line,
)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_EXAMPLE_GOES_ON = re.compile(r"#(?:  |\t)[ \t]*[^ \t\r]")
_WORD = re.compile(r"[^ \t\n\v\f\r]+")

# A new parameter without a commented-out example goes behind the nearest of its group that is there.
_SMTP = ("smtp_bind_address", "smtp_bind_address6", "smtp_bind_address_enforce")
_LMTP = ("lmtp_bind_address", "lmtp_bind_address6", "lmtp_bind_address_enforce")
_GROUPS = (
    ("inet_interfaces", "inet_protocols", "proxy_interfaces", "mynetworks", "mynetworks_style", "mydestination"),
    _SMTP,
    _LMTP,
    (*_SMTP, *_LMTP, "inet_interfaces", "inet_protocols"),
)


class Setting(NamedTuple):
    """One ``name = value`` of the file; the span is the value's in the logical line's text."""

    name: str
    value: str
    start: int
    end: int
    line: LogicalLine


_Read = Union[Setting, InputError, None]


class Duplicate(NamedTuple):
    """A parameter that is set more than once: the lines, of which only the last counts."""

    name: str
    lines: List[int]


class MainCf:
    """A main.cf file.

    :param text: the file, decoded by :func:`decode_config`
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._read: Optional[List[Tuple[LogicalLine, _Read]]] = None

    @property
    def text(self) -> str:
        """Return the file: what was read, with the edits."""
        return self._text

    def _write(self, text: str) -> None:
        if text != self._text:  # else there is nothing to read again
            self._text = text
            self._read = None

    @property
    def _lines(self) -> List[Tuple[LogicalLine, _Read]]:
        """Return each logical line with what it sets."""
        if self._read is None:
            self._read = [(line, _setting(line)) for line in logical_lines(self._text)]
            self._by_name: Dict[str, List[Setting]] = {}
            for _line, setting in self._read:
                if isinstance(setting, Setting):
                    self._by_name.setdefault(setting.name, []).append(setting)
        return self._read

    @property
    def _settings(self) -> Dict[str, List[Setting]]:
        return self._by_name if self._lines else {}

    def values(self) -> Dict[str, str]:
        """Return the value of each parameter that the file sets: not expanded, its lines joined as Postfix does."""
        return {name: settings[-1].value for name, settings in self._settings.items()}

    def get(self, name: str) -> Optional[str]:
        """Return the effective value of a parameter, None when the file does not set it."""
        settings = self._settings.get(name)
        return settings[-1].value if settings else None

    def duplicates(self) -> List[Duplicate]:
        """Return the parameters that are set more than once."""
        return [
            Duplicate(name, [setting.line.number for setting in settings])
            for name, settings in self._settings.items()
            if len(settings) > 1
        ]

    def problems(self) -> List[Problem]:
        """Return what Postfix would complain about, in the order of the file."""
        problems = [problem for line, setting in self._lines for problem in _line_problems(line, setting)]
        for name, settings in self._settings.items():
            for old, new in zip(settings, settings[1:]):
                number, value = new.line.number, new.value
                if old.value == new.value:
                    error = line_error(number, name, value, "is set to the same value again", "Keep one line")
                else:
                    reason, said = "replaces an earlier value", f"overriding earlier entry: {name}={old.value}"
                    error = line_error(number, name, value, reason, "Keep one line", said)
                problems.append(Problem(number, "warning", str(error)))
        return sorted(problems)

    def fatal(self) -> Optional[InputError]:
        """Return why Postfix dies of the text of the file, whatever its values are; None if it does not."""
        return next((setting for _line, setting in self._lines if isinstance(setting, InputError)), None)

    def set(self, name: str, value: str) -> None:
        """Set a parameter, in exactly one place.

        Nothing changes when the file says so already. Of a value over several lines the words that stay keep their
        lines; how much white space is between words does not matter there. A new parameter goes behind its
        commented-out example, else behind the nearest of its group, else at the end.

        :raises InputError: when name or value could not be read back as they are
        """
        settings = self._settings.get(name)
        if settings:
            text = self._text
            says = _says(settings[-1], value)
            if not says:
                text = edit_line(text, settings[-1].line, _edits(settings[-1], checked_value(name, value)))
            self._write(_without(text, settings[:-1]))
            if not says and _spans_lines(settings[-1]):
                self.set(name, value)  # on one line now, where each blank counts
            return
        if not _NAME.match(name):
            raise InputError(name, value, "is not the name of a parameter", "Use letters, digits and underscores")
        line = f"{name} = {checked_value(name, value)}".rstrip(" ")
        self._write(insert_line(self._text, self._place(name), line))

    def unset(self, name: str) -> None:
        """Remove a parameter wherever it is set; comments inside its continuation lines stay."""
        self._write(_without(self._text, self._settings.get(name, [])))

    def _place(self, name: str) -> int:
        """Return where a line for a parameter that the file does not set goes."""
        example = re.compile(rf"#[ \t]*{re.escape(name)}[ \t]*=")
        gap = 0
        for line in [line for line, _setting in self._lines] + [LogicalLine(0, len(self._text), False)]:
            behind_example = 0
            position = gap
            for comment in self._text[gap : line.start].split("\n"):
                position += len(comment) + 1
                if example.match(comment) or behind_example and _EXAMPLE_GOES_ON.match(comment):
                    behind_example = position
                elif behind_example:
                    break
            if behind_example and not line.stray:
                return min(behind_example, len(self._text))
            gap = line.end
        for group in _GROUPS:
            if name in group:
                for sibling in sorted(group, key=lambda other: abs(group.index(other) - group.index(name))):
                    if sibling in self._settings:
                        return self._settings[sibling][-1].line.end
        return len(self._text)


def _setting(line: LogicalLine) -> _Read:
    """Return what a logical line sets, or what Postfix dies of, or None for a line that it ignores."""
    if line.stray:
        return None
    text = line.effective
    left, equals, right = text.partition("=")
    name = left.rstrip(WHITE)
    if not name:
        return _no_setting(line, f'missing attribute name: "{text}"')
    if not equals or _WORD.findall(name) != [name]:
        return _no_setting(line, f"missing '=' after attribute name: \"{text}\"")
    value = right.strip(WHITE)
    start = len(text) - len(right.lstrip(WHITE)) if value else len(left) + 1
    return Setting(name, value, start, start + len(value), line)


def _no_setting(line: LogicalLine, said: str) -> InputError:
    remedy = "Write name = value, or remove the line"
    return line_error(line.number, "main.cf", line.effective, "is not a setting", remedy, said)


def _line_problems(line: LogicalLine, setting: _Read) -> List[Problem]:
    problems = line_problems(line, "main.cf")
    if isinstance(setting, InputError):
        problems.append(Problem(line.number, "error", str(setting)))
    return problems


def _without(text: str, settings: List[Setting]) -> str:
    for setting in reversed(settings):
        text = remove_line(text, setting.line)
    return text


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
