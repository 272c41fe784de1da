# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with the stand-in for Postfix whose versions are looked at."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import restart
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.versions import Version, Versions
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import Record
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.outcome import of_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import at_boot
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.watchdog import dismiss
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import Host, soon


class VersionedHost(Host):
    """A host that runs, and what is kept on it."""

    def change(self, *services: str, confirm: int = 0, keep_versions: Any = None, **more: str) -> Dict[str, Any]:
        """Move it to the other port, or to other services."""
        self.commit("127.0.0.1", *(services or (f"{self.other}",)), **more)
        return self.apply_with(confirm=confirm, keep_versions=keep_versions)

    def apply_with(self, check_mode: bool = False, **options: Any) -> Dict[str, Any]:
        return apply(self.instance, 60, check_mode, self.state, **options)

    def to(self, version: str, check_mode: bool = False, **options: Any) -> Dict[str, Any]:
        """Bring a version back."""
        return self.apply_with(check_mode, to=version, tell=partial(of_version, True), **options)

    def by_hand(self, line: str) -> None:
        with (self.etc / "main.cf").open("a") as stream:
            stream.write(line)
        self.age()

    def reload(self) -> None:
        """What an administrator does, so long after the edit that it is certain that Postfix has read that."""
        time.sleep(1.1)
        master = self.master
        assert master
        before = {child.pid for child in master.children()}
        os.kill(master.process.pid, signal.SIGHUP)

        def is_done() -> bool:
            now = {child.pid for child in master.children()} if master else set()
            return bool(now) and not now & before

        assert soon(is_done)

    @property
    def now(self) -> Tuple[str, ...]:
        """Both files."""
        return read_files(str(self.etc)).texts

    @property
    def versions(self) -> List[Version]:
        return Versions(self.transactions.state).known

    @property
    def kept(self) -> List[Any]:
        """The versions, newest first, each with whether Postfix was found to work by it."""
        return [(version.texts, version.verified) for version in self.versions]

    @property
    def ports(self) -> List[int]:
        return sorted(port for _address, port in self.sockets)


def versioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VersionedHost]:
    """The fixture."""
    monkeypatch.setattr(restart, "cannot_hold", lambda version: "not here")
    host = VersionedHost(tmp_path)
    host.apply()
    host.age()
    host.apply()
    yield host
    host.end()


def waits(running: VersionedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VersionedHost]:
    """The fixture of a host on which a change may wait to be confirmed when the test ends."""
    monkeypatch.setattr(at_boot, "_BOOTED", str(tmp_path / "booted"))  # a host without systemd
    yield running
    window = Record.load(State(None, running.state)).window
    if window:
        dismiss(window.process)
