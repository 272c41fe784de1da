# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about the version of Postfix itself."""

from __future__ import annotations

from typing import Iterator

from ..outlook import Outlook
from ..parameters import NEWEST, dotted
from .finding import Point


def unfamiliar_postfix(outlook: Outlook) -> Iterator[Point]:
    """Postfix is newer than those that the rules were compared with, or has what they do not know.

    Where it has nothing of that kind, newer releases are treated like the newest known one.
    """
    newer, seen = outlook.version[:2] > NEWEST, "; ".join(outlook.unfamiliar)
    if not newer and not seen:
        return
    message = f"Postfix {dotted(outlook.version)} has what the rules of this collection do not know"
    if newer:
        message = f"Postfix {dotted(outlook.version)} is newer than {dotted(NEWEST)}, whose rules are used"
    remedy = "Look for a newer release of the collection"
    if seen:
        message += f": {seen}"
        remedy += ", and do not rely on what it foresees where these are used"
    yield Point("mail_version", message, remedy, mild=not seen)
