# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""How far the running master is behind its files, and what brings it in line.

The sockets of the master are the truth. What it has read is not visible from outside, so after each start or reload
that was verified the files of that moment are remembered together with the identity of the master (:class:`Record`).
Where there is no record, the version before a pending commit tells, if the sockets are those that it promised; else
only the sockets and the start times of the master's children do.
"""

from __future__ import annotations

import os
import time
from typing import FrozenSet, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from .._base.address import normal_form, parse_address
from .._base.errors import InputError
from .._files.endpoint import system_port
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._host.instance import Instance
from .._host.master_process import COMM, Master, Socket
from .._host.store import State
from .._rules.host import Host
from .._rules.listeners import SHARED_PORTS_SINCE, Listener, overlap, port_lookup
from .._rules.own_addresses import Resolver, own_addresses
from .._rules.parameters import PARAMETERS
from .._rules.reload_or_restart import Reason, Snapshot, by_identity, identity_of, reasons, snapshot, strongest
from .._rules.settings import Settings
from .transaction import ConfigFiles, Pending

_RECORD = "running.json"
_FORMAT = 1
_AT_START = {
    "queue_directory": "the master enters and locks this directory only when it starts",
    "data_directory": "the master locks this directory only when it starts",
}

# What only postmulti(1) reads.
_NOT_READ = {f"multi_instance_{name}" for name in ("directories", "enable", "group", "wrapper")}


class Record(NamedTuple):
    """What a master has read, known because it was verified.

    ``main`` and ``master`` are the texts that it read last; ``listeners`` and ``families`` what they came to then;
    ``own`` is what it has cached of inet_interfaces since it started: sorted addresses, None where that is not known.
    """

    identity: str
    main: str
    master: str
    listeners: Sequence[Listener]
    families: FrozenSet[str]
    own: Optional[Sequence[str]]

    @classmethod
    def load(cls, state: State, master: Master) -> Optional[Record]:
        """The record of this very master, if there is one and its sockets are still as they were then."""
        data = state.load(_RECORD)
        if not data or data.get("format") != _FORMAT or data.get("identity") != master.identity:
            return None
        try:
            found = [Listener(*listener) for listener in data["listeners"]]
            record = cls(
                data["identity"], data["main"], data["master"], found, frozenset(data["families"]), data["own"]
            )
        except (KeyError, TypeError):
            return None
        return record if sockets_of(found) == master.sockets else None

    def save(self, state: State) -> None:
        state.save(_RECORD, {"format": _FORMAT, **self._asdict(), "families": sorted(self.families)})


class Assessment(NamedTuple):
    """What was found out about an instance.

    ``action`` is what brings the master in line: none, reload, restart (a stop and a start) or start.
    ``own`` are the own addresses by the files, or ``all``.
    """

    files: ConfigFiles
    master: Optional[Master]
    after: Snapshot
    own: Sequence[str]
    action: str
    reasons: List[Reason]
    record: Optional[Record] = None

    @property
    def promised(self) -> Optional[Sequence[Listener]]:
        """The sockets that the files promise; None where Postfix could not run by them."""
        return self.after.listeners

    @property
    def error(self) -> Optional[InputError]:
        """Why Postfix could not run by the files."""
        return self.after.error

    @property
    def in_sync(self) -> bool:
        return self.action == "none" and self.error is None


def assess(
    instance: Instance,
    files: ConfigFiles,
    master: Optional[Master],
    host: Host,
    resolve: Resolver,
    state: State,
    pending: Optional[Pending] = None,
) -> Assessment:
    """Compare the files with the running master. Writes nothing.

    :param files: what the files are, or will be once an interrupted commit is completed
    :param master: what :func:`find_master` found
    :param state: where the record is kept
    :param pending: the commit that waits to be confirmed, if there is one
    """
    after = snapshot_of(files, instance, host, resolve)
    own: Sequence[str] = ()
    if after.listeners is not None and after.settings.get("inet_interfaces") == "all":
        own = ("all",)
    elif after.listeners is not None:
        own = [normal_form(address) for address in own_addresses(after.settings, host, resolve)]
    found: List[Reason] = []
    record = Record.load(state, master) if master else None
    if master is None:
        found = [Reason("master", None, None, "start", f"no master runs by {instance.config_directory}")]
    elif after.listeners is None:
        pass  # there is nothing to bring it in line with
    elif os.path.realpath(master.queue_directory) != os.path.realpath(instance.queue_directory):
        values = (master.queue_directory, instance.queue_directory)
        found = [Reason("queue_directory", *values, "restart", _AT_START["queue_directory"])]
    elif record and (record.main, record.master) == files.texts and sockets_of(after.listeners) == master.sockets:
        pass
    else:
        before, cached = _before(record, pending, master, instance, host, resolve)
        found = _compared(before, after, files, master) if before else _by_sockets(after, files, master)
        if before and "restart" not in [reason.action for reason in found]:
            found += _out_of_reach(before, after, master, cached == own)
    if master and after.listeners is not None and "restart" not in [reason.action for reason in found]:
        program = dead(after, master)
        if program:
            why = f"{program} has died, and the master does not start it again before throttle_time is over"
            found.append(Reason("qmgr", None, None, "restart", why))
    return Assessment(files, master, after, own, _action(found), found, record)


def remember(assessment: Assessment, master: Master, started: bool, state: State) -> None:
    """Record that a master has read the files that were assessed; nothing is written if that is recorded already.

    :param started: whether it was started by these files, and not only told to read them again
    """
    earlier = assessment.record
    cached = assessment.own if started else earlier.own if earlier else None
    promised = list(assessment.promised or ())
    files = assessment.files
    new = Record(master.identity, files.main, files.master, promised, assessment.after.families, cached)
    if new != earlier:
        new.save(state)


def dead(after: Snapshot, master: Master, until: Optional[float] = None) -> Optional[str]:
    """The program of the queue manager (qmgr(8)), which never ends by itself, if no process of it lives.

    :param until: when to look, by time.monotonic(); by default whether it is there now, or within a second, because a
        reload replaces it
    """
    service = next((one for one in after.services if one.name == "qmgr" and one.type in ("unix", "fifo")), None)
    if service is None:
        return None
    program = os.path.basename(service.command)
    end = time.monotonic() + 1 if until is None else until
    while True:
        alive = program[:COMM] in [child.name for child in master.children()]
        if (alive and until is None) or time.monotonic() >= end:
            return None if alive else program
        time.sleep(0.05)


def sockets_of(found: Sequence[Listener]) -> FrozenSet[Socket]:
    """The address and port of each listener."""
    return frozenset((listener.address, listener.port) for listener in found)


def shown(sockets: FrozenSet[Socket]) -> str:
    """Sockets as a person writes them, in a stable order."""
    return ", ".join(
        f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address, port in sorted(sockets)
    )


def _action(found: Sequence[Reason]) -> str:
    actions = [reason.action for reason in found]
    return "start" if "start" in actions else strongest(actions)


def snapshot_of(files: ConfigFiles, instance: Instance, host: Host, resolve: Resolver) -> Snapshot:
    main = MainCf(files.main)
    settings = Settings(main.values(), instance.version, host.hostname)
    lookup = port_lookup(settings, system_port)
    master = MasterCf(files.master, lookup)
    fatal = main.fatal() or master.fatal()
    return snapshot(settings, master.services(), host, resolve, lookup, fatal=fatal)


def _before(
    record: Optional[Record],
    pending: Optional[Pending],
    master: Master,
    instance: Instance,
    host: Host,
    resolve: Resolver,
) -> Tuple[Optional[Snapshot], Optional[Sequence[str]]]:
    """What the master runs by, and what it has cached of inet_interfaces; each None if it is not known."""
    if record:
        files = ConfigFiles(instance.config_directory, record.main, record.master)
        before = snapshot_of(files, instance, host, resolve)
        return before._replace(listeners=record.listeners, families=record.families, error=None), record.own
    if pending:
        before = snapshot_of(pending.original, instance, host, resolve)
        if before.listeners is not None and sockets_of(before.listeners) == master.sockets:
            return before, None
    return None, None


def _compared(before: Snapshot, after: Snapshot, files: ConfigFiles, master: Master) -> List[Reason]:
    """The differences between what the master runs by and the files; without those that a reload has taken up since."""
    found = reasons(before, after)
    names = sorted((before.settings.names() | after.settings.names()) - set(PARAMETERS) - _NOT_READ)
    for name in names:
        was, becomes = (" ".join(snapshot.settings.raw(name).split()) for snapshot in (before, after))
        if was != becomes or before.settings.is_set(name) != after.settings.is_set(name):
            action, why = "reload", "running processes keep the previous value until a reload"
            if name in _AT_START:
                action, why = "restart", _AT_START[name]
            # The values are not shown: unlike those of this family, they can be secrets.
            found.append(Reason(name, None, None, action, why))
    if _changed(files) < master.last_read():
        found = [reason for reason in found if reason.action != "reload"]
    return found


def _out_of_reach(before: Snapshot, after: Snapshot, master: Master, same_own: bool) -> List[Reason]:
    """What a reload would not open or close although the files promise it: it only knows new and vanished services."""
    old, new = by_identity(before), by_identity(after)
    kept = _union(old[key] for key in old.keys() & new.keys())
    closed = _union(old[key] for key in old.keys() - new.keys()) - kept
    opened = _union(new[key] for key in new.keys() - old.keys())
    promised = sockets_of(after.listeners or ())
    if (master.sockets - closed) | opened != promised:
        why = "a reload leaves the sockets of existing services as they are"
        return [Reason("listeners", shown(master.sockets), shown(promised), "restart", why)]
    bare = {key: key in old for key in new if key in _bare(after)}
    if bare and not all(bare.values()) and not any(bare.values()) and not same_own:
        why = "a new service would get the addresses that inet_interfaces had when the master started"
        return [Reason("inet_interfaces", None, None, "restart", why)]
    return []


def _by_sockets(after: Snapshot, files: ConfigFiles, master: Master) -> List[Reason]:
    """What is needed as far as the sockets tell, where it is not known what the master has read; in doubt, restart."""
    promised, have = sockets_of(after.listeners or ()), master.sockets
    if promised == have:
        if _changed(files) < master.last_read():
            return []
        why = "a file was changed after Postfix last read it"
        return [Reason("main.cf and master.cf", None, None, "reload", why)]
    action, why = "reload", "a reload opens the sockets of new services and closes those of vanished ones"
    if not _reload_suffices(after, have):
        action, why = "restart", "a reload leaves the sockets of existing services as they are"
    return [Reason("listeners", shown(have), shown(promised), action, why)]


def _reload_suffices(after: Snapshot, have: FrozenSet[Socket]) -> bool:
    """Whether all that differs are services with a numeric host part, each of which is there or not."""
    extra = have - sockets_of(after.listeners or ())
    fixed = {key for key in by_identity(after) if key.startswith("[") and parse_address(key[1 : key.index("]")])}
    for listener in after.listeners or ():
        socket = (listener.address, listener.port)
        if identity_of(listener, after) not in fixed:
            if socket not in have or any(port == listener.port for _address, port in extra):
                return False
        elif socket not in have and after.settings.version < SHARED_PORTS_SINCE:
            held = [listener._replace(address=address, port=port) for address, port in have]
            if any(overlap(listener, other) for other in held if (":" in other.address) == (":" in listener.address)):
                return False
    return all(("ipv6" if ":" in address else "ipv4") in after.families for address, _port in extra)


def _bare(snapshot: Snapshot) -> FrozenSet[str]:
    """The identities of the services without a host part."""
    return frozenset(identity_of(one, snapshot) for one in snapshot.listeners or () if one.origin == "inet_interfaces")


def _union(sets: Iterable[FrozenSet[Socket]]) -> FrozenSet[Socket]:
    return frozenset().union(*sets)


def _changed(files: ConfigFiles) -> float:
    """When the files were changed last, in whatever way, in seconds since the epoch."""
    return max(*files.mtimes, *files.ctimes) / 1e9
