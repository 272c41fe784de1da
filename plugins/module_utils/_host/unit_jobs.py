# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd does with a unit while systemctl(1) waits for it, or after that was ended.

A start waits for what a stop still runs (ExecStopPost of systemd.service(5)). The end of systemctl cancels nothing.
"""

from __future__ import annotations

import time
from typing import Callable, Dict

from .command import Outcome
from .unit_properties import unit_properties
from .waiting import doing

_LONGEST = 120.0  # seconds; systemd itself ends what a stop runs after 90 s, unless the unit says something else
_PROPERTIES = ("ActiveState", "SubState", "Job", "ControlPID", "Result")
_ANSWER = 5.0  # seconds for systemd to tell
_CONTROL = {  # what is run, by the state that the unit is in then
    "start-pre": "ExecStartPre",
    "start": "ExecStart",
    "start-post": "ExecStartPost",
    "stop": "ExecStop",
    "stop-post": "ExecStopPost",
    "final-sigterm": "ExecStopPost",
}


def finished(unit: str, ended: Outcome, least: float, watch: Callable[[], None] = lambda: None) -> Outcome:
    """Wait for a start that systemd has not begun yet, because it stops the unit still, and then for the start itself.

    :param ended: what became of ``systemctl start``, which has taken too long
    :param least: seconds for the start itself
    :param watch: called again and again meanwhile
    :returns: what became of the start
    """
    began = time.monotonic()
    deadline = began + _LONGEST
    starts = False
    while True:
        shown = _shown(unit)
        if not shown:  # systemd itself does not answer
            return ended
        state, queued = shown.get("ActiveState", ""), shown.get("Job", "0") not in ("", "0")
        if state == "active" and not queued:
            return Outcome(ended.command, 0, ended.words[:-1])
        if not queued:  # it has failed
            return Outcome(ended.command, 1, ended.words[:-1])
        if state == "activating" and not starts:
            if time.monotonic() - began < 0.5:  # it had all its time
                return explained(unit, ended)
            starts, deadline = True, time.monotonic() + least
        if time.monotonic() >= deadline:
            return explained(unit, ended)
        until = time.monotonic() + 0.25
        while time.monotonic() < until:
            watch()
            time.sleep(0.01)


def explained(unit: str, ended: Outcome) -> Outcome:
    """Add to what became of a command of systemctl(1) that took too long what systemd runs for the unit meanwhile."""
    shown = _shown(unit)
    control = shown.get("ControlPID", "0")
    if not control.isdigit() or control == "0":
        return ended
    what = doing(int(control)) or f"process {control}"
    setting = _CONTROL.get(shown.get("SubState", ""), "what the unit says")
    return ended._replace(words=[*ended.words[:-1], f"{ended.words[-1]}; systemd runs {setting} of {unit}, {what}"])


def _shown(unit: str) -> Dict[str, str]:
    """Return the properties of a unit; none if systemd does not answer."""
    return dict(unit_properties(unit, _PROPERTIES, time.monotonic() + _ANSWER))
