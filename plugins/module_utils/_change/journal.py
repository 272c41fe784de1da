# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a commit: what main.cf and master.cf were, and what they become (see :mod:`_change.transaction`)."""

from __future__ import annotations

import os
from typing import Optional, Tuple

from .._base.records import NamedTuple
from .._host.store import State, TransactionError

_NAME = "transaction.json"
_FORMAT = 1

Texts = Tuple[str, ...]
"""The texts of main.cf and master.cf, in this order."""


class Journal(NamedTuple):
    """One commit that is not confirmed yet.

    ``original`` are the files when they were last confirmed, with ``mtimes`` if those are known; ``before`` are the
    files just before the commit, ``new`` those after it. ``since`` is when the first unconfirmed commit was made.
    """

    original: Texts
    before: Texts
    new: Texts
    mtimes: Tuple[int, ...]
    since: float

    @classmethod
    def load(cls, state: State, current: Texts) -> Optional[Journal]:
        """Return the saved journal, if there is one.

        :param current: the files now; one that the commit does not change is taken as it is now in all versions
        :raises TransactionError: it is damaged
        """
        data = state.load(_NAME)
        if data is None:
            return None
        try:
            if data["format"] != _FORMAT:
                raise ValueError
            original, before, new, mtimes = (tuple(data[key]) for key in ("original", "found", "new", "mtimes"))
            return cls(original, before, new, mtimes, float(data["since"]))._about(current)
        except (KeyError, TypeError, ValueError) as error:
            reason = "is not a journal of this version of the collection. Check main.cf and master.cf, then remove it."
            raise TransactionError(f"{state.path(_NAME)} {reason}") from error

    @staticmethod
    def exists(state: State) -> bool:
        """Return whether there is a journal, of whatever content."""
        return os.path.lexists(state.path(_NAME))

    @staticmethod
    def remove(state: State) -> None:
        state.remove(_NAME)

    def save(self, state: State) -> None:
        data = {"format": _FORMAT, "original": self.original, "found": self.before, "new": self.new}
        state.save(_NAME, {**data, "mtimes": self.mtimes, "since": self.since})

    def settle(self, state: State) -> None:
        """The files are the new version now: keep the journal as long as there is another version to go back to."""
        if self.new == self.original:
            self.remove(state)
        elif self.new == self.before:
            self.save(state)

    def progress(self, current: Texts) -> str:
        """Return how far the commit got: "done", "half" or "none" of it is in the files; "overtaken": edited since."""
        if current == self.new:
            return "done"
        if current == self.before:
            return "none"
        interrupted = all(text in (before, new) for text, before, new in zip(current, self.before, self.new))
        return "half" if interrupted else "overtaken"

    def _about(self, current: Texts) -> Journal:
        """Return the same commit, with each file that it does not change as it is now."""
        files = zip(self.original, self.before, self.new, current)
        versions = [versions if len(set(versions)) > 1 else (now,) * 3 for *versions, now in files]
        original, before, new = zip(*versions)
        return self._replace(original=original, before=before, new=new)
