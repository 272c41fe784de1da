# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits inside one entry of master.cf, and the text of a new one."""

from __future__ import annotations

from itertools import takewhile
from typing import List, Mapping, Optional, Sequence

from .._base.errors import InputError
from .._base.words import outline
from .command_line import arguments_taken
from .entry_words import BLANKS, needs_braces, option_text, takes_next, unbraced
from .lines import WHITE, Edit, Word, changed_words, edit_line, logical_lines
from .marked_blocks import marked_blocks
from .master_entry import Entry, Option
from .service import FIELDS
from .service_change import ServiceChange, command_words

_COLUMNS = (0, 10, 16, 24, 32, 40, 48, 56)  # those of the stock file
_INDENT = "  "


class EntryEditor:
    """Edits one entry, given as the text of its lines, with the line ending of the file for an entry without.

    Behind its lines can be others, up to the end of a block of another tool that begins inside the entry.
    """

    def __init__(self, text: str, newline: str) -> None:
        self.newline = newline
        self._read(text)

    def _read(self, text: str) -> None:
        self.text = text
        self.entry = Entry(logical_lines(text)[0])

    def _apply(self, edits: Sequence[Edit]) -> None:
        if edits:
            self._read(edit_line(self.text, self.entry.line, edits))

    def changed(self, change: ServiceChange) -> str:
        """Return the lines of the entry after a change."""
        for name, value in change.fields.items():
            self._set_field(FIELDS.index(name), value)
        values = {name: value.strip(WHITE) for name, value in change.options.items()}
        self._add_braces(values)
        self._set_options(values)
        self._remove_options([option for option in self.entry.options if option.name in change.unset_options])
        if change.command is not None:
            self._set_command(change.command)
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

    @property
    def _strays(self) -> List[Word]:
        """The words behind the options that the program does not take, and all after the first of them."""
        entry = self.entry
        return entry.rest[arguments_taken(entry.fields[7].value, [word.value for word in entry.rest]) :]

    @property
    def _spilling(self) -> Optional[Option]:
        """The option that the stray words are directly behind: very likely they are the rest of its value."""
        entry, strays = self.entry, self._strays
        if not strays or strays[0] is not entry.rest[0]:
            return None
        options = [*entry.options, *(_option_of(word, entry.text) for word in entry.invalid)]
        last = max(options, key=lambda option: option.start, default=None)
        return last if last and last.end > max([flag.end for flag in entry.flags], default=0) else None

    def _add_braces(self, values: Mapping[str, str]) -> None:
        """Put braces around a value that has some of its words outside, where it is wanted with just these words."""
        option = self._spilling
        while option:
            program = self.entry.fields[7].value
            strays = takewhile(lambda word: word.value[:2] != "-o", self._strays)
            words = [word for word in strays if not arguments_taken(program, [word.value])]
            written = " ".join([f"{option.name}={option.value}" if option.whole else option.name])
            name, _equals, value = " ".join([written, *(word.value for word in words)]).partition("=")
            name = name.strip(WHITE)
            if name not in values or values[name].split() != value.split():
                return
            gap = " " if option.start == option.letter + 1 else ""
            edits = [self.entry.line.deletion(word.start, word.end) for word in words]
            self._apply([Edit(option.start, option.end, gap + option_text(name, values[name])), *edits])
            option = self._spilling

    def _set_command(self, command: str) -> None:
        head, rest = command_words(command)
        strays = self._strays
        if strays and [word.value for word in rest] != [word.value for word in self.entry.rest]:
            program = self.entry.fields[7].value
            reason = f"is in the entry, is not an argument that {program} takes, and would be dropped"
            remedy = "Put the option that it belongs to in braces, as in -o { name = value }, or remove it"
            raise InputError(f"command of {self.entry.label}", outline(strays[0].value), reason, remedy)
        if [word.value for word in head[1:]] != [word.value for word in self.entry.flags]:
            # -vo name=value becomes -v -o name=value, to change the flag alone
            self._apply([Edit(letter, letter, " -") for letter in self.entry.shared])
        old = [self.entry.fields[7]] + self.entry.flags
        self._apply(changed_words(self.entry.line, old, head, command, 0))
        if rest and self.entry.swallows:
            reason = "would be swallowed by a brace that is open in the options"
            raise InputError(f"command of {self.entry.label}", outline(command), reason, "Set or unset that option")
        old = []
        for word in self.entry.rest:
            malformed = unbraced(self.entry.text[word.start : word.end])[1]
            old.append(word._replace(value="\0") if malformed else word)
        self._apply(changed_words(self.entry.line, old, rest, command, self.entry.options_end))

    def _set_options(self, values: Mapping[str, str]) -> None:
        """Set options; the new ones go behind the others in one edit."""
        present = {option.name: option.value for option in self.entry.options}
        for name, value in values.items():
            if present.get(name, value) != value:
                *earlier, last = [option for option in self.entry.options if option.name == name]
                self._apply([_value_edit(last, self.entry.text, value)])
                self._remove_options(earlier)
        new = [option_text(name, value) for name, value in values.items() if name not in present]
        if new:
            self._add_options(new)

    def _add_options(self, texts: Sequence[str]) -> None:
        line, options, last = self.entry.line, self.entry.options, self.entry.options_end
        like = options[-1] if options else None
        at, begin = last, line.piece_at(last - 1)[0]
        if self._spilling:  # before it, so that what is behind it stays there
            like = self._spilling
            at = len(line.text[: self._word_start(like)].rstrip(BLANKS))
        at = self._before_block(at)
        if at != last and like:
            like = next((option for option in reversed(options) if option.end <= at), like)
            begin = line.piece_at(like.letter)[0]
        end = line.piece_at(at - 1)[1]
        indent = line.text[begin : self._word_start(like)] if like else _INDENT
        own_line = indent and not indent.strip(BLANKS)
        after = line.text[at:end]
        gap = " "
        if own_line and not after.strip(WHITE):
            newline = self.newline
            if end < len(line.text) or self.text.endswith("\n"):
                newline = "\r\n" if after.endswith("\r") else "\n"
            gap = newline + indent
        self._apply([Edit(at, at, "".join(f"{gap}-o {text}" for text in texts))])

    def _word_start(self, option: Option) -> int:
        """Return where the word with the letter of an option begins."""
        return max(self.entry.text.rfind(blank, 0, option.letter) for blank in BLANKS) + 1

    def _before_block(self, at: int) -> int:
        """Return a place for more options, or one before the block of another tool that it is in."""
        line, entry = self.entry.line, self.entry
        if len(line.pieces) > 1:
            first, _end = line.piece_at(at - 1)
            piece = line.pieces[[line.length_to(piece.start) for piece in line.pieces].index(first)]
            position = piece.start + at - first
            for start, end in marked_blocks(self.text):
                if line.start < start < position < end:
                    flags = [flag.end for flag in entry.flags if not takes_next(flag.value)]
                    ends = [entry.fields[7].end, *flags, *(option.end for option in entry.options)]
                    return max([place for place in ends if place <= line.length_to(start)], default=at)
        return at

    def _remove_options(self, options: Sequence[Option]) -> None:
        for option in reversed(options):  # from behind, so that the places of the others stay as they are
            line, letter = self.entry.line, option.letter
            if letter in self.entry.shared:  # -vo name=value: the v stays
                edits = [Edit(letter, letter + 1, ""), line.deletion(option.start, option.end)]
            elif line.piece_at(letter) == line.piece_at(option.end - 1):
                edits = [line.deletion(letter - 1, option.end)]
            else:
                edits = [line.deletion(letter - 1, letter + 1), line.deletion(option.start, option.end)]
            self._apply(edits)


