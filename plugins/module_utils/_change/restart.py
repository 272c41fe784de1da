# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reload, or stop and start, what is not in line with its files, and verify that it works by them.

Several instances take turns, in an order in which none needs an address that another one still has; those that exchange
addresses stop together.

Postfix's programs are slow to start as long as main.cf is less than 2 s old (see :mod:`_change.atomic_replace`). Where
somebody else has just edited it, this waits before a reload or a stop, while the old master still serves.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from typing import Collection, Iterable, Iterator, List, Optional, Sequence, Set

from .._base.sockets import Socket, in_words
from .._host.banner import PROVEN, ask, endpoints
from .._host.command import Outcome
from .._host.discreet import discreet
from .._host.log import COMPLAINT, LogMark
from .._host.master_process import Master, Process, find_master
from .._host.more_files import more_files
from .._host.removed_services import end_removed
from .._host.unit import ServiceControl
from .._rules.reload_or_restart import Reason, reason, sockets_of
from .atomic_replace import SETTLED_AGE
from .conflicts import Claims
from .earlier import Earlier
from .in_sync import Assessment, dead, outlook_of
from .keep_clients_waiting import Hold, cannot_hold, cannot_hold_at
from .obstacle import obstacle
from .order import Move, in_order
from .report import socket_states
from .run import Run
from .tcp_migrate_req import Migration
from .transaction import read_files

_KEPT_LINES = 8  # of a command's output
# Seconds at least for a phase, whatever those before it took: nothing may be left down because they were slow.
_FOR_CHECK, _FOR_STOP, _FOR_START, _FOR_ANSWERS = 10.0, 10.0, 15.0, 5.0
_OTHER_FILES = 64  # that a run opens beside one for each socket to hold it, and one to ask the server there
_SETTLE = 3.0  # seconds that a master gets to appear and to open its sockets, after the command has ended


class PhaseFailed(Exception):
    """A phase failed, and those after it were not begun; the message says in a sentence what is wrong.

    :ivar run: of the instance that it failed for
    """

    def __init__(self, message: str, run: Run) -> None:
        super().__init__(message)
        self.run = run


def in_turn(attempts: Sequence[Attempt]) -> List[List[Attempt]]:
    """Return the attempts in the order to carry them out; those of one group have to be made together."""
    return [[attempts[position] for position in group] for group in in_order([attempt.move for attempt in attempts])]


def carry_out(group: Sequence[Attempt]) -> None:
    """Do what the assessments of one group of :func:`in_turn` call for.

    :raises PhaseFailed: one of the instances does not work by its files
    """
    if len(group) == 1:
        return group[0].carry_out()
    with ExitStack() as stack:
        for attempt in group:
            attempt.exchange_with(group)
            stack.enter_context(attempt.phases())
        _stop_and_start(group)
    return None


