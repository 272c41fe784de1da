# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring instances in line in one run: all are planned before the first is touched, and all go back when one fails.

What a run over several instances has begun is written down, so that the next one knows, after a kill, which of them
belong together.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Sequence

from .._host.store import STATE_DIRECTORY, WINDOW, State
from .member import Member, refuse_twice
from .tcp_migrate_req import put_back

if TYPE_CHECKING:
    from .confirmation import Confirmation
    from .secondary import Secondary
    from .window import Part

_BEGUN = "together.json"


class Together:
    """One run over the instances of a host.

    :param members: the instances that are to exist
    :param removals: those that are not to
    :param apply: whether to bring the running masters in line with the files, too
    :param check_mode: only say what would be done
    :param before_commit: called with a member and the paths of its files that are about to change
    """

    def __init__(
        self,
        members: Sequence[Member],
        removals: Sequence[Secondary] = (),
        apply: bool = True,
        check_mode: bool = False,
        before_commit: Callable[[Member, List[str]], None] = lambda member, paths: None,
        state_directory: str = STATE_DIRECTORY,
    ) -> None:
        self.members, self.removals = list(members), list(removals)
        self.apply, self.check_mode, self.before_commit = apply, check_mode, before_commit
        #: whether to refuse a change whose result has a finding of severity error
        self.refuse_errors = False
        #: whether this finishes a run that has ended early: then there is no other keeper, and what runs is verified
        self.resumes = False
        #: seconds in which a change has to be confirmed, or goes back (:mod:`_change.confirmation`); 0 for none
        self.confirm = 0
        #: whether it minds other changes that wait for that
        self.watches = True
        #: how many versions of the files are kept (:mod:`_change.versions`); None for as many as before
        self.keep_versions: Optional[int] = None
        #: how many at least, whatever that says
        self.least_versions = 0
        self._confirmation: Optional[Confirmation] = None
        self.state = State(None, state_directory)

    def carry_out(self) -> None:
        """Do what is wanted.

        :raises InputError: something wanted is wrong; nothing was changed
        :raises TransactionError: a file cannot be read, locked or written; what had been changed is as it was
        :raises ApplyError: an instance does not work by its files, or would not; the message says what happened
        """
        refuse_twice([*self.members, *self.removals])
        with ExitStack() as stack:
            if not self.check_mode:
                self._mind_windows(stack)
                self._lock(stack)
            if self.apply:
                for member in self.members:
                    member.look()
            for removal in self.removals:
                removal.refuse_messages()
            for member in self.members:
                member.plan(self.check_mode)
                if self.refuse_errors:
                    member.refuse_errors()
            if self.apply:
                self._assess()
            if self.check_mode:
                self._predict()
            elif self._is_done():
                self._confirm()
            else:
                self._change()

    @property
    def several(self) -> bool:
        """Whether there are instances to keep together."""
        return len(self.members) + len(self.removals) > 1

    def _mind_windows(self, stack: ExitStack) -> None:
        """Keep whoever confirms a change, or takes one back, away from those that wait for that, if there are any.

        A change whose time is over goes back now, because what should have done that was killed.
        """
        if not (self.apply and self.watches):
            return
        known = os.path.lexists(self.state.path(WINDOW))
        if known or self.confirm:
            limit = max((member.run.timeout for member in self.members), default=30.0)
            stack.enter_context(self.state.locked(limit))
        if known:
            from .window import Record  # most hosts have none

            if Record.load(self.state).waits:
                self._confirmed().settle()

    def _confirmed(self) -> Confirmation:
        if self._confirmation is None:
            from .confirmation import Confirmation  # most runs change nothing

            self._confirmation = Confirmation(self)
        return self._confirmation

    def _lock(self, stack: ExitStack) -> None:
        """Keep other runs away: from the list of the instances, and from each instance whose master is concerned."""
        secondaries = [member.secondary for member in self.members if member.secondary] + self.removals
        for secondary in secondaries[:1]:
            stack.enter_context(secondary.locked())
        if self.apply or self.several:
            # The default instance first, as by those who need its lock for the list: no two runs wait for each other.
            for member in sorted(self.members, key=lambda one: (not one.run.instance.is_default, one.directory)):
                stack.enter_context(member.run.transactions.locked())

    def _assess(self) -> None:
        if not self.check_mode:
            put_back(self.state.base)
        begun = (self.state.load(_BEGUN) or {}).get("directories", ())
        for member in self.members:
            assessment = member.assess(self.check_mode)
            service = member.run.service_of(assessment)
            if not self.check_mode:
                service.tidy()
            member.unfinished = member.directory in begun

    def _is_done(self) -> bool:
        """Whether nothing is to be done: most runs find that, and load nothing that could stop or start Postfix."""
        if self.resumes or any(removal.is_there() for removal in self.removals):
            return False
        return all(
            member.exists
            and not (member.edited and member.edited.changed)
            and not (member.secondary and not member.run.instance.enabled)
            and (not self.apply or self._works(member))
            for member in self.members
        )

    @staticmethod
    def _works(member: Member) -> bool:
        assessment = member.assessment
        return assessment is not None and assessment.in_sync and assessment.master is not None

    def _predict(self) -> None:
        """Report what a run would do, and fail where it would."""
        for member in self.members:
            if member.secondary:
                member.secondary.create()
        for removal in self.removals:
            removal.stop()
            removal.destroy()
        if self.apply:
            from .change import foresee  # takes long to load, and most runs do nothing

            foresee(self)

    def _confirm(self) -> None:
        """Nothing has to be done, or all was done: the versions before are not needed any more."""
        waited: Dict[str, Part] = {}
        waits: Dict[str, Part] = {}
        if self._confirmation:
            waited = self._confirmation.parts()
            self._confirmation.arm()
            waits = self._confirmation.parts()
        for member in self.members:
            if self.apply and self.watches:  # who goes back has nothing new
                here = member.directory
                member.keep_version(self.keep_versions, self.least_versions, waited.get(here), waits.get(here))
            if self.apply:
                member.run.transactions.confirm()
                assessment = member.assessment
                if assessment and assessment.master and not member.run.report.in_sync:
                    member.run.works(assessment, assessment.master, started=False)
            if member.secondary:
                member.secondary.confirm()
        if self.several:
            self.state.remove(_BEGUN)

    def _change(self) -> None:
        from .change import change  # takes long to load, and most runs do nothing
        from .guard import Guard

        if self.several:
            self.state.save(_BEGUN, {"directories": [member.directory for member in self.members]})
        confirmed = self._confirmed() if self.confirm or self._confirmation else nullcontext(False)
        with Guard(self) as guard, confirmed as is_to_wait:
            for member in self.members:
                member.run.guard = guard
            if is_to_wait:
                guard.begin()  # who is killed now leaves a change that nobody takes back
            change(self)
            self._confirm()
            for removal in self.removals:
                removal.destroy()
