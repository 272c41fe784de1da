# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""master.cf, read as the master reads it and edited without touching anything else.

Entries are one service when they have one identity (:func:`identity`): of several the last one counts. What Postfix
would refuse is left alone and reported by :meth:`MasterCf.problems`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ._config_lines import (
    WHITE,
    Edit,
    Problem,
    Word,
    changed_words,
    checked_value,
    edit_line,
    insert_line,
    logical_lines,
    newline_of,
    remove_line,
)
from ._endpoint import PortLookup, identity, known_port, port_number, split_endpoint
from ._errors import InputError
from ._master_comments import Commented, commented_entries, lookalike_end, restored
from ._master_entry import (
    FIELD_VALUES,
    FIELDS,
    TYPES,
    Entry,
    Option,
    Service,
    needs_braces,
    option_text,
    split_words,
    unbraced,
)

__all__ = ["MasterCf", "Service", "ServiceChange"]

_STATES = ("present", "absent", "disabled")
_OPTION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_SERVICE_NAME = re.compile(r"[^\x00-\x20\x7f#={}/][^\x00-\x20\x7f={}/]*\Z")
_OPTION_COMMENT = re.compile(r"#[ \t]+-o")
_COLUMNS = (0, 10, 16, 24, 32, 40, 48, 56)  # those of the stock file
_INDENT = "  "


@dataclass
class ServiceChange:
    """What one service is to be; what is None or not in it stays as it is.

    :ivar command: the program and its arguments as master.cf writes them, but without ``-o``
    :ivar options: ``-o`` settings to make
    :ivar unset_options: ``-o`` settings to remove
    """

    name: str
    type: str = "inet"
    state: str = "present"
    command: Optional[str] = None
    private: Optional[str] = None
    unprivileged: Optional[str] = None
    chroot: Optional[str] = None
    wakeup: Optional[str] = None
    process_limit: Optional[str] = None
    options: Mapping[str, str] = field(default_factory=dict)
    unset_options: Sequence[str] = ()

    @property
    def fields(self) -> Dict[str, str]:
        """The single-word fields that are given."""
        given = {name: getattr(self, name) for name in FIELD_VALUES}
        return {name: value for name, value in given.items() if value is not None}


