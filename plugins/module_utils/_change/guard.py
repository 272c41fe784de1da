# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that ends early stops no mail.

Without a terminal of their own the commands of a run survive a lost connection, but the run does not: Ansible's ssh has
a terminal by default (no pipelining), and sends SIGHUP when it is gone. So while a run changes something, signals wait
until it has done all, or has gone back. What cannot wait, such as SIGKILL, is made up for by a keeper
(:mod:`_host.keeper`) from shortly before a stop: if the run ends, it does what the next run would do.
A change that has to be confirmed has one from its beginning.
"""

from __future__ import annotations

import os
import signal
import syslog
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Type

from .._base.errors import InputError
from .._host import at_work, open_files, supervisors, unit_jobs, waiting
from .._host.keeper import Keeper
from .._host.master_process import find_master
from .._host.store import TransactionError
from .._host.unit import find_service
from .._rules import environment, intake, postscreen, program_failures
from . import atomic_replace, keep_version, ledger, listing
from .member import Member
from .report import ApplyError
from .restart import described
from .run import Run

if TYPE_CHECKING:
    from .together import Together

#: What others import only when they need it; the keeper may outlive the files that modules come from.
_NEEDED_LATER = (
    *(at_work, open_files, supervisors, unit_jobs, waiting),
    *(environment, intake, postscreen, program_failures),
    *(atomic_replace, keep_version, ledger, listing),
)
_WAIT = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Guard:
    """What guards a run while it changes something. A context manager.

    :param together: the run
    """

    def __init__(self, together: Together) -> None:
        self._together = together
        self._before: Dict[int, Any] = {}
        self._arrived: List[int] = []
        self._keeper: Optional[Keeper] = None

    def __enter__(self) -> Guard:
        for number in _WAIT:
            with suppress(ValueError):  # only the main thread may
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    # Not SIG_IGN, which the commands that are run would inherit.
                    self._before[number] = signal.signal(number, lambda number, _frame: self._arrived.append(number))
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        if self._keeper and (error is None or isinstance(error, (ApplyError, InputError, TransactionError))):
            self._keeper.dismiss()
        elif self._keeper:
            self._keeper.leave()
        for number, action in self._before.items():
            signal.signal(number, action)
        for number in dict.fromkeys(self._arrived):
            os.kill(os.getpid(), number)

    def hire(self) -> None:
        """Have the keeper ready soon, because there will be a stop."""
        if self._keeper is None and not self._together.resumes:
            with suppress(OSError):
                self._keeper = Keeper(lambda begun: finish(self._together, begun))

    def begin(self) -> None:
        """Something has to be finished from now on: the keeper does it if this process ends."""
        self.hire()
        if self._keeper:
            self._keeper.begin()


def finish(together: Together, begun: bool) -> None:
    """Do what is left of a run whose process has ended, holding its locks.

    An instance that it was creating is left to the next run.

    :param begun: whether it has begun to stop anything
    """
    syslog.openlog("mailfleet", syslog.LOG_PID, syslog.LOG_MAIL)
    before = [member for member in together.members if not member.is_new]
    members = [_again(member, together) for member in before]
    directories = " and ".join(member.directory for member in members)
    try:
        if begun:
            syslog.syslog(syslog.LOG_WARNING, f"A run over {directories} has ended early. Finishing it.")
            for member in before:
                _start(member)
            rest = type(together)(members, state_directory=together.state.base)
            rest.resumes, rest.confirm = True, together.confirm
            rest.keep_versions, rest.least_versions = together.keep_versions, together.least_versions
            rest.state = together.state  # with its lock, if the run had it
            rest.carry_out()
        else:
            for member in members:
                find_service(member.run.instance, find_master(member.run.instance)).tidy()
    except Exception as error:
        syslog.syslog(syslog.LOG_ERR, str(error) or repr(error))
        return
    for member in members if begun else ():
        master = find_master(member.run.instance)
        runs = f"runs and listens on {described(master.sockets)}" if master else "does not run"
        syslog.syslog(syslog.LOG_NOTICE, f"{member.directory}: Postfix {runs}.")


def _start(member: Member) -> None:
    """Start an instance at once if it is down: all that precedes a start was done before the stop."""
    run = member.run
    pending = run.transactions.pending()
    if find_master(run.instance) is None and not (pending and pending.progress == "half"):
        service = run.service or find_service(run.instance)
        service.start(time.monotonic() + run.timeout, checked=True)


def _again(member: Member, together: Together) -> Member:
    """Return the instance as a new run has it, that wants nothing but what the files say, with the lock of this one."""
    run = Run(member.run.instance, member.run.timeout, together.state.base)
    run.transactions, run.service = member.run.transactions, member.run.service
    return Member(run)
