# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""master.cf, edited without touching anything else; :mod:`_files.master_cf` reads it."""

from __future__ import annotations

import re
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple

from .._base.address import parse_address
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
from .endpoint import PortLookup, identity, known_port, split_endpoint
from .lines import insert_line, logical_lines, newline_of, remove_line
from .marked_blocks import free_place, marked_blocks, outside
from .master_cf import MasterCf, ServiceEntry
from .master_entry import Entry
from .master_entry_edit import EntryEditor, entry_lines
from .service_change import ServiceChange, check_change, check_name

# Programs of commented-out entries in stock files beside that of the usual program: used only on request.
_ALTERNATIVES = ("postscreen", "oqmgr")
_NEVER_CHROOTED = ("local", "pipe", "proxymap", "spawn", "virtual")  # master(5), "Chroot"
_PUBLIC_PORTS = ("25/inet", "465/inet", "587/inet")


class MasterCfEditor(MasterCf):
    """A master.cf file that can be edited.

    :param chroot: what a new service gets whose program runs nowhere else in the file
    """

    def __init__(self, text: str, port_of: PortLookup = known_port, chroot: str = "n") -> None:
        super().__init__(text, port_of)
        self._chroot = chroot

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
        end = line.end
        if len(line.pieces) > 1:  # a block of another tool can begin in it and end behind it
            end = outside([block for block in marked_blocks(text) if block[0] > line.start], end)
        new = EntryEditor(text[line.start : end], newline_of(text, line.end)).changed(change)
        text = text[: line.start] + new + text[end:]
        self._write(_without(text, [entry for entry in earlier if entry.key == last.key]))

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
        lines = self._lines if text is self.text else logical_lines(text)
        return [
            entry
            for entry in commented_entries(text, lines)
            if identity(entry.name, entry.type, self.port_of) == wanted
        ]

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
        position, like = self._place(change)
        lines = newline_of(self.text, position).join(entry_lines(change, like, self._usual_chroot(change, like)))
        self._write(insert_line(self.text, position, lines))

    def _place(self, change: ServiceChange) -> Tuple[int, Optional[Entry]]:
        """Return where a new entry goes, and the entry like which it is aligned."""
        commented = commented_entries(self.text, self._lines)
        local = self._is_for_this_host(change.name, change.type, change.options)
        of_type = [entry for entry in self._entries if entry.service.type == change.type]
        of_program = [entry for entry in of_type if entry.service.command == change.program]
        alike = [entry for entry in of_type if self._is_local(entry) == local]
        kin = [entry for entry in of_program if entry in alike]
        if not kin:
            twins = [twin for twin in commented if (twin.type, twin.command) == (change.type, change.program)]
            for twin in reversed(twins):
                if self._is_for_this_host(twin.name, twin.type, {}) == local:
                    position = belonging_end(self.text, twin.end, twin.command)
                    return free_place(self.text, self._lines, position), of_type[-1].entry if of_type else None
        last = self._last_of_group(kin or (alike if change.type == "inet" else []) or of_program or of_type, change)
        if not last:
            return len(self.text), None
        position = belonging_end(self.text, last.entry.line.end, last.service.command)
        return free_place(self.text, self._lines, position), last.entry

    def _last_of_group(self, kin: Sequence[ServiceEntry], change: ServiceChange) -> Optional[ServiceEntry]:
        """Return the last of the kin that stand together: from the best known, or else the first, on."""
        usual = identity("smtp" if change.type == "inet" else change.program or "", change.type, self.port_of)
        first = next((entry for entry in kin if entry.identity == usual), kin[0] if kin else None)
        last = first
        for entry in self._entries[self._entries.index(first) :] if first else ():
            if entry in kin:
                last = entry
            elif change.type != "inet" or entry.service.type != "inet":
                break
        return last

    def _is_local(self, entry: ServiceEntry) -> bool:
        return self._is_for_this_host(entry.service.name, entry.service.type, entry.service.option_values)

    def _is_for_this_host(self, name: str, type: str, options: Mapping[str, str]) -> bool:
        """Return whether a service is one of those to which only this host connects, such as its content filter."""
        if type != "inet":
            return False
        try:
            host = split_endpoint(name)[0]
        except InputError:
            return False
        address = parse_address(host)
        if address:
            return address.is_loopback
        unfiltered = options.get("content_filter") == "" and identity(name, type, self.port_of) not in _PUBLIC_PORTS
        return host.lower().startswith("localhost") or unfiltered

    def _usual_chroot(self, change: ServiceChange, like: Optional[Entry]) -> str:
        """Return the field chroot of the services that run the program of a new one: of the one beside it, if it does.

        Else of one that is for the same clients, else of one of the same type, else of any, else of one that is
        commented out.
        """
        local = self._is_for_this_host(change.name, change.type, change.options)
        same = [entry for entry in self._counting if entry.service.command == change.program]
        same.sort(
            key=lambda entry: (entry.entry is like, self._is_local(entry) == local, entry.service.type == change.type)
        )
        if same:
            return same[-1].service.chroot
        twins = [twin for twin in commented_entries(self.text, self._lines) if twin.command == change.program]
        twins.sort(key=lambda twin: twin.type == change.type)
        if twins:
            return twins[-1].chroot
        return "n" if change.program in _NEVER_CHROOTED else self._chroot


def _likeliest(
    text: str, twins: Iterable[CommentedOutEntry], name: str, program: Optional[str]
) -> Optional[CommentedOutEntry]:
    """Return the commented-out entry that comes back for a service of this name that runs this program, or any."""
    candidates = [twin for twin in twins if program in (None, twin.command)]
    blocks = marked_blocks(text) if len(candidates) > 1 else []

    def key(twin: CommentedOutEntry) -> Tuple[object, ...]:
        foreign = outside(blocks, twin.end) != twin.end
        return -twin.mark, foreign, twin.command in _ALTERNATIVES, twin.name != name

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
