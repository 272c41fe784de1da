# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Bring the running Postfix in line with its files, look at its sockets, and go back if they are not what was promised.

A running master is not touched before everything is known that can be known beforehand: that the new files would come
up on this host, that nobody else has their sockets, that the unit may be started.

Postfix's programs wait for a main.cf that somebody else than us has modified less than 2 s ago to come of age (see
:mod:`_replace`). So a stop or a reload waits for that before it begins, while the old master still serves.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack, suppress
from typing import Any, Dict, Iterable, List, NoReturn, Optional, Sequence, Set

from ._changes import Reason
from ._claims import claimed, shared
from ._drift import Assessment, assess, remember, shown, sockets_of
from ._errors import InputError
from ._health import PROVEN, Answer, ask, dead, endpoints
from ._hold import Hold, cannot_hold, put_back
from ._host import read_host
from ._instance import Instance, find_instances
from ._listeners import Listener
from ._log import COMPLAINT, LogMark
from ._master import Master, Process, Socket, find_master
from ._own_addresses import system_resolver
from ._replace import COOL
from ._service import Outcome, ServiceControl, find_service
from ._transaction import STATE_DIRECTORY, TransactionError, Transactions, read_files

_HEARD = 8  # lines of a command's output that are kept
_LONGEST_TIMEOUT = 86400  # seconds
_SETTLE = 3.0  # seconds that a master gets to appear and to have its sockets, after the command has ended


