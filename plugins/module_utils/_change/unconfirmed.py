# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that goes back by itself, unless somebody confirms that it can be used from outside (:mod:`_change.window`).

The run that makes it verifies it like any other, and its journals end. What the files were before is kept in the
window, with a process that stays behind (:mod:`_host.watchdog`) and, with systemd, a unit for the case that the host
goes down meanwhile (:mod:`_change.put_back`). Going back is a run like any other: one over all instances of the window,
which verifies the previous files, and keeps the present ones if it must.
"""

from __future__ import annotations

import secrets
import syslog
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Type

from .._base.errors import InputError
from .._host import at_boot
from .._host.installed import built_in
from .._host.instance import Instance, find_instance
from .._host.master_process import find_master
from .._host.store import STATE_DIRECTORY, State, TransactionError
from .._host.watchdog import dismiss, leave_behind
from . import change, from_outside, guard, put_back, secondary
from .edit_files import Edit, Edited
from .in_sync import outlook_of
from .member import Member
from .plan import Plan, Wanted
from .report import ApplyError
from .restart import described
from .run import Run
from .together import Together
from .transaction import ConfigFiles, Transactions, read_files
from .window import Begun, Ended, Part, Record, Window, clock, close, open_window, shown_time, this_boot

if TYPE_CHECKING:
    from .secondary import Secondary

#: What runs when the host boots, and all of the core that it needs (see :mod:`_host.at_boot`).
PUT_BACK = "_change.put_back"
NEEDED_AT_BOOT = (
    *("_base.byte_code", "_base.errors", "_base.records", "_base.words", "_files.lines", "_files.main_cf"),
    *("_files.marked_blocks", "_host.at_boot", "_host.command", "_host.environment", "_host.store"),
    *("_host.unit_properties", "_change.atomic_replace", "_change.journal", "_change.transaction", "_change.window"),
)
_NEEDED_LATER = (change, guard, put_back, secondary)  # what stays behind may outlive the files of the core
_PATIENCE = 600.0  # seconds that it waits for a run to end
_SECONDS = 60.0  # for going back


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
            go_back(self._state, record, _not_confirmed(record.window))

    def __enter__(self) -> Confirmation:
        """Have what finishes the run open the window, if it ends early."""
        if self._seconds:
            members = self._together.members
            directories = [member.directory for member in members]
            units = [member.run.report.unit for member in members]
            at_boot.keep(self._state, PUT_BACK, NEEDED_AT_BOOT, [unit for unit in units if unit], directories)
            record = Record.load(self._state)
            record._replace(begun=Begun(self._seconds, this_boot(), directories)).save(self._state)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        if error is None or isinstance(error, (ApplyError, InputError, TransactionError)):
            self._end()

    def arm(self) -> None:
        """All was done and verified: open the window, as long as the previous versions are still known."""
        self._open()
        self._end()

    def _open(self) -> None:
        record = Record.load(self._state)
        window, members = record.window, [member for member in self._together.members if member.assessment]
        parts = {part.directory: part for part in map(_part, members) if part} if record.begun else {}
        new = [member.run.instance for member in members if member.is_new and record.begun]
        created: List[Sequence[str]] = [[instance.name, instance.config_directory] for instance in new]
        if window and _is_overtaken(window, parts):
            _overtaken(self._state, record, "a run without confirm, or somebody, has edited them since")
            window = None
        if not parts and not created:
            return
        sockets = [entry for member in members for entry in from_outside.sockets(member)]
        sources = [entry for member in members for entry in from_outside.sources(member)]
        earlier: List[str] = []
        if window:
            earlier = [*window.earlier, window.token]
            for part in window.parts:
                now = parts.get(part.directory)
                parts[part.directory] = now._replace(original=part.original) if now else part
            created = window.created + [each for each in created if each not in window.created]
            here = {from_outside.name_of(member.run.instance) for member in members}
            sockets += [entry for entry in window.sockets if entry["instance"] not in here]
            sources += [entry for entry in window.sources if entry["instance"] not in here]
        left = [part for part in parts.values() if part.original != part.new]
        if not left and not created:
            if window:
                close(self._state, record, "reverted", "A later run has set what was there before.")
            return
        seconds, process, base = self._seconds, (0, 0), self._state.base
        token, deadline = secrets.token_hex(8), clock() + seconds
        with suppress(OSError):  # the next run goes back
            process = leave_behind(lambda: deadline - clock(), lambda: at_end(token, base))
        opened = Window(
            token, seconds, time.time(), deadline, this_boot(), left, created, sockets, sources, earlier, process
        )
        record._replace(window=opened, begun=None).save(self._state)
        if window:
            dismiss(window.process)

    def _end(self) -> None:
        """Forget that a run has begun; and what was left for it, where no window is open."""
        record = Record.load(self._state)
        if record.begun:
            record._replace(begun=None).save(self._state)
            if not record.window:
                at_boot.forget(self._state)


def reject(token: str, check_mode: bool = False, base: str = STATE_DIRECTORY) -> Optional[Dict[str, Any]]:
    """Go back now; return what is told of it.

    :param check_mode: only find out whether there is such a window
    :raises InputError: there is no such window, or not any more; the message says what became of it
    :raises ApplyError: it could not go back; the message says what happened
    """
    state = State(None, base)
    if check_mode:
        open_window(Record.load(state), token, "rejected")
        return None
    with state.locked(_SECONDS):
        record = Record.load(state)
        open_window(record, token, "rejected")
        ended = go_back(state, record, "was rejected")
        Record(ended=ended._replace(told=True)).save(state)
    if ended.outcome != "undone":
        raise ApplyError(ended.message, {})
    return ended.as_result()


def at_end(token: str, base: str) -> None:
    """Go back at the end of a window, in the process that was left behind."""
    state = State(None, base)
    try:
        with state.locked(_PATIENCE):
            record = Record.load(state)
            if record.window and record.window.token == token:
                go_back(state, record, _not_confirmed(record.window))
    except Exception as error:
        syslog.openlog("mailfleet", syslog.LOG_PID, syslog.LOG_MAIL)
        syslog.syslog(syslog.LOG_ERR, str(error) or repr(error))


def go_back(state: State, record: Record, why: str) -> Ended:
    """Bring back what was before a window, and end it; the lock of the state must be held.

    :param why: what the change was, in words
    """
    window = record.window
    if window is None:
        raise ValueError
    if record.begun:  # a run that has ended early: what it has not completed is not part of the window
        for directory in record.begun.directories:
            with suppress(TransactionError):
                Transactions(directory, state.base).rollback()
    what = f"The change of {shown_time(window.since)} {why}"
    try:
        if _is_overtaken(window, {}):
            return _overtaken(state, record, f"nothing was undone, because they were edited since. {what}")
        how = _restore(state, window)
    except (ApplyError, InputError, TransactionError, OSError) as error:
        ended = close(state, record, "failed", f"{what}, and could not be undone: {error}")
    else:
        places = from_outside.in_words(window.sockets)
        tried = f" Postfix was to listen on {places}." if places else ""
        undone = f"{what} and was undone at {shown_time(time.time())}.{tried}"
        ended = close(state, record, "undone", " ".join([undone, *how]))
    _log(ended)
    return ended


def _not_confirmed(window: Window) -> str:
    return f"was not confirmed within {window.seconds} s"


def _log(ended: Ended) -> None:
    syslog.openlog("mailfleet", syslog.LOG_PID, syslog.LOG_MAIL)
    syslog.syslog(syslog.LOG_ERR if ended.outcome == "failed" else syslog.LOG_WARNING, ended.message)


def _overtaken(state: State, record: Record, why: str) -> Ended:
    """End a window whose files are not what the change has made of them."""
    window = record.window
    if window is None:
        raise ValueError
    directories = " and ".join(part.directory for part in window.parts)
    since = shown_time(window.since)
    message = f"The files in {directories} stay as they are, although the change of {since} was not confirmed: {why}."
    ended = close(state, record, "overtaken", message)
    _log(ended)
    return ended


def _is_overtaken(window: Window, parts: Dict[str, Part]) -> bool:
    """Return whether files are not what a change has made of them.

    :param parts: what this run has done to them since
    """
    for part in window.parts:
        changed = parts.get(part.directory)
        try:
            texts = changed.original if changed else read_files(part.directory).texts
        except TransactionError:  # they are gone
            return True
        if texts != part.new:
            return True
    return False


def _restore(state: State, window: Window) -> List[str]:
    """Bring all instances of a window back, verified; return what runs now, in sentences."""
    members: List[Member] = []
    removals: List[Secondary] = []
    created = [name for name, _directory in window.created]
    default = Transactions(find_instance().config_directory, state.base, _SECONDS) if window.created else None
    for part in window.parts:
        fields: List[Any] = [tuple(field) if isinstance(field, list) else field for field in part.instance]
        instance = Instance(*fields)
        if instance.name in created:
            continue
        run = Run(instance, _SECONDS, state.base)
        if default and instance.is_default:
            run.transactions = default
        members.append(Member(run, _Back(part, run)))
    for name in created if default else ():
        removal = secondary.Secondary(name, None, False, state.base, default, built_in(), "instance")
        try:
            removal.refuse_messages()
            removals.append(removal)
        except InputError:  # then it delivers them, and takes no more
            run = Run(find_instance(None, name), _SECONDS, state.base)
            wanted = Wanted({"master_service_disable": ["inet"]}, allow_no_listener=True)
            members.append(Member(run, Edit(run.instance, wanted, run.transactions, run.around)))
    rest = Together(members, removals, state_directory=state.base)
    rest.state, rest.watches = state, False
    rest.carry_out()
    told = []
    for member in members:
        master = find_master(member.run.instance)
        runs = f"Postfix runs and listens on {described(master.sockets)}." if master else "Postfix does not run."
        told.append(f"{member.directory}: {runs}")
    return told + [f"The instance {removal.name} was removed again." for removal in removals]


class _Back(Edit):
    """The edit that brings the previous files of an instance back."""

    def __init__(self, part: Part, run: Run) -> None:
        super().__init__(run.instance, Wanted({}), run.transactions, run.around)
        self._part = part

    def plan_for(
        self, found: ConfigFiles, recovered: Optional[str] = None, left: Optional[ConfigFiles] = None
    ) -> Edited:
        """Return what the files become.

        :raises TransactionError: somebody has edited them meanwhile
        """
        if found.texts not in (self._part.new, self._part.original):
            raise TransactionError(f"The files in {found.config_directory} were edited meanwhile; they stay.")
        before, after = (
            outlook_of(files, self.instance, self.around.host, self.around.resolve)
            for files in (found, found.with_texts(self._part.original))
        )
        main, master = self._part.original
        return self.edited(Plan(main, master, [], before, after, []), found, recovered, left)


def _part(member: Member) -> Optional[Part]:
    """Return what this run has made of an instance; None where its files are what they were."""
    pending = member.run.transactions.pending()
    if pending is None or pending.progress != "done":
        return None
    return Part(tuple(member.run.instance), pending.original.texts, pending.settled.texts)
