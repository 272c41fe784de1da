# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files of an instance, plan, commit: no process is touched."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional, Sequence

from .._base.records import NamedTuple
from .._files.lines import encode_config
from .._host.instance import Instance
from .._host.store import LEDGER, STATE_DIRECTORY, FileChanged, TransactionError
from .._host.surroundings import Surroundings, surroundings
from .journal import Texts
from .plan import Plan, Wanted, make_plan
from .transaction import NAMES, ConfigFiles, Transactions, read_files

_NOTES = "ledger-read.json"
_FORMAT = 1


class Edited(NamedTuple):
    """What was done, or in check mode would be done."""

    plan: Plan
    #: the files before
    found: ConfigFiles
    #: the paths of those that the plan changes
    changed: List[str]
    #: what became of a change that an earlier run left half written
    recovered: Optional[str]
    #: the files before that was completed, where it has written to one
    left: Optional[ConfigFiles] = None
    #: what the files before would be without this collection, where that is known
    original: Optional[Texts] = None
    #: what the ledger says of single settings (:meth:`_change.ownership.Note.as_data`)
    ledger: Sequence[Dict[str, Any]] = ()
    #: whether that had to be found out, because no earlier run has kept it
    is_news: bool = False

    @property
    def as_left(self) -> ConfigFiles:
        """The files as this run has found them."""
        return self.left or self.found

    @property
    def written(self) -> List[str]:
        """The paths of those that are other than this run has found them."""
        versions = zip(NAMES, self.as_left.texts, self.planned.texts)
        return [os.path.join(self.found.config_directory, name) for name, old, new in versions if old != new]

    @property
    def planned(self) -> ConfigFiles:
        """The files as they are right after the edit."""
        if not self.changed:
            return self.found
        now = (time.time_ns(),) * len(NAMES)
        return self.found.with_texts((self.plan.main, self.plan.master))._replace(mtimes=now, ctimes=now)


