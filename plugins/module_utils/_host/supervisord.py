# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""supervisord, and what it runs by its configuration."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from glob import glob
from typing import Iterator, Optional, Sequence, Tuple

from .command import Outcome, run
from .instance import Instance
from .master_process import Process, command_line
from .supervisor import Around, Supervisor, Watch, is_in_background, runs, working_directory

_ANSWER = 30.0  # seconds that supervisorctl(1) gets to tell something
_CONFIGURATION = "etc/supervisor/supervisord.conf"


class Supervisord(Supervisor):
    """supervisord: supervisorctl(1), which knows the programs by their processes."""

    kind = "supervisord"
    watchers = ("supervisord",)

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        here = cls(instance, "", process, proc)
        status = here._control("status", time.monotonic() + _ANSWER)
        for line in status.words:
            running = re.match(r"(\S+)\s+RUNNING\s+pid (\d+)", line)
            if running and int(running.group(2)) in [one.pid for one in chain]:
                here.service = running.group(1)
                return here
        # Where it is process 1, what others have started in the background becomes its child too.
        mute = here._control("pid", time.monotonic() + _ANSWER).status not in (0, None)  # None: it is only slow
        return here if mute and not is_in_background(chain[0], proc) else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        for process in around.running(cls.watchers):
            here = cls(instance, "", process, around.proc)
            for name, command in _programs(here._configuration or os.path.join(around.root, _CONFIGURATION)):
                if runs(command, instance):
                    here.service = name
                    return here
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(f"stop {self.service}", deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        outcome = self._control(f"start {self.service}", deadline, watch)
        if any("already started" in line for line in outcome.words):  # it pauses between attempts that fail
            self.stop(deadline, watch)
            outcome = self._control(f"start {self.service}", deadline, watch)
        return outcome

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or any("not running" in line for line in outcome.words)

    def forbids(self) -> Optional[str]:
        if self.service:
            return None
        sections = "unix_http_server, rpcinterface:supervisor and supervisorctl"
        remedy = f"Give its configuration the sections {sections}."
        return f"supervisord runs Postfix, and supervisorctl(1) cannot tell it to stop and start that. {remedy}"

    @property
    def _configuration(self) -> str:
        """The path of the configuration that it was given; empty if it has found that by itself."""
        named = re.search(r"\0(?:-c\0?|--configuration[=\0])([^\0]+)", "\0".join(command_line(self.process, self.proc)))
        return os.path.join(working_directory(self.process, self.proc), named.group(1)) if named else ""

    def _control(self, action: str, deadline: float, watch: Watch = lambda: None) -> Outcome:
        paths = [word for word in command_line(self.process, self.proc) if os.path.basename(word) in self.watchers]
        tool = os.path.join(os.path.dirname(paths[0]) if paths else "", "supervisorctl")
        where = ["-c", self._configuration] if self._configuration else []
        return run([tool, *where, *action.split()], deadline, watch)


def _programs(path: str) -> Iterator[Tuple[str, str]]:
    """Yield the programs of a configuration of supervisord: the name of each, with its group, and its command."""
    from configparser import Error, RawConfigParser  # long to load

    parser = RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    with suppress(Error, OSError):
        parser.read(path)
        for pattern in parser.get("include", "files", fallback="").split():
            parser.read(sorted(glob(os.path.join(os.path.dirname(path), pattern))))
    members = {
        name.strip(): section[len("group:") :]
        for section in parser.sections()
        if section.startswith("group:")
        for name in parser.get(section, "programs", fallback="").split(",")
    }
    for section in parser.sections():
        kind, _colon, name = section.partition(":")
        if kind == "program":
            full = f"{members[name]}:{name}" if name in members else name
            yield (
                full,
                f"{parser.get(section, 'environment', fallback='')} {parser.get(section, 'command', fallback='')}",
            )
