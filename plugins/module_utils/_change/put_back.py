# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the host boots within a window (:mod:`_change.window`), bring the previous files back before Postfix starts.

This runs by itself, without Ansible and long after the run, from what :mod:`_host.at_boot` has kept. It starts nothing:
what starts Postfix at boot does so by the previous files. So it imports little, and nothing later than at its start.
"""

from __future__ import annotations

import syslog
import time
from typing import List

from .._base.words import shown_time
from .._files.main_cf import MainCf
from .._host.at_boot import forget
from .._host.boot_id import boot_id
from .._host.store import State, TransactionError
from . import atomic_replace
from .transaction import Transactions, read_files
from .window import Record, Window, close, edited_in, edited_since

_PATIENCE = 30.0  # seconds to wait for another run
_NEEDED_LATER = (atomic_replace,)
_DISABLED = "master_service_disable"


def main(base: str) -> None:
    """Do it, and remove what was left behind for it.

    :param base: the directory of the state of all instances
    """
    syslog.openlog("mailfleet", syslog.LOG_PID, syslog.LOG_MAIL)
    state = State(None, base)
    try:
        with state.locked(_PATIENCE):
            record = Record.load(state)
            boots = [one.boot for one in (record.window, record.begun) if one]
            if boot_id() in boots:  # somebody has started the unit by hand
                return
            if record.begun:
                _roll_back(record.begun.directories, base)
            if record.window:
                put_back(state, record)
            elif record.begun:
                record._replace(begun=None).save(state)
            forget(state)
    except (TransactionError, OSError) as error:
        syslog.syslog(syslog.LOG_ERR, f"A change that was not confirmed is still there: {error}")


def _roll_back(directories: List[str], base: str) -> None:
    """Take back what a run had not completed when the host went down, and that would have to be confirmed."""
    for directory in directories:
        transactions = Transactions(directory, base, ledger=False)
        restored = transactions.rollback()
        transactions.confirm()
        if restored:
            why = "the host went down before the run that has changed them had ended"
            syslog.syslog(syslog.LOG_WARNING, f"The previous version of {' and '.join(restored)} was restored: {why}.")


def put_back(state: State, record: Record) -> None:
    """Bring back the previous files of all instances of the window, or of none, where one was edited since."""
    window = record.window
    if window is None:
        return
    what = f"The change of {shown_time(window.since)} was not confirmed before the host went down"
    edited = edited_in(window, state.base)
    if edited:
        syslog.syslog(syslog.LOG_WARNING, close(state, record, "overtaken", edited_since(what, edited)).message)
        return
    told = _restored(window, state.base)
    told += [_silenced(name, directory, state.base) for name, directory in window.created]
    undone = f"{what} and was undone at {shown_time(time.time())}, before Postfix started."
    syslog.syslog(syslog.LOG_WARNING, close(state, record, "undone", " ".join([undone, *told])).message)


def _restored(window: Window, base: str) -> List[str]:
    told, created = [], [directory for _name, directory in window.created]
    for part in window.parts:
        if part.directory in created:
            continue
        transactions = Transactions(part.directory, base, ledger=False)
        transactions.commit(read_files(part.directory), part.original[0], part.original[1])
        transactions.confirm()
        told.append(f"The previous files are back in {part.directory}.")
    return told


def _silenced(name: str, directory: str, base: str) -> str:
    """Have an instance that the change has created listen nowhere: the others have their addresses again."""
    files, transactions = read_files(directory), Transactions(directory, base, ledger=False)
    main_cf = MainCf(files.main)
    main_cf.set(_DISABLED, "inet")
    transactions.commit(files, main_cf.text, files.master)
    transactions.confirm()
    return f"The instance {name}, which it had created, listens nowhere."
