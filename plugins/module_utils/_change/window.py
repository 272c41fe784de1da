# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The window of a change: it waits to be confirmed from outside, or goes back (:mod:`_change.confirmation`).

A host has one window at most, for all its instances. What it is about is kept in one file of the host's state, which
whoever opens, confirms or ends a window changes under the lock of that state. Deadlines are by a clock that nobody can
set, and that goes on while the host sleeps.
"""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress
from typing import Any, Dict, List, Optional, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import shown_time
from .._host.at_boot import forget
from .._host.boot_id import boot_id
from .._host.store import STATE_DIRECTORY, WINDOW, State, TransactionError
from .journal import Texts
from .transaction import Transactions, read_files

_FORMAT = 1
_PATIENCE = 60.0  # seconds to wait for a run, or for what goes back


class Part(NamedTuple):
    """One instance in a window: the fields of its :class:`Instance`, what it goes back to, and what it has now."""

    instance: Sequence[Any]
    original: Texts
    new: Texts

    @property
    def directory(self) -> str:
        """Its configuration directory."""
        return str(self.instance[0])


class Window(NamedTuple):
    """What waits to be confirmed."""

    token: str
    seconds: int
    #: when the change was made, in s since the epoch
    since: float
    #: by :func:`clock`, in the boot of that name
    deadline: float
    boot: str
    parts: List[Part]
    #: name and directory of each instance that it has created
    created: List[Sequence[str]]
    #: as the modules return them
    sockets: List[Dict[str, Any]]
    sources: List[Dict[str, Any]]
    #: the tokens of the changes that it has taken in
    earlier: List[str]
    #: the process that waits for the end of the window, and when that was started; 0 where there is none
    process: Sequence[int] = (0, 0)

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self.deadline - clock()

    @property
    def is_over(self) -> bool:
        """Whether it should have gone back by now."""
        return self.left <= 0 or self.boot != boot_id()


class Begun(NamedTuple):
    """A run that is to open a window at its end: so that what finishes it does that too, if it ends early."""

    seconds: int
    boot: str
    directories: List[str]


class Ended(NamedTuple):
    """What became of the last window.

    ``outcome`` is "confirmed", "undone", "failed" (it could not go back), "overtaken" (somebody has edited the files
    since, so they stay), or "reverted" (a later run has set what was there before).
    """

    token: str
    outcome: str
    message: str
    since: float
    at: float
    earlier: List[str]
    #: whether a run has told it
    told: bool = False

    def as_result(self) -> Optional[Dict[str, Any]]:
        """Return it as the modules do; None where nothing is to be told."""
        if self.outcome in ("confirmed", "reverted"):
            return None
        times = {"changed_at": shown_time(self.since), "ended_at": shown_time(self.at)}
        return {"token": self.token, "outcome": self.outcome, "message": self.message, **times}


class Record(NamedTuple):
    """The file: the window that is open, the run that will open one, and what became of the last one."""

    window: Optional[Window] = None
    begun: Optional[Begun] = None
    ended: Optional[Ended] = None

    @property
    def waits(self) -> bool:
        """Whether there is something to confirm, or soon will be."""
        return bool(self.window or self.begun)

    @classmethod
    def load(cls, state: State) -> Record:
        """Return what is recorded.

        :raises TransactionError: the file is damaged
        """
        data = state.load(WINDOW)
        if data is None:
            return cls()
        try:
            if data["format"] != _FORMAT:
                raise ValueError
            window = Window(*data["window"]) if data["window"] else None
            if window:
                parts = [Part(part[0], tuple(part[1]), tuple(part[2])) for part in window.parts]
                window = window._replace(parts=parts)
            begun = Begun(*data["begun"]) if data["begun"] else None
            return cls(window, begun, Ended(*data["ended"]) if data["ended"] else None)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            reason = "is not of this version of the collection. Check main.cf and master.cf, then remove it."
            raise TransactionError(f"{state.path(WINDOW)} {reason}") from error

    def save(self, state: State) -> None:
        """Write it down; it is on the disk when this returns."""
        if self == Record():
            state.remove(WINDOW)
        else:
            state.save(WINDOW, {"format": _FORMAT, **self._asdict()})


def clock() -> float:
    """Return the seconds since this boot, also those that the host has slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def as_result(window: Optional[Window]) -> Optional[Dict[str, Any]]:
    """Return what a run says of the open window; None where none is open."""
    if window is None or window.is_over:
        return None
    left = max(int(window.left + 0.5), 1)
    return {"token": window.token, "seconds": left, "sockets": window.sockets, "sources": window.sources}


