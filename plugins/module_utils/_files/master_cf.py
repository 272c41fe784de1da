# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""master.cf, read as the master reads it; :mod:`_files.master_cf_edit` edits it.

Of several entries for one service (:func:`service_key`) the last counts. What Postfix would refuse is left alone and
reported by :meth:`MasterCf.problems`.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, Optional, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .endpoint import PortLookup, identity, known_port
from .lines import Problem, line_problem, logical_lines
from .master_entry import Entry
from .service import Service, service_key


class ServiceEntry(NamedTuple):
    """An entry of the file with the service that it describes.

    :ivar identity: equal for all spellings of the service's name
    :ivar key: equal for the entries of which only the last counts
    """

    entry: Entry
    service: Service
    identity: str
    key: str


class MasterCf:
    """A master.cf file.

    :ivar text: the file, decoded by :func:`decode_config`, with the edits
    :ivar lines: its logical lines
    :ivar entries: those of them that are complete entries, in their order
    :ivar port_of: knows the ports of service names
    """

    def __init__(self, text: str, port_of: PortLookup = known_port) -> None:
        self.port_of = port_of
        self._parsed: List[Entry] = []
        self._read(text)

    def _read(self, text: str) -> None:
        self.text = text
        self.lines = logical_lines(text)
        same = 0  # what is before an edit stays as it is
        for entry, line in zip(self._parsed, self.lines):
            if (entry.line.number, entry.line.end, entry.line.pieces) != (line.number, line.end, line.pieces):
                break
            same += 1
        self._parsed = self._parsed[:same] + [Entry(line) for line in self.lines[same:]]
        self._fatal = next((entry.fatal for entry in self._parsed if entry.fatal), None)
        self.entries: List[ServiceEntry] = []
        for entry in self._parsed:
            service = entry.service
            if service:
                name = identity(service.name, service.type, self.port_of)
                self.entries.append(ServiceEntry(entry, service, name, service_key(service, self.port_of)))
        self._by_identity: Dict[str, List[ServiceEntry]] = {}
        for one in self.entries:
            self._by_identity.setdefault(one.identity, []).append(one)
        self._last = {entry.key: entry for entry in self.entries}
        self._counting = [entry for entry in self.entries if self._last[entry.key] is entry]

    def _write(self, text: str) -> None:
        if text != self.text:  # most services of most runs are as they should be
            self._read(text)

    def services(self) -> List[Service]:
        """Return the services of all entries in the order of the file."""
        return [entry.service for entry in self.entries]

    def effective(self) -> List[Service]:
        """Return the services of the entries that count, in the order of the file."""
        return [entry.service for entry in self._counting]

    def unlisted(self, listed: Iterable[Tuple[str, str]], type: str = "inet") -> List[Service]:
        """Return the effective services of a type that are not listed by name and type."""
        given = {identity(name, kind, self.port_of) for name, kind in listed}
        others = [entry.service for entry in self._counting if entry.identity not in given]
        return [service for service in others if service.type == type]

    def problems(self) -> List[Problem]:
        """Return what Postfix would complain about, in the order of the file."""
        problems = [problem for entry in self._parsed for problem in entry.all_problems(self.port_of)]
        for entry, service, _identity, key in self.entries:
            counting = self._last[key].service.line
            if counting != service.line:
                reason = f"is replaced by the entry in line {counting}"
                said = f'duplicate master.cf entry for service "{service.name}"'
                parts = ("services", entry.label, reason, "Keep one entry", said)
                problems.append(line_problem("warning", service.line, *parts))
        return sorted(problems)

    def fatal(self) -> Optional[InputError]:
        """Return why Postfix dies of the text of the file, if it does."""
        return self._fatal

    def _entries_of(self, name: str, type: str) -> List[ServiceEntry]:
        """Return all entries for a service, in any spelling of its name."""
        return list(self._by_identity.get(identity(name, type, self.port_of), ()))
