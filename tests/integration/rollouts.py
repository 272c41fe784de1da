# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts over hosts of the lab, and what their table says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fleet import PLAYS, MailHost
from mailfleet_lab import hosts


class Rollouts:
    """Rollouts over groups of hosts, in a directory with hooks.

    :param wanted: the variables of all hosts, unless a rollout has others
    :param programs: where those of Ansible are, if not where they are always
    """

    def __init__(
        self,
        groups: Mapping[str, Sequence[MailHost]],
        path: Path,
        wanted: Mapping[str, Any],
        programs: Path | None = None,
    ) -> None:
        self.groups, self.path, self._wanted, self._programs = list(groups), path, wanted, programs
        self.hosts = [host for members in groups.values() for host in members]
        children = {group: {"hosts": {host.name: None for host in members}} for group, members in groups.items()}
        (path / "groups.json").write_text(json.dumps({"all": {"children": children}}))

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> subprocess.Popen[str]:
        """Start a rollout in a process group of its own."""
        options = {**self._wanted, "mailfleet_groups": self.groups, **variables}
        program = str(self._programs / "ansible-playbook") if self._programs else "ansible-playbook"
        inventories = ["--inventory", str(self.path / "groups.json"), "--inventory", str(hosts.write_inventory())]
        return subprocess.Popen(
            [program, *inventories, "mailfleet.postfix.converge", "-e", json.dumps(options), *arguments],
            cwd=self.path,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_CONFIG": str(PLAYS / "ansible.cfg"),
                **(environment or {}),
            },
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def roll_out(
        self, *arguments: str, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> tuple[int, str]:
        """Roll out, and return the exit status and what was said."""
        process = self.start(*arguments, environment=environment, **variables)
        said = process.communicate(timeout=600)[0]
        return process.returncode, said

    def hooks(self) -> dict[str, str]:
        """Have hooks write down where they ran, and return their variables."""
        for name in ("before", "after"):
            line = f"{name} {{{{ inventory_hostname }}}}"
            task = {
                "name": f"Write down {name}",
                "ansible.builtin.lineinfile": {
                    "path": str(self.path / "pool"),
                    "line": line,
                    "create": True,
                    "mode": "0644",
                },
                "delegate_to": "localhost",
                "throttle": 1,
            }
            (self.path / f"{name}.yml").write_text(json.dumps([task]))
        return {"mailfleet_before": "before.yml", "mailfleet_after": "after.yml"}


def in_table(said: str, host: MailHost, words: str) -> bool:
    """Whether the table at the end has a line about a host that goes on like this."""
    return re.search(rf'^ *"?{host.name} +\S+ +{words}', said.rpartition("Show a table")[2], re.M) is not None
