# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The records of hosts, in a file on the control node that goes with the run.

A variable with them would be in the memory of Ansible, of which each task of a host is a copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import Record


class KeptRecords:
    """Records in a file, to which those of further hosts are added."""

    def __init__(self, path: str) -> None:
        """Name the file, which need not be there."""
        self._path = path

    def add(self, records: Iterable[Record]) -> None:
        """Add records of further hosts."""
        with open(self._path, "a", encoding="ascii") as stream:
            for record in records:
                stream.write(json.dumps(record) + "\n")

    def __iter__(self) -> Iterator[Record]:
        """Yield all records that were added."""
        try:
            with open(self._path, encoding="ascii") as stream:
                for line in stream:
                    if line.endswith("\n"):  # the last one may be cut off where the run was interrupted
                        yield json.loads(line)
        except FileNotFoundError:
            return