class Attempt:
    """One attempt to bring Postfix in line with the files that were assessed.

    Its phases are prepare, stop, start (or reload) and verify; each raises :class:`PhaseFailed`.
    """

    def __init__(self, run: Run, assessment: Assessment, service: ServiceControl) -> None:
        self.run, self._report, self._instance = run, run.report, run.instance
        self._assessment = assessment
        self._service = service
        self._promised = sockets_of(assessment.promised or ())
        self._main_cf = os.path.join(run.instance.config_directory, "main.cf")

    @property
    def move(self) -> Move:
        """What becomes of the instance's sockets."""
        master = self._assessment.master
        return Move(master.sockets if master else frozenset(), self._promised)

    def foresee_interruption(self) -> None:
        """Report "brief" where clients will be refused for a moment, and why."""
        if self._report.action == "restart":
            self._interrupted(self._cannot_hold())

    def obstacle(self, claims: Claims, leaving: Collection[str] = (), directory: str = "") -> Optional[str]:
        """Return what is known beforehand against it (:func:`_change.obstacle.obstacle`); None if nothing is."""
        until = time.monotonic() + self.run.timeout
        return obstacle(self._instance, self._assessment, self._service, until, claims, leaving, directory)

    def look_back(self) -> Earlier:
        """Begin to find out what the instance can do now; the first call counts, if possible before an edit."""
        run = self.run
        if run.earlier is None:
            run.earlier = Earlier(self._assessment)
            if self._assessment.master:
                files, around = read_files(run.instance.config_directory), run.around
                run.earlier.ask(self._assessment.after, outlook_of(files, run.instance, around.host, around.resolve))
        return run.earlier

    def carry_out(self) -> None:
        """Do what the assessment calls for, one phase after the other.

        :raises PhaseFailed: Postfix does not work by the files
        """
        with self.phases():
            master = self._assessment.master
            if master is None:
                self._start_stopped()
            elif self._assessment.action == "reload":
                self._reload(master)
            elif self._assessment.action == "restart":
                _stop_and_start([self])
            else:  # a run that has ended early has started it
                self.verify(started=True)

    @contextmanager
    def phases(self) -> Iterator[None]:
        """Have what Postfix logs in this context reported when a phase fails in it."""
        self._log = _log_of(self._assessment)
        self._report.answers, self._report.warnings = {}, []
        self._earlier = self.look_back()
        if self._assessment.master:
            time.sleep(_until_settled(self._main_cf))
        self._deadline = time.monotonic() + self.run.timeout
        self._report.changed = True
        try:
            with more_files(2 * len(self._promised) + _OTHER_FILES):
                yield
        except PhaseFailed as failure:
            if failure.run is self.run:
                logged = self._log.words(journal=self._service.has_journal)
                self._report.messages = list(dict.fromkeys([*logged, *self._report.messages]))
                if self._service.supervisor and not any(map(COMPLAINT.search, self._report.messages)):
                    # What is wrong was told to who runs Postfix, and to no log.
                    self._report.messages[:0] = filter(None, [self._service.refusal(self._at_least(_FOR_CHECK))])
            raise

    def _start_stopped(self) -> None:
        if self.run.guard:
            self.run.guard.begin()
        self._await_sockets(self._service.start(self._at_least(_FOR_START)))
        self.verify_who_runs(started=True)

    def _reload(self, master: Master) -> None:
        replaced = {child for child in master.children() if child.name in ("qmgr", "pickup")}
        outcome = self._service.reload(self._deadline)  # who was asked keeps his server, and it what it has read
        self._earlier.settle()
        if outcome.status == 0:
            services = [(service.name, service.type) for service in self._assessment.after.configuration.services]
            end_removed(master, services, self._deadline)
        try:
            self._await_sockets(outcome, replaced)
            self.verify_who_runs(started=False)
        except PhaseFailed as failure:
            if not master.is_alive():
                self._interrupted(f"the master has ended upon {outcome.command}")
            if outcome.status != 0 or not master.is_alive() or self._service.forbids_stop():
                raise
            # The master has cached something at its start that was not known; a restart is sure to open the sockets.
            # And after a mere reload it does not so soon start again what has died.
            self._report.action = "restart"
            self._report.reasons = [*self._report.reasons, Reason("listeners", None, None, "restart", str(failure))]
            self._deadline = time.monotonic() + self.run.timeout
            try:
                _stop_and_start([self])
            except PhaseFailed as second:
                raise PhaseFailed(f"{failure} And by a restart: {second}", second.run) from second

    def prepare(self) -> None:
        """Check the files once more, as Postfix itself does before each start."""
        checked = self._service.prepare(self._at_least(_FOR_CHECK))
        self._earlier.settle()
        if checked.status is None:
            self._report.messages += discreet(checked.words[-_KEPT_LINES:])
            raise self._failure(
                f"Postfix was not stopped, because it is not known whether it can start: {checked.end}."
            )
        if checked.status != 0:
            # Lines that are not complaints too: the reason, mkdir's for example, can stand before Postfix's complaint.
            self._report.messages += discreet(checked.words[-_KEPT_LINES:])
            said = "; ".join(self._report.messages)
            raise self._failure(f"Postfix does not accept the files: {said or checked.end}.")

    def tidy(self) -> None:
        """Undo what :meth:`prepare` did to the unit."""
        self._service.tidy()

    @contextmanager
    def clients_waiting(self, migration: Migration) -> Iterator[Hold]:
        """Keep clients waiting in this context where that is possible, and else keep the interruption short."""
        master = self._assessment.master
        obstacle = self._cannot_hold()
        listeners = () if obstacle else self._assessment.promised or ()
        with Hold(master.held if master else {}, listeners, migration) as hold:
            self._interrupted(obstacle or hold.obstacle)
            yield hold

    def _cannot_hold(self) -> Optional[str]:
        return cannot_hold(self._instance.version) or cannot_hold_at(self._promised, self._assessment.master)

    def _interrupted(self, cause: Optional[str]) -> None:
        """Report that clients can be refused, if there is a cause of that, unless one is reported already."""
        if cause and self._report.interruption == "none":
            self._report.interruption, self._report.interruption_cause = "brief", cause

    def stop(self, hold: Hold) -> None:
        """Stop the master, if there is one."""
        master = self._assessment.master
        if master is None:
            return

        def watch() -> None:
            # Do not wait for the command: postfix-script looks only once a second whether the master has ended.
            if not master.is_alive():
                hold.stopped()

        outcomes = self._service.stop(master, self._at_least(_FOR_STOP), watch)
        watch()
        if master.is_alive():
            self._keep_output(*outcomes)
            raise self._failure(
                f"Postfix could not be stopped by {', '.join(outcome.command for outcome in outcomes)}."
            )

    def start(self, hold: Hold) -> None:
        """Start a master, and wait until it has its sockets."""

        def watch() -> None:
            # Do not wait for the command: clients would wait for it too.
            master = find_master(self._instance) if hold.works and self._promised else None
            if master and master.sockets == self._promised:
                hold.release()

        outcome = self._service.start(self._at_least(_FOR_START), checked=True, watch=watch)
        try:
            self._await_sockets(outcome)
        except PhaseFailed as failure:
            self._interrupted(str(failure))
            raise
        if outcome.status is None:
            self._report.warnings.append(f"Postfix runs, but {outcome.end}.")

    def _await_sockets(self, outcome: Outcome, replaced: Optional[Set[Process]] = None) -> None:
        """Wait until the master has exactly the promised sockets.

        :param replaced: after a reload, children that the master must have replaced by then; None after a start
        """
        until = time.monotonic() + _SETTLE
        while True:
            master = find_master(self._instance)
            if master and master.sockets == self._promised and not (replaced and replaced & set(master.children())):
                return
            hopeless = master is None and (outcome.status != 0 or replaced is not None)
            if hopeless or (time.monotonic() >= until and not (master and self._is_slow(master))):
                break
            time.sleep(0.03)
        self._keep_output(outcome)
        self._report.sockets = socket_states(self._assessment.promised, master)
        status = f"(exit status {outcome.status})" if outcome.status is not None else f"({outcome.end})"
        if master is None:
            raise self._failure(f"Postfix does not run after {outcome.command} {status}.")
        if master.sockets != self._promised:
            actual, promised = described(master.sockets), described(self._promised)
            raise self._failure(f"After {outcome.command} Postfix listens on {actual}, not on {promised}.")
        raise self._failure(f"After {outcome.command} {status} Postfix has not read its files again.")

    def verify(self, started: bool) -> None:
        """Make sure that the master with the promised sockets does its work, and remember what it has read.

        :param started: whether it was started, and not only told to read its files again
        """
        master = find_master(self._instance)
        if master is None:
            raise self._failure("Postfix has ended as soon as it had its sockets.")
        began, after, report = time.monotonic(), self._assessment.after, self._report
        report.answers = ask(endpoints(after), master, self._at_least(_FOR_ANSWERS))
        report.sockets = socket_states(self._assessment.promised, master)
        self._fail_if(self._earlier.judge_answers(report.answers, after, started, report.warnings))
        for _turn in range(2):  # on a busy host it comes late
            program = dead(after, master, began + _until_settled(self._main_cf) + PROVEN)
            if not program:
                break
            began = time.monotonic()
        self._fail_if(program and f"{program} does not stay alive, and without it no mail is delivered.")
        self._fail_if(self._earlier.judge_programs(self._log, self._service.has_journal, after, report.warnings))
        self.run.works(self._assessment, master, started)

    def verify_who_runs(self, started: bool) -> None:
        """Verify, and again where somebody else has restarted Postfix meanwhile, as the hook of another program does.

        :param started: whether the master was started, and not only told to read its files again
        """
        while True:
            master = find_master(self._instance)
            try:
                return self.verify(started)
            except PhaseFailed:
                if not self._is_replaced(master):
                    raise
            started = True

    def _is_replaced(self, master: Optional[Master]) -> bool:
        """Return whether a master has ended, and another one with its sockets has come; it gets a moment for that."""
        until = min(time.monotonic() + _SETTLE, self._deadline)
        while time.monotonic() < until and not (master and master.is_alive()):
            successor = find_master(self._instance)
            if successor and successor.sockets == self._promised:
                return True
            time.sleep(0.03)
        return False

    def exchange_with(self, others: Sequence[Attempt]) -> None:
        """Have the instance stopped along with others, because they exchange addresses."""
        directories = " and ".join(other.run.instance.config_directory for other in others if other is not self)
        self._report.action = "restart"
        self._report.reasons = [*self._report.reasons, reason("listeners", "exchanged", None, directories)]

    def _at_least(self, seconds: float) -> float:
        """Return the deadline, or a later one that leaves so many seconds from now on."""
        return max(self._deadline, time.monotonic() + seconds)

    def _is_slow(self, master: Master) -> bool:
        """Return whether a master that has time left waits for a name server, and so for its sockets."""
        if time.monotonic() >= self._deadline:
            return False
        from .._host.waiting import name_server  # seldom

        return name_server(master.process.pid) is not None

    def _fail_if(self, message: Optional[str]) -> None:
        if message:
            raise self._failure(message)

    def _failure(self, message: str) -> PhaseFailed:
        return PhaseFailed(message, self.run)

    def _keep_output(self, *outcomes: Outcome) -> None:
        """Report what commands said: their complaints, or all if there is none."""
        lines = [line for outcome in outcomes for line in discreet(outcome.words[-_KEPT_LINES:])]
        ends = [outcome.end for outcome in outcomes if outcome.status is None]
        complaints = [line for line in lines if COMPLAINT.search(line) or line in ends] or lines
        self._report.messages += [line for line in complaints if line not in self._report.messages]