def _option_of(invalid: Word, text: str) -> Option:
    """Return what follows a ``-o`` and is not a setting as one without a value."""
    letter = len(text[: invalid.start].rstrip(BLANKS)) - 1
    return Option(invalid.value, "", letter, invalid.start, invalid.end, invalid.end, whole=False)


def _value_edit(option: Option, text: str, value: str) -> Edit:
    attached = option.start == option.letter + 1
    braces = text[option.start] == "{" and not attached
    # postconf, unlike the daemons, takes an "o" in -oname=value for the letter of an option
    if not option.whole or needs_braces(value) and not braces or attached and "o" in value:
        gap = " " if attached else ""
        return Edit(option.start, option.end, gap + option_text(option.name, value))
    start, end = option.value_start, option.value_start + len(option.value)
    gap = " " if braces and start == end and text[start - 2] in WHITE else ""
    return Edit(start, end, gap + value)


def entry_lines(change: ServiceChange, like: Optional[Entry], chroot: str) -> List[str]:
    """Return the lines of a new entry, its fields in the columns of the entry `like`.

    :param chroot: that field, where the change says nothing of it
    """
    command = change.command or ""
    head, rest = [" ".join(command[word.start : word.end] for word in words) for words in command_words(command)]
    defaults = {"private": "n" if change.type == "inet" else "-", "chroot": chroot}
    fields = [change.name, change.type]
    fields += [change.fields.get(name, defaults.get(name, "-")) for name in FIELDS[2:7]]
    options = [f"{_INDENT}-o {option_text(name, value.strip(WHITE))}" for name, value in change.options.items()]
    if options and rest:
        options.append(_INDENT + rest)
    elif rest:
        head += " " + rest
    return [_aligned(fields + [head], like)] + options


def _aligned(words: Sequence[str], like: Optional[Entry]) -> str:
    columns: Sequence[int] = _COLUMNS
    gaps = [" "] * len(FIELDS)
    if like and like.line.piece_at(0)[1] > like.fields[7].start:
        gaps = [like.text[field.end : after.start] for field, after in zip(like.fields, like.fields[1:])]
        columns = [word.start for word in like.fields]
    text = words[0]
    for word, column, gap in zip(words[1:], columns[1:], gaps):
        text = text + gap + word if "\t" in gap else text.ljust(column - 1) + " " + word
    return text