class MasterCf:
    """A master.cf file.

    :param text: the file, decoded by :func:`decode_config`
    :param lookup: knows the ports of service names; the default knows those that Postfix knows by itself
    """

    def __init__(self, text: str, lookup: PortLookup = known_port) -> None:
        self._lookup = lookup
        self._read(text)

    @property
    def text(self) -> str:
        """The file: what was read, with the edits."""
        return self._text

    def _read(self, text: str) -> None:
        self._text = text
        self._lines = logical_lines(text)
        self._entries: List[Tuple[Entry, Service]] = []
        self._others: List[Entry] = []
        for line in self._lines:
            entry = Entry(line)
            service = entry.service
            if service:
                self._entries.append((entry, service))
            else:
                self._others.append(entry)

    def services(self) -> List[Service]:
        """Every entry in the order of the file, duplicates included."""
        return [service for _entry, service in self._entries]

    def effective(self) -> List[Service]:
        """The entries that count, in the order of the file: of several with one identity the last."""
        found = {self._key(service): service for service in self.services()}
        return sorted(found.values(), key=lambda service: service.line)

    def find(self, name: str, type: str = "inet") -> Optional[Service]:
        """The entry that counts for a service, by identity."""
        found = self._found(name, type)
        return found[-1][1] if found else None

    def unlisted(self, listed: Iterable[Tuple[str, str]], type: str = "inet") -> List[Service]:
        """The services of a type that are none of those given by name and type."""
        known = {identity(name, kind, self._lookup) for name, kind in listed}
        services = [service for service in self.effective() if service.type == type]
        return [service for service in services if identity(service.name, type, self._lookup) not in known]

    def duplicates(self) -> List[Tuple[Service, Service]]:
        """Pairs of entries with one identity: one that does not count and the one that does instead."""
        last = {self._key(service): service for service in self.services()}
        return [(one, last[self._key(one)]) for one in self.services() if last[self._key(one)] is not one]

    def problems(self) -> List[Problem]:
        """What Postfix would complain about, in the order of the file."""
        found: List[Problem] = []
        for entry in self._others + [entry for entry, _service in self._entries]:
            checked = Entry(entry.line)
            checked.check(self._lookup)
            found.extend(checked.problems)
        for service, effective in self.duplicates():
            message = f'duplicate master.cf entry for service "{service.name}": line {effective.line} counts'
            found.append(Problem(service.line, "warning", message))
        return sorted(found)

    def put(self, change: ServiceChange) -> None:
        """Make the file say what the change says, in exactly one entry, and nothing else.

        An entry that is commented out comes back with all that it had, then the change applies. A new entry goes beside
        its like and is aligned like it.

        :raises InputError: when a part of the change could not be read back as it is, or a new entry has no command
        """
        _check(change)
        if change.state == "absent":
            self.remove(change.name, change.type)
        elif change.state == "disabled":
            self.disable(change.name, change.type)
        else:
            if not self._found(change.name, change.type) and not self._restore(change):
                self._insert(change)
                return
            entry = self._found(change.name, change.type)[-1][0]
            old = self._text[entry.line.start : entry.line.end]
            new = _Editor(old, newline_of(self._text, entry.line.end)).changed(change)
            if new != old:
                self._read(self._text[: entry.line.start] + new + self._text[entry.line.end :])
            self._remove(self._found(change.name, change.type)[:-1])

    def remove(self, name: str, type: str = "inet") -> None:
        """Remove a service. Of the comments inside its entry those stay that are no commented-out options of it."""
        self._remove(self._found(name, type))

    def disable(self, name: str, type: str = "inet") -> None:
        """Comment the entry of a service out, each physical line of it, so that ``present`` can bring it back."""
        found = self._found(name, type)
        self._remove(found[:-1])
        if found:
            line = self._found(name, type)[-1][0].line
            body = self._text[line.start : line.end]
            self._read(self._text[: line.start] + _commented(body) + self._protected(line.end))

    def _protected(self, position: int) -> str:
        """The rest of the file; comments that would look like a part of the entry before it get a second ``#``."""
        end = lookalike_end(self._text, position)
        return _commented(self._text[position:end]) + self._text[end:]

    def _key(self, service: Service) -> str:
        """The identity; other types than inet have a public and a private name space (master(5), "Private")."""
        public = service.type != "inet" and service.private == "n"
        return identity(service.name, service.type, self._lookup) + ("/public" if public else "")

    def _found(self, name: str, type: str) -> List[Tuple[Entry, Service]]:
        wanted = identity(name, type, self._lookup)
        found = [pair for pair in self._entries if identity(pair[1].name, pair[1].type, self._lookup) == wanted]
        return [pair for pair in found if self._key(pair[1]) == self._key(found[-1][1])]

    def _remove(self, found: Sequence[Tuple[Entry, Service]]) -> None:
        if found:
            text = self._text
            for entry, _service in reversed(found):
                text = remove_line(text, entry.line, lambda comment: not _OPTION_COMMENT.match(comment))
            self._read(text)

    def _restore(self, change: ServiceChange) -> bool:
        """Bring the commented-out twin of a service back, if there is one that runs the same program."""
        wanted = identity(change.name, change.type, self._lookup)
        program = change.command.split()[0] if change.command else None
        for twin in self._commented():
            if identity(twin.name, twin.type, self._lookup) == wanted and program in (None, twin.command):
                self._read(self._text[: twin.start] + restored(self._text, twin) + self._text[twin.end :])
                return True
        return False

    def _commented(self) -> List[Commented]:
        return commented_entries(self._text, self._lines)

    def _insert(self, change: ServiceChange) -> None:
        label = f"{change.name}/{change.type}"
        if change.command is None:
            raise InputError(label, "", "the service is not in master.cf, and no command is given", "Give its command")
        _check_name(change, self._lookup)
        position, like = self._place(change)
        defaults = {"private": "n" if change.type == "inet" else "-", "chroot": "n"}
        words = [change.name, change.type]
        words += [change.fields.get(name, defaults.get(name, "-")) for name in FIELDS[2:7]]
        newline = newline_of(self._text, position)
        lines = [_aligned(words + [_command_line(change.command)], like)]
        lines += [f"{_INDENT}-o {option_text(name, value.strip())}" for name, value in change.options.items()]
        body = _Editor(newline.join(lines) + newline, newline)
        body.options_before_rest()
        self._read(insert_line(self._text, position, body.text[: -len(newline)]))

    def _place(self, change: ServiceChange) -> Tuple[int, Optional[Entry]]:
        """Where a new entry goes, and the entry that it is aligned like."""
        program = (change.command or "").split()[0]
        same_type = [entry for entry, service in self._entries if service.type == change.type]
        same = [entry for entry in same_type if entry.fields[7].value == program]
        commented = [one for one in self._commented() if one.type == change.type and one.command == program]
        if not same and commented:
            return commented[-1].end, same_type[-1] if same_type else None
        for entry in (same or same_type)[-1:]:
            return lookalike_end(self._text, entry.line.end), entry
        return len(self._text), None


