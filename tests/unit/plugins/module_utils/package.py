# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a package of Postfix installs, below a path: for instances that are made and removed, without a host."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import creation, instances, secondary
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.secondary import Changed
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import BuiltIn
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl

NAME = "postfix-out"
POSTFIX = '#!/bin/sh\necho "$@" >>{path}/commands\ntest ! -e {path}/fails || {{ cat {path}/fails >&2; exit 1; }}\n'


class Place:
    """The default instance, the prototypes, and a stand-in for postfix(1); no systemd."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.state = path, str(path / "state")
        self.etc = path / "etc" / "postfix"
        names = ("config", "command", "daemon", "queue", "data", "meta")
        places = [
            self.etc,
            path / "sbin",
            path / "lib",
            path / "spool" / "postfix",
            path / "data" / "postfix",
            self.etc,
        ]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        self.compiled = BuiltIn("3.7.11", {f"{name}_directory": str(place) for name, place in zip(names, places)})
        self.main, self.new = self.etc / "main.cf", path / "etc" / NAME
        self.main.write_text("# of the default one\nmail_owner = postfix\nmyhostname = mx.test\n")
        (self.etc / "master.cf").write_text("smtp inet n - y - - smtpd\n")
        (self.etc / "main.cf.proto").write_text("# prototype\n#mail_owner = nobody\ncommand_directory = /nowhere\n")
        (self.etc / "master.cf.proto").write_text("smtp inet n - y - - smtpd\npickup unix n - y 60 1 pickup\n")
        (path / "sbin" / "postfix").write_text(POSTFIX.format(path=path))
        (path / "sbin" / "postfix").chmod(0o755)
        monkeypatch.setattr(secondary, "built_in", lambda: self.compiled)
        monkeypatch.setattr(creation, "take_over_contexts", lambda default, planned: None)
        for module in (creation, secondary):
            monkeypatch.setattr(module, "find_service", lambda instance, master=None: ServiceControl(instance, None))

    def create(self, check_mode: bool = False, **more: str) -> Changed:
        return instances.create(NAME, check_mode=check_mode, state=self.state, **more)

    def remove(self, check_mode: bool = False) -> Changed:
        return instances.remove(NAME, check_mode, self.state)

    @property
    def own_state(self) -> State:
        return State(str(self.new), self.state)

    @property
    def commands(self) -> List[str]:
        log = self.path / "commands"
        return log.read_text().splitlines() if log.exists() else []

    def fails(self, words: str) -> None:
        (self.path / "fails").write_text(words)
