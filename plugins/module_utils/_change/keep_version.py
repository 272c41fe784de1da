# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which versions of the files are kept, and when: those that are confirmed, and what they have replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Optional, Tuple

from .._host.store import TransactionError
from .journal import Texts
from .transaction import read_files
from .versions import Versions

if TYPE_CHECKING:
    from .member import Member
    from .window import Part


def keep_confirmed(
    member: Member, number: Optional[int], least: int, waited: Optional[Part], waits: Optional[Part]
) -> None:
    """Keep what a run has brought an instance to, and what that was before; a warning if that cannot be done.

    :param member: whose files were not confirmed yet, so that it is known what they were before
    :param number: how many versions are to be kept
    :param least: how many at least, this time
    :param waited: the change of the instance that waited to be confirmed from outside before this run
    :param waits: the one that does so now
    """
    versions = Versions(member.run.transactions.state)
    try:
        if least or (versions.number if number is None else number):
            found = read_files(member.directory)
            for texts, verified in _found(member, waited, waits):
                versions.keep(texts, verified, versions.original_of(texts, found))
        versions.trim(number, least)
    except (TransactionError, OSError) as error:
        member.run.report.warnings.append(f"A version of the files could not be kept: {error}")


def _found(member: Member, waited: Optional[Part], waits: Optional[Part]) -> Iterator[Tuple[Texts, bool]]:
    """Yield what is to be kept, newest last, each with whether Postfix was found to work by it."""
    assessment, pending = member.assessment, member.run.transactions.pending()
    unconfirmed = [part.new for part in (waited, waits) if part]
    if assessment and assessment.record and assessment.record.texts not in unconfirmed:
        yield assessment.record.texts, True
    if waits:
        yield waits.original, False
        return
    if pending and not member.is_new:
        yield pending.original.texts, False
    if assessment:
        yield assessment.files.texts, True
