# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""master.cf, read as the master reads it; :mod:`_files.master_cf_edit` edits it.

Entries with one identity (:func:`identity`) are one service, of which the last entry counts. What Postfix would refuse
is left alone and reported by :meth:`MasterCf.problems`.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from .._base.errors import InputError
from .endpoint import PortLookup, identity, known_port
from .lines import LogicalLine, Problem, line_error, logical_lines
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
    """A master.cf file, to read.

    :param text: the file, decoded by :func:`decode_config`
    :param lookup: knows the ports of service names; the default knows those that Postfix knows by itself
    """

    def __init__(self, text: str, lookup: PortLookup = known_port) -> None:
        self.port_of = lookup
        self._text = text
        self._is_read = False
        self._lines: List[LogicalLine] = []
        self._all: List[Entry] = []
        self._services: List[ServiceEntry] = []
        self._index: Dict[str, List[ServiceEntry]] = {}

    @property
    def text(self) -> str:
        """Return the file: what was read, with the edits."""
        return self._text

    def _write(self, text: str) -> None:
        if text != self._text:  # most services of most runs are as they should be: nothing to read again
            self._text = text
            self._is_read = False

    @property
    def _entries(self) -> List[ServiceEntry]:
        """Return the entries that describe a service."""
        self._read()
        return self._services

    def _read(self) -> None:
        """Read the text, unless that is done already."""
        if self._is_read:
            return
        self._is_read = True
        self._lines = logical_lines(self._text)
        self._all = [Entry(line) for line in self._lines]
        self._services, self._index = [], {}
        for entry in self._all:
            service = entry.service
            if service:
                name = identity(service.name, service.type, self.port_of)
                read = ServiceEntry(entry, service, name, service_key(service, self.port_of))
                self._services.append(read)
                self._index.setdefault(name, []).append(read)

    def services(self) -> List[Service]:
        """Return the services of all entries in the order of the file, also of those that do not count."""
        return [entry.service for entry in self._entries]

    def effective(self) -> List[Service]:
        """Return the services of the entries that count, in the order of the file."""
        last = {entry.key: entry for entry in self._entries}
        return [entry.service for entry in self._entries if last[entry.key] is entry]

    def unlisted(self, listed: Iterable[Tuple[str, str]], type: str = "inet") -> List[Service]:
        """Return the services of a type that are not among those given by name and type."""
        given = {identity(name, kind, self.port_of) for name, kind in listed}
        others = {entry.service for entry in self._entries if entry.identity not in given}
        return [service for service in self.effective() if service.type == type and service in others]

    def duplicates(self) -> List[Tuple[Service, Service]]:
        """Return pairs of entries for one service: one that does not count, and the one that counts instead."""
        last = {entry.key: entry for entry in self._entries}
        return [(entry.service, last[entry.key].service) for entry in self._entries if last[entry.key] is not entry]

    def problems(self) -> List[Problem]:
        """Return what Postfix would complain about, in the order of the file."""
        problems: List[Problem] = []
        duplicates = self.duplicates()
        for line in self._lines:
            entry = Entry(line)
            entry.check(self.port_of)
            problems.extend(entry.problems)
        for service, effective in duplicates:
            reason = f"is replaced by the entry in line {effective.line}"
            said = f'duplicate master.cf entry for service "{service.name}"'
            label = f"{service.name}/{service.type}"
            error = line_error(service.line, "services", label, reason, "Keep one entry", said)
            problems.append(Problem(service.line, "warning", str(error)))
        return sorted(problems)

    def fatal(self) -> Optional[InputError]:
        """Return why Postfix dies of the text of the file, whatever its entries are about; None if it does not."""
        self._read()
        errors = (entry.fatal for entry in self._all)
        return next((error for error in errors if error is not None), None)

    def _entries_of(self, name: str, type: str) -> List[ServiceEntry]:
        """Return all entries for a service, in whatever spelling of its name."""
        wanted = identity(name, type, self.port_of)
        return self._index.get(wanted, []) if self._entries else []
