# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""master.cf, edited without touching anything else; :mod:`_files.master_cf` reads it."""

from __future__ import annotations

import re
from typing import Optional, Sequence, Tuple

from .._base.errors import InputError
from .commented_out import commented_entries, commented_out, lookalike_end, protected, restored
from .endpoint import identity
from .lines import WHITE, inner_comments, insert_line, logical_lines, newline_of, remove_line
from .master_cf import MasterCf, ServiceEntry
from .master_entry import Entry
from .master_entry_edit import EntryEditor, entry_lines
from .service_change import ServiceChange, check_change, check_name

# Programs of commented-out entries in stock files beside that of the usual program: used only on request.
_ALTERNATIVES = ("postscreen", "oqmgr")
_OPTION_COMMENT = r"#[ \t]+-o"


class MasterCfEditor(MasterCf):
    """A master.cf file that can be edited."""

    def put(self, change: ServiceChange) -> None:
        """Change one service, in exactly one entry.

        A commented-out entry for the service is uncommented, then changed. A new entry goes beside those for the same
        program and is aligned like them.

        :raises InputError: when a part of it could not be read back as it is, or a new entry has no command
        """
        check_change(change)
        before = self.text
        try:
            if change.state == "absent":
                self.remove(change.name, change.type)
            elif change.state == "disabled":
                self.disable(change.name, change.type)
            elif self._entries_of(change.name, change.type) or self._restore(change):
                self._change(change)
            else:
                self._insert(change)
        except InputError:
            self._write(before)
            raise

    def _change(self, change: ServiceChange) -> None:
        *earlier, last = self._entries_of(change.name, change.type)
        text, line = self.text, last.entry.line
        new = EntryEditor(text[line.start : line.end], newline_of(text, line.end)).changed(change)
        text = text[: line.start] + new + text[line.end :]
        self._write(_without(text, [entry for entry in earlier if entry.key == last.key]))

    def remove(self, name: str, type: str = "inet") -> None:
        """Remove a service with the commented-out options in and behind its entry; its other comments stay."""
        self._write(_without(self.text, self._entries_of(name, type)))

    def disable(self, name: str, type: str = "inet") -> None:
        """Comment out a service so that the state present can undo it exactly; remove entries that did not count."""
        self._write(_without(self.text, self._entries_of(name, type)[:-1]))
        for last in self._entries_of(name, type):
            text, line, program = self.text, last.entry.line, last.service.command
            body, behind = text[line.start : line.end], text[line.end :]
            new = text[: line.start] + commented_out(body, program) + protected(behind, program)
            entries = commented_entries(new, logical_lines(new))
            if not any(entry.start == line.start and restored(new, entry) == text for entry in entries):
                # One of its lines would look like prose behind a "#"; the whole entry on one line does not.
                body = line.text.strip(WHITE) + newline_of(text, line.end)
                behind = "".join(inner_comments(text, line)) + behind
                new = text[: line.start] + commented_out(body, program) + protected(behind, program)
            self._write(new)

    def _restore(self, change: ServiceChange) -> bool:
        """Uncomment an entry of the service that runs the same program; return whether there is one."""
        wanted = identity(change.name, change.type, self.port_of)
        candidates = [
            entry
            for entry in commented_entries(self.text, self._lines)
            if identity(entry.name, entry.type, self.port_of) == wanted and change.program in (None, entry.command)
        ]
        candidates.sort(key=lambda entry: (entry.command in _ALTERNATIVES, entry.name != change.name))
        for entry in candidates[:1]:
            self._write(restored(self.text, entry))
        return bool(candidates)

    def _insert(self, change: ServiceChange) -> None:
        if change.command is None:
            label, reason = f"{change.name}/{change.type}", "is not in master.cf, and no command is given for it"
            raise InputError("services", label, reason, "Give its command")
        check_name(change, self.port_of)
        position, like = self._place(change)
        lines = newline_of(self.text, position).join(entry_lines(change, like))
        self._write(insert_line(self.text, position, lines))

    def _place(self, change: ServiceChange) -> Tuple[int, Optional[Entry]]:
        """Return where a new entry goes, and the entry like which it is aligned."""
        of_type = [entry for entry in self._entries if entry.service.type == change.type]
        of_program = [entry for entry in of_type if entry.service.command == change.program]
        if not of_program:
            for commented in reversed(commented_entries(self.text, self._lines)):
                if (commented.type, commented.command) == (change.type, change.program):
                    return commented.end, of_type[-1].entry if of_type else None
        for last in (of_program or of_type)[-1:]:
            return lookalike_end(self.text, last.entry.line.end, last.service.command), last.entry
        return len(self.text), None


def _without(text: str, entries: Sequence[ServiceEntry]) -> str:
    """Return the file without entries, given in its order, and the commented-out options in and behind them."""
    for entry in reversed(entries):
        line = entry.entry.line
        text = text[: line.end] + text[lookalike_end(text, line.end, entry.service.command) :]
        text = remove_line(text, line, lambda comment: not re.match(_OPTION_COMMENT, comment))
    return text
