# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""master.cf, edited without touching anything else; :mod:`_files.master_cf` reads it."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Set, Tuple

from .._base.errors import InputError
from .commented_out import (
    CommentedOutEntry,
    belonging_end,
    commented_entries,
    commented_out,
    lookalike_end,
    marked,
    option_comment,
    protected,
    restored,
)
from .endpoint import PortLookup, identity, known_port
from .lines import LogicalLine, insert_line, logical_lines, newline_of, remove_line
from .marked_blocks import marked_blocks, outside
from .master_cf import MasterCf, ServiceEntry
from .master_entry import Entry
from .master_entry_edit import EntryEditor, entry_lines
from .neighbours import Neighbours
from .service_change import ServiceChange, check_change, check_name

# Programs of commented-out entries in stock files beside that of the usual program: used only on request.
_ALTERNATIVES = ("postscreen", "oqmgr")


class MasterCfEditor(MasterCf):
    """A master.cf file that can be edited.

    :param chroot: what a new service gets whose program runs nowhere else in the file
    """

    def __init__(self, text: str, port_of: PortLookup = known_port, chroot: str = "n") -> None:
        super().__init__(text, port_of)
        self._default_chroot = chroot

    def _read(self, text: str) -> None:
        super()._read(text)
        self._blocks: Optional[List[Tuple[int, int]]] = None
        self._commented: Optional[Dict[str, List[CommentedOutEntry]]] = None

    @property
    def blocks(self) -> List[Tuple[int, int]]:
        """The blocks of other tools."""
        if self._blocks is None:
            self._blocks = marked_blocks(self.text)
        return self._blocks

    def put_all(self, changes: Sequence[ServiceChange]) -> None:
        """Change several services, one after the other; many that are there, or new ones, take little more than one."""
        index = 0
        while index < len(changes):
            together = self._change_together(changes[index:])
            if together:
                index += together
                continue
            self.put(changes[index])
            index += 1
            if index < len(changes) and self._is_new(changes[index]):
                alike = self._new_and_alike(changes[index - 1], changes[index:])
                self._insert_behind(changes[index - 1], alike)
                index += len(alike)

    def _change_together(self, changes: Sequence[ServiceChange]) -> int:
        """Do what :meth:`put` would for the first changes, if each has one entry of its own; return for how many."""
        edits: List[Tuple[int, int, str]] = []
        known: Set[int] = set()
        for change in changes:
            entries = self._entries_of(change.name, change.type)
            if change.state != "present" or len(entries) != 1 or entries[0].entry.line.start in known:
                break
            check_change(change)
            known.add(entries[0].entry.line.start)
            edits.append(self._changed(entries[0], change))
        edits.sort()
        if len(edits) < 2 or any(first[1] > second[0] for first, second in zip(edits, edits[1:])):
            return 0
        parts, place = [], 0
        for start, end, lines in edits:
            parts += [self.text[place:start], lines]
            place = end
        self._write("".join([*parts, self.text[place:]]))
        return len(edits)

    def _is_new(self, change: ServiceChange) -> bool:
        """Return whether there is no entry for a service, and none that is commented out."""
        return (
            change.state == "present"
            and not self._entries_of(change.name, change.type)
            and not self._twins(self.text, change.name, change.type)
        )

    def _new_and_alike(self, first: ServiceChange, others: Sequence[ServiceChange]) -> List[ServiceChange]:
        """Return the changes that directly follow one, and whose entries go directly behind its entry."""
        found: List[ServiceChange] = []
        known = {identity(first.name, first.type, self.port_of)}
        for change in others:
            check_change(change)
            name = identity(change.name, change.type, self.port_of)
            alike = change.type == first.type and change.type != "inet" and change.program == first.program
            if not (alike and change.command) or name in known or not self._is_new(change):
                break
            known.add(name)
            found.append(change)
        return found

    def _insert_behind(self, first: ServiceChange, changes: Sequence[ServiceChange]) -> None:
        """Add entries as :meth:`put` would one after the other, if the entry of a change before is where they go."""
        entries = self._entries_of(first.name, first.type)
        if not changes or len(entries) != 1:
            return self._put_each(changes)
        line, like = entries[0].entry.line, entries[0].entry
        neighbours = Neighbours(self, changes[0])
        if neighbours.place != (line.end, like) or not self.text[: line.end].endswith("\n"):
            return self._put_each(changes)
        chroot = neighbours.chroot(like, self._default_chroot)
        newline, text = newline_of(self.text, line.end), ""
        for change in changes:
            check_name(change, self.port_of)
            lines = newline.join(entry_lines(change, like, chroot)) + newline
            text += lines
            like, chroot = Entry(logical_lines(lines)[0]), change.fields.get("chroot", chroot)
        self._write(self.text[: line.end] + text + self.text[line.end :])
        return None

    def _put_each(self, changes: Sequence[ServiceChange]) -> None:
        for change in changes:
            self.put(change)

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
        start, end, lines = self._changed(last, change)
        text = self.text[:start] + lines + self.text[end:]
        self._write(_without(text, [entry for entry in earlier if entry.key == last.key]))

    def _changed(self, entry: ServiceEntry, change: ServiceChange) -> Tuple[int, int, str]:
        """Return the lines of an entry after a change: where those that they replace begin and end, and their text."""
        text, line = self.text, entry.entry.line
        end = line.end
        if len(line.pieces) > 1:  # a block of another tool can begin in it and end behind it
            end = outside([block for block in self.blocks if block[0] > line.start], end)
        return line.start, end, EntryEditor(text[line.start : end], newline_of(text, line.end)).changed(change)

    def remove(self, name: str, type: str = "inet") -> None:
        """Remove a service with the commented-out options in and behind its entry; its other comments stay."""
        self._write(_without(self.text, self._entries_of(name, type)))

    def disable(self, name: str, type: str = "inet") -> None:
        """Comment out a service so that the state present can undo it exactly; remove entries that did not count."""
        entries = self._entries_of(name, type)
        self._write(_without(self.text, [entry for entry in entries if self._last[entry.key] is not entry]))
        counting = self._entries_of(name, type)  # two, where one is public and one private
        if len(counting) == 1 and self._disable_plainly(counting[0]):
            return
        mark = 1 + max((twin.mark for twin in self._twins(self.text, name, type)), default=0)
        text = self.text
        for entry in reversed(counting):
            line = entry.entry.line
            body = marked(text[line.start : line.end], newline_of(text, line.end), mark)
            text = text[: line.start] + body + text[line.end :]
        self._write(text)

    def _disable_plainly(self, entry: ServiceEntry) -> bool:
        """Comment out an entry without a mark, if it is what comes back then, and as it was."""
        text, line, service = self.text, entry.entry.line, entry.service
        body, behind = text[line.start : line.end], text[line.end :]
        new = text[: line.start] + commented_out(body, service.command) + protected(behind, service.command)
        twins = self._twins(new, service.name, service.type)
        for name in {service.name, *(twin.name for twin in twins)}:
            for program in (None, service.command):
                twin = _likeliest(new, twins, name, program)
                if not twin or twin.start != line.start or restored(new, twin) != text:
                    return False
        self._write(new)
        return True

    def _twins(self, text: str, name: str, type: str) -> List[CommentedOutEntry]:
        """Return the commented-out entries for a service in a text of the file."""
        wanted = identity(name, type, self.port_of)
        if text is not self.text:
            return self._commented_in(text, logical_lines(text)).get(wanted, [])
        if self._commented is None:
            self._commented = self._commented_in(text, self.lines)
        return self._commented.get(wanted, [])

    def _commented_in(self, text: str, lines: Sequence[LogicalLine]) -> Dict[str, List[CommentedOutEntry]]:
        """Return the commented-out entries of a text of the file, by the identity of their services."""
        found: Dict[str, List[CommentedOutEntry]] = {}
        for entry in commented_entries(text, lines):
            found.setdefault(identity(entry.name, entry.type, self.port_of), []).append(entry)
        return found

    def _restore(self, change: ServiceChange) -> bool:
        """Uncomment an entry of the service that runs the same program; return whether there is one."""
        twins = self._twins(self.text, change.name, change.type)
        likeliest = _likeliest(self.text, twins, change.name, change.program)
        text = self.text
        for twin in reversed(twins):
            if twin is likeliest or likeliest and twin.mark == likeliest.mark > 0:  # disabled together
                text = restored(text, twin)
        self._write(text)
        return likeliest is not None

    def _insert(self, change: ServiceChange) -> None:
        if change.command is None:
            label, reason = f"{change.name}/{change.type}", "is not in master.cf, and no command is given for it"
            raise InputError("services", label, reason, "Give its command")
        check_name(change, self.port_of)
        neighbours = Neighbours(self, change)
        position, like = neighbours.place
        lines = newline_of(self.text, position).join(
            entry_lines(change, like, neighbours.chroot(like, self._default_chroot))
        )
        self._write(insert_line(self.text, position, lines))


