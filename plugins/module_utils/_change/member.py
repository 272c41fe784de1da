# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One instance in a run over several: what is wanted of it, what was foreseen, and what was done."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional, Sequence, Union

from .._base.errors import InputError
from .._files.lines import encode_config
from .._host.master_process import find_master
from .._host.store import VERSIONS, explained
from .._rules.listeners import Listener
from .in_sync import Assessment
from .journal import Journal
from .run import Run
from .transaction import NAMES

if TYPE_CHECKING:
    from .creation import Creation
    from .edit_files import Edit, Edited
    from .secondary import Secondary
    from .window import Part

_PLANNED = "planned"  # a directory of the state of the instance


class Member:
    """One instance in a run.

    :param run: what the run works with
    :param edit: how its files are to be edited, if at all
    :param secondary: its creation, where it may have to be created
    :ivar edited: what the edit does to its files, as soon as that is known
    :ivar assessment: how far its master is behind the files as they are or will be
    :ivar unfinished: whether an earlier run over several instances, this one among them, was interrupted
    """

    def __init__(self, run: Run, edit: Optional[Edit] = None, secondary: Optional[Creation] = None) -> None:
        self.run = run
        self.edit = edit
        self.secondary = secondary
        self.exists = secondary is None or secondary.find() is not None
        #: whether this run, or one that was interrupted, creates it
        self.is_new = secondary is not None and (not self.exists or secondary.is_unconfirmed())
        self.edited: Optional[Edited] = None
        self.assessment: Optional[Assessment] = None
        self.unfinished = False
        self._committed = self._completed = self._written = False

    @property
    def directory(self) -> str:
        """The configuration directory."""
        return self.run.instance.config_directory

    @property
    def steps(self) -> List[str]:
        """What was done to create it."""
        return self.secondary.steps if self.secondary else []

    @property
    def changed(self) -> bool:
        """Whether a file or the running master was changed, or will be."""
        files = self._completed or bool(self.edited and self.edited.written)
        return files or bool(self.steps) or self.run.report.changed

    @property
    def touched(self) -> bool:
        """Whether a file or the running master was changed, whatever became of that since."""
        return self._completed or self._written or bool(self.steps) or self.run.report.changed

    @property
    def promised(self) -> Sequence[Listener]:
        """The sockets that its files will promise."""
        return (self.assessment.promised if self.assessment else None) or ()

    @property
    def goes_back(self) -> bool:
        """Whether its files go back when a run over several instances fails: this one changed it, or one before."""
        return self._committed or self.run.report.changed or self.unfinished

    def look(self) -> None:
        """Make sure that this process may look at the master.

        :raises TransactionError: it may not
        """
        find_master(self.run.instance)

    def plan(self, check_mode: bool) -> None:
        """Find out what the files will be; nothing is written but what an interrupted run had left half written.

        :raises InputError: something wanted is wrong
        :raises TransactionError: the files cannot be read
        """
        if self.edit is None:
            pending = self.run.transactions.pending()
            self._completed = pending is not None and pending.progress == "half"
            if not check_mode:
                self.run.report.recovered = self.run.transactions.recover()
        elif self.exists:
            self.edited = self.edit.plan(check_mode)
            self.run.report.recovered = self.edited.recovered
        elif self.secondary:
            self.edited = self.edit.plan_for(self.secondary.predicted_files())

    def refuse_errors(self) -> None:
        """Refuse a plan whose result has a finding of severity error.

        :raises InputError: it has
        """
        if self.edited:
            self.edited.plan.refuse_errors()

    def assess(self, check_mode: bool) -> Assessment:
        """Find out how far the master is behind the files, as they are or will be."""
        planned = None if self._committed else self.edited
        self.assessment = self.run.assess(planned, settled=check_mode)
        return self.assessment

    def create(self) -> None:
        """Make sure that the instance exists, and plan by the files that it has got.

        :raises InputError: something wanted is wrong
        :raises TransactionError: it cannot be created
        """
        if self.secondary is None:
            return
        self.secondary.create(self.run.transactions)
        if not self.exists:
            self.run.instance = self.secondary.find() or self.run.instance
            if self.edit:
                self.edit.instance = self.run.instance
                self.edited = self.edit.plan(check_mode=False)

    def commit(self, before_commit: Callable[[Member, List[str]], None]) -> None:
        """Write what was planned.

        :raises TransactionError: a file cannot be written; they are as they were
        """
        if self.edit and self.edited:
            self.edited = self.edit.commit(self.edited, lambda paths: before_commit(self, paths))
            self._committed = bool(self.edited.changed)
            self._written = self._written or self._committed

    def undo_commit(self) -> None:
        """Write what the files were before this run, where it has only edited them.

        :raises TransactionError: that failed
        """
        if self._committed and self.edited:
            found = self.edited.found
            self.run.transactions.commit(self.edited.planned, found.main, found.master)
            self._committed = False

    def keep_version(self, number: Optional[int], least: int, waited: Optional[Part], waits: Optional[Part]) -> None:
        """Keep what the files are now that Postfix works by them (:func:`_change.keep_version.keep_confirmed`).

        Most runs find that nobody has changed them since the last run.
        """
        state, assessment = self.run.transactions.state, self.assessment
        record = assessment.record if assessment else None
        is_known = assessment is not None and record is not None and record.texts == assessment.files.texts
        if Journal.exists(state) or ((number == 0 or not is_known) and os.path.isdir(state.path(VERSIONS))):
            from .keep_version import keep_confirmed

            keep_confirmed(self, number, least, waited, waits)

    @contextmanager
    def planned_files(self, check_mode: bool) -> Iterator[str]:
        """Where the files are as they will be: in the instance's directory, or for this context in another one."""
        if self.edited is None or (self.exists and not self.edited.written):
            yield self.directory
            return
        from .atomic_replace import date_as_complete  # only where something is written

        with self._place(check_mode) as directory:
            for name, text in zip(NAMES, self.edited.planned.texts):
                path = os.path.join(directory, name)
                with explained(f"{path} cannot be written"), open(path, "wb") as stream:
                    stream.write(encode_config(text))
                date_as_complete(path)
            yield directory

    @contextmanager
    def _place(self, check_mode: bool) -> Iterator[str]:
        """A directory for this context: in the state, so that what a run leaves that is killed is found by the next."""
        if check_mode:  # which writes nothing there
            with tempfile.TemporaryDirectory(prefix="mailfleet-") as directory:
                yield directory
            return
        directory = self.run.transactions.state.path(_PLANNED)
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory, 0o700)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def refuse_twice(parts: "Sequence[Union[Member, Secondary]]") -> None:
    """Refuse a run in which one instance is named twice.

    :raises InputError: one is
    """
    seen: List[str] = []
    for part in parts:
        here = os.path.realpath(part.directory)
        if here in seen:
            raise InputError("instances", part.directory, "is named twice", "Say in one entry all that is wanted of it")
        seen.append(here)