class Edit:
    """One edit of an instance's files: planned, then committed.

    :param around: what the files are read against; by default this host, the installed Postfix, and its names
    """

    def __init__(
        self, instance: Instance, wanted: Wanted, transactions: Transactions, around: Optional[Surroundings] = None
    ) -> None:
        self.instance, self.wanted, self.transactions = instance, wanted, transactions
        self.around = (around or surroundings(instance.version, instance.unfamiliar))._replace(
            why_in_use=self._why_in_use
        )

    def plan(self, check_mode: bool) -> Edited:
        """Return what the files would become; what an interrupted run left half written is completed first.

        :param check_mode: write nothing, not even that
        :raises InputError: something wanted is wrong; nothing was written
        :raises TransactionError: the files cannot be read
        """
        pending = self.transactions.pending() if check_mode else None
        left = read_files(self.instance.config_directory)
        recovered = None if check_mode else self.transactions.recover()
        found = read_files(self.instance.config_directory) if recovered else left
        settled = pending.settled if pending else found
        edited = self.plan_for(settled, recovered, left if settled.texts != left.texts else None)
        if edited.is_news and not (check_mode or edited.changed):
            self._remember(edited.found, edited.ledger)
        return edited

    def plan_for(
        self, found: ConfigFiles, recovered: Optional[str] = None, left: Optional[ConfigFiles] = None
    ) -> Edited:
        """Return what these files would become."""
        original, notes = None, self._known_notes(found)
        is_news = notes is None
        if notes is None:
            from .ownership import settle  # where nothing has changed since the last run, its answer is known

            settled = settle(self.wanted, found, self.around, self.transactions.state)
            plan, original, notes = settled.plan, settled.original, [note.as_data() for note in settled.notes]
        else:
            plan = make_plan(self.wanted, found.main, found.master, self.around)
        if self.wanted.unknown != "ignore":
            from .unknown import unknown  # only an audit asks for it

            notes = [*notes, *unknown(plan, found, self.transactions.state)]
        edited = self.edited(plan, found, recovered, left)
        return edited._replace(original=original, ledger=notes, is_news=is_news)

    def _why_in_use(self, transport: str) -> Optional[str]:
        from .._host.queue import why_in_use  # only where a source is retired

        return why_in_use(self.instance, transport)

    def _known_notes(self, found: ConfigFiles) -> Optional[List[Dict[str, Any]]]:
        """Return what the ledger says, where that is known without it: there is none, or it was read already."""
        state = self.transactions.state
        if not os.path.lexists(state.path(LEDGER)):
            return []
        try:
            known = state.load(_NOTES)
            if known and known["about"] == self._fingerprint(found):
                notes: List[Dict[str, Any]] = known["notes"]
                return notes
        except (TransactionError, KeyError, OSError):
            pass
        return None

    def _remember(self, files: ConfigFiles, notes: Sequence[Dict[str, Any]]) -> None:
        """Keep what the ledger says of files; what is unknown is looked for anew by each run that wants it."""
        kept = [note for note in notes if note["state"] != "unknown"]
        with suppress(TransactionError, OSError):  # the next run reads the ledger again
            about = self._fingerprint(files)
            self.transactions.state.save(_NOTES, {"about": about, "notes": kept})

    def _fingerprint(self, found: ConfigFiles) -> str:
        """Return what is another one as soon as the ledger could say something else."""
        status = os.stat(self.transactions.state.path(LEDGER))
        wanted, written = self.wanted._replace(unknown="ignore"), (status.st_mtime_ns, status.st_size)
        about = (_FORMAT, wanted, self.around.version, found.texts, found.mtimes, written)
        return hashlib.sha256(encode_config(repr(about))).hexdigest()

    def edited(self, plan: Plan, found: ConfigFiles, recovered: Optional[str], left: Optional[ConfigFiles]) -> Edited:
        """Return what a plan does to the files.

        :raises TransactionError: one of them cannot be replaced
        """
        versions = zip(NAMES, found.texts, (plan.main, plan.master))
        changed = [os.path.join(self.instance.config_directory, name) for name, old, new in versions if old != new]
        if changed:
            from .._host.replaceable import refuse_fixed  # most runs replace nothing

            refuse_fixed(changed)
        return Edited(plan, found, changed, recovered, left)

    def commit(self, edited: Edited, before_commit: Callable[[List[str]], None] = lambda paths: None) -> Edited:
        """Write what was planned; where somebody else has written a file since, plan and write once more.

        :param before_commit: called with the paths of the files that are about to change
        :raises TransactionError: a file cannot be written; they are as they were
        """
        try:
            return self._commit(edited, before_commit)
        except FileChanged:
            again = self.plan(check_mode=False)
            recovered, left = edited.recovered or again.recovered, edited.left or again.left
            return self._commit(again._replace(recovered=recovered, left=left), before_commit)

    def _commit(self, edited: Edited, before_commit: Callable[[List[str]], None]) -> Edited:
        if edited.changed:
            before_commit(edited.changed)
            self._confirm_what_runs(edited.found)
            self.transactions.commit(edited.found, edited.plan.main, edited.plan.master, edited.original)
            self._remember_commit(edited)
        return edited

    def _remember_commit(self, edited: Edited) -> None:
        """Keep what the next run will find in the ledger: all has been told, but for what is still abandoned."""
        with suppress(TransactionError):  # it reads the ledger itself
            committed = read_files(self.instance.config_directory)
            self._remember(committed, [note for note in edited.ledger if note["state"] == "abandoned"])

    def _confirm_what_runs(self, found: ConfigFiles) -> None:
        """Confirm an earlier commit that Postfix runs by, because somebody else has restarted or reloaded it since.

        Otherwise a rollback would go back to the version before the first edit, however long ago that was.
        """
        pending = self.transactions.pending()
        if pending is None or pending.progress != "done":
            return
        from .._host.master_process import find_master
        from .in_sync import assess  # not needed by most runs, and long to load

        try:
            master = find_master(self.instance)
        except TransactionError:  # not visible from here
            return
        host, resolve, state = self.around.host, self.around.resolve, self.transactions.state
        if master and assess(self.instance, found, master, host, resolve, state, pending).in_sync:
            self.transactions.confirm()


def edit(
    instance: Instance,
    wanted: Wanted,
    check_mode: bool = False,
    before_commit: Callable[[List[str]], None] = lambda paths: None,
    state_directory: str = STATE_DIRECTORY,
    who: str = "",
) -> Edited:
    """Make the files of an instance say what is wanted.

    :param check_mode: write nothing
    :param before_commit: called with the paths of the files that are about to change
    :param who: who asks for it, for the ledger
    :raises InputError: something wanted is wrong; nothing was written
    :raises TransactionError: the files cannot be read or written; they are as they were
    """
    work = Edit(instance, wanted, Transactions(instance.config_directory, state_directory))
    work.transactions.who = who
    edited = work.plan(check_mode)
    return edited if check_mode else work.commit(edited, before_commit)
