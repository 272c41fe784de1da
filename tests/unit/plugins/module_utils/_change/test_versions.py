# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of both files that are kept: what is kept of which run of the stand-in for Postfix, and how."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import keep_version, unconfirmed, versions
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.versions import Version, Versions, listed
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import Record, confirm
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import untouched
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import START, ends_early, kill, soon
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.versioned import (
    VersionedHost,
    versioned,
    waits,
)

pytestmark = pytest.mark.one_python  # but for one of each kind

LONG = 600
A, B, C = (("x = " + name, "smtp inet n - n - - smtpd\n") for name in "abc")
running = pytest.fixture(name="running")(versioned)


@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Versions:
    return Versions(State(str(tmp_path / "etc"), str(tmp_path / "state")))


def again(kept: Versions) -> Versions:
    """The same versions, read from the disk."""
    return Versions(kept.state)


def texts(kept: Versions) -> List[Any]:
    return [version.texts for version in again(kept).known]


def directory(kept: Versions) -> Path:
    return Path(kept.state.path("versions"))


# How they are kept --------------------------------------------------------------------------------------------------


@pytest.mark.every_python
def test_the_newest_is_the_first(kept: Versions) -> None:
    for version in (A, B, C):
        kept.keep(version, verified=True)
    assert texts(kept) == [C, B, A]
    assert len({version.shown for version in kept.known}) == 3  # although all are of the same second


def test_the_same_again_writes_nothing(kept: Versions) -> None:
    kept.keep(A, verified=True)
    (path,) = directory(kept).iterdir()
    before = untouched(path)
    for verified in (True, False):
        again(kept).keep(A, verified)
    assert untouched(path) == before


def test_one_that_comes_back_keeps_its_time(kept: Versions) -> None:
    for version in (A, B, C, A):
        again(kept).keep(version, verified=True)
    assert texts(kept) == [A, C, B]
    times = [version.time for version in again(kept).known]
    assert times[0] < times[2] < times[1]


