# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container that was started for Postfix."""

from __future__ import annotations

import os
from typing import Optional, Sequence

from .command import Outcome
from .instance import Instance
from .master_process import Process, command_line
from .supervisor import Supervisor, Watch, is_in_background, program_of

INITS = ("systemd", "init", "openrc-init", "runit", "runsvdir", "s6-svscan", "s6-linux-init", "supervisord", "finit")
"""Programs that run on as process 1 whatever ends; what else is process 1, a container was started for."""

_SHELLS = ("sh", "bash", "dash", "ash", "busybox")


class Container(Supervisor):
    """A container that was started for Postfix, and ends when the master ends."""

    kind = "container"

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        if process.pid != 1 or program_of(process, proc) in INITS or is_in_background(chain[0], proc):
            return None
        # What somebody has started by hand is below process 1 too, in the end, or becomes its child.
        between = [os.path.basename("".join(command_line(one, proc)[:1])) for one in chain[1:-1]]
        is_by_script = bool(between) and set(between) <= set(_SHELLS)  # that of postfix start-fg is one
        if chain[0] == process or is_by_script or _same_output(chain[0], process, proc):
            return cls(instance, "", process, proc)
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return Outcome("a stop from here", 1, [self.forbids()])

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return Outcome("a start from here", 1, [self.forbids()])

    def forbids(self) -> str:
        ends = "Postfix is what this container runs, so the container would end with it, and cannot start it again."
        return f"{ends} Restart the container; to edit the files for that, set apply to false."


def _same_output(one: Process, other: Process, proc: str) -> bool:
    """Return whether two processes have the same standard output: what a container writes goes to its engine."""
    try:
        return os.path.samefile(f"{proc}/{one.pid}/fd/1", f"{proc}/{other.pid}/fd/1")
    except OSError:
        return False
