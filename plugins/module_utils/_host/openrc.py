# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenRC, and the account that it keeps of its services."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import List, Optional, Sequence, Tuple

from .command import Outcome, run
from .instance import Instance
from .master_process import Process, command_line
from .supervisor import POSTFIX, SCRIPT, Around, Supervisor, Watch

ROOT = "/"
_STATE = "run/openrc"


class OpenRC(Supervisor):
    """OpenRC: rc-service(8). It keeps account of which services are started, and has a cgroup for each."""

    kind = "openrc"
    watchers = ("supervise-daemon",)

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        name = "".join(command_line(process, proc)[1:2])
        return cls(instance, name, process, proc) if _runs_openrc(ROOT) and _openrc_script(name, ROOT) else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        """Return the service by its cgroup, or by its link: postfix.out has /etc/postfix.out."""
        if not _runs_openrc(around.root):
            return None
        usual = "postfix" if instance.is_default else os.path.basename(instance.config_directory)
        for name in [*_openrc_cgroups(master, around.proc), usual]:
            if _openrc_script(name, around.root):
                return cls(instance, name, None, around.proc)
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        # What needs a mail server is not stopped along with it.
        return self._control(["--nodeps", "stop"], deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        if os.path.lexists(os.path.join(ROOT, _STATE, "started", self.service)):  # and yet it does not run
            self._control(["zap"], deadline, watch)
        return self._control(["start"], deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or self.process is None

    def at_boot(self, wanted: bool) -> List[Tuple[str, List[str]]]:
        levels = os.path.join(ROOT, "etc/runlevels")
        there = any(os.path.lexists(os.path.join(levels, level, self.service)) for level in os.listdir(levels))
        if there == wanted:
            return []
        if wanted:
            return [(f"{self.service} is in the runlevel default", ["rc-update", "add", self.service, "default"])]
        return [(f"{self.service} is in no runlevel", ["rc-update", "--all", "del", self.service])]

    def _control(self, action: List[str], deadline: float, watch: Watch) -> Outcome:
        return run(["rc-service", self.service, *action], deadline, watch)


def _runs_openrc(root: str) -> bool:
    """Return whether OpenRC has started this system; it is installed on others too."""
    return os.path.exists(os.path.join(root, _STATE, "softlevel"))


def _openrc_script(name: str, root: str) -> bool:
    """Return whether a service of OpenRC runs Postfix; of other init scripts it keeps no account."""
    with suppress(OSError), open(os.path.join(root, "etc/init.d", name), encoding="utf-8", errors="replace") as stream:
        text = stream.read(SCRIPT)
        return bool(re.match(r"#!.*(openrc-run|runscript)", text) and re.search(POSTFIX, text))
    return False


def _openrc_cgroups(master: Optional[Process], proc: str) -> List[str]:
    """Return the services in whose cgroups a master is: /openrc.NAME, or /NAME of the hierarchy of OpenRC."""
    path = f"{proc}/{master.pid}/cgroup" if master else os.devnull
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
        return re.findall(r"(?m)(?::name=openrc:/|::.*/openrc\.)([^/\s]+)", stream.read())
    return []