class _Editor:
    """Edits one entry, given as the text of its lines."""

    def __init__(self, text: str, newline: str) -> None:
        self.newline = newline
        self._read(text)

    def _read(self, text: str) -> None:
        self.text = text
        self.entry = Entry(logical_lines(text)[0])

    def _apply(self, edits: Iterable[Edit]) -> None:
        edits = list(edits)
        if edits:
            self._read(edit_line(self.text, self.entry.line, edits))

    def changed(self, change: ServiceChange) -> str:
        for name, value in change.fields.items():
            self._set_field(FIELDS.index(name), value)
        if change.command is not None:
            self._set_command(change.command)
        for name, value in change.options.items():
            self._set_option(name, value.strip(WHITE))
        for name in change.unset_options:
            self._unset_option(name)
        return self.text

    def _set_field(self, index: int, value: str) -> None:
        word, following = self.entry.fields[index : index + 2]
        if word.value == value:
            return
        gap = self.entry.text[word.end : following.start]
        if gap.strip(" ") or self.entry.line.piece_at(word.start) != self.entry.line.piece_at(following.start):
            self._apply([Edit(word.start, word.end, value)])
        else:
            width = following.start - word.start
            self._apply([Edit(word.start, following.start, value.ljust(width - 1) + " ")])

    def _set_command(self, command: str) -> None:
        head, rest = _command_words(command)
        old = [self.entry.fields[7]] + self.entry.flags
        line = self.entry.line
        self._apply(changed_words(line, old, head, [command[word.start : word.end] for word in head], 0))
        old, at = self.entry.rest, self._options_end()
        self._apply(changed_words(self.entry.line, old, rest, [command[word.start : word.end] for word in rest], at))

    def _options_end(self) -> int:
        words = [word.end for word in self.entry.flags] + [option.end for option in self.entry.options]
        return max([self.entry.fields[7].end] + words)

    def _set_option(self, name: str, value: str) -> None:
        found = [option for option in self.entry.options if option.name == name]
        if found and found[-1].value == value:
            return
        if not found:
            self._add_option(option_text(name, value))
            return
        self._apply([_value_edit(found[-1], self.entry.text, value)])
        for _earlier in found[:-1]:
            self._remove_option(next(option for option in self.entry.options if option.name == name))

    def _add_option(self, text: str) -> None:
        line, at = self.entry.line, self._options_end()
        start, end = line.piece_at(at - 1)
        tail_is_blank = not line.text[at:end].strip(WHITE)
        content = line.text[start:at].lstrip(WHITE)
        indent = line.text[start:at][: -len(content)]
        options = self.entry.options
        if tail_is_blank and not options:
            text = f"{self.newline}{_INDENT}-o {text}"
        elif tail_is_blank and options[-1].letter - 1 == start + len(indent) and indent:
            text = f"{self.newline}{indent}-o {text}"
        else:
            text = f" -o {text}"
        self._apply([Edit(at, at, text)])

    def _unset_option(self, name: str) -> None:
        for option in reversed(self.entry.options):
            if option.name == name:
                self._remove_option(option)

    def _remove_option(self, option: Option) -> None:
        line = self.entry.line
        if self.entry.text[option.letter - 1] != "-":  # -vo name=value: the v stays
            edits = [Edit(option.letter, option.letter + 1, "")]
            if option.start == option.letter + 1:
                edits = [Edit(option.letter, option.end, "")]
            else:
                edits.append(line.deletion(option.start, option.end))
        elif line.piece_at(option.letter) == line.piece_at(option.end - 1):
            edits = [line.deletion(option.letter - 1, option.end)]
        else:
            edits = [line.deletion(option.letter - 1, option.letter + 1), line.deletion(option.start, option.end)]
        self._apply(edits)

    def options_before_rest(self) -> None:
        """Move the words after the options of a new entry behind them."""
        pieces = self.text.rstrip("\r\n").split(self.newline)
        if len(pieces) > 1 and self.entry.rest:
            start = self.entry.rest[0].start
            rest = pieces[0][start:]
            self.text = self.newline.join([pieces[0][:start].rstrip()] + pieces[1:] + [_INDENT + rest]) + self.newline


def _value_edit(option: Option, text: str, value: str) -> Edit:
    braces = text[option.start] == "{" and option.start > option.letter + 1
    if not option.whole or needs_braces(value) and not braces:
        gap = " " if option.start == option.letter + 1 else ""
        return Edit(option.start, option.end, gap + option_text(option.name, value))
    if braces and not option.value and text[option.value_start - 2] in WHITE:
        value = " " + value
    return Edit(option.value_start, option.value_end, value)