def _likeliest(
    text: str, twins: Sequence[CommentedOutEntry], name: str, program: Optional[str]
) -> Optional[CommentedOutEntry]:
    """Return the commented-out entry that comes back for a service of this name that runs this program, or any.

    In a block of another tool, which would comment it out again, it is one that has a mark, or the last resort.
    """
    blocks = marked_blocks(text) if twins else []
    foreign = [twin for twin in twins if not twin.mark and outside(blocks, twin.end) != twin.end]
    candidates = [twin for twin in twins if program in (None, twin.command) and (twin not in foreign or not program)]

    def key(twin: CommentedOutEntry) -> Tuple[object, ...]:
        return -twin.mark, twin in foreign, twin.command in _ALTERNATIVES, twin.name != name

    return min(candidates, key=key, default=None)


def _without(text: str, entries: Sequence[ServiceEntry]) -> str:
    """Return the file without entries, given in its order, and the commented-out options in and behind them."""
    for entry in reversed(entries):
        line, program = entry.entry.line, entry.service.command
        end = belonging_end(text, line.end, program)
        behind = re.findall(r".*\n|.+\Z", text[lookalike_end(text, line.end, program) : end])
        kept = "".join(comment for comment in behind if not option_comment(comment))
        text = text[: line.end] + kept + text[end:]
        text = remove_line(text, line, lambda comment: not option_comment(comment))
    return text
