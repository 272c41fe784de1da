# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""master.cf, read as the master reads it.

Entries are one service when they have one identity (:func:`identity`): of several the last one counts. What Postfix
would refuse is left alone and reported by :meth:`MasterReader.problems`.
"""

from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from .._base.errors import InputError
from .endpoint import PortLookup, identity, known_port
from .lines import LogicalLine, Problem, logical_lines
from .master_entry import Entry, Service, service_key


class Known(NamedTuple):
    """An entry of the file with its service, the service's identity and what it shares with its duplicates."""

    entry: Entry
    service: Service
    identity: str
    key: str


class MasterReader:
    """A master.cf file.

    :param text: the file, decoded by :func:`decode_config`
    :param lookup: knows the ports of service names; the default knows those that Postfix knows by itself
    """

    def __init__(self, text: str, lookup: PortLookup = known_port) -> None:
        self.port_of = lookup
        self._text = ""
        self._lines: List[LogicalLine] = []
        self._cache: Optional[List[Known]] = None
        self._index: Dict[str, List[Known]] = {}
        self._write(text)

    @property
    def text(self) -> str:
        """The file: what was read, with the edits."""
        return self._text

    def _write(self, text: str) -> None:
        if text != self._text:  # most services of most runs are as they should be: nothing to read again
            self._text = text
            self._cache = None

    @property
    def _known(self) -> List[Known]:
        if self._cache is None:
            self._cache = []
            self._index = {}
            self._lines = logical_lines(self._text)
            for line in self._lines:
                entry = Entry(line)
                service = entry.service
                if service:
                    name = identity(service.name, service.type, self.port_of)
                    known = Known(entry, service, name, service_key(service, self.port_of))
                    self._cache.append(known)
                    self._index.setdefault(name, []).append(known)
        return self._cache

    def services(self) -> List[Service]:
        """Every entry in the order of the file, duplicates included."""
        return [known.service for known in self._known]

    def effective(self) -> List[Service]:
        """The entries that count, in the order of the file: of several with one identity the last."""
        last = {known.key: known for known in self._known}
        return [known.service for known in self._known if last[known.key] is known]

    def find(self, name: str, type: str = "inet") -> Optional[Service]:
        """The entry that counts for a service, by identity."""
        found = self._found(name, type)
        return found[-1].service if found else None

    def unlisted(self, listed: Iterable[Tuple[str, str]], type: str = "inet") -> List[Service]:
        """The services of a type that are none of those given by name and type."""
        given = {identity(name, kind, self.port_of) for name, kind in listed}
        others = {known.service for known in self._known if known.identity not in given}
        return [service for service in self.effective() if service.type == type and service in others]

    def duplicates(self) -> List[Tuple[Service, Service]]:
        """Pairs of entries with one identity: one that does not count and the one that does instead."""
        last = {known.key: known for known in self._known}
        pairs = [(known, last[known.key]) for known in self._known]
        return [(one.service, counting.service) for one, counting in pairs if one is not counting]

    def problems(self) -> List[Problem]:
        """What Postfix would complain about, in the order of the file."""
        found: List[Problem] = []
        for line in logical_lines(self._text):
            entry = Entry(line)
            entry.check(self.port_of)
            found.extend(entry.problems)
        for service, effective in self.duplicates():
            message = f'duplicate master.cf entry for service "{service.name}": line {effective.line} counts'
            found.append(Problem(service.line, "warning", message))
        return sorted(found)

    def fatal(self) -> Optional[InputError]:
        """Why Postfix does not start by the text of the file, whatever its entries are about; None where it does."""
        for problem in self.problems():
            broken = problem.message.startswith(("bad field count", "missing '}'", "syntax error after '}'"))
            if problem.severity == "error" and broken:
                line = self._text.split("\n")[problem.line - 1]
                return InputError("services", line, f"{problem.message} (line {problem.line})", "Correct master.cf")
        return None

    def _found(self, name: str, type: str) -> List[Known]:
        wanted = identity(name, type, self.port_of)
        return self._index.get(wanted, []) if self._known else []
