# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go back to what was before a change, because nobody has confirmed that it can be used from outside.

The run that makes it verifies it like any other, and its journals end. What the files were before is kept in the
window, with a process that stays behind (:mod:`_host.watchdog`) and, with systemd, a unit for the case that the host
goes down meanwhile (:mod:`_change.put_back`). Going back is a run like any other: one over all instances of the window,
which verifies the previous files, and keeps the present ones if it must.
"""

from __future__ import annotations

import syslog
import time
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from .._base.errors import InputError
from .._base.words import shown_time
from .._host.installed import built_in
from .._host.instance import Instance, find_instance
from .._host.master_process import find_master
from .._host.store import STATE_DIRECTORY, State, TransactionError
from . import change, from_outside, guard, ownership, secondary
from .bring_back import BringBack
from .edit_files import Edit
from .journal import Texts
from .member import Member
from .plan import Wanted
from .report import ApplyError
from .restart import described
from .run import Run
from .together import Together
from .transaction import ConfigFiles, Transactions
from .window import Ended, Part, Record, Window, close, edited_in, edited_since, open_window

if TYPE_CHECKING:
    from .secondary import Secondary

_NEEDED_LATER = (change, guard, ownership, secondary)  # the process that stays behind may outlive the files of the core
_PATIENCE = 600.0  # seconds that it waits for a run to end
_SECONDS = 60.0  # for going back


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
                go_back(state, record, not_confirmed(record.window))
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
    what = f"The change of {shown_time(window.since)} {why}"
    try:
        for directory in record.begun.directories if record.begun else ():  # by a run that has not completed it
            Transactions(directory, state.base).rollback()
        edited = edited_in(window, state.base)
        if edited:
            ended = close(state, record, "overtaken", edited_since(what, edited))
        else:
            how = _restore(state, window)
            places = from_outside.in_words(window.sockets)
            tried = f" Postfix was to listen on {places}." if places else ""
            undone = f"{what} and was undone at {shown_time(time.time())}.{tried}"
            ended = close(state, record, "undone", " ".join([undone, *how]))
    except (ApplyError, InputError, TransactionError, OSError) as error:
        ended = close(state, record, "failed", f"{what}, and could not be undone: {error}")
    syslog.openlog("mailfleet", syslog.LOG_PID, syslog.LOG_MAIL)
    syslog.syslog(syslog.LOG_ERR if ended.outcome == "failed" else syslog.LOG_WARNING, ended.message)
    return ended


def not_confirmed(window: Window) -> str:
    return f"was not confirmed within {window.seconds} s"


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


class _Back(BringBack):
    """The edit that brings the previous files of an instance back."""

    def __init__(self, part: Part, run: Run) -> None:
        super().__init__(run)
        self._part = part

    def texts_for(self, found: ConfigFiles) -> Texts:
        """Return what the files become.

        :raises TransactionError: somebody has edited them meanwhile
        """
        if found.texts not in (self._part.new, self._part.original):
            raise TransactionError(f"The files in {found.config_directory} were edited meanwhile; they stay.")
        return self._part.original
