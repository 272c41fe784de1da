# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does about changes that wait to be confirmed: its own, which it opens a window for, and earlier ones."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence, Type

from .._base.errors import InputError
from .._base.words import shown_time
from .._host import at_boot
from .._host.boot_id import boot_id
from .._host.store import TransactionError
from .._host.watchdog import dismiss, leave_behind
from . import from_outside, put_back
from .member import Member
from .report import ApplyError
from .transaction import read_files
from .unconfirmed import at_end, go_back, not_confirmed
from .window import Begun, Part, Record, Window, clock, close, edited_since

if TYPE_CHECKING:
    from .together import Together

#: What runs when the host boots, and all of the core that it needs (see :mod:`_host.at_boot`).
PUT_BACK = "_change.put_back"
NEEDED_AT_BOOT = (
    *("_base.byte_code", "_base.errors", "_base.records", "_base.words", "_files.lines", "_files.main_cf"),
    *("_files.marked_blocks", "_host.at_boot", "_host.boot_id", "_host.command", "_host.environment", "_host.store"),
    *("_host.unit_properties", "_change.atomic_replace", "_change.journal", "_change.transaction", "_change.window"),
)
_NEEDED_LATER = (put_back,)  # of which only the source is needed


class Confirmation:
    """What a run does about windows, holding the lock of the host's state.

    It is a context manager around all that the run changes.

    :param together: the run
    """

    def __init__(self, together: Together) -> None:
        self._together, self._state = together, together.state
        begun = Record.load(self._state).begun  # by a run that has ended early
        self._seconds = together.confirm or (begun.seconds if begun else 0)

    def settle(self) -> None:
        """Have a window that is over go back."""
        record = Record.load(self._state)
        if record.window and record.window.is_over and not self._together.resumes:
            go_back(self._state, record, not_confirmed(record.window))

    def __enter__(self) -> bool:
        """Have what finishes the run open the window, if it ends early; return whether there will be one."""
        if self._seconds:
            self._keep()
            directories = [member.directory for member in self._together.members]
            record = Record.load(self._state)
            record._replace(begun=Begun(self._seconds, boot_id(), directories)).save(self._state)
        return bool(self._seconds)

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        if error is None or isinstance(error, (ApplyError, InputError, TransactionError)):
            self._end()

    def parts(self) -> Dict[str, Part]:
        """Return what waits to be confirmed now, by the configuration directory."""
        window = Record.load(self._state).window
        return {part.directory: part for part in window.parts} if window else {}

    def arm(self) -> None:
        """All was done and verified: open the window, as long as the previous versions are still known."""
        record = Record.load(self._state)
        members = [member for member in self._together.members if member.assessment]
        parts = {part.directory: part for part in map(_part, members) if part} if record.begun else {}
        new = [member.run.instance for member in members if member.is_new and record.begun]
        window = self._still_open(record, parts)
        if parts or new:
            self._open(window, members, parts, [[instance.name, instance.config_directory] for instance in new])
        self._end()

    def _still_open(self, record: Record, parts: Dict[str, Part]) -> Optional[Window]:
        """Return the window that is open; end it where its files are not any more what its change has made of them.

        :param parts: what this run has done to them
        """
        window = record.window
        if window is None:
            return None
        found = [(part, parts.get(part.directory) or _now(part)) for part in window.parts]
        if all(now.original == part.new for part, now in found):
            return window
        if all(now.new == part.original for part, now in found):
            close(self._state, record, "reverted", "The files are again what they were before the change.")
        else:
            what = f"The change of {shown_time(window.since)} was not confirmed"
            close(self._state, record, "overtaken", edited_since(what, [part.directory for part in window.parts]))
        if parts:  # that has ended what is left for the next window, too
            self._keep()
        return None

    def _open(
        self, window: Optional[Window], members: List[Member], parts: Dict[str, Part], new: List[Sequence[str]]
    ) -> None:
        """Open a window.

        :param window: the one that is open, which the new one takes in
        """
        created, earlier = new, []
        sockets = [entry for member in members for entry in from_outside.sockets(member)]
        sources = [entry for member in members for entry in from_outside.sources(member)]
        if window:
            earlier = [*window.earlier, window.token]
            for part in window.parts:
                now = parts.get(part.directory)
                parts[part.directory] = now._replace(original=part.original) if now else part
            created = window.created + [each for each in new if each not in window.created]
            here = {from_outside.name_of(member.run.instance) for member in members}
            sockets += [entry for entry in window.sockets if entry["instance"] not in here]
            sources += [entry for entry in window.sources if entry["instance"] not in here]
        left = [part for part in parts.values() if part.original != part.new]
        record = Record.load(self._state)
        if not left and not created:
            if window:
                close(self._state, record, "reverted", "A later run has set what was there before the change.")
            return
        seconds, process, base = self._seconds, (0, 0), self._state.base
        token, deadline = secrets.token_hex(8), clock() + seconds
        with suppress(OSError):  # the next run goes back
            process = leave_behind(lambda: deadline - clock(), lambda: at_end(token, base))
        opened = Window(
            token, seconds, time.time(), deadline, boot_id(), left, created, sockets, sources, earlier, process
        )
        Record(window=opened, ended=record.ended).save(self._state)
        if window:
            dismiss(window.process)

    def _keep(self) -> None:
        """Prepare for the case that the host goes down."""
        members = self._together.members
        units = [member.run.report.unit for member in members if member.run.report.unit]
        directories = [member.directory for member in members]
        at_boot.keep(self._state, PUT_BACK, NEEDED_AT_BOOT, units, directories)

    def _end(self) -> None:
        """Forget that a run has begun; and what was left for it, where no window is open."""
        record = Record.load(self._state)
        if record.begun:
            record = record._replace(begun=None)
            record.save(self._state)
        if not record.window:
            at_boot.forget(self._state)


def _now(part: Part) -> Part:
    """Return what the files are now, as what a run has done that changes nothing; no texts where they are gone."""
    try:
        texts = read_files(part.directory).texts
    except TransactionError:
        texts = ()
    return part._replace(original=texts, new=texts)


def _part(member: Member) -> Optional[Part]:
    """Return what this run has made of an instance; None where its files are what they were."""
    pending = member.run.transactions.pending()
    if pending is None or pending.progress != "done":
        return None
    return Part(tuple(member.run.instance), pending.original.texts, pending.settled.texts)