def _stop_and_start(attempts: Sequence[Attempt]) -> None:
    """Stop several instances, start them again, and verify that each works."""
    guard = attempts[0].run.guard
    try:
        if guard:
            guard.hire()
        for attempt in attempts:
            attempt.prepare()
        if guard:
            guard.begin()  # before the old master's sockets are made deaf
        with ExitStack() as stack:
            migration = Migration(attempts[0].run.transactions.state.base)
            holds = [stack.enter_context(attempt.clients_waiting(migration)) for attempt in attempts]
            for attempt, hold in zip(attempts, holds):
                attempt.stop(hold)
            for attempt, hold in zip(attempts, holds):
                attempt.start(hold)
        for attempt in attempts:
            attempt.verify_who_runs(started=True)
    finally:
        for attempt in attempts:
            attempt.tidy()


def described(sockets: Iterable[Socket]) -> str:
    """Return sockets as a sentence names them."""
    return in_words(sockets) or "no socket"


def _until_settled(path: str) -> float:
    """Return how many seconds Postfix's programs still take this file for one that is being written; at most some 2."""
    wait = int(os.stat(path).st_mtime) + SETTLED_AGE - time.time()
    return wait if 0 < wait <= SETTLED_AGE else 0.0


def _log_of(assessment: Assessment) -> LogMark:
    """Return the present place in the log of an instance, which is by its syslog_name and maillog_file."""
    settings = assessment.after.settings
    name = settings.get("syslog_name") or settings.get("multi_instance_name") or "postfix"
    return LogMark(name, settings.get("maillog_file"), assessment.master)
