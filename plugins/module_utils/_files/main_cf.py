# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""main.cf, read as Postfix reads it and edited without touching anything else.

Nothing is expanded and no default is known. Of a parameter that is set several times the last line counts (postconf(5),
"The main.cf file format").
"""

from __future__ import annotations

import re
from typing import Container, Dict, List, Optional

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import HIDDEN, outline, words_between
from .lines import (
    WHITE,
    Edit,
    LogicalLine,
    Problem,
    Word,
    changed_words,
    checked_value,
    comment_blocks,
    edit_line,
    insert_line,
    is_parameter_name,
    line_error,
    line_problem,
    line_problems,
    logical_lines,
    remove_line,
)
from .marked_blocks import free_place, marked_blocks

_EXAMPLE_GOES_ON = r"#(?:  |\t)[ \t]*[^ \t\r]"
_COMMENTS = r"(?:[ \t]*#.*(?:\n|\Z))+"
_WORD = r"[^ \t\n\v\f\r]+"

# A new parameter without a commented-out example goes behind the nearest of its group that is there.
_SMTP, _LMTP = ([f"{name}_bind_address{end}" for end in ("", "6", "_enforce")] for name in ("smtp", "lmtp"))
_GROUPS = (
    ["inet_interfaces", "inet_protocols", "proxy_interfaces", "mynetworks", "mynetworks_style", "mydestination"],
    _SMTP,
    _LMTP,
    [*_SMTP, *_LMTP, "inet_interfaces", "inet_protocols"],
)


class Setting(NamedTuple):
    """One ``name = value`` of the file, and where the value is in the logical line's text."""

    name: str
    value: str
    start: int
    end: int
    line: LogicalLine


class MainCf:
    """A main.cf file.

    :ivar text: the file, decoded by :func:`decode_config`, with the edits
    """

    def __init__(self, text: str) -> None:
        self._read(text)

    def _read(self, text: str) -> None:
        self.text = text
        self._lines = logical_lines(text)
        self._settings: Dict[str, List[Setting]] = {}
        self._errors: Dict[int, InputError] = {}  # by line
        for line in self._lines:
            if not line.stray:
                try:
                    setting = _setting(line)
                    self._settings.setdefault(setting.name, []).append(setting)
                except InputError as error:
                    self._errors[line.number] = error

    def _write(self, text: str) -> None:
        if text != self.text:
            self._read(text)

    def values(self) -> Dict[str, str]:
        """Return the effective value of each parameter that the file sets."""
        return {name: settings[-1].value for name, settings in self._settings.items()}

    def get(self, name: str) -> Optional[str]:
        """Return the effective value of a parameter."""
        settings = self._settings.get(name)
        return settings[-1].value if settings else None

    def duplicates(self) -> List[str]:
        """Return the parameters that are set more than once."""
        return [name for name, settings in self._settings.items() if len(settings) > 1]

    def all_values(self, name: str) -> List[str]:
        """Return the value of each line that sets a parameter."""
        return [setting.value for setting in self._settings.get(name, ())]

    def overridden(self) -> List[str]:
        """Return those of :meth:`duplicates` that are set to different values."""
        return [name for name in self.duplicates() if len({setting.value for setting in self._settings[name]}) > 1]

    def problems(self, shown: Container[str] = ()) -> List[Problem]:
        """Return what Postfix would complain about, in the order of the file.

        :param shown: the parameters whose values can be shown
        """
        problems = [problem for line in self._lines for problem in line_problems(line, "main.cf")]
        problems += [Problem(number, "error", str(error)) for number, error in self._errors.items()]
        for name, settings in self._settings.items():
            for old, new in zip(settings, settings[1:]):
                was, value = (each.value if name in shown else HIDDEN for each in (old, new))
                reason, said = "is set to the same value again", ""
                if old.value != new.value:
                    reason, said = "replaces an earlier value", f"overriding earlier entry: {name}={was}"
                parts = (name, value, reason, "Keep one line", said)
                problems.append(line_problem("warning", new.line.number, *parts))
        return sorted(problems)

    def fatal(self) -> Optional[InputError]:
        """Return why Postfix dies of the text of the file, if it does."""
        return next(iter(self._errors.values()), None)

    def set(self, name: str, value: str) -> None:
        """Set a parameter, in exactly one place.

        Nothing changes when the file says so already. In a value over several lines the words that stay keep their
        lines, and the amount of white space does not matter. A new parameter goes behind its commented-out example,
        else behind the nearest of its group, else at the end.

        :raises InputError: when name or value could not be read back
        """
        if name in self._settings:
            *earlier, last = self._settings[name]
            text, says = self.text, _says(last, value)
            if not says:
                edits = _edits_of_marked if self._holds_block(last.line) else _edits
                text = edit_line(text, last.line, edits(last, checked_value(name, value)))
            self._write(_without(text, earlier))
            if not says and _spans_lines(last):
                self.set(name, value)  # on one line now, where each blank counts
            return
        if not is_parameter_name(name):
            raise InputError(name, value, "is not the name of a parameter", "Use letters, digits and underscores")
        line = f"{name} = {checked_value(name, value)}".rstrip(" ")
        self._write(insert_line(self.text, self._place(name), line))

    def unset(self, name: str) -> None:
        """Remove a parameter; comments inside its continuation lines stay."""
        self._write(_without(self.text, self._settings.get(name, [])))

    def _holds_block(self, line: LogicalLine) -> bool:
        """Return whether a block of another tool begins inside of a logical line."""
        return len(line.pieces) > 1 and any(line.start < start < line.end for start, _end in marked_blocks(self.text))

    def _place(self, name: str) -> int:
        """Return where a new parameter goes: behind its examples, else behind the nearest of its group, else last."""
        for start, end in comment_blocks(self.text, self._lines):
            behind = _examples_end(self.text[start:end], name)
            if behind:
                return free_place(self.text, self._lines, start + behind)
        for group in _GROUPS:
            if name in group:
                for sibling in sorted(group, key=lambda other: abs(group.index(other) - group.index(name))):
                    if sibling in self._settings:
                        end = self._settings[sibling][-1].line.end
                        comments = re.compile(_COMMENTS).match(self.text, end)
                        end += _examples_end(comments.group(), sibling) if comments else 0
                        return free_place(self.text, self._lines, end)
        return len(self.text)


