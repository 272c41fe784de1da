# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the files of an instance, plan, commit: no process is touched."""

from __future__ import annotations

import os
from typing import Callable, List, NamedTuple, Optional

from .._host.addresses import read_host
from .._host.instance import Instance
from .._host.names import system_port, system_resolver
from .._host.store import STATE_DIRECTORY, FileChanged, TransactionError
from .plan import Plan, Surroundings, Wanted, make_plan
from .transaction import NAMES, ConfigFiles, Transactions, read_files


class Edited(NamedTuple):
    """What was done, or in check mode would be done."""

    plan: Plan
    #: the files before
    found: ConfigFiles
    #: the paths of those that the plan changes
    changed: List[str]
    #: what became of a change that an earlier run left half written
    recovered: Optional[str]


def edit(
    instance: Instance,
    wanted: Wanted,
    check_mode: bool = False,
    before_commit: Callable[[List[str]], None] = lambda paths: None,
    state_directory: str = STATE_DIRECTORY,
) -> Edited:
    """Make the files of an instance say what is wanted.

    :param check_mode: write nothing
    :param before_commit: called with the paths of the files that are about to change
    :raises InputError: something wanted is wrong; nothing was written
    :raises TransactionError: the files cannot be read or written; they are as they were
    """
    transactions = Transactions(instance.config_directory, state_directory)
    around = Surroundings(read_host(), instance.version, system_resolver(), system_port)

    def attempt() -> Edited:
        pending = transactions.pending() if check_mode else None
        recovered = None if check_mode else transactions.recover()
        found = pending.settled if pending else read_files(instance.config_directory)
        plan = make_plan(wanted, found.main, found.master, around)
        versions = zip(NAMES, found.texts, (plan.main, plan.master))
        changed = [os.path.join(instance.config_directory, name) for name, old, new in versions if old != new]
        if changed and not check_mode:
            before_commit(changed)
            _confirm_what_runs(instance, transactions, found, around)
            transactions.commit(found, plan.main, plan.master)
        return Edited(plan, found, changed, recovered)

    try:
        return attempt()
    except FileChanged:  # somebody else wrote a file since it was read
        return attempt()


def _confirm_what_runs(
    instance: Instance, transactions: Transactions, found: ConfigFiles, around: Surroundings
) -> None:
    """Confirm an earlier commit that Postfix runs by, because somebody else has restarted or reloaded it since.

    Otherwise a rollback would go back to the version before the first edit, however long ago that was.
    """
    pending = transactions.pending()
    if pending is None or pending.progress != "done":
        return
    from .._host.master_process import find_master
    from .in_sync import assess  # not needed by most runs, and long to load

    try:
        master = find_master(instance)
    except TransactionError:  # not visible from here
        return
    if master and assess(instance, found, master, around.host, around.resolve, transactions.state, pending).in_sync:
        transactions.confirm()
