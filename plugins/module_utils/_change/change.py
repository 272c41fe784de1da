# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Do what a run over one or several instances was planned to do, phase by phase.

The phases are: see what is in the way, create, edit, stop what is to be removed, bring in line. Where one of them
fails, all goes back (:mod:`_change.rollback`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Tuple

from .._host.master_process import find_master
from .conflicts import claims_of_others
from .member import Member
from .report import ApplyError, socket_states
from .restart import Attempt, PhaseFailed, carry_out, in_turn
from .rollback import rollback

if TYPE_CHECKING:
    from .together import Together


def foresee(together: Together) -> None:
    """Report what :func:`change` would do.

    :raises ApplyError: it would fail
    """
    attempts = _attempts(together)
    obstacle = _obstacle(together, attempts)
    for group in in_turn([attempt for _member, attempt in attempts]):
        for attempt in group:
            if len(group) > 1:
                attempt.exchange_with(group)
            if not obstacle:
                attempt.foresee_interruption()
    if obstacle:
        member, words = obstacle
        pending = member.run.transactions.pending() if member.exists else None
        consequence = " The previous version of the files would be restored." if pending else ""
        prefix = f"{member.directory}: " if together.several else ""
        raise ApplyError(f"{prefix}The files cannot be applied: {words}{consequence}", {})
    for member in together.members:
        assessment, report = member.assessment, member.run.report
        if assessment:
            report.in_sync = assessment.in_sync
            report.changed = assessment.action != "none"
            report.sockets = [one._replace(state="listening") for one in socket_states(assessment.promised, None)]


def change(together: Together) -> None:
    """Do what was planned; when a phase fails, all goes back.

    :raises ApplyError: a phase failed; the message says what happened, what was restored and what runs now
    """
    with rollback(together):
        if together.apply:
            attempts = _attempts(together)
            earlier = [attempt.look_back() for _member, attempt in attempts]
            obstacle = _obstacle(together, attempts)
            for each in earlier:
                each.settle()
            if obstacle:
                raise PhaseFailed(f"The files cannot be applied: {obstacle[1]}", obstacle[0].run)
        for member in together.members:
            member.create()
        for member in together.members:
            member.commit(together.before_commit)
        for removal in together.removals:
            removal.stop()
        if together.apply:
            _bring_in_line(together)


def _bring_in_line(together: Together) -> None:
    attempts = []
    for member in together.members:
        assessment = member.assess(check_mode=False)
        service = member.run.service_of(assessment)
        if assessment.in_sync and assessment.master and not together.resumes:
            member.run.works(assessment, assessment.master, started=False)
            continue
        if assessment.record:
            member.run.transactions.adopt((assessment.record.main, assessment.record.master))
        attempts.append(Attempt(member.run, assessment, service))
    for group in in_turn(attempts):
        carry_out(group)
        for attempt in group:
            attempt.run.report.messages = []  # those of a reload that failed before a restart worked


def _attempts(together: Together) -> List[Tuple[Member, Attempt]]:
    """Return an attempt for each member that is not in line."""
    attempts = []
    for member in together.members:
        assessment = member.assessment
        if assessment and not (assessment.in_sync and assessment.master):
            attempts.append((member, Attempt(member.run, assessment, member.run.service_of(assessment))))
    return attempts


def _obstacle(together: Together, attempts: List[Tuple[Member, Attempt]]) -> Optional[Tuple[Member, str]]:
    """Return the first member that could not be brought in line, and why."""
    if not attempts:
        return None
    members = together.members
    here = [member.directory for member in members] + [removal.directory for removal in together.removals]
    around = members[0].run.around
    elsewhere = claims_of_others(here, around.host, around.resolve)
    removed = [removal.find() for removal in together.removals]
    masters = [find_master(instance) for instance in removed if instance]
    masters += [member.assessment.master for member in members if member.assessment]
    for member, attempt in attempts:
        others = [(one.directory, one.promised) for one in members if one is not member]
        leaving = {inode for master in masters if master for inode in master.held}
        with member.planned_files(together.check_mode) as directory:
            obstacle = attempt.obstacle([*others, *elsewhere], leaving, directory)
        if obstacle:
            return member, obstacle
    return None
