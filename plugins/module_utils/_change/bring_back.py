# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits that make the files of an instance what they were once; all that follows is as after any other edit."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Callable, List, Optional

from .._base.errors import InputError
from .._host.store import WINDOW, State, TransactionError
from .._rules.bindable import source_problem
from .._rules.explicit_sources import is_absent
from .._rules.outlook import Outlook
from .._rules.own_addresses import asked_once
from .._rules.reload_or_restart import reload_or_restart
from .edit_files import Edit, Edited
from .in_sync import outlook_of
from .journal import Texts
from .plan import Plan, Wanted, refuse_broken_services
from .run import Run
from .transaction import ConfigFiles
from .versions import Version, Versions
from .window import Record

PREVIOUS = "previous"


class BringBack(Edit):
    """An edit whose result is known as text.

    :param run: over the instance
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run.instance, Wanted({}), run.transactions, run.around)
        self.run = run

    def texts_for(self, found: ConfigFiles) -> Texts:
        """Return what the files become."""
        raise NotImplementedError

    def _remember_commit(self, edited: Edited) -> None:
        """Keep nothing: nobody has looked what the ledger says of single settings."""

    def plan_for(
        self, found: ConfigFiles, recovered: Optional[str] = None, left: Optional[ConfigFiles] = None
    ) -> Edited:
        """Return what the files become, whatever follows from that."""
        main, master = self.texts_for(found)
        resolve = asked_once(self.around.resolve)
        before, after = (
            outlook_of(files, self.instance, self.around.host, resolve)
            for files in (found, found.with_texts((main, master)))
        )
        return self.edited(Plan(main, master, [], before, after, []), found, recovered, left)


class ToVersion(BringBack):
    """The edit that brings a version back which is kept (:mod:`_change.versions`).

    :param to: its time, or "previous" for the newest one that is other than the files
    :ivar version: the version, as soon as it is known
    """

    def __init__(self, run: Run, to: str) -> None:
        super().__init__(run)
        # YAML makes a time of what is not in quotes, and Ansible a text of that again.
        self.to = to.strip().replace(" ", "T").replace("+00:00", "Z")
        self.versions = Versions(run.transactions.state)
        self.version: Optional[Version] = None
        #: what an administrator should know of what is replaced
        self.warnings: List[str] = []

    def texts_for(self, found: ConfigFiles) -> Texts:
        """Return what the files become.

        :raises InputError: there is no such version
        """
        if self.version is None:  # later it is the same one, whatever somebody has done to the files meanwhile
            self.version = self._chosen(found.texts)
            if self.versions.of(found.texts) is None:
                edited = f"The files in {found.config_directory} were edited since a version of them was kept."
                self.warnings.append(f"{edited} That goes too, and is kept as a version of its own.")
        return self.version.on_top_of(found.texts)

    def plan_for(
        self, found: ConfigFiles, recovered: Optional[str] = None, left: Optional[ConfigFiles] = None
    ) -> Edited:
        """Return what the files become.

        :raises InputError: there is no such version, or Postfix could not run by it now
        """
        edited = super().plan_for(found, recovered, left)
        if edited.changed:
            plan = edited.plan
            try:
                refuse_unusable(plan.before, plan.after)
            except InputError as error:
                why = f"{error.parameter}: {error.value!r} {error.reason}"
                reason = f"is a version by which Postfix would not work now. {why}"
                name = self.version.shown if self.version else self.to
                raise InputError("to", name, reason, "Give the host what it lacks, or use another version") from error
            plan.reasons = reload_or_restart(plan.before, plan.after)
        return edited

    def replaced(self, edited: Edited) -> Optional[str]:
        """Return the time of the version that has what the files were before, once it is kept."""
        with suppress(TransactionError):
            version = Versions(self.transactions.state).of(edited.found.texts) if edited.changed else None
            return version.shown if version else None
        return None

    def _commit(self, edited: Edited, before_commit: Callable[[List[str]], None]) -> Edited:
        """Write what was planned; what it replaces is kept before that.

        :raises TransactionError: one of the two cannot be done, and the files are as they were
        """
        found = edited.found
        if edited.changed and self.versions.of(found.texts) is None:
            original = self.versions.original_of(found.texts, found)
            self.versions.keep(found.texts, self.run.runs_by(found), original)
            if self.versions.of(found.texts) is None:
                where = found.config_directory
                raise TransactionError(f"The files in {where} are too large to be kept. Save them, and try again.")
        self.transactions.becomes = self.version.original_on_top_of(found.texts) if self.version else None
        try:
            return super()._commit(edited, before_commit)
        finally:
            self.transactions.becomes = None

    def _chosen(self, files: Texts) -> Version:
        known = self.versions.known
        if self.to == PREVIOUS:
            self._refuse_after_undone()
            found = next((version for version in known if version.on_top_of(files) != files), None)
            reason = "needs a version other than what the files are now, and none is kept"
        else:
            found = next((version for version in known if version.shown == self.to), None)
            is_damaged = self.to in self.versions.damaged
            reason = "is a version whose file is damaged" if is_damaged else "is not the time of a version that is kept"
        if found:
            return found
        times = ", ".join(version.shown for version in known)
        remedy = f"Use one of {times}" if known else "Set what you want with postfix_interfaces: no version is kept"
        raise InputError("to", self.to, reason, remedy)

    def _refuse_after_undone(self) -> None:
        """Refuse to go back from what has gone back by itself, as long as nobody was told that.

        :raises InputError: it has
        """
        state = State(None, self.transactions.state.base)
        ended = Record.load(state).ended if os.path.lexists(state.path(WINDOW)) else None
        if ended and ended.outcome == "undone" and not ended.told:
            reason = f"would go back further than you may know. {ended.message.rstrip('.')}"
            remedy = "Run postfix_apply without it, which tells that and no more, or give the time of a version"
            raise InputError("to", PREVIOUS, reason, remedy)


def refuse_unusable(before: Outlook, after: Outlook) -> None:
    """Refuse files by which Postfix would not run, or not as they say; what was so before is no reason.

    :raises InputError: it would not
    """
    if after.error is not None:
        raise after.error
    refuse_broken_services(before, after)
    try:
        known = [(source.enforced, str(source)) for source in before.explicit_sources]
    except InputError:  # nobody knows what it does now
        known = []
    for source in after.explicit_sources:
        if (source.enforced, str(source)) not in known and is_absent(source, after.host):
            problem = source_problem(source.address, after.host, has_zone=False)
            reason = f"in {source.place} {problem}, so {source.consequence}"
            raise InputError(source.parameter, source.value, reason, "Give the host the address")
