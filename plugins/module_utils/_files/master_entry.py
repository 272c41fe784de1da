# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""One entry of master.cf: its fields, its ``-o`` options, its other words, and what is wrong with it.

The grammar is that of master(5) as the master and the daemons read it: eight fields at blanks, then words in which
braces protect blanks; leading words with a dash are options, and ``-o`` takes ``name=value`` or ``{ name = value }``.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from .._base.errors import InputError
from .endpoint import PortLookup, identity, known_port, port_number, split_endpoint
from .lines import BLANKS, WHITE, LogicalLine, Problem, Word, line_problems

TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")
FIELDS = ("name", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command")
FIELD_VALUES = {
    "private": re.compile(r"[yn-]\Z"),
    "unprivileged": re.compile(r"[yn-]\Z"),
    "chroot": re.compile(r"[yn-]\Z"),
    "wakeup": re.compile(r"(?:-|[0-9]+\??)\Z"),
    # atoi(3) makes a negative number of a larger one, of which the master dies
    "process_limit": re.compile(r"(?:-|0*(?:[0-9]{1,9}|1[0-9]{9}|2[01][0-9]{8}))\Z"),
}

_FIELD = re.compile(r"[^ \t\r\n]+")
_TOKEN = re.compile(r"([ \t\r\n]+)|([{}])|[^ \t\r\n{}]+")


class Service(NamedTuple):
    """One entry of master.cf; every field as the file has it, ``-`` where it says ``-``.

    :ivar arguments: the words after the command that are no ``-o``, without the braces around them
    :ivar options: the ``-o`` settings in their order; of a name that is there twice the last one counts
    :ivar line: where the entry starts in the file, 0 for one that is in no file
    :ivar invalid: what follows a ``-o`` and is no ``name=value``; the service's processes die of it
    """

    name: str
    type: str
    private: str
    unprivileged: str
    chroot: str
    wakeup: str
    process_limit: str
    command: str
    arguments: Tuple[str, ...] = ()
    options: Tuple[Tuple[str, str], ...] = ()
    line: int = 0
    invalid: Tuple[str, ...] = ()

    @property
    def option_values(self) -> Dict[str, str]:
        """The effective value of each ``-o`` setting."""
        return dict(self.options)

    @property
    def meaning(self) -> Tuple[Any, ...]:
        """All that the master makes of the entry: equal for two entries between which it sees no difference.

        A dash stands for the default (master(5)), which is ``y`` for private and unprivileged, and 0 for wakeup. The
        defaults of the other two are not fixed: chroot depends on compatibility_level, process_limit is
        default_process_limit. The order of the options does not matter.
        """
        return (
            self.private.replace("-", "y"),
            self.unprivileged.replace("-", "y"),
            self.chroot,
            self.wakeup.replace("-", "0"),
            self.process_limit,
            self.command,
            self.arguments,
            tuple(sorted(self.option_values.items())),
            self.invalid,
        )

    @property
    def summary(self) -> str:
        """The entry on one line, for people."""
        words = [str(getattr(self, field)) for field in FIELDS]
        words += [f"-o {option_text(name, value)}" for name, value in self.options]
        words += [f"{{{word}}}" if any(blank in word for blank in BLANKS) else word for word in self.arguments]
        return " ".join(words)


def service_key(service: Service, lookup: PortLookup = known_port) -> str:
    """What an entry shares with its duplicates: names of other types than inet can be public or private (master(5))."""
    public = service.type != "inet" and service.private == "n"
    return identity(service.name, service.type, lookup) + ("/public" if public else "")


def last_of_each(services: Sequence[Service], lookup: PortLookup = known_port) -> List[Service]:
    """The entries that count, in their order: of duplicates the last."""
    keys = [service_key(service, lookup) for service in services]
    last = dict(zip(keys, range(len(keys))))
    return [service for at, (key, service) in enumerate(zip(keys, services)) if last[key] == at]


class Option(NamedTuple):
    """One ``-o`` setting: where its letter, its word and its value are in the logical line's text.

    :ivar letter: where the ``o`` is; other letters can come before it, as in ``-vo name=value``
    :ivar start, end: name and value, braces included; directly behind the letter when they are one word with it
    :ivar value_start, value_end: the value
    :ivar whole: whether the braces are as they should be
    """

    name: str
    value: str
    letter: int
    start: int
    end: int
    value_start: int
    value_end: int
    whole: bool


class Entry:
    """One logical line of master.cf, taken apart.

    :ivar fields: the eight fields, fewer when the line is no entry
    :ivar options: the ``-o`` settings
    :ivar flags: the other words with a dash among them
    :ivar shared: where a ``-o`` has no dash of its own, as in ``-vo``
    :ivar invalid: what follows a ``-o`` and is no ``name=value``; the daemon dies of it
    :ivar options_end: where the last of these words ends, or the command; more of them can go there
    :ivar swallows: whether one of them has an open brace, so that it lasts to the end of the entry
    :ivar rest: the words after them
    :ivar problems: what Postfix would complain about
    """

    def __init__(self, line: LogicalLine) -> None:
        self.line = line
        self.text = line.effective
        self.problems: List[Problem] = line_problems(line)
        self.fields: List[Word] = []
        self.options: List[Option] = []
        self._names: Set[str] = set()
        self.flags: List[Word] = []
        self.shared: List[int] = []
        self.invalid: List[Word] = []
        self.rest: List[Word] = []
        end = 0
        for match in _FIELD.finditer(self.text):
            if len(self.fields) == len(FIELDS):
                break
            self.fields.append(Word(match.start(), match.end(), match.group()))
            end = match.end()
        self.options_end = end
        self.swallows = False
        self._read_words(list(split_words(self.text, end)))

    @property
    def service(self) -> Optional[Service]:
        """The service that the entry describes, None when it is no entry."""
        if len(self.fields) < len(FIELDS) or self.line.stray:
            return None
        arguments = tuple(word.value for word in sorted(self.flags + self.rest))
        options = tuple((option.name, option.value) for option in self.options)
        name, kind, private, unprivileged, chroot, wakeup, limit, command = [word.value for word in self.fields]
        invalid = tuple(word.value for word in self.invalid)
        return Service(
            name,
            kind,
            private,
            unprivileged,
            chroot,
            wakeup,
            limit,
            command,
            arguments,
            options,
            self.line.number,
            invalid,
        )

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
            letter = text.find("o", 1)
            if letter < 0:
                self.flags.append(Word(start, end, text))
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
                self._complain("error", 'option "-o" requires name=value')
                self.flags.append(Word(start + letter if letter > 1 else start, end, "-o"))
            if open_braces(self.text[start : self.options_end]):
                self.options_end = before
                self.swallows = True
        for start, end in words[index:]:
            value, problem = unbraced(self.text[start:end])
            self.rest.append(Word(start, end, value))
            if problem:
                self._complain("error", problem)
            elif self.text[start] == "#":
                self._complain("warning", f"#comment after other text is an argument: {self.text[start : start + 20]}")

    def _read_option(self, letter: int, start: int, end: int) -> None:
        inner, problem = self.text[start:end], ""
        # Only a word of its own has braces to take off. postconf takes them off -o{a=b} too, the daemons do not.
        if inner[0] == "{" and start == letter + 1:
            self._complain("warning", f'the brace is text to the daemon in "-o{inner}"; a blank before it makes it one')
        elif inner[0] == "{":
            inner, problem = unbraced(inner)
            if problem:
                self._complain("error", problem)
        left, equals, right = inner.partition("=")
        name, value = left.strip(WHITE), right.strip(WHITE)
        if not equals or not name or any(char in name for char in WHITE):
            reason = "missing '=' after attribute name" if name else "missing attribute name"
            self._complain("error", f'invalid "-o {inner}" option value: {reason}')
            self.invalid.append(Word(start, end, inner))
            return
        value_start = self.text.index("=", start) + 1
        if value:
            value_start += len(right) - len(right.lstrip(WHITE))
        if name in self._names:
            self._complain("warning", f"-o {name} is given more than once; the last one counts")
        self._names.add(name)
        value_end = value_start + len(value)
        self.options.append(Option(name, value, letter, start, end, value_start, value_end, not problem))

    def _complain(self, severity: str, message: str) -> None:
        self.problems.append(Problem(self.line.number, severity, message))

    def check(self, lookup: PortLookup) -> None:
        """Add the problems of the fields to those of the words."""
        if self.line.stray:
            self.problems = line_problems(self.line)
            return
        if len(self.fields) < len(FIELDS):
            missing = FIELDS[len(self.fields)]
            self._complain("error", f'bad field count: missing "{missing}" field: "{self.text[:60]}"')
            return
        for field, word in zip(FIELDS, self.fields):
            allowed = FIELD_VALUES.get(field)
            if field == "type" and word.value not in TYPES:
                self._complain("error", f'invalid type field "{word.value}": bad transport type')
            elif allowed and not allowed.match(word.value):
                self._complain("error", f'invalid {field} field "{word.value}"')
        name, kind, private = [word.value for word in self.fields[:3]]
        if self.line.piece_at(self.fields[1].start) != self.line.piece_at(0):
            self._complain("warning", "name and type are not on one line: postconf refuses to edit the file")
        if kind == "inet":
            if private in ("-", "y"):
                self._complain("error", "inet service cannot be private")
            try:
                port = port_number(split_endpoint(name)[1], lookup)
            except InputError as error:
                self._complain("error", f'{error.reason.partition(": ")[2]} in "{name}"')
            else:
                if port == 0:
                    self._complain("warning", f'"{name}" listens on a random port')


def split_words(text: str, start: int = 0) -> Iterator[Tuple[int, int]]:
    """Start and end of each word; braces protect the blanks inside them, and an open one lasts to the end."""
    level = 0
    begin = -1
    for match in _TOKEN.finditer(text, start):
        blanks, brace = match.groups()
        if blanks and not level:
            if begin >= 0:
                yield begin, match.start()
            begin = -1
            continue
        if begin < 0:
            begin = match.start()
        if brace == "{":
            level += 1
        elif brace and level:
            level -= 1
    if begin >= 0:
        yield begin, len(text)


def open_braces(text: str) -> int:
    """How many braces are open at the end of a text; one that closes nothing is a character like any other."""
    level = 0
    for brace in re.findall("[{}]", text):
        level += 1 if brace == "{" else -1 if level else 0
    return level


def unbraced(word: str) -> Tuple[str, str]:
    """What a word stands for, without braces around it; and what the master says about them, if anything."""
    if word[:1] != "{":
        return word, ""
    level = 0
    for match in re.finditer("[{}]", word):
        level += 1 if match.group() == "{" else -1
        if not level:
            problem = f"syntax error after '}}' in \"{word}\"" if match.end() < len(word) else ""
            return word[1 : match.start()].strip(WHITE), problem
    return word[1:].strip(WHITE), f"missing '}}' in \"{word}\""


def needs_braces(value: str) -> bool:
    """Whether a value is more than one word unless it stands in braces."""
    return len(list(split_words("x" + value))) > 1


def option_text(name: str, value: str) -> str:
    """``name=value``, or ``{ name = value }`` where there are blanks in it."""
    return f"{{ {name} = {value} }}" if needs_braces(value) else f"{name}={value}"