def _examples_end(comments: str, name: str) -> int:
    """Return where the examples of a parameter end in comments; 0 if there is none.

    They are in one paragraph; what is said between them goes with them.
    """
    example = re.compile(rf"[ \t]*#[# \t]*{re.escape(name)}[ \t]*=")
    position = end = 0
    goes_on = False
    for comment in re.findall(r".*\n|.+\Z", comments):
        position += len(comment)
        goes_on = bool(example.match(comment) or goes_on and re.match(_EXAMPLE_GOES_ON, comment))
        if goes_on:
            end = position
        elif end and not comment.strip(WHITE + "#"):
            break
    return end


def _setting(line: LogicalLine) -> Setting:
    """Return what a logical line sets.

    :raises InputError: when Postfix dies of it
    """
    text = line.effective
    left, equals, right = text.partition("=")
    name = left.rstrip(WHITE)
    if not equals or words_between(name, WHITE) != [name]:
        said = "missing '=' after attribute name" if name else "missing attribute name"
        remedy = "Write name = value, or remove the line"
        raise line_error(line.number, "main.cf", outline(text), "is not a setting", remedy, said)
    value = right.strip(WHITE)
    start = len(text) - len(right.lstrip(WHITE)) if value else len(left) + 1
    return Setting(name, value, start, start + len(value), line)


def _without(text: str, settings: List[Setting]) -> str:
    for setting in reversed(settings):
        text = remove_line(text, setting.line)
    return text


def _spans_lines(setting: Setting) -> bool:
    line = setting.line
    return bool(setting.value) and line.piece_at(setting.start) != line.piece_at(setting.end - 1)


def _says(setting: Setting, value: str) -> bool:
    if _spans_lines(setting):
        return words_between(setting.value, WHITE) == words_between(value, WHITE)
    return setting.value == value.strip(WHITE)


def _words(value: str, offset: int = 0) -> List[Word]:
    return [Word(match.start() + offset, match.end() + offset, match.group()) for match in re.finditer(_WORD, value)]


def _edits_of_marked(setting: Setting, value: str) -> List[Edit]:
    """Return the edits that put the whole value on the first line: there is a block of another tool behind it."""
    old = _words(setting.value, setting.start)
    at = setting.line.text.index("=") + 1
    if old and setting.line.piece_at(at - 1) == setting.line.piece_at(old[0].start):
        return [Edit(old[0].start, old[0].end, value), *_deletions(setting, old[1:])]
    return [Edit(at, at, " " + value), *_deletions(setting, old)]


def _deletions(setting: Setting, words: List[Word]) -> List[Edit]:
    return [setting.line.deletion(word.start, word.end) for word in words]


def _edits(setting: Setting, value: str) -> List[Edit]:
    if not setting.value:
        # Behind the blanks after the "=", or with one like that before it.
        before, after = setting.line.text[setting.start - 2], setting.line.text[setting.start :]
        at = setting.start + len(after) - len(after.lstrip(" \t"))
        return [Edit(at, at, " " + value if at == setting.start and before in " \t" else value)]
    if not _spans_lines(setting):
        return [Edit(setting.start, setting.end, value)]
    return changed_words(setting.line, _words(setting.value, setting.start), _words(value), value, setting.start)
