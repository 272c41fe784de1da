# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run: what was done to an instance, and what runs at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence

from .._base.records import NamedTuple
from .._base.sockets import Socket, ipv4_first
from .._host.master_process import Master
from .._host.store import STATE_DIRECTORY, WINDOW, State
from .._rules.listeners import Listener
from .._rules.reload_or_restart import Reason, sockets_of

if TYPE_CHECKING:
    from .._host.banner import Answer


class ApplyError(RuntimeError):
    """Postfix does not run by the files that it was to run by; the message says what happened and what runs now.

    :ivar result: the result of the run, as the module returns it
    """

    def __init__(self, message: str, result: Dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


class SocketState(NamedTuple):
    """A socket that is promised by the files or open in the master; ``state`` tells which of the two.

    It is ``listening`` (both), ``missing`` (promised only) or ``unexpected`` (open only).
    """

    address: str
    port: int
    state: str


class Report:
    """What one run tells, filled in as the run goes on; RETURN of the module postfix_apply says what each key means."""

    def __init__(self) -> None:
        self.changed = False
        self.action = "none"
        self.reasons: Sequence[Reason] = ()
        self.interruption = "none"
        #: why it was not "none"
        self.interruption_cause: Optional[str] = None
        self.sockets: Sequence[SocketState] = ()
        self.answers: Mapping[Socket, Answer] = {}
        self.in_sync = False
        self.restored: Sequence[str] = ()
        self.messages: List[str] = []
        #: what an administrator should know although the run did not fail
        self.warnings: List[str] = []
        self.unit: Optional[str] = None
        self.supervisor: Optional[str] = None
        self.outside_unit = False
        self.recovered: Optional[str] = None

    def as_result(self) -> Dict[str, Any]:
        """Return the report as the module returns it."""
        return {
            "changed": self.changed,
            "action": self.action,
            "reasons": [dict(reason._asdict()) for reason in self.reasons],
            "interruption": self.interruption,
            "interruption_cause": self.interruption_cause,
            "sockets": [dict(socket._asdict()) for socket in self.sockets],
            "answers": [
                {"address": address, "port": port, **answer._asdict()}
                for (address, port, _family), answer in sorted(self.answers.items())
            ],
            "in_sync": self.in_sync,
            "rolled_back": bool(self.restored),
            "restored": list(self.restored),
            "messages": self.messages,
            "warnings": self.warnings,
            "unit": self.unit,
            "supervisor": self.supervisor,
            "outside_unit": self.outside_unit,
            "recovered": self.recovered,
        }


def socket_states(promised: Optional[Sequence[Listener]], master: Optional[Master]) -> List[SocketState]:
    """Return the state of each socket that is promised or open, IPv4 first."""
    wanted = sockets_of(promised or ())
    open_now = master.sockets if master else frozenset()
    states = []
    for socket in ipv4_first(wanted | open_now):
        state = "unexpected" if socket not in wanted else "listening" if socket in open_now else "missing"
        states.append(SocketState(socket.address, socket.port, state))
    return states


def confirmation(check_mode: bool = False, base: str = STATE_DIRECTORY, tell: bool = True) -> Dict[str, Any]:
    """Return what a run says of a change that waits to be confirmed, or that was not (:func:`_change.window.told`).

    :param tell: whether it is told from now on
    """
    if check_mode or not os.path.lexists(os.path.join(base, WINDOW)):
        return {"confirm": None, "undone": None, "warnings": []}
    from .window import told  # most hosts have no such change

    return told(State(None, base), tell)
