# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""master.cf, edited without touching anything else. :mod:`_files.master_cf` has what is read in it."""

from __future__ import annotations

import re
from typing import Optional, Sequence, Tuple

from .._base.errors import InputError
from .commented_out import commented_entries, commented_out, lookalike_end, protected, restored
from .endpoint import identity
from .lines import WHITE, LogicalLine, inner_comments, insert_line, logical_lines, newline_of, remove_line
from .master_cf import Known, MasterReader
from .master_entry import Entry, Service
from .master_entry_edit import EntryEditor, entry_lines
from .service_change import ServiceChange, check_change, check_name

__all__ = ["MasterCf", "Service", "ServiceChange"]

# Programs that stock files offer, commented out, for a service that another one runs: never meant unless asked for.
_ALTERNATIVES = ("postscreen", "oqmgr")
_OPTION_COMMENT = re.compile(r"#[ \t]+-o")


class MasterCf(MasterReader):
    """A master.cf file that can be edited."""

    def put(self, change: ServiceChange) -> None:
        """Make the file say what the change says, in exactly one entry, and nothing else.

        An entry that is commented out comes back with all that it had, then the change applies. A new entry goes beside
        its like and is aligned like it.

        :raises InputError: when a part of the change could not be read back as it is, or a new entry has no command
        """
        check_change(change)
        before = self._text
        try:
            if change.state == "absent":
                self.remove(change.name, change.type)
            elif change.state == "disabled":
                self.disable(change.name, change.type)
            elif self._found(change.name, change.type) or self._restore(change):
                self._change(change)
            else:
                self._insert(change)
        except InputError:
            self._write(before)
            raise

    def _change(self, change: ServiceChange) -> None:
        found = self._found(change.name, change.type)
        line = found[-1].entry.line
        new = EntryEditor(self._text[line.start : line.end], newline_of(self._text, line.end)).changed(change)
        text = self._text[: line.start] + new + self._text[line.end :]
        self._write(_without(text, [known for known in found[:-1] if known.key == found[-1].key]))

    def remove(self, name: str, type: str = "inet") -> None:
        """Remove a service with the commented-out options in its entry and behind it; other comments inside it stay."""
        self._write(_without(self._text, self._found(name, type)))

    def disable(self, name: str, type: str = "inet") -> None:
        """Comment the entry of a service out, each physical line of it, so that ``present`` brings it back as it was.

        Entries of it that did not count are removed.
        """
        self._write(_without(self._text, self._found(name, type)[:-1]))
        for known in self._found(name, type):
            line, program = known.entry.line, known.service.command
            text = self._text
            body, behind = commented_out(text[line.start : line.end], program), protected(text[line.end :], program)
            new = text[: line.start] + body + behind
            if not self._comes_back(new, line):
                # A line of it reads like prose behind a "#": the entry on one line does not.
                joined = line.text.strip(WHITE) + newline_of(text, line.end)
                rest = "".join(inner_comments(text, line)) + text[line.end :]
                new = text[: line.start] + commented_out(joined, program) + protected(rest, program)
            self._write(new)

    def _comes_back(self, disabled: str, line: LogicalLine) -> bool:
        for twin in commented_entries(disabled, logical_lines(disabled)):
            if twin.start == line.start:
                return disabled[: twin.start] + restored(disabled, twin) + disabled[twin.end :] == self._text
        return False

    def _restore(self, change: ServiceChange) -> bool:
        """Bring the commented-out twin of a service back, if there is one that runs the same program."""
        wanted = identity(change.name, change.type, self.port_of)
        twins = [
            twin
            for twin in commented_entries(self._text, self._lines)
            if identity(twin.name, twin.type, self.port_of) == wanted and change.program in (None, twin.command)
        ]
        if not twins:
            return False
        twin = min(twins, key=lambda one: (one.command in _ALTERNATIVES, one.name != change.name))
        self._write(self._text[: twin.start] + restored(self._text, twin) + self._text[twin.end :])
        return True

    def _insert(self, change: ServiceChange) -> None:
        if change.command is None:
            label, reason = f"{change.name}/{change.type}", "is not in master.cf, and no command is given for it"
            raise InputError("services", label, reason, "Give its command")
        check_name(change, self.port_of)
        position, like = self._place(change)
        lines = newline_of(self._text, position).join(entry_lines(change, like))
        self._write(insert_line(self._text, position, lines))

    def _place(self, change: ServiceChange) -> Tuple[int, Optional[Entry]]:
        """Where a new entry goes, and the entry that it is aligned like."""
        like = [known for known in self._known if known.service.type == change.type]
        twins = [known for known in like if known.service.command == change.program]
        if not twins:
            for commented in reversed(commented_entries(self._text, self._lines)):
                if (commented.type, commented.command) == (change.type, change.program):
                    return commented.end, like[-1].entry if like else None
        for known in (twins or like)[-1:]:
            return lookalike_end(self._text, known.entry.line.end, known.service.command), known.entry
        return len(self._text), None


def _without(text: str, found: Sequence[Known]) -> str:
    """The file without some entries, given in its order, and without the commented-out options in and behind them."""
    for known in reversed(found):
        line = known.entry.line
        text = text[: line.end] + text[lookalike_end(text, line.end, known.service.command) :]
        text = remove_line(text, line, lambda comment: not _OPTION_COMMENT.match(comment))
    return text
