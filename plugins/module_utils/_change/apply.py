# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Bring the running Postfix in line with its files, look at its sockets, and go back if they are not what was promised.

A running master is not touched before everything is known that can be known beforehand: that the new files would come
up on this host, that nobody else has their sockets, that the unit may be started. Where it is in line with its files,
as in most runs, nothing is loaded that could change that (:mod:`_change.restart`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from .._base.errors import InputError
from .._base.sockets import Socket, ipv4_first
from .._host.addresses import read_host
from .._host.installed import BuiltIn
from .._host.instance import Instance, find_instances
from .._host.master_process import Master, find_master
from .._host.names import system_resolver
from .._host.store import STATE_DIRECTORY, TransactionError
from .._host.unit import ServiceControl, find_service
from .._rules.listeners import Listener
from .._rules.reload_or_restart import Reason, sockets_of
from .in_sync import Assessment, assess, remember
from .tcp_migrate_req import put_back
from .transaction import Transactions, read_files

if TYPE_CHECKING:
    from .._host.banner import Answer
    from .restart import Acting

_LONGEST_TIMEOUT = 86400  # seconds


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
    run = Run(instance, timeout, state_directory)
    return run.predict() if check_mode else run.run()


def apply_all(
    timeout: float = 30.0,
    check_mode: bool = False,
    state_directory: str = STATE_DIRECTORY,
    compiled: Optional[BuiltIn] = None,
) -> Dict[str, Any]:
    """Bring every enabled instance in line, in the order of postmulti(1); returns the result of each.

    :raises ApplyError: one of them is not; the others were tried all the same
    """
    _check_timeout(timeout)
    results, failures = [], []
    for instance in find_instances(compiled):
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


class Run:
    """One run over one instance, and what it has found and done so far."""

    def __init__(self, instance: Instance, timeout: float, state_directory: str) -> None:
        self.instance = instance
        self.timeout = timeout
        self.resolve = system_resolver()
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
                for (address, port, _family), answer in sorted(self.answers.items())
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
        found = self.assess(settled=True)
        service = self.begin(found)
        self.in_sync = found.in_sync
        if not found.in_sync:
            acting = self._acting()
            obstacle = acting.obstacle(found, service)
            if obstacle:
                back = " The previous version of the files would be restored." if pending else ""
                raise ApplyError(f"The files cannot be applied: {obstacle}{back}", self.result())
            self.interruption = acting.foresee_interruption(found)
        self.changed = found.action != "none"
        self.sockets = [{**socket, "state": "listening"} for socket in socket_states(found.promised, None)]
        return self.result()

    def run(self) -> Dict[str, Any]:
        with self.transactions.locked():
            put_back(self.transactions.state.base)
            self.recovered = self.transactions.recover()
            found = self.assess()
            service = self.begin(found)
            service.tidy()
            if found.in_sync and found.master:
                self.good(found, found.master, started=False)
                return self.result()
            acting = self._acting()
            obstacle = acting.obstacle(found, service)
            if obstacle:
                acting.go_back(f"The files cannot be applied: {obstacle}")
            if found.record:
                self.transactions.adopt((found.record.main, found.record.master))
            failure = acting.act(found, service)
            if failure:
                acting.go_back(failure)
            self.words = []  # those of a first attempt, after which another one worked
            return self.result()

    def _acting(self) -> Acting:
        from .restart import Acting  # not needed by most runs, and long to load

        return Acting(self)

    def assess(self, settled: bool = False) -> Assessment:
        """:param settled: by the files as they will be once an interrupted commit is completed"""
        pending = self.transactions.pending()
        files = pending.settled if pending and settled else read_files(self.instance.config_directory)
        self.resolve = system_resolver()  # anew when going back: a name may be what has failed
        master, state = find_master(self.instance), self.transactions.state
        return assess(self.instance, files, master, read_host(), self.resolve, state, pending)

    def begin(self, found: Assessment) -> ServiceControl:
        service = find_service(self.instance, found.master)
        self.action, self.reasons, self.unit = found.action, found.reasons, service.unit
        self.outside_unit = service.is_outside(found.master)
        self.sockets = socket_states(found.promised, found.master)
        return service

    def good(self, found: Assessment, master: Master, started: bool) -> None:
        """Postfix runs by these files: there is nothing to go back to any more."""
        self.transactions.confirm()
        with suppress(TransactionError):  # a full disk: the next run knows less, and is the more careful
            remember(found, master, started, self.transactions.state)
        self.in_sync = True
        self.outside_unit = find_service(self.instance, master).is_outside(master)
        self.sockets = socket_states(found.promised, master)


def socket_states(promised: Optional[Sequence[Listener]], master: Optional[Master]) -> List[Dict[str, Any]]:
    """Each socket that is promised or held, and which of both it is."""
    want = sockets_of(promised or ())
    have = master.sockets if master else frozenset()
    found = []
    for socket in ipv4_first(want | have):
        state = "listening" if socket in want & have else "missing" if socket in want else "unexpected"
        found.append({"address": socket.address, "port": socket.port, "state": state})
    return found
