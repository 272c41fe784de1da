# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edited, edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import replaceable
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import FileChanged, TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    ConfigDir,
    instance_of,
    untouched,
)

MAIN = "inet_interfaces = all\n"
MASTER = "smtp inet n - y - - smtpd\n"
LOOPBACK = Wanted({"inet_interfaces": ["loopback-only"]})
BOTH = Wanted({"inet_interfaces": ["loopback-only"]}, services=[ServiceChange("smtp", options={"a": "b"})])


class Host(ConfigDir):
    """A configuration directory, and what the module does there."""

    def edit(self, wanted: Wanted, **options: Any) -> Edited:
        return edit(instance_of(str(self.config)), wanted, state_directory=str(self.state), **options)


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    return Host(tmp_path, MAIN, MASTER)


def test_it_tells_the_files_that_change_before_it_changes_them(host: Host) -> None:
    told: List[List[str]] = []

    def before_commit(paths: List[str]) -> None:
        told.append(paths)
        assert (host.main.read_text(), host.master.read_text()) == (MAIN, MASTER)

    done = host.edit(BOTH, before_commit=before_commit)
    assert told == [[str(host.main), str(host.master)]]
    assert done.changed == told[0]
    assert host.main.read_text() == "inet_interfaces = loopback-only\n"
    assert "-o a=b" in host.master.read_text()
    assert host.edit(BOTH, before_commit=before_commit).changed == []
    assert len(told) == 1


def test_an_edit_of_somebody_else_meanwhile_is_kept(host: Host) -> None:
    calls: List[List[str]] = []

    def somebody_else(paths: List[str]) -> None:
        calls.append(paths)
        if len(calls) == 1:
            host.main.write_text(MAIN + "mynetworks = 10.0.0.0/8\n")

    done = host.edit(LOOPBACK, before_commit=somebody_else)
    assert host.main.read_text() == "inet_interfaces = loopback-only\nmynetworks = 10.0.0.0/8\n"
    assert done.found.main == MAIN + "mynetworks = 10.0.0.0/8\n"
    assert len(calls) == 2


def test_somebody_who_does_not_stop_editing_is_an_error_that_says_so(host: Host) -> None:
    calls: List[List[str]] = []

    def somebody_else(paths: List[str]) -> None:
        calls.append(paths)
        host.master.write_text(MASTER + "# again\n" * len(calls))

    with pytest.raises(FileChanged, match=r"master\.cf was changed by somebody else since it was read"):
        host.edit(LOOPBACK, before_commit=somebody_else)
    assert len(calls) == 2
    assert host.main.read_text() == MAIN
    assert host.master.read_text() == MASTER + "# again\n" * 2
    assert sorted(os.listdir(host.config)) == ["main.cf", "master.cf"]
    assert host.transactions.pending() is None


def test_check_mode_writes_nothing_even_where_an_earlier_run_was_interrupted(host: Host) -> None:
    host.edit(BOTH)
    host.main.write_text(MAIN)  # as if the second of the two files had come first, and the power had failed then
    everything = (host.config, host.main, host.master, *host.state.rglob("*"))

    def written() -> List[Tuple[int, int, int]]:  # not when read last, which reading changes
        return [(each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for each in map(os.stat, everything)]

    before = written()
    predicted = host.edit(LOOPBACK, check_mode=True)
    assert predicted.changed == []
    assert (predicted.written, predicted.as_left.main) == ([str(host.main)], MAIN)
    assert predicted.recovered is None
    assert written() == before
    done = host.edit(LOOPBACK)
    assert (done.written, done.as_left.main) == ([str(host.main)], MAIN)
    assert (done.changed, done.plan.main) == ([], predicted.plan.main)
    assert done.recovered is not None
    assert "was interrupted" in done.recovered
    assert host.main.read_text() == "inet_interfaces = loopback-only\n"


def test_a_wrong_wish_leaves_no_trace(host: Host) -> None:
    before = untouched(host.config)
    with pytest.raises(InputError):
        host.edit(Wanted({"inet_interfaces": ["256.1.1.1"]}))
    assert untouched(host.config) == before
    assert not host.state.exists()


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_what_would_never_end_is_not_read(host: Host, name: str) -> None:
    (host.config / name).unlink()
    os.mkfifo(str(host.config / name))
    with pytest.raises(TransactionError, match=f"{name} cannot be read: It is not a regular file"):
        host.edit(LOOPBACK)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_file_that_is_mounted_by_itself_is_refused_beforehand(
    host: Host, monkeypatch: pytest.MonkeyPatch, check_mode: bool
) -> None:
    monkeypatch.setattr(replaceable, "mount_points", lambda: {"/", os.path.realpath(str(host.main))})
    with pytest.raises(TransactionError, match="main.cf is mounted by itself, .*Mount its directory"):
        host.edit(LOOPBACK, check_mode=check_mode)
    assert not host.edit(Wanted({})).changed
    assert host.main.read_text() == MAIN
