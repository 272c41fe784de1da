# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go back to the state before a run when one of its phases fails: files, new instances, running masters."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Dict, Iterator, List, Sequence

from .._base.errors import InputError
from .._host.master_process import find_master
from .._host.store import TransactionError
from .conflicts import claims_of_others
from .member import Member
from .report import ApplyError
from .restart import Attempt, PhaseFailed, carry_out, described, in_turn

if TYPE_CHECKING:
    from .together import Together

Stories = Dict[Member, List[str]]
"""What happened to each instance, in sentences."""


@contextmanager
def rollback(together: Together) -> Iterator[None]:
    """Undo what was done in this context when a phase in it fails.

    Where anything else ends the context, such as a kill, the next run finishes the work.

    :raises ApplyError: a phase failed; the message says what happened, what was restored and what runs now
    :raises InputError: something wanted is wrong; nothing was changed
    :raises TransactionError: a file could not be read, locked or written; nothing was changed
    """
    try:
        yield
    except PhaseFailed as failure:
        failed = [member for member in together.members if member.run is failure.run]
        raise ApplyError(_go_back(together, {member: [str(failure)] for member in failed}), {}) from failure
    except (InputError, TransactionError, OSError) as error:
        undone = _go_back(together, {})
        if undone:
            raise ApplyError(f"{error} {undone}", {}) from error
        raise


def _go_back(together: Together, stories: Stories) -> str:
    """Restore the previous state, and return all that happened in sentences.

    :param stories: begins with what has failed, by the member that it failed for
    """
    failed = list(stories)
    concerned = [member for member in together.members if member in failed or member.goes_back]
    needed = {member: (member.run.report.action, member.run.report.reasons) for member in concerned}
    for member in concerned:
        with _told_in(stories.setdefault(member, [])) as story:
            if not together.apply:
                member.undo_commit()
            elif not member.is_new:
                _restore_files(member, story, member in failed)
    for member in reversed(together.members):
        if member.secondary and member.is_new:
            with _told_in(stories.setdefault(member, [])) as story:
                if member.secondary.undo():
                    story.append("The instance was removed again.")
    for removal in together.removals:
        removal.start_again()
    if together.apply:
        _bring_up([member for member in concerned if not member.is_new], stories)
    for member, (action, reasons) in needed.items():  # those of the files that could not be applied
        member.run.report.action, member.run.report.reasons = action, reasons
    return _told(together, stories, failed)


@contextmanager
def _told_in(story: List[str]) -> Iterator[List[str]]:
    """Have what fails in this context told, and go on."""
    try:
        yield story
    except (InputError, TransactionError, OSError) as error:
        story.append(f"Going back failed: {error}")


def _restore_files(member: Member, story: List[str], failed: bool) -> None:
    """Restore the version of the files that was confirmed last, unless that is no better than the present one."""
    pending = member.run.transactions.pending()
    if pending and not member.run.report.changed and member.run.runs_by(pending.settled):
        member.run.transactions.confirm()
        story.append("The running Postfix has read these files already, and was left alone.")
        return
    problem = member.run.problem_of(pending.original) if pending else None
    if problem:
        story.append(f"The previous version of the files was not restored, because it does not work: {problem}")
        return
    restored = member.run.report.restored = member.run.transactions.rollback()
    if restored:
        story.append(f"The previous version of {' and '.join(restored)} was restored.")
        if failed:
            story.append(f"What did not work is kept in {member.run.transactions.rejected}.")
    elif failed:
        story.append("There is no previous version of the files to go back to.")


def _bring_up(members: Sequence[Member], stories: Stories) -> None:
    """Bring instances in line with their restored files, and tell so."""
    attempts: List[Attempt] = []
    for member in members:
        with _told_in(stories[member]) as story:
            attempts += _attempt(member, story)
    by_run = {member.run: stories[member] for member in members}
    for group in in_turn(attempts):
        with _told_in(by_run[group[0].run]):
            try:
                carry_out(group)
            except PhaseFailed as failure:
                by_run[failure.run].append(str(failure))


def _attempt(member: Member, story: List[str]) -> List[Attempt]:
    """Return the attempt that brings an instance up by its restored files, if it needs one and can be tried."""
    run = member.run
    run.look_again()
    assessment = run.assess()
    service = run.service_of(assessment)
    if assessment.in_sync and assessment.master:
        run.works(assessment, assessment.master, started=False)
        return []
    if not run.report.restored and assessment.master:
        return []  # leave it alone: another attempt by the same files would do no better
    attempt = Attempt(run, assessment, service)
    claims = claims_of_others([member.directory], run.around.host, run.around.resolve)
    obstacle = attempt.obstacle(claims)
    if not obstacle:
        return [attempt]
    if run.report.restored:
        story.append(f"Postfix cannot run by the previous version either: {obstacle}")
    return []


def _told(together: Together, stories: Stories, failed: Sequence[Member]) -> str:
    """Return what happened to each instance, what failed first, and what runs now."""
    told = []
    for member in [*failed, *(member for member in stories if member not in failed)]:
        story, messages = stories[member], member.run.report.messages
        if not story and not member.run.report.changed:
            continue
        complaint = next((line for line in messages if re.search(r"(fatal|panic|error): ", line)), None)
        if complaint and member in failed and complaint not in story[0]:
            story.insert(1, f"It says: {complaint}.")
        if together.apply and not member.is_new:
            master = find_master(member.run.instance)
            runs = f"Postfix runs and listens on {described(master.sockets)}." if master else "Postfix is not running."
            story.append(runs)
        prefix = f"{member.directory}: " if together.several else ""
        told.append(prefix + " ".join(story))
    return " ".join(told)
