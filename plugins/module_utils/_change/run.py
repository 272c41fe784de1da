# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run over one instance: what it works with, and the two phases that every run has, assess and confirm.

Most runs find Postfix in line with its files and need nothing else; so nothing is imported here that could stop or
start it (:mod:`_change.restart`).
"""

from __future__ import annotations

from contextlib import suppress

from .._host.addresses import read_host
from .._host.instance import Instance
from .._host.master_process import Master, find_master
from .._host.names import system_resolver
from .._host.store import TransactionError
from .._host.unit import ServiceControl, find_service
from .in_sync import Assessment, assess, remember
from .report import Report, socket_states
from .transaction import Transactions, read_files


class Run:
    """One run over one instance.

    :param timeout: seconds that the action and its verification may take; going back gets as many again
    :param state_directory: where the state of all instances is kept
    :ivar report: what the run has done and seen so far
    """

    def __init__(self, instance: Instance, timeout: float, state_directory: str) -> None:
        self.instance = instance
        self.timeout = timeout
        self.transactions = Transactions(instance.config_directory, state_directory, time_limit=timeout)
        self.report = Report()

    def assess(self, settled: bool = False) -> Assessment:
        """Compare the files with the running master, and report what is needed.

        :param settled: assess the files as they will be once an interrupted commit is completed
        """
        pending = self.transactions.pending()
        files = pending.settled if pending and settled else read_files(self.instance.config_directory)
        master = find_master(self.instance)
        resolve = system_resolver()  # anew when going back: a name may be what has failed
        state = self.transactions.state
        assessment = assess(self.instance, files, master, read_host(), resolve, state, pending)
        self.report.action, self.report.reasons = assessment.action, assessment.reasons
        self.report.sockets = socket_states(assessment.promised, master)
        return assessment

    def service_of(self, assessment: Assessment) -> ServiceControl:
        """Return what starts and stops the instance, and report it."""
        service = find_service(self.instance, assessment.master)
        self.report.unit = service.unit
        self.report.outside_unit = service.is_outside(assessment.master)
        return service

    def confirm(self, assessment: Assessment, master: Master, started: bool) -> None:
        """Postfix runs by the files that were assessed: the previous version of the files is not needed any more.

        :param started: whether the master was started by these files, and not only told to read them again
        """
        self.transactions.confirm()
        with suppress(TransactionError):  # a full disk: the next run knows less, and is the more careful
            remember(assessment, master, started, self.transactions.state)
        self.report.in_sync = True
        self.report.outside_unit = find_service(self.instance, master).is_outside(master)
        self.report.sockets = socket_states(assessment.promised, master)
