# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What is done to a running Postfix that is not in line with its files: reload, stop and start, look, go back.

Postfix's programs wait until a main.cf that somebody else than us has modified is 2 s old (see
:mod:`_change.atomic_replace`). So a stop or a reload waits for that before it begins, while the old
master still serves.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from typing import Iterable, List, NoReturn, Optional, Sequence, Set

from .._base.sockets import Socket, in_words, ipv4_first
from .._host.addresses import read_host
from .._host.banner import PROVEN, ask, endpoints
from .._host.command import Outcome
from .._host.log import COMPLAINT, LogMark
from .._host.master_process import Master, Process, find_master
from .._host.store import TransactionError
from .._host.unit import ServiceControl
from .._rules.reload_or_restart import Reason, sockets_of
from .apply import ApplyError, Run, socket_states
from .atomic_replace import COOL
from .conflicts import claimed, shared
from .in_sync import Assessment, dead
from .keep_clients_waiting import Hold, cannot_hold

_HEARD = 8  # lines of a command's output that are kept
_SETTLE = 3.0  # seconds that a master gets to appear and to have its sockets, after the command has ended


class Acting:
    """The part of a run in which something is done."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._main_cf = os.path.join(run.instance.config_directory, "main.cf")

    def foresee_interruption(self, found: Assessment) -> str:
        """What a result will say of clients: none is refused, or for a moment they all are."""
        return "brief" if found.action == "restart" and cannot_hold(self.run.instance.version) else "none"

    def obstacle(self, found: Assessment, service: ServiceControl) -> Optional[str]:
        """Why nothing should be begun, if there is a reason."""
        if found.error:
            return str(found.error)
        if found.action == "none":
            return None
        taken = claimed(found.promised or (), found.master, self.run.instance.version)
        if not taken:
            have = found.master.sockets if found.master else ()
            new = [listener for listener in found.promised or () if listener.socket not in have]
            taken = shared(new, self.run.instance, read_host(), self.run.resolve) if new else None
        if taken:
            return str(taken)
        if found.action != "reload" and service.is_masked():
            return f"{service.unit} is masked. Allow it to be started with systemctl unmask {service.unit}."
        refusal = service.refusal(time.monotonic() + self.run.timeout)
        return f"Postfix does not accept them: {refusal}." if refusal else None

    def act(self, found: Assessment, service: ServiceControl) -> Optional[str]:
        """Do what is needed, and verify it; returns what went wrong, if anything did."""
        self.mark = mark = LogMark(*_log_of(found))
        self.run.answers = {}
        if found.master:
            time.sleep(_heat(self._main_cf))
        deadline = time.monotonic() + self.run.timeout
        self.run.changed = True
        if found.action == "reload" and found.master:
            failure = self._reload(found, found.master, service, deadline)
        else:
            failure = self._restart(found, service, deadline)
        if failure:
            said = mark.words(journal=bool(service.unit))
            self.run.words = list(dict.fromkeys([*said, *self.run.words]))
        return failure

    def _reload(self, found: Assessment, master: Master, service: ServiceControl, deadline: float) -> Optional[str]:
        old = {child for child in master.children() if child.name in ("qmgr", "pickup")}
        outcome = service.reload(deadline)
        failure = self._verify(found, service, outcome, deadline, old)
        if failure and outcome.status == 0 and master.is_alive():
            # What the master has cached since its start was not known after all: a start is sure to bring the sockets.
            # And where programs of it had died, it does not start them again so soon after a mere reload.
            self.run.action = "restart"
            self.run.reasons = [*self.run.reasons, Reason("listeners", None, None, "restart", failure)]
            return self._restart(found, service, deadline)
        return failure

    def _restart(self, found: Assessment, service: ServiceControl, deadline: float) -> Optional[str]:
        if not found.master:
            return self._verify(found, service, service.start(deadline), deadline)
        checked = service.prepare(deadline)
        if checked.status != 0:
            # The reason, mkdir's for example, stands before Postfix's complaint.
            self.run.words += checked.words[-_HEARD:]
            said = "; ".join(self.run.words) or f"{checked.command} has the exit status {checked.status}"
            return f"Postfix does not accept the files: {said}."
        held = None if cannot_hold(self.run.instance.version) else found.promised
        promised = sockets_of(found.promised or ())
        with ExitStack() as stack:
            if not held:
                stack.enter_context(service.lean_starts(deadline))
            hold = stack.enter_context(Hold(found.master.held, held or (), self.run.transactions.state.base))
            self.run.interruption = "none" if held and hold.works else "brief"
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
                master = find_master(self.run.instance) if hold.works else None
                if master and master.sockets == promised:
                    hold.release()

            outcome = service.start(deadline, checked=True, watch=watch_start)
            failure = self._await_sockets(found, outcome)
        if failure:
            self.run.interruption = "brief"
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
            master = find_master(self.run.instance)
            if master and master.sockets == promised and not (old and old & set(master.children())):
                return None
            hopeless = master is None and (outcome.status != 0 or old is not None)
            if hopeless or time.monotonic() >= until:
                break
            time.sleep(0.03)
        self._hear(outcome)
        self.run.sockets = socket_states(found.promised, master)
        if master is None:
            return f"Postfix does not run after {outcome.command} (exit status {outcome.status})."
        if master.sockets != promised:
            return f"After {outcome.command} Postfix listens on {_listed(master.sockets)}, not on {_listed(promised)}."
        return f"After {outcome.command} (exit status {outcome.status}) Postfix has not read its files again."

    def _look(self, found: Assessment, service: ServiceControl, deadline: float, started: bool = True) -> Optional[str]:
        """Whether the master with the promised sockets does its work; returns what is wrong."""
        master = find_master(self.run.instance)
        if master is None:
            return "Postfix has ended as soon as it had its sockets."
        began = time.monotonic()
        self.run.answers = ask(endpoints(found.after), master, deadline)
        self.run.sockets = socket_states(found.promised, master)
        for at in ipv4_first(self.run.answers):
            problem = self.run.answers[at].problem
            if problem:
                return f"The server at {at} {problem}."
        program = dead(found.after, master, began + _heat(self._main_cf) + PROVEN)
        if program:
            return f"{program} does not stay alive, without which no mail is delivered."
        throttled = self.mark.throttled(journal=bool(service.unit))
        if throttled:
            return f"The master cannot run {' and '.join(throttled)}, and could before."
        self.run.good(found, master, started)
        return None

    def go_back(self, failure: str) -> NoReturn:
        """Restore the previous version of the files, bring that up, and tell."""
        story = [failure]
        action, reasons = self.run.action, self.run.reasons
        try:
            self.run.restored = self.run.transactions.rollback()
            found = self.run.assess()
            service = self.run.begin(found)
            self.run.action, self.run.reasons = action, reasons
            if self.run.restored:
                story.append(f"The previous version of {' and '.join(self.run.restored)} was restored.")
                story.append(f"What did not work is kept in {self.run.transactions.rejected}.")
            else:
                story.append("There is no previous version of the files to go back to.")
            if found.in_sync and found.master:
                self.run.good(found, found.master, started=False)
            elif self.run.restored or not found.master:
                story += self._bring_up(found, service)
        except (TransactionError, OSError) as error:
            story.append(f"Going back failed: {error}")
        said = [word for word in self.run.words if re.search(r"(fatal|panic|error): ", word)]
        if said and said[0] not in failure:
            story.insert(1, f"It says: {said[0]}.")
        master = find_master(self.run.instance)
        story.append(f"Postfix runs and listens on {_listed(master.sockets)}." if master else "Postfix is not running.")
        raise ApplyError(" ".join(story), self.run.result())

    def _bring_up(self, found: Assessment, service: ServiceControl) -> List[str]:
        action = self.run.action
        obstacle = self.obstacle(found, service)
        if obstacle:
            return [f"Postfix cannot run by that one either: {obstacle}"] if self.run.restored else []
        failure = self.act(found, service)
        self.run.action = action
        return [failure] if failure else []

    def _hear(self, *outcomes: Outcome) -> None:
        """Keep what commands said: the complaints, or all if there is none."""
        words = [word for outcome in outcomes for word in outcome.words[-_HEARD:]]
        said = [word for word in words if COMPLAINT.search(word)] or words
        self.run.words += [word for word in said if word not in self.run.words]


def _log_of(found: Assessment) -> Sequence[str]:
    """The name that an instance logs by and its own log file, if any (postconf(5), syslog_name and maillog_file)."""
    settings = found.after.settings
    name = settings.get("syslog_name") or settings.get("multi_instance_name") or "postfix"
    return (name, settings.get("maillog_file"))


def _heat(path: str) -> float:
    """How many seconds Postfix's programs still take this file for one that is being modified; at most some 2."""
    wait = int(os.stat(path).st_mtime) + COOL - time.time()
    return wait if 0 < wait <= COOL else 0.0


def _listed(sockets: Iterable[Socket]) -> str:
    return in_words(sockets) or "no socket"