def told(state: State, tell: bool) -> Dict[str, Any]:
    """Return what a run says of windows: ``confirm``, ``undone``, and ``warnings`` if something is told first now.

    :param tell: whether it is told from now on
    """
    record = Record.load(state)
    undone = record.ended.as_result() if record.ended else None
    said: Dict[str, Any] = {"confirm": as_result(record.window), "undone": undone, "warnings": []}
    if undone and record.ended and not record.ended.told:
        said["warnings"].append(undone["message"])
        if tell:
            with suppress(TransactionError), state.locked(0.0):  # else the next run tells it again
                record = Record.load(state)
                if record.ended and record.ended.token == undone["token"]:
                    record._replace(ended=record.ended._replace(told=True)).save(state)
    return said


def confirm(token: str, check_mode: bool = False, base: str = STATE_DIRECTORY) -> List[str]:
    """Keep the change of a window; return the configuration directories that it is about. Again is the same.

    :param check_mode: only find out whether that can be done
    :raises InputError: there is no such window, or not any more; the message says what became of it
    :raises TransactionError: a run or what goes back is at work, and does not end
    """
    state = State(None, base)
    # Whose token is of no window need not wait for a lock, nor have the directory of the state made.
    with nullcontext() if check_mode or not os.path.lexists(state.path(WINDOW)) else state.locked(_PATIENCE):
        record = Record.load(state)
        if record.ended and (record.ended.token, record.ended.outcome) == (token, "confirmed"):
            return []
        window = open_window(record, token, "confirmed")
        if not check_mode:
            close(state, record, "confirmed", "")
            from .versions import keep_new  # what runs at boot confirms nothing

            keep_new(window.parts, base)
        return [part.directory for part in window.parts]


def open_window(record: Record, token: str, option: str) -> Window:
    """Return the open window of a token.

    :param option: that gives the token
    :raises InputError: there is none, or not any more
    """
    window, ended = record.window, record.ended
    remedy = "Look at the host, and run the play again"
    if window and window.token == token:
        if not window.is_over:
            return window
        reason = f"came too late: the {window.seconds} s are over, and the previous files come back"
    elif window and token in window.earlier:
        reason = "belongs to a change that a later run has added to, which has a token of its own"
        remedy = "Confirm that one, which is about both changes"
    elif ended and token in (ended.token, *ended.earlier):
        reason = f"does not wait any more: {ended.message or f'the change was {ended.outcome}'}".rstrip(".")
    else:
        reason = "is not the token of a change that waits to be confirmed on this host"
        remedy = "Use confirm.token of the result of the run that has made the change"
    raise InputError(option, token, reason, remedy)


def edited_in(window: Window, base: str) -> List[str]:
    """Return the directories whose files are neither what the change has made of them, nor what they were before.

    What was interrupted when it was on its way back is completed.

    :raises TransactionError: they cannot be read
    """
    for part in window.parts:
        Transactions(part.directory, base).recover()
    found = [(part, read_files(part.directory).texts) for part in window.parts]
    return [part.directory for part, texts in found if texts not in (part.new, part.original)]


def edited_since(what: str, directories: Sequence[str]) -> str:
    """Return what is told of a change whose files somebody has edited since.

    :param what: what became of the change, in words
    """
    return f"{what}, but the files in {' and '.join(directories)} were edited since, so nothing was undone."


def close(state: State, record: Record, outcome: str, message: str) -> Ended:
    """End the open window, and remove all that was left behind for it; the lock of the state must be held.

    :param message: what became of it, in sentences
    """
    window = record.window
    if window is None:
        raise ValueError
    ended = Ended(window.token, outcome, message, window.since, time.time(), window.earlier)
    Record(ended=ended).save(state)
    forget(state)
    if window.boot == boot_id():
        from .._host.watchdog import dismiss  # what runs at boot ends no process

        dismiss(window.process)
    return ended
