# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One entry of master.cf, and what Postfix would complain about.

It has (master(5)) eight fields between blanks, then words in which braces protect blanks; leading words with a dash
are options, and ``-o`` takes ``name=value`` or ``{ name = value }``.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import List, Optional, Set, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import Severity, outline
from .endpoint import PortLookup, port_number, split_endpoint
from .entry_words import open_braces, setting_letter, split_words, takes_next, unbraced
from .lines import WHITE, LogicalLine, Problem, Word, indentation, line_error, line_problem, line_problems
from .service import FIELD_REMEDIES, FIELD_VALUES, FIELDS, TYPES, Service

_FIELD = re.compile(r"[^ \t\r\n]+")
_WRITE_OPTION = "Write -o name=value, or -o { name = value }"


class Option(NamedTuple):
    """One ``-o`` setting, and where it is in the logical line's text.

    :ivar letter: where the ``o`` is; other letters can come before it, as in ``-vo name=value``
    :ivar start, end: name and value, braces included; directly behind the letter when they are one word with it
    :ivar whole: whether the braces are as they should be
    """

    name: str
    value: str
    letter: int
    start: int
    end: int
    value_start: int
    whole: bool


class Entry:
    """One logical line of master.cf, taken apart.

    :ivar complete: whether all eight fields are there
    :ivar flags: the words with a dash among the options, and the values of those that take one
    :ivar shared: where a ``-o`` has no dash of its own, as in ``-vo``
    :ivar invalid: what follows a ``-o`` and is not ``name=value``
    :ivar options_end: where more options can go
    :ivar swallows: whether an option has an open brace, so that it lasts to the end of the entry
    :ivar rest: the words after the options
    :ivar problems: what Postfix would complain about in the words after the fields
    :ivar fatal: why Postfix does not start
    """

    def __init__(self, line: LogicalLine) -> None:
        self.line = line
        self.text = line.effective
        self.problems: List[Problem] = line_problems(line, "master.cf")
        self.fatal: Optional[InputError] = None
        self.options: List[Option] = []
        self._names: Set[str] = set()
        self.flags: List[Word] = []
        self.shared: List[int] = []
        self.invalid: List[Word] = []
        self.rest: List[Word] = []
        self.swallows = False
        matches = islice(_FIELD.finditer(self.text), len(FIELDS))
        self.fields = [Word(match.start(), match.end(), match.group()) for match in matches]
        self.complete = len(self.fields) == len(FIELDS) and not line.stray
        if self.complete:
            self.options_end = self.fields[-1].end
            self._read_words(list(split_words(self.text, self.options_end)))
        elif not line.stray:
            missing = FIELDS[len(self.fields)]
            said = f'bad field count: missing "{missing}" field'
            remedy = "Write all eight fields, or remove the line"
            self._refuse(outline(self.text), f"ends before the field {missing}", remedy, said)

    @property
    def label(self) -> str:
        """Return name and type of the service."""
        return "/".join(word.value for word in self.fields[:2])

    @property
    def service(self) -> Optional[Service]:
        """Return the service that a complete entry describes."""
        if not self.complete:
            return None
        fields = [word.value for word in self.fields]
        arguments = tuple(word.value for word in sorted(self.flags + self.rest))
        options = tuple((option.name, option.value) for option in self.options)
        invalid = tuple(word.value for word in self.invalid)
        return Service._make([*fields, arguments, options, self.line.number, invalid])

    def _read_words(self, words: List[Tuple[int, int]]) -> None:
        index = 0
        while index < len(words):
            start, end = words[index]
            text = self.text[start:end]
            if text[0] != "-" or text in ("-", "--"):
                break
            index += 1
            before = self.options_end
            self.options_end = end
            letter = setting_letter(text)
            if letter < 0:
                self.flags.append(Word(start, end, text))
                if takes_next(text) and index < len(words):
                    start, self.options_end = words[index]
                    self.flags.append(Word(start, self.options_end, self._unbraced(start, self.options_end)))
                    index += 1
                continue
            if letter > 1:
                self.flags.append(Word(start, start + letter, text[:letter]))
                self.shared.append(start + letter)
            if start + letter + 1 < end:
                self._read_option(start + letter, start + letter + 1, end)
            elif index < len(words):
                self._read_option(start + letter, *words[index])
                self.options_end = words[index][1]
                index += 1
            else:
                said = 'option "-o" requires name=value'
                self._complain("error", self.label, "-o", "is not followed by name=value", _WRITE_OPTION, said)
                self.flags.append(Word(start + letter if letter > 1 else start, end, "-o"))
            if open_braces(self.text[start : self.options_end]):
                self.options_end = before
                self.swallows = True
        for start, end in words[index:]:
            text = self.text[start:end]
            self.rest.append(Word(start, end, self._unbraced(start, end)))
            if text[0] == "#":
                reason = "is an argument, although it looks like a comment"
                self._complain("warning", self.label, "#", reason, "Write comments on lines of their own")

    def _unbraced(self, start: int, end: int) -> str:
        value, said = unbraced(self.text[start:end])
        if said:
            self._refuse_braces(said)
        return value

    def _read_option(self, letter: int, start: int, end: int) -> None:
        inner, said = self.text[start:end], ""
        # Only a word of its own has braces to take off. postconf takes them off -o{a=b} too, the daemons do not.
        if inner[0] == "{" and start == letter + 1:
            reason = "has a brace that the daemon takes for text"
            self._complain("warning", self.label, "-o{", reason, "Write a blank before the brace")
        elif inner[0] == "{":
            inner, said = unbraced(inner)
            if said:
                self._refuse_braces(said)
        left, equals, right = inner.partition("=")
        name, value = left.strip(WHITE), right.strip(WHITE)
        if not equals or not name or any(char in name for char in WHITE):
            why = "missing '=' after attribute name" if name else "missing attribute name"
            written = f"-o {' '.join(name.split()[:1])}{equals}"
            invalid = f'invalid "{written}" option value: {why}'
            self._complain("error", self.label, written, "is not a setting", _WRITE_OPTION, invalid)
            self.invalid.append(Word(start, end, inner))
            return
        if name in self._names:
            reason = "is set more than once, and only the last one counts"
            self._complain("warning", self.label, f"-o {name}", reason, "Keep one of them")
        self._names.add(name)
        value_start = self.text.index("=", start) + 1 + (len(indentation(right)) if value else 0)
        self.options.append(Option(name, value, letter, start, end, value_start, not said))

    def _complain(self, severity: Severity, *parts: str) -> None:
        self.problems.append(line_problem(severity, self.line.number, *parts))

    def _refuse(self, *parts: str) -> None:
        """Add a problem by which Postfix does not start."""
        self._complain("error", "services", *parts)
        self.fatal = self.fatal or line_error(self.line.number, "services", *parts)

    def _refuse_braces(self, said: str) -> None:
        if said.startswith("missing"):
            self._refuse(self.label, "has a brace that is not closed", "Close the brace", said)
        else:
            self._refuse(self.label, "has text directly after a closing brace", "Write a blank after the brace", said)

    def all_problems(self, lookup: PortLookup) -> List[Problem]:
        """Return the problems of the fields too."""
        problems = list(self.problems)

        def complain(severity: Severity, *parts: str) -> None:
            problems.append(line_problem(severity, self.line.number, *parts))

        if not self.complete:
            return problems
        for field, word in zip(FIELDS, self.fields):
            allowed = FIELD_VALUES.get(field)
            parameter, value = f"{field} of {self.label}", word.value
            said = f'invalid {field} field "{value}"'
            if field == "type" and value not in TYPES:
                said += ": bad transport type"
                complain("error", parameter, value, "is not a service type", f"Use {', '.join(TYPES)}", said)
            elif allowed and not allowed(value):
                complain("error", parameter, value, "is not a value of this field", FIELD_REMEDIES[field], said)
        if self.line.piece_at(self.fields[1].start) != self.line.piece_at(0):
            reason = "has its name and its type on two lines, and so postconf refuses to edit the file"
            complain("warning", "services", self.label, reason, "Join the lines")
        name, kind, private = (word.value for word in self.fields[:3])
        if kind != "inet":
            return problems
        if private in ("-", "y"):
            parameter, said = f"private of {self.label}", "inet service cannot be private"
            complain("error", parameter, private, "makes an inet service private", "Write n", said)
        parameter = f"name of {self.label}"
        try:
            port = port_number(split_endpoint(name, parameter)[1], lookup, parameter)
        except InputError as error:
            complain("error", error.parameter, error.value, error.reason, error.remedy)
        else:
            if port == 0:
                reason = "has a port that does not exist, and so the system chooses one"
                complain("warning", parameter, name, reason, "Use a port from 1 to 65535")
        return problems
