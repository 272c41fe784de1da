# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a master has read, which is not visible from outside: kept after each start or reload that was verified.

Processes tell whether it has read something else since: times do not, because somebody can set the clock.
"""

from __future__ import annotations

from typing import FrozenSet, Optional, Sequence

from .._base.records import NamedTuple
from .._base.sockets import Socket
from .._host.master_process import Master
from .._host.store import State
from .._rules.listeners import Listener
from .._rules.origin import IN_MASTER_CF, INET_INTERFACES
from .._rules.reload_or_restart import sockets_of
from .journal import Texts

_FILE = "running.json"
_FORMAT = 1


class Record(NamedTuple):
    """What a master has read, known because it was verified."""

    #: of the master
    identity: str
    #: the texts that it read last
    main: str
    master: str
    #: what they came to then
    listeners: Sequence[Listener]
    families: FrozenSet[str]
    #: what it has cached of inet_interfaces since it started (:attr:`Outlook.cached`); None where not known
    own: Optional[FrozenSet[str]]
    #: the processes that were there then, and which the next reload replaces (see :func:`readers_of`)
    readers: FrozenSet[str] = frozenset()

    @property
    def texts(self) -> Texts:
        """The texts, as those of the files."""
        return (self.main, self.master)

    def is_read_again(self, master: Master) -> bool:
        """Return whether this very master can have been reloaded since; without such processes nothing tells of it."""
        now = readers_of(master)
        return bool(now) and not self.readers & now

    @classmethod
    def load(cls, state: State, master: Master) -> Optional[Record]:
        """Return the record of this very master, if there is one and its sockets are still as they were then."""
        data = state.load(_FILE)
        if not data or data.get("format") != _FORMAT or data.get("identity") != master.identity:
            return None
        try:
            listeners = [
                Listener(
                    service,
                    kind,
                    Socket(address, port, family),
                    IN_MASTER_CF if origin == "master.cf" else INET_INTERFACES,
                )
                for service, kind, address, port, family, origin in data["listeners"]
            ]
            own = None if data["own"] is None else frozenset(data["own"])
            record = cls(
                data["identity"],
                data["main"],
                data["master"],
                listeners,
                frozenset(data["families"]),
                own,
                frozenset(data.get("readers", ())),
            )
        except (KeyError, TypeError, ValueError):
            return None
        return record if sockets_of(listeners) == master.sockets else None

    def save(self, state: State) -> None:
        """Write it down."""
        listeners = [
            (listener.service, listener.type, *listener.socket, str(listener.origin)) for listener in self.listeners
        ]
        own = None if self.own is None else sorted(self.own)
        data = {
            "format": _FORMAT,
            **self._asdict(),
            "families": sorted(self.families),
            "listeners": listeners,
            "own": own,
            "readers": sorted(self.readers),
        }
        state.save(_FILE, data)


def readers_of(master: Master) -> FrozenSet[str]:
    """Return a text for each process that a reload replaces, which no other process of this boot has had."""
    return frozenset(f"{process.name}/{process.pid}/{process.ticks}" for process in master.readers())
