# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all have in common that start and stop an instance where systemd does not (:mod:`_host.supervisors`)."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import Callable, List, Optional, Sequence, Set, Tuple

from .command import Outcome
from .instance import Instance
from .master_process import COMM, PROC, Process, all_pids, child_pids, command_line, find_master, read_process

PATIENCE = 5
"""Seconds that a supervisor waits for the end of what it has told to end."""
POSTFIX = r"\bpost(fix|multi)\b|/master\b"
"""What a script says that runs Postfix."""
SCRIPT = 1 << 16
"""Characters of a script that are read."""

_INTERPRETER = r"(python|pypy)[\d.]*\Z"

Watch = Callable[[], None]


class Around:
    """A system, and the supervisors that run on it.

    :param watchers: the programs of all supervisors
    """

    def __init__(self, watchers: Sequence[str], proc: str, root: str) -> None:
        self.proc, self.root = proc, root
        self._watchers = watchers
        self._found: Optional[List[Tuple[str, Process]]] = None

    def running(self, programs: Sequence[str]) -> List[Process]:
        """Return the processes that run these programs."""
        if self._found is None:
            names = [name[:COMM] for name in self._watchers]
            all_processes = (read_process(pid, self.proc) for pid in all_pids(self.proc))
            found = [one for one in all_processes if one and (one.name in names or re.match(_INTERPRETER, one.name))]
            self._found = [(program_of(one, self.proc), one) for one in found]
        return [process for program, process in self._found if program in programs]


class Supervisor:
    """What runs an instance.

    :param service: what it calls the instance: a name or a directory
    :param process: the process of it that watches over the master, if it has one
    """

    #: as results say it
    kind = ""
    #: the programs of it that have a master below them
    watchers: Tuple[str, ...] = ()

    def __init__(self, instance: Instance, service: str, process: Optional[Process] = None, proc: str = PROC) -> None:
        self.instance, self.service, self.process, self.proc = instance, service, process, proc

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        """Return the one whose process is above a master; None if it runs something else that has started the master.

        :param chain: the master, its parent, and so on up to below that process
        """
        return None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        """Return the one that is there to run an instance, although it has no process above a master of it."""
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master stopped, and left down."""
        raise NotImplementedError

    def start(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master started, and wait until it works, or what was to become one has ended."""
        before = self._children()
        outcome = self.begin(deadline, watch)
        begun: Set[int] = set()
        while outcome.status == 0 and not self._works() and time.monotonic() < deadline:
            now = self._children() - before
            if begun - now:
                break
            begun |= now
            watch()
            time.sleep(0.01)
        return outcome

    def _works(self) -> bool:
        """Return whether there is a master with children; ``master -t``, which only looks for one, has none."""
        master = find_master(self.instance, self.proc)
        return bool(master and master.children())

    def _children(self) -> Set[int]:
        """Return what the process of it that watches over the master has started, and that still runs."""
        if self.process is None:
            return set()
        with suppress(OSError):
            return set(child_pids(self.process.pid, self.proc))
        return set()  # a kernel without this file

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master started."""
        raise NotImplementedError

    def leaves_down(self, outcome: Outcome) -> bool:
        """Return whether a master that is still there after :meth:`stop` will not be started again when it ends."""
        return outcome.status == 0

    def forbids(self) -> Optional[str]:
        """Return in sentences why the master cannot be stopped and started from here; None if it can."""
        return None

    def at_boot(self, wanted: bool) -> List[Tuple[str, List[str]]]:
        """Return what has the instance started when the host boots, or no more: a sentence and a command each."""
        return []


def runs(text: str, instance: Instance) -> bool:
    """Return whether a script or a command runs Postfix by the directory of an instance."""
    text = re.sub(r"(?m)^\s*#.*", "", text)
    if not re.search(POSTFIX, text):
        return False
    directories = re.findall(r"(?:\s-c\s*|MAIL_CONFIG=)[\"']?(/[^\s\"';]+)", text)
    names = re.findall(r"\s-i\s*[\"']?([\w.-]+)", text) if "postmulti" in text else []
    if directories or names:
        same = [os.path.realpath(path) == os.path.realpath(instance.config_directory) for path in directories]
        return any(same) or instance.name in names
    return instance.is_default


def is_in_background(master: Process, proc: str = PROC) -> bool:
    """Return whether a master was started by ``postfix start``, which does not wait for its end (master(8), -w)."""
    return "-w" in command_line(master, proc)[1:]


def program_of(process: Process, proc: str) -> str:
    """Return the name of what a process runs, which the kernel cuts: that of the script, where it is one."""
    words = command_line(process, proc)
    interpreted = bool(words) and re.match(_INTERPRETER, os.path.basename(words[0])) is not None
    path = next((word for word in words[1:] if not word.startswith("-")), "") if interpreted else "".join(words[:1])
    name = os.path.basename(path)
    return name if name[: len(process.name)] == process.name or interpreted else process.name


def working_directory(process: Optional[Process], proc: str) -> str:
    """Return the working directory of a process; empty if this one may not look at it."""
    with suppress(OSError):
        return os.readlink(f"{proc}/{process.pid}/cwd") if process else ""
    return ""
