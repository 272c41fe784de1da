# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run over one instance: what it works with, and the two phases that every run has, assess and confirm.

Most runs find Postfix in line with its files and need nothing else; so nothing is imported here that could stop or
start it (:mod:`_change.restart`).
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Optional

from .._base.errors import InputError
from .._host.instance import Instance
from .._host.master_process import Master, find_master
from .._host.store import TransactionError
from .._host.surroundings import Surroundings, surroundings
from .._host.unit import ServiceControl, find_service
from .._rules.outlook import Outlook
from .._rules.reload_or_restart import sockets_of
from .in_sync import Assessment, assess, has_read, outlook_of, remember
from .report import Report, socket_states
from .transaction import ConfigFiles, Pending, Transactions, read_files

if TYPE_CHECKING:
    from .earlier import Earlier
    from .edit_files import Edited
    from .guard import Guard


class Run:
    """One run over one instance.

    :param timeout: seconds that the action and its verification may take; going back gets as many again
    :param state_directory: where the state of all instances is kept
    :param around: the host and its names, where they are known already
    :ivar report: what the run has done and seen so far
    """

    def __init__(
        self, instance: Instance, timeout: float, state_directory: str, around: Optional[Surroundings] = None
    ) -> None:
        self.instance = instance
        self.around = around or surroundings(instance.version, instance.unfamiliar)
        self.timeout = timeout
        self.transactions = Transactions(instance.config_directory, state_directory, time_limit=timeout)
        self.report = Report()
        self.earlier: Optional[Earlier] = None  # what the instance could do before the first action
        self.guard: Optional[Guard] = None  # while something is changed
        self.service: Optional[ServiceControl] = None  # what stops and starts the instance

    def assess(self, planned: Optional[Edited] = None, settled: bool = False) -> Assessment:
        """Compare the files with the running master, and report what is needed.

        :param planned: an edit that was not made yet: assess the files as they will be after it
        :param settled: assess the files as they will be once an interrupted commit is completed
        """
        exists = os.path.isdir(self.instance.config_directory)  # not yet where it is only planned
        pending = self.transactions.pending() if exists else None
        master = find_master(self.instance)
        if planned and planned.changed:
            pending = self._as_committed(planned, pending, master)
            files = planned.planned
        elif planned:
            files = planned.found
        else:
            files = pending.settled if pending and settled else read_files(self.instance.config_directory)
        assessment = self._assess(files, master, pending, planned.plan.after.strict if planned else None)
        self.report.action, self.report.reasons = assessment.action, assessment.reasons
        self.report.sockets = socket_states(assessment.promised, master)
        return assessment

    def service_of(self, assessment: Assessment) -> ServiceControl:
        """Return what starts and stops the instance, and report it."""
        service = find_service(self.instance, assessment.master)
        if assessment.master is None and self.service and self.service.supervisor:  # the processes above it tell best
            service = self.service
        self.service = service
        self.report.unit, self.report.supervisor = service.unit, service.kind
        self.report.outside_unit = service.is_outside(assessment.master)
        return service

    def works(self, assessment: Assessment, master: Master, started: bool) -> None:
        """Postfix runs by the files that were assessed: remember that, and report it.

        :param started: whether the master was started by these files, and not only told to read them again
        """
        with suppress(TransactionError):  # a full disk: the next run knows less, and is the more careful
            remember(assessment, master, started, self.transactions.state)
        self.report.in_sync = True
        self.report.outside_unit = find_service(self.instance, master).is_outside(master)
        self.report.sockets = socket_states(assessment.promised, master)

    def runs_by(self, files: ConfigFiles) -> bool:
        """Return whether the master has read these files and has the sockets that they promised then."""
        master = find_master(self.instance)
        if master is None or not has_read(files, master):
            return False
        lenient = outlook_of(files, self.instance, self.around.host, self.around.resolve).lenient
        return lenient.runs and sockets_of(lenient.listeners) == master.sockets

    def problem_of(self, files: ConfigFiles) -> Optional[InputError]:
        """Return why Postfix cannot run by files, as far as the rules tell; None if nothing is known against them."""
        return outlook_of(files, self.instance, self.around.host, self.around.resolve).error

    def look_again(self) -> None:
        """Ask anew for the host's addresses and names: one of them may be what has failed."""
        self.around = surroundings(self.instance.version, self.instance.unfamiliar)

    def _assess(
        self,
        files: ConfigFiles,
        master: Optional[Master],
        pending: Optional[Pending],
        after: Optional[Outlook] = None,
    ) -> Assessment:
        host, resolve, state = self.around.host, self.around.resolve, self.transactions.state
        return assess(self.instance, files, master, host, resolve, state, pending, after)

    def _as_committed(self, planned: Edited, pending: Optional[Pending], master: Optional[Master]) -> Optional[Pending]:
        """Return the pending commit as it will be after an edit (see :meth:`Edit.commit`)."""
        found = planned.found
        original = pending.original if pending else found
        if pending and pending.progress == "done" and master and self._assess(found, master, pending).in_sync:
            original = found
        if planned.planned.texts == original.texts:
            return None
        return Pending("done", original, planned.planned, time.time())
