# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the running master is behind its files, and what brings it in line.

The sockets of the master are the truth. What it has read is told by the record of this very master
(:mod:`_change.record`), as long as nobody else has reloaded it since. Where there is no record, the version before a
pending commit tells, if the sockets are those that it promised; else only the sockets and the start times of the
master's children do, and what else is seen of the master.
"""

from __future__ import annotations

import os
import time
from typing import List, Optional, Sequence

from .._base.address import normal_form
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import Action
from .._host.instance import Instance
from .._host.master_process import COMM, Master
from .._host.names import system_port
from .._host.store import State
from .._rules.configuration import Configuration
from .._rules.host import Host
from .._rules.listeners import Listener
from .._rules.outlook import Outlook
from .._rules.own_addresses import Resolver
from .._rules.reload_or_restart import (
    Reason,
    by_sockets,
    other_parameters,
    reason,
    reload_or_restart,
    sockets_of,
    strongest,
)
from .record import Record, readers_of
from .transaction import ConfigFiles, Pending


class Assessment(NamedTuple):
    """What was found out about an instance."""

    files: ConfigFiles
    master: Optional[Master]
    #: what Postfix will make of the files
    after: Outlook
    #: what brings the master in line; "restart" is a stop and a start
    action: Action
    reasons: List[Reason]
    record: Optional[Record] = None
    #: what the master runs by, or if there is none, what the version before says; None if that is not known
    before: Optional[Outlook] = None

    @property
    def promised(self) -> Optional[Sequence[Listener]]:
        """The sockets that the files promise; None where Postfix could not run by them."""
        return self.after.promised

    @property
    def error(self) -> Optional[InputError]:
        """Why Postfix could not run by the files."""
        return self.after.error

    @property
    def in_sync(self) -> bool:
        return self.action == "none" and self.error is None


def outlook_of(files: ConfigFiles, instance: Instance, host: Host, resolve: Resolver) -> Outlook:
    """Return what an instance will make of its files on this host."""
    configuration = Configuration.from_texts(files.main, files.master, instance.version, host.hostname, system_port)
    return Outlook(configuration, host, resolve, unfamiliar=instance.unfamiliar)


def assess(
    instance: Instance,
    files: ConfigFiles,
    master: Optional[Master],
    host: Host,
    resolve: Resolver,
    state: State,
    pending: Optional[Pending] = None,
    after: Optional[Outlook] = None,
) -> Assessment:
    """Compare the files with the running master. Writes nothing.

    :param files: what the files are, or will be once an interrupted commit is completed
    :param master: what :func:`find_master` found
    :param state: where the record is kept
    :param pending: the commit that waits to be confirmed, if there is one
    :param after: what Postfix will make of the files, where that is known already
    """
    after = after or outlook_of(files, instance, host, resolve)
    reasons: List[Reason] = []
    record = Record.load(state, master) if master else None
    before: Optional[Outlook] = None
    if master is None:
        reasons = [reason("master", "stopped")]
        before = outlook_of(pending.original, instance, host, resolve) if pending else None
    elif not after.runs:
        pass  # there is nothing to bring it in line with
    elif _are_others(master.queue_directory, instance.queue_directory):
        reasons = [reason("queue_directory", "at_start", master.queue_directory, instance.queue_directory)]
    else:
        read = has_read(files, master, record)
        if record and record.texts == files.texts and sockets_of(after.listeners) == master.sockets:
            before = after
            reasons = [] if read else [reason("main.cf and master.cf", "unread")]
        else:
            before = _before(record, pending, master, instance, host, resolve)
            if before:
                reasons = reload_or_restart(before, after) + other_parameters(before, after)
                if read:
                    reasons = [each for each in reasons if each.action != "reload"]
            else:
                reasons = by_sockets(after, master.sockets, read) + _not_imported(after, master)
            reasons = _as_seen(reasons, master, instance)
    if master and after.runs and strongest(reasons) != "restart" and dead(after, master):
        reasons.append(reason("qmgr", "died"))
    return Assessment(files, master, after, strongest(reasons), reasons, record, before)


def remember(assessment: Assessment, master: Master, started: bool, state: State) -> None:
    """Record that a master has read the files that were assessed; nothing is written if that is recorded already.

    :param started: whether it was started by these files, and not only told to read them again
    """
    earlier = assessment.record
    after = assessment.after
    cached = after.cached if started else earlier.own if earlier else None
    if cached is not None and not cached:  # a reload has let it work them out
        cached = frozenset(map(normal_form, after.own_addresses))
    promised = list(assessment.promised or ())
    files = assessment.files
    readers = earlier.readers if earlier and not earlier.is_read_again(master) else readers_of(master)
    new = Record(master.identity, files.main, files.master, promised, after.families, cached, readers)
    if new != earlier:
        new.save(state)


def dead(after: Outlook, master: Master, until: Optional[float] = None) -> Optional[str]:
    """Return the program of the queue manager (qmgr(8)), which never ends by itself, if no process of it lives.

    :param until: when to look, by time.monotonic(); by default whether it is there now, or within a second, because a
        reload replaces it
    """
    service = next((each for each in after.services if each.name == "qmgr" and each.type in ("unix", "fifo")), None)
    if service is None:
        return None
    program = os.path.basename(service.command)
    end = time.monotonic() + 1 if until is None else until
    while True:
        alive = program[:COMM] in [child.name for child in master.children()]
        if (alive and until is None) or time.monotonic() >= end:
            return None if alive else program
        time.sleep(0.05)


def _before(
    record: Optional[Record],
    pending: Optional[Pending],
    master: Master,
    instance: Instance,
    host: Host,
    resolve: Resolver,
) -> Optional[Outlook]:
    """Return what the master runs by; None if it is not known."""
    if record:
        files = ConfigFiles(instance.config_directory, record.main, record.master)
        return outlook_of(files, instance, host, resolve).with_seen(record.listeners, record.families, record.own)
    if pending:
        before = outlook_of(pending.original, instance, host, resolve)
        if before.runs and sockets_of(before.listeners) == master.sockets:
            return before.with_seen(before.listeners, before.families, None)
    return None


def has_read(files: ConfigFiles, master: Master, record: Optional[Record] = None) -> bool:
    """Return whether the master has read these files; in doubt it has not.

    The record tells as long as nobody has reloaded the master since. Else the times do, unless the clock was set.
    """
    if record and not record.is_read_again(master):
        return record.texts == files.texts
    changed = max(*files.mtimes, *files.ctimes) / 1e9
    return changed < master.last_read() and not master.clock_was_set()


def _are_others(one: str, other: str) -> bool:
    return os.path.realpath(one) != os.path.realpath(other)


def _as_seen(reasons: List[Reason], master: Master, instance: Instance) -> List[Reason]:
    """Return the reasons, where the directories of the master tell more than the texts that it has read."""
    has = {"queue_directory": master.queue_directory, "data_directory": master.data_directory()}
    reasons = [each for each in reasons if not has.get(each.parameter)]
    if has["data_directory"] and _are_others(has["data_directory"], instance.data_directory):
        reasons.append(reason("data_directory", "at_start", has["data_directory"], instance.data_directory))
    return reasons


def _not_imported(after: Outlook, master: Master) -> List[Reason]:
    """Return what the environment of the master's children lacks, whatever was reloaded since."""
    environment = master.environment()
    if environment is None or not after.settings.is_set("import_environment"):
        return []
    from .._rules.environment import has_imported  # few files set it

    imported = has_imported(after.settings.get("import_environment"), environment)
    return [] if imported else [reason("import_environment", "environment")]
