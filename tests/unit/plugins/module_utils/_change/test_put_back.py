# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs at boot where a change was not confirmed; that it runs then, tests/integration/test_confirm.py shows."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import put_back
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import Begun, Part, Record, Window
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import at_boot
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.boot_id import boot_id
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import ConfigDir, instance_of

OLD = ("inet_interfaces = loopback-only\n", "smtp inet n - y - - smtpd\n")
NEW = ("inet_interfaces = all\n", "smtp inet n - n - - smtpd\n")


class Booted:
    """Two instances whose change was not confirmed before the host went down."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base, self.said = str(path / "state"), []  # type: str, List[str]
        monkeypatch.setattr(put_back.syslog, "syslog", lambda level, text: self.said.append(text))
        monkeypatch.setattr(put_back, "_PATIENCE", 0.1)
        monkeypatch.setattr(at_boot, "UNITS", str(path / "units"))
        self.hosts = [ConfigDir(path / name, *OLD) for name in ("a", "b")]
        for host in self.hosts:
            host.state = path / "state"
            host.commit(*NEW)

    def window(self, boot: str = "another", created: Optional[List[ConfigDir]] = None) -> Window:
        parts = [Part(instance_of(str(host.config)), OLD, NEW) for host in self.hosts]
        names = [("postfix-new", str(host.config)) for host in created or []]
        return Window("token", 60, time.time(), 0.0, boot, parts, names, [], [], [])

    def boots(self, record: Record) -> Record:
        """Have the host boot, and return what is recorded then."""
        state = State(None, self.base)
        with state.locked(1):
            record.save(state)
        put_back.main(self.base)
        return Record.load(state)

    @property
    def texts(self) -> list:
        return [host.texts for host in self.hosts]


@pytest.fixture(name="booted")
def _booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Booted:
    return Booted(tmp_path, monkeypatch)


def test_the_files_of_all_instances_come_back(booted: Booted) -> None:
    record = booted.boots(Record(booted.window()))
    assert booted.texts == [OLD, OLD]
    assert record.window is None
    assert record.ended is not None
    assert record.ended.outcome == "undone"
    (said,) = booted.said
    assert said == record.ended.message
    assert "was not confirmed before the host went down and was undone at" in said
    for host in booted.hosts:
        assert f"The previous files are back in {host.config}." in said
        assert host.transactions.pending() is None


def test_an_instance_that_it_had_created_listens_nowhere(booted: Booted) -> None:
    booted.boots(Record(booted.window(created=booted.hosts[1:])))
    assert booted.texts == [OLD, (f"{NEW[0]}master_service_disable = inet\n", NEW[1])]
    assert "The instance postfix-new, which it had created, listens nowhere." in booted.said[0]


def test_nothing_comes_back_where_one_was_edited_since(booted: Booted) -> None:
    edited = f"{NEW[0]}relayhost = mx\n"
    booted.hosts[1].write(edited, NEW[1])
    record = booted.boots(Record(booted.window()))
    assert booted.texts == [NEW, (edited, NEW[1])]
    assert record.ended is not None
    assert record.ended.outcome == "overtaken"
    assert f"the files in {booted.hosts[1].config} were edited since, so nothing was undone" in booted.said[0]


def test_what_a_run_had_not_completed_comes_back(booted: Booted) -> None:
    """A run that was to open a window at its end: what it has committed is rolled back, the earlier window as well."""
    directories = [str(host.config) for host in booted.hosts]
    record = booted.boots(Record(begun=Begun(60, "another", directories)))
    assert booted.texts == [OLD, OLD]
    assert record == Record()
    assert len(booted.said) == 2
    assert all("the host went down before the run that has changed them had ended" in said for said in booted.said)
    assert booted.boots(Record(begun=Begun(60, "another", directories))) == Record()  # there is nothing to restore
    assert len(booted.said) == 2


def test_both(booted: Booted) -> None:
    begun = Begun(60, "another", [str(booted.hosts[0].config)])
    record = booted.boots(Record(booted.window(), begun))
    assert booted.texts == [OLD, OLD]
    assert record.ended is not None
    assert record.window is record.begun is None


@pytest.mark.parametrize("what", ["window", "begun"])
def test_in_the_same_boot_nothing_happens(booted: Booted, what: str) -> None:
    window, begun = booted.window(boot_id()), Begun(60, boot_id(), [])
    before = Record(window=window) if what == "window" else Record(begun=begun)
    after = booted.boots(before)
    assert (after.window is not None, after.begun is not None) == (what == "window", what == "begun")
    assert booted.texts == [NEW, NEW]
    assert booted.said == []


def test_without_a_window_there_is_nothing_to_do(booted: Booted) -> None:
    assert booted.boots(Record()) == Record()
    put_back.put_back(State(None, booted.base), Record())
    assert booted.texts == [NEW, NEW]


def test_a_failure_is_logged(booted: Booted) -> None:
    state = State(None, booted.base)
    with state.locked(1):
        Record(booted.window()).save(state)
        put_back.main(booted.base)  # another run is at work
    assert "A change that was not confirmed is still there:" in booted.said[-1]
    assert booted.texts == [NEW, NEW]
