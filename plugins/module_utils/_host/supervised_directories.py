# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Supervisors that have a process for each service, in the directory of that: runit and s6."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import List, Optional, Sequence

from .command import Outcome, run
from .instance import Instance
from .master_process import Process
from .supervisor import PATIENCE, POSTFIX, SCRIPT, Around, Supervisor, Watch, runs, working_directory


class _OfDirectories(Supervisor):
    """One that has a process for each service, in the directory of that, with a script ``run`` in it."""

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        directory = working_directory(process, proc)
        is_its_own = chain[0].parent == process.pid or re.search(POSTFIX, _script_in(directory))
        return cls(instance, directory, process, proc) if directory and is_its_own else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        for process in around.running(cls.watchers):
            directory = working_directory(process, around.proc)
            if runs(_script_in(directory), instance):
                return cls(instance, directory, process, around.proc)
        return None

    def _tool(self, name: str) -> str:
        """Return the path of a program that is installed beside the supervisor's own."""
        with suppress(OSError):
            directory = os.path.dirname(os.readlink(f"{self.proc}/{self.process.pid}/exe")) if self.process else ""
            path = os.path.join(directory, name)
            return path if os.access(path, os.X_OK) else name
        return name


class Runit(_OfDirectories):
    """runit: sv(8)."""

    kind = "runit"
    watchers = ("runsv",)

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("sv"), "-w", str(PATIENCE), "stop", self.service], deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("sv"), "-w", str(PATIENCE), "start", self.service], deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or any(line.startswith("timeout: ") for line in outcome.words)


class S6(_OfDirectories):
    """s6, also below s6-rc and s6-overlay: s6-svc."""

    kind = "s6"
    watchers = ("s6-supervise",)

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(["-wd", "-d"], deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(["-wu", "-u"], deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status in (0, 99)  # 99: it was told, and the end was not awaited

    def _control(self, action: List[str], deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("s6-svc"), "-T", str(PATIENCE * 1000), *action, self.service], deadline, watch)


def _script_in(directory: str) -> str:
    """Return the script that runs the service of a directory; empty if it cannot be read."""
    with suppress(OSError), open(os.path.join(directory, "run"), encoding="utf-8", errors="replace") as stream:
        return stream.read(SCRIPT)
    return ""
