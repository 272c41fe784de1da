# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go back to the previous version of the files where Postfix does not work by the new one."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Iterator, List

from .._host.master_process import find_master
from .._host.store import TransactionError
from .report import ApplyError
from .restart import Attempt, PhaseFailed, described
from .run import Run


@contextmanager
def rollback(run: Run) -> Iterator[None]:
    """Restore the previous version of the files and bring that up when a phase in this context fails.

    Where anything else ends the context, a kill or a file that cannot be read, the next run finishes the work.

    :raises ApplyError: a phase failed; the message says what happened, what was restored and what runs now
    """
    try:
        yield
    except PhaseFailed as failure:
        story = _go_back(run, str(failure))
        raise ApplyError(story, run.report.as_result()) from failure


def _go_back(run: Run, failure: str) -> str:
    """Restore the previous version, bring it up, and return all that happened in sentences."""
    report = run.report
    needed = report.action, report.reasons
    story = [failure]
    try:
        _restore(run, story)
    except (TransactionError, OSError) as error:
        story.append(f"Going back failed: {error}")
    report.action, report.reasons = needed  # those of the files that could not be applied
    complaint = next((line for line in report.messages if re.search(r"(fatal|panic|error): ", line)), None)
    if complaint and complaint not in failure:
        story.insert(1, f"It says: {complaint}.")
    master = find_master(run.instance)
    runs = f"Postfix runs and listens on {described(master.sockets)}." if master else "Postfix is not running."
    return " ".join([*story, runs])


def _restore(run: Run, story: List[str]) -> None:
    """Restore the previous version and bring it up, and tell so sentence by sentence."""
    restored = run.report.restored = run.transactions.rollback()
    assessment = run.assess()
    service = run.service_of(assessment)
    if restored:
        story.append(f"The previous version of {' and '.join(restored)} was restored.")
        story.append(f"What did not work is kept in {run.transactions.rejected}.")
    else:
        story.append("There is no previous version of the files to go back to.")
    if assessment.in_sync and assessment.master:
        run.confirm(assessment, assessment.master, started=False)
        return
    if not restored and assessment.master:
        return  # leave it alone: another attempt by the same files would do no better
    attempt = Attempt(run, assessment, service)
    obstacle = attempt.obstacle()
    if not obstacle:
        try:
            attempt.carry_out()
        except PhaseFailed as failure:
            story.append(str(failure))
    elif restored:
        story.append(f"Postfix cannot run by the previous version either: {obstacle}")