class ApplyError(RuntimeError):
    """Postfix is not in line with the files that it was to run by; the message says what happened and what runs now."""

    def __init__(self, message: str, result: Dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


def apply(
    instance: Instance, timeout: float = 30.0, check_mode: bool = False, state_directory: str = STATE_DIRECTORY
) -> Dict[str, Any]:
    """Bring an instance in line with its files; returns what was found and done, as the module's RETURN describes it.

    :param timeout: seconds that the action and its verification may take; going back gets as many again
    :param check_mode: only say what would be done
    :raises ApplyError: it is not in line with them afterwards, or would not be
    """
    _check_timeout(timeout)
    run = _Run(instance, timeout, state_directory)
    return run.predict() if check_mode else run.run()


def apply_all(
    timeout: float = 30.0, check_mode: bool = False, state_directory: str = STATE_DIRECTORY
) -> Dict[str, Any]:
    """Bring every enabled instance in line, in the order of postmulti(1); returns the result of each.

    :raises ApplyError: one of them is not; the others were tried all the same
    """
    _check_timeout(timeout)
    results, failures = [], []
    for instance in find_instances():
        if not instance.enabled:
            continue
        named: Dict[str, Any] = {"config_directory": instance.config_directory, "instance": instance.name}
        try:
            found = apply(instance, timeout, check_mode, state_directory)
        except (ApplyError, InputError, TransactionError) as error:
            found = {**getattr(error, "result", {}), "failed": True, "msg": str(error)}
            failures.append(f"{instance.config_directory}: {error}")
        results.append({"failed": False, **found, **named})
    together = {"changed": any(one.get("changed", False) for one in results), "instances": results}
    if failures:
        raise ApplyError(" ".join(failures), together)
    return together


def _check_timeout(timeout: float) -> None:
    """Refuse what would give up after the stop and before the start, or wait for ever; nan is neither more nor less."""
    if not 1 <= timeout <= _LONGEST_TIMEOUT:
        reason = f"is no number of seconds from 1 to {_LONGEST_TIMEOUT}"
        raise InputError("timeout", timeout, reason, "Leave it out, or give some more than Postfix takes to start")


class _Run:
    """One run over one instance, and what it has found and done so far."""

    def __init__(self, instance: Instance, timeout: float, state_directory: str) -> None:
        self.instance = instance
        self.timeout = timeout
        self._main_cf = os.path.join(instance.config_directory, "main.cf")
        self.transactions = Transactions(instance.config_directory, state_directory, time_limit=timeout)
        self.changed = False
        self.in_sync = False
        self.action = "none"
        self.reasons: Sequence[Reason] = ()
        self.interruption = "none"
        self.sockets: List[Dict[str, Any]] = []
        self.answers: Dict[Socket, Answer] = {}
        self.restored: List[str] = []
        self.words: List[str] = []
        self.unit: Optional[str] = None
        self.outside_unit = False
        self.recovered: Optional[str] = None

    def result(self) -> Dict[str, Any]:
        return {
            "changed": self.changed,
            "action": self.action,
            "reasons": [dict(reason._asdict()) for reason in self.reasons],
            "interruption": self.interruption,
            "sockets": self.sockets,
            "answers": [
                {"address": address, "port": port, **answer._asdict()}
                for (address, port), answer in sorted(self.answers.items())
            ],
            "in_sync": self.in_sync,
            "rolled_back": bool(self.restored),
            "restored": self.restored,
            "messages": self.words,
            "unit": self.unit,
            "outside_unit": self.outside_unit,
            "recovered": self.recovered,
        }

    def predict(self) -> Dict[str, Any]:
        pending = self.transactions.pending()
        found = self._assess(settled=True)
        service = self._begin(found)
        obstacle = self._obstacle(found, service)
        self.in_sync = found.in_sync
        if obstacle:
            back = " The previous version of the files would be restored." if pending else ""
            raise ApplyError(f"The files cannot be applied: {obstacle}{back}", self.result())
        self.changed = found.action != "none"
        if found.action == "restart" and cannot_hold(self.instance.version):
            self.interruption = "brief"
        self.sockets = [{**socket, "state": "listening"} for socket in _sockets(found.promised, None)]
        return self.result()

    def run(self) -> Dict[str, Any]:
        with self.transactions.locked():
            put_back(self.transactions.state.base)
            self.recovered = self.transactions.recover()
            found = self._assess()
            service = self._begin(found)
            service.tidy()
            obstacle = self._obstacle(found, service)
            if obstacle:
                self._go_back(f"The files cannot be applied: {obstacle}")
            if found.in_sync and found.master:
                self._good(found, found.master, started=False)
                return self.result()
            if found.record:
                self.transactions.adopt((found.record.main, found.record.master))
            failure = self._act(found, service)
            if failure:
                self._go_back(failure)
            self.words = []  # those of a first attempt, after which another one worked
            return self.result()

    def _assess(self, settled: bool = False) -> Assessment:
        """:param settled: by the files as they will be once an interrupted commit is completed"""
        pending = self.transactions.pending()
        files = pending.settled if pending and settled else read_files(self.instance.config_directory)
        state, resolve = self.transactions.state, system_resolver()
        return assess(self.instance, files, find_master(self.instance), read_host(), resolve, state, pending)

    def _begin(self, found: Assessment) -> ServiceControl:
        service = find_service(self.instance, found.master)
        self.action, self.reasons, self.unit = found.action, found.reasons, service.unit
        self.outside_unit = service.is_outside(found.master)
        self.sockets = _sockets(found.promised, found.master)
        return service

    def _obstacle(self, found: Assessment, service: ServiceControl) -> Optional[str]:
        """Why nothing should be begun, if there is a reason."""
        if found.error:
            return str(found.error)
        if found.action == "none":
            return None
        taken = claimed(found.promised or (), found.master, self.instance.version)
        if not taken:
            have = found.master.sockets if found.master else ()
            new = [listener for listener in found.promised or () if listener[2:4] not in have]
            taken = shared(new, self.instance, read_host(), system_resolver()) if new else None
        if taken:
            return str(taken)
        if found.action != "reload" and service.is_masked():
            return f"{service.unit} is masked. Allow it to be started with systemctl unmask {service.unit}."
        refusal = service.refusal(time.monotonic() + self.timeout)
        return f"Postfix does not accept them: {refusal}." if refusal else None

    def _act(self, found: Assessment, service: ServiceControl) -> Optional[str]:
        """Do what is needed, and verify it; returns what went wrong, if anything did."""
        self.mark = mark = LogMark(*_log_of(found))
        self.answers = {}
        if found.master:
            time.sleep(_heat(self._main_cf))
        deadline = time.monotonic() + self.timeout
        self.changed = True
        if found.action == "reload" and found.master:
            failure = self._reload(found, found.master, service, deadline)
        else:
            failure = self._restart(found, service, deadline)
        if failure:
            said = mark.words(journal=bool(service.unit))
            self.words = list(dict.fromkeys([*said, *self.words]))
        return failure

    def _reload(self, found: Assessment, master: Master, service: ServiceControl, deadline: float) -> Optional[str]:
        old = {child for child in master.children() if child.name in ("qmgr", "pickup")}
        outcome = service.reload(deadline)
        failure = self._verify(found, service, outcome, deadline, old)
        if failure and outcome.status == 0 and master.is_alive():
            # What the master has cached since its start was not known after all: a start is sure to bring the sockets.
            # And where programs of it had died, it does not start them again so soon after a mere reload.
            self.action = "restart"
            self.reasons = [*self.reasons, Reason("listeners", None, None, "restart", failure)]
            return self._restart(found, service, deadline)
        return failure

    def _restart(self, found: Assessment, service: ServiceControl, deadline: float) -> Optional[str]:
        if not found.master:
            return self._verify(found, service, service.start(deadline), deadline)
        checked = service.prepare(deadline)
        if checked.status != 0:
            self.words += checked.words[-_HEARD:]  # the reason, mkdir's for example, stands before Postfix's complaint
            said = "; ".join(self.words) or f"{checked.command} has the exit status {checked.status}"
            return f"Postfix does not accept the files: {said}."
        held = None if cannot_hold(self.instance.version) else found.promised
        promised = sockets_of(found.promised or ())
        with ExitStack() as stack:
            if not held:
                stack.enter_context(service.lean_starts(deadline))
            hold = stack.enter_context(Hold(found.master.held, held or (), self.transactions.state.base))
            self.interruption = "none" if held and hold.works else "brief"
            old = found.master

            def watch_end() -> None:
                # Not when the command has ended: postfix-script looks once a second whether the master has.
                if not old.is_alive():
                    hold.stopped()

            tried = service.stop(old, deadline, watch_end)
            watch_end()
            if old.is_alive():
                self._hear(*tried)
                return f"Postfix could not be stopped by {', '.join(outcome.command for outcome in tried)}."

            def watch_start() -> None:
                # Not when the command has ended: those who wait shall not wait for that.
                master = find_master(self.instance) if hold.works else None
                if master and master.sockets == promised:
                    hold.release()

            outcome = service.start(deadline, checked=True, watch=watch_start)
            failure = self._await_sockets(found, outcome)
        if failure:
            self.interruption = "brief"
        return failure or self._look(found, service, deadline)

    def _verify(
        self,
        found: Assessment,
        service: ServiceControl,
        outcome: Outcome,
        deadline: float,
        old: Optional[Set[Process]] = None,
    ) -> Optional[str]:
        """:param old: after a reload, children of which the master must have got rid by then; None after a start"""
        failure = self._await_sockets(found, outcome, old)
        return failure or self._look(found, service, deadline, started=old is None)

    def _await_sockets(self, found: Assessment, outcome: Outcome, old: Optional[Set[Process]] = None) -> Optional[str]:
        """Wait until the master has exactly the promised sockets; returns what is wrong if that does not come to be."""
        promised = sockets_of(found.promised or ())
        until = time.monotonic() + _SETTLE
        while True:
            master = find_master(self.instance)
            if master and master.sockets == promised and not (old and old & set(master.children())):
                return None
            hopeless = master is None and (outcome.status != 0 or old is not None)
            if hopeless or time.monotonic() >= until:
                break
            time.sleep(0.03)
        self._hear(outcome)
        self.sockets = _sockets(found.promised, master)
        if master is None:
            return f"Postfix does not run after {outcome.command} (exit status {outcome.status})."
        if master.sockets != promised:
            return f"After {outcome.command} Postfix listens on {_listed(master.sockets)}, not on {_listed(promised)}."
        return f"After {outcome.command} (exit status {outcome.status}) Postfix has not read its files again."

    def _look(self, found: Assessment, service: ServiceControl, deadline: float, started: bool = True) -> Optional[str]:
        """Whether the master with the promised sockets does its work; returns what is wrong."""
        master = find_master(self.instance)
        if master is None:
            return "Postfix has ended as soon as it had its sockets."
        began = time.monotonic()
        self.answers = ask(endpoints(found.after), master, deadline)
        self.sockets = _sockets(found.promised, master)
        for (address, port), answer in sorted(self.answers.items()):
            if answer.problem:
                return f"The server at {_listed([(address, port)])} {answer.problem}."
        program = dead(found.after, master, began + _heat(self._main_cf) + PROVEN)
        if program:
            return f"{program} does not stay alive, without which no mail is delivered."
        throttled = self.mark.throttled(journal=bool(service.unit))
        if throttled:
            return f"The master cannot run {' and '.join(throttled)}, and could before."
        self._good(found, master, started)
        return None

    def _good(self, found: Assessment, master: Master, started: bool) -> None:
        """Postfix runs by these files: there is nothing to go back to any more."""
        self.transactions.confirm()
        with suppress(TransactionError):  # a full disk: the next run knows less, and is the more careful
            remember(found, master, started, self.transactions.state)
        self.in_sync = True
        self.outside_unit = find_service(self.instance, master).is_outside(master)
        self.sockets = _sockets(found.promised, master)

    def _go_back(self, failure: str) -> NoReturn:
        """Restore the previous version of the files, bring that up, and tell."""
        story = [failure]
        action, reasons = self.action, self.reasons
        try:
            self.restored = self.transactions.rollback()
            found = self._assess()
            service = self._begin(found)
            self.action, self.reasons = action, reasons
            if self.restored:
                story.append(f"The previous version of {' and '.join(self.restored)} was restored.")
                story.append(f"What did not work is kept in {self.transactions.rejected}.")
            else:
                story.append("There is no previous version of the files to go back to.")
            if found.in_sync and found.master:
                self._good(found, found.master, started=False)
            elif self.restored or not found.master:
                story += self._bring_up(found, service)
        except (TransactionError, OSError) as error:
            story.append(f"Going back failed: {error}")
        said = [word for word in self.words if re.search(r"(fatal|panic|error): ", word)]
        if said and said[0] not in failure:
            story.insert(1, f"It says: {said[0]}.")
        master = find_master(self.instance)
        story.append(f"Postfix runs and listens on {_listed(master.sockets)}." if master else "Postfix is not running.")
        raise ApplyError(" ".join(story), self.result())

    def _bring_up(self, found: Assessment, service: ServiceControl) -> List[str]:
        action = self.action
        obstacle = self._obstacle(found, service)
        if obstacle:
            return [f"Postfix cannot run by that one either: {obstacle}"] if self.restored else []
        failure = self._act(found, service)
        self.action = action
        return [failure] if failure else []

    def _hear(self, *outcomes: Outcome) -> None:
        """Keep what commands said: the complaints, or all if there is none."""
        words = [word for outcome in outcomes for word in outcome.words[-_HEARD:]]
        said = [word for word in words if COMPLAINT.search(word)] or words
        self.words += [word for word in said if word not in self.words]


def _log_of(found: Assessment) -> Sequence[str]:
    """The name that an instance logs by and its own log file, if any (postconf(5), syslog_name and maillog_file)."""
    settings = found.after.settings
    name = settings.get("syslog_name") or settings.get("multi_instance_name") or "postfix"
    return (name, settings.get("maillog_file"))


def _heat(path: str) -> float:
    """How many seconds Postfix's programs still take this file for one that is being modified; at most some 2."""
    wait = int(os.stat(path).st_mtime) + COOL - time.time()
    return wait if 0 < wait <= COOL else 0.0


def _sockets(promised: Optional[Sequence[Listener]], master: Optional[Master]) -> List[Dict[str, Any]]:
    """Each socket that is promised or held, and which of both it is."""
    want = sockets_of(promised or ())
    have = master.sockets if master else frozenset()
    found = []
    for address, port in sorted(want | have, key=lambda socket: (":" in socket[0], socket)):
        state = (
            "listening" if (address, port) in want & have else "missing" if (address, port) in want else "unexpected"
        )
        found.append({"address": address, "port": port, "state": state})
    return found


def _listed(sockets: Iterable[Socket]) -> str:
    return shown(frozenset(sockets)) or "no socket"