def test_a_clock_that_was_set_back_makes_no_difference(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    for version, now in ((A, 2_000_000_000.5), (B, 1_000_000_000.5), (C, 1_000_000_000.6)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        kept.keep(version, verified=True)
    assert texts(kept) == [C, B, A]
    assert [version.shown for version in kept.known] == [
        "2001-09-09T01:46:41Z",
        "2001-09-09T01:46:40Z",
        "2033-05-18T03:33:20Z",
    ]


def test_what_postfix_was_found_to_work_by_stays_that(kept: Versions) -> None:
    for verified in (False, True, False):
        again(kept).keep(A, verified)
    again(kept).keep(B, verified=False)
    again(kept).keep(A, verified=False)
    assert [(version.texts, version.verified) for version in again(kept).known] == [(A, True), (B, False)]


def test_they_are_private(kept: Versions) -> None:
    kept.keep(A, verified=True)
    (path,) = directory(kept).iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.every_python
def test_bytes_that_are_no_utf_8_survive(kept: Versions) -> None:
    odd = ("x = \udcff caf\u00e9\r\n\ty", "no newline at the end")
    kept.keep(odd, verified=True)
    assert texts(kept) == [odd]


@pytest.mark.parametrize("number, left", [(1, [C]), (2, [C, B]), (3, [C, B, A]), (100, [C, B, A])])
def test_so_many_are_left(kept: Versions, number: int, left: List[Any]) -> None:
    for version in (A, B, C):
        kept.keep(version, verified=True)
    kept.trim(number)
    assert [version.texts for version in kept.known] == texts(kept) == left
    assert len(list(directory(kept).iterdir())) == len(left)


def test_five_are_left_if_nobody_has_said_how_many(kept: Versions) -> None:
    for number in range(7):
        kept.keep((f"x = {number}", ""), verified=True)
        kept.trim()
    assert [main for main, _master in texts(kept)] == [f"x = {number}" for number in (6, 5, 4, 3, 2)]


def test_it_is_remembered_how_many(kept: Versions) -> None:
    kept.trim(2)
    for version in (A, B, C):
        again(kept).keep(version, verified=True)
        again(kept).trim()
    assert texts(kept) == [C, B]
    again(kept).trim(0)
    assert again(kept).number == 0
    assert not directory(kept).exists()


def test_a_number_that_is_damaged_is_the_usual_one(kept: Versions) -> None:
    kept.trim(2)
    for content in ("{", '{"number": -1}', '{"number": "2"}'):
        Path(kept.state.path("versions.json")).write_text(content)
        assert again(kept).number == versions.USUAL


def test_all_together_are_not_too_large(kept: Versions) -> None:
    half = versions.LARGEST // 2 - 1000
    for name in "abc":
        kept.keep((name * half, ""), verified=True)
        kept.trim()
        sizes = [path.stat().st_size for path in directory(kept).iterdir()]
        assert sum(sizes) <= versions.LARGEST
    assert [main[0] for main, _master in texts(kept)] == ["c", "b"]
    kept.keep(("d" * versions.LARGEST, ""), verified=True)  # too large by itself
    kept.trim()
    assert [main[0] for main, _master in texts(kept)] == ["c", "b"]


def test_what_is_damaged_or_not_from_here_is_no_version(kept: Versions) -> None:
    kept.keep(A, verified=True)
    (path,) = directory(kept).iterdir()
    good = json.loads(path.read_text())

    def name(hour: int) -> Path:
        return path.with_name(f"2020-01-01T{hour:02}:00:00Z.json")

    contents: List[bytes] = [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, path.read_bytes()]
    for change in (
        {"format": 2},
        {"time": "x"},
        {"main": "\ud800"},
        {"original": "x"},
        {"original": [1, 2]},
        {"time": 1e99},
        {"main": 7},
        {"order": None},
        {"last": []},
    ):
        contents.append(json.dumps({**good, "time": 1577836800 + 3600 * len(contents), **change}).encode())
    for hour, content in enumerate(contents):
        name(hour).write_bytes(content)
    os.mkfifo(name(20))
    name(21).mkdir()
    name(22).symlink_to("nowhere")
    name(23).write_bytes(b" " * versions.LARGEST + b"{}")
    foreign = path.with_name("README")
    foreign.write_text("mine")
    assert texts(kept) == [A]
    assert len(again(kept).damaged) == len(contents) + 4
    again(kept).keep(B, verified=True)
    again(kept).trim()
    assert texts(kept) == [B, A]
    assert foreign.read_text() == "mine"


def test_a_name_that_something_else_has_is_not_taken(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1577836800.0)
    kept.keep(A, verified=True)
    (path,) = directory(kept).iterdir()
    path.write_text("damaged")
    again(kept).keep(A, verified=True)
    assert path.read_text() == "damaged"
    assert [version.shown for version in again(kept).known] == ["2020-01-01T00:00:01Z"]


def test_what_a_killed_run_has_left_goes_with_the_next_one(kept: Versions) -> None:
    kept.keep(A, verified=True)
    half = directory(kept) / "2020-01-01T00:00:00Z.json.new"
    half.write_text("{")
    assert texts(kept) == [A]
    again(kept).trim()
    assert not half.exists()


def test_with_another_list_of_instances_it_is_the_same_version(kept: Versions) -> None:
    kept.keep(A, verified=True)
    kept.keep(B, verified=True)
    more = (A[0] + "\nmulti_instance_directories = /etc/postfix-a\n", A[1])
    version = again(kept).of(more)
    assert version
    assert version.texts == A
    assert version.on_top_of(more) == more
    assert [one["current"] for one in listed(kept.state, more)] == [False, True]
    again(kept).keep(more, verified=True)
    assert texts(kept) == [more, B]


def test_a_version_says_no_more_than_the_files() -> None:
    data = json.loads(Version(0, 0.0, 1, True, A).content)
    assert set(data) == {"format", "time", "last", "order", "verified", "main", "master", "original"}


# What is kept of which run ------------------------------------------------------------------------------------------


def test_what_was_before_the_first_change_and_what_it_has_made(running: VersionedHost) -> None:
    before = running.now
    assert running.kept == []
    running.change()
    assert running.kept == [(running.now, True), (before, True)]


def test_what_nobody_has_seen_postfix_work_by_is_kept_as_such(running: VersionedHost) -> None:
    (Path(running.transactions.state.directory) / "running.json").unlink()
    before = running.now
    running.change()
    assert running.kept == [(running.now, True), (before, False)]


def test_a_run_that_changes_nothing_loads_and_writes_nothing(
    running: VersionedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything() -> Dict[str, Any]:
        return {str(path): untouched(path) for path in Path(running.state).rglob("*") if path.name != "lock"}

    for _state in ("without versions", "with versions"):
        before = everything()
        with monkeypatch.context() as patch:
            for module in (versions, keep_version):
                patch.setitem(sys.modules, module.__name__, None)
            assert not running.apply()["changed"]
        assert everything() == before
        running.change()


def test_a_change_that_fails_is_not_kept(running: VersionedHost) -> None:
    running.commit("127.0.0.1", f"{running.other}", fails=f"{running.other}", **START)
    running.fails()
    assert running.kept == []
    running.change()
    assert len(running.kept) == 2


def test_an_edit_alone_is_kept_once_it_was_applied(running: VersionedHost) -> None:
    before = running.now
    running.commit("127.0.0.1", f"{running.other}")
    running.commit("127.0.0.1", f"{running.other}", x="y")
    assert running.kept == []
    running.apply()
    assert running.kept == [(running.now, True), (before, True)]


def test_an_edit_by_hand_is_kept_with_the_run_that_applies_it(running: VersionedHost) -> None:
    running.change()
    first = running.kept
    running.by_hand("x = y\n")
    running.apply()
    assert running.kept == [(running.now, True), *first]


def test_an_edit_by_hand_that_postfix_has_read_is_kept_too(running: VersionedHost) -> None:
    running.change()
    first = running.kept
    running.by_hand("x = y\n")
    running.reload()
    assert not running.apply()["changed"]
    assert running.kept == [(running.now, True), *first]


def test_what_a_change_was_made_on_top_of_is_kept(running: VersionedHost) -> None:
    """That is what the run would have gone back to."""
    running.change()
    first = running.kept
    running.by_hand("x = y\n")
    edited = running.now
    running.change(f"127.0.0.1:{running.port}", x="y")
    assert running.kept == [(running.now, True), (edited, False), *first]


def test_a_run_that_was_killed_is_made_up_for(running: VersionedHost) -> None:
    before = running.now
    running.commit("127.0.0.1", f"{running.other}")

    def killed() -> None:
        keep_version.keep_confirmed = lambda *_arguments: kill()  # type: ignore[assignment]
        running.apply()

    assert ends_early(killed, lambda: None) == 9
    assert running.kept == []
    assert not running.apply()["changed"]
    assert running.kept == [(running.now, True), (before, False)]


@pytest.mark.parametrize("in_the_way", ["versions", "versions.json"])
def test_a_version_that_cannot_be_kept_is_a_warning(running: VersionedHost, in_the_way: str) -> None:
    path = Path(running.transactions.state.path(in_the_way))
    path.write_text("") if in_the_way == "versions" else path.mkdir()
    result = running.change(keep_versions=3)
    (warning,) = result["warnings"]
    assert "A version of the files could not be kept: " in warning
    assert (result["changed"], result["in_sync"]) == (True, True)
    assert running.ports == [running.other]
    assert running.transactions.pending() is None


def test_none_is_kept_if_none_is_to_be(running: VersionedHost) -> None:
    running.change(keep_versions=0)
    assert running.kept == []
    running.change(f"{running.port}")  # it is remembered
    assert running.kept == []
    running.change(keep_versions=2)
    assert len(running.kept) == 2
    assert not running.apply_with(keep_versions=0)["changed"]  # who wants none does not wait for the next change
    assert not Path(running.transactions.state.path("versions")).exists()


@pytest.mark.parametrize("number", [-1, 101])
def test_a_number_that_nobody_can_mean(running: VersionedHost, number: int) -> None:
    with pytest.raises(InputError, match="keep_versions: '.*' is not a number of versions from 0 to 100"):
        running.apply_with(keep_versions=number)


# Changes that wait to be confirmed ------------------------------------------------------------------------------------


waiting = pytest.fixture(name="waiting")(waits)


def test_a_change_is_kept_when_it_is_confirmed(waiting: VersionedHost) -> None:
    before = waiting.now
    token = waiting.change(confirm=LONG)["confirm"]["token"]
    assert waiting.kept == [(before, True)]
    assert not waiting.apply()["changed"]
    assert waiting.kept == [(before, True)]
    confirm(token, base=waiting.state)
    assert waiting.kept == [(waiting.now, True), (before, True)]


def test_one_that_is_not_is_none(waiting: VersionedHost) -> None:
    before = waiting.now
    token = waiting.change(confirm=LONG)["confirm"]["token"]
    unconfirmed.reject(token, base=waiting.state)
    assert waiting.now == before
    assert waiting.kept == [(before, True)]


def test_two_that_wait_are_confirmed_as_one(waiting: VersionedHost) -> None:
    before = waiting.now
    waiting.change(confirm=LONG)
    token = waiting.change(f"{waiting.other}", f"127.0.0.1:{waiting.port}", confirm=LONG)["confirm"]["token"]
    assert waiting.kept == [(before, True)]
    confirm(token, base=waiting.state)
    assert waiting.kept == [(waiting.now, True), (before, True)]


def test_one_that_another_run_has_overtaken_was_never_confirmed(waiting: VersionedHost) -> None:
    before = waiting.now
    waiting.change(confirm=LONG)
    first = waiting.now
    waiting.change(f"{waiting.other}", f"127.0.0.1:{waiting.port}")
    assert waiting.kept == [(waiting.now, True), (first, False), (before, True)]


def test_where_none_is_to_be_kept_a_confirmation_keeps_none(waiting: VersionedHost) -> None:
    token = waiting.change(confirm=LONG, keep_versions=0)["confirm"]["token"]
    confirm(token, base=waiting.state)
    assert waiting.kept == []


def test_a_confirmation_stands_that_cannot_keep_the_version(waiting: VersionedHost) -> None:
    Path(waiting.transactions.state.path("versions")).write_text("")
    token = waiting.change(confirm=LONG)["confirm"]["token"]
    assert confirm(token, base=waiting.state) == [str(waiting.etc)]


def test_what_goes_back_by_itself_keeps_what_it_goes_back_to(waiting: VersionedHost) -> None:
    before = waiting.now
    waiting.change(confirm=2)
    assert soon(lambda: not Record.load(State(None, waiting.state)).window)
    assert waiting.now == before
    assert waiting.kept == [(before, True)]
    assert apply(waiting.instance, 60, False, waiting.state)["undone"]["outcome"] == "undone"
    assert waiting.kept == [(before, True)]