def _commented(body: str) -> str:
    lines = body.split("\n")
    last = lines.pop()
    return "".join([f"#{line}\n" for line in lines]) + (f"#{last}" if last else "")


def _command_words(command: str) -> Tuple[List[Word], List[Word]]:
    """The program with the flags after it, and the words after those."""
    words = [Word(start, end, unbraced(command[start:end])[0]) for start, end in split_words(command)]
    count = 1
    while count < len(words) and command[words[count].start] == "-" and words[count].value not in ("-", "--"):
        count += 1
    return words[:count], words[count:]


def _command_line(command: str) -> str:
    return " ".join(command[start:end] for start, end in split_words(command))


def _aligned(words: Sequence[str], like: Optional[Entry]) -> str:
    """The fields of a new entry, in the columns of the entry beside it."""
    columns: Sequence[int] = _COLUMNS
    gaps = [" "] * len(FIELDS)
    if like and like.line.piece_at(0)[1] > like.fields[7].start:
        gaps = [like.text[one.end : two.start] for one, two in zip(like.fields, like.fields[1:])]
        columns = [word.start for word in like.fields]
    text = words[0]
    for word, column, gap in zip(words[1:], columns[1:], gaps):
        text = text + gap + word if "\t" in gap else text.ljust(column - 1) + " " + word
    return text


def _check(change: ServiceChange) -> None:
    """Refuse a change that could add a line, a service or an option, or that the master could not read."""
    label = f"{change.name}/{change.type}"
    if change.state not in _STATES:
        raise InputError(f"state of {label}", change.state, "unknown state", f"Use one of {', '.join(_STATES)}")
    if change.type not in TYPES:
        raise InputError(f"type of {label}", change.type, "unknown service type", f"Use one of {', '.join(TYPES)}")
    for name, value in change.fields.items():
        if not FIELD_VALUES[name].match(value):
            raise InputError(f"{name} of {label}", value, "master.cf has no such value", _FIELD_REMEDY[name])
    if change.type == "inet" and change.private not in (None, "n"):
        raise InputError(f"private of {label}", str(change.private), "an inet service cannot be private", "Write n")
    if change.command is not None:
        _check_command(f"command of {label}", change.command)
    for name in list(change.options) + list(change.unset_options):
        if not _OPTION_NAME.match(name):
            raise InputError(f"options of {label}", name, "this is no parameter name", "Use letters, digits and _")
    for name, value in change.options.items():
        _check_option(f"option {name} of {label}", value)
        if name in change.unset_options:
            raise InputError(f"options of {label}", name, "it is to be set and unset", "Say one of both")


_FIELD_REMEDY = {
    "private": "Use y, n or -",
    "unprivileged": "Use y, n or -",
    "chroot": "Use y, n or -",
    "wakeup": "Use a number of seconds, one with ? behind it, or -",
    "process_limit": "Use a number or -",
}


def _check_name(change: ServiceChange, lookup: PortLookup) -> None:
    label = f"name of {change.name}/{change.type}"
    if change.type == "inet":
        port = split_endpoint(change.name, label)[1]
        if not _SERVICE_NAME.match(change.name):
            raise InputError(label, change.name, "it has characters that no endpoint has", "Write [address]:port")
        number = port_number(port, lookup, label)
        if not number or port.isdigit() and int(port) != number:
            raise InputError(label, change.name, "there is no such port", "Use a port from 1 to 65535")
    elif not _SERVICE_NAME.match(change.name):
        raise InputError(label, change.name, "this is no service name", "Use letters, digits, - and _")


def _check_command(label: str, command: str) -> None:
    words = [command[start:end] for start, end in split_words(checked_value(label, command))]
    if not words or words[0][0] in "-{#":
        raise InputError(label, command, "it does not start with a program's name", "Write program and arguments")
    for word in words:
        problem = unbraced(word)[1] or ("unbalanced braces" if not _balanced(word) else "")
        if problem:
            raise InputError(label, command, problem, "Close every brace")
        if word[0] == "#":
            raise InputError(label, command, "master.cf has no comments at the end of a line", "Leave the comment out")
    for word in words[1:]:
        if word[0] != "-" or word in ("-", "--"):
            break
        if "o" in word[1:]:
            raise InputError(label, command, "-o settings are no part of the command", "Use options for them")


def _check_option(label: str, value: str) -> None:
    if not _balanced(checked_value(label, value)):
        raise InputError(label, value, "its braces are not balanced", "Close every brace")


def _balanced(text: str) -> bool:
    level = 0
    for char in text:
        level += (char == "{") - (char == "}")
        if level < 0:
            return False
    return not level
