# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of the files that are brought back, with the stand-in for Postfix."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import bring_back, unconfirmed
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import confirmation as of_runs
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.bring_back import refuse_unusable
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.versions import LARGEST
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import Record, confirm
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State, TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    outlook_of_texts,
    untouched,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.stand_in import (
    START,
    at,
    ends_early,
    kill,
    soon,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.versioned import (
    VersionedHost,
    versioned,
    waits,
)

pytestmark = pytest.mark.one_python  # but for one of each kind

LONG = 600
PREVIOUS = bring_back.PREVIOUS
WATCHED = ("changed", "action", "reasons", "interruption", "files", "version", "diff")
running = pytest.fixture(name="running")(versioned)


def state_of(host: VersionedHost) -> Dict[str, Any]:
    """All that a run could write."""
    found = [*host.etc.iterdir(), *(path for path in Path(host.state).rglob("*") if path.name != "lock")]
    return {str(path): untouched(path) for path in found if not path.is_dir()}


@pytest.mark.every_python
def test_previous_brings_both_files_back_and_again_the_other_ones(running: VersionedHost) -> None:
    before = running.now
    running.change(x="y")
    after = running.now
    first, second = running.versions
    result = running.to(PREVIOUS)
    assert (result["changed"], result["action"], result["in_sync"], result["rolled_back"]) == (
        True,
        "reload",
        True,
        False,
    )
    assert (result["version"], result["replaced"]) == (second.shown, first.shown)
    assert result["files"] == [str(running.etc / name) for name in ("main.cf", "master.cf")]
    assert result["warnings"] == []
    assert (running.now, running.ports) == (before, [running.port])
    assert running.transactions.pending() is None
    running.age()
    assert not running.apply()["changed"]
    running.to(PREVIOUS)
    assert (running.now, running.ports) == (after, [running.other])
    assert [version.shown for version in running.versions] == [first.shown, second.shown]


@pytest.mark.parametrize("more", [{}, START], ids=["reload", "restart"])
def test_check_mode_foresees_what_the_run_does(running: VersionedHost, more: Dict[str, str]) -> None:
    running.change(**more)
    before = state_of(running)
    foreseen = running.to(PREVIOUS, check_mode=True)
    assert state_of(running) == before
    assert running.ports == [running.other]
    done = running.to(PREVIOUS)
    assert foreseen["action"] == ("restart" if more else "reload")
    assert {name: foreseen[name] for name in WATCHED} == {name: done[name] for name in WATCHED}


def test_by_its_time_and_again(running: VersionedHost) -> None:
    running.change()
    for number in range(3):
        running.change(x=f"{number}")
    oldest = running.versions[-1]
    result = running.to(oldest.shown)
    assert (result["changed"], result["version"]) == (True, oldest.shown)
    assert (running.now, running.ports) == (oldest.texts, [running.port])
    before = state_of(running)
    for form in (oldest.shown, oldest.shown.replace("T", " ").replace("Z", "+00:00")):  # as YAML and Ansible have it
        again = running.to(form)
        assert (again["changed"], again["files"], again["version"], again["replaced"]) == (
            False,
            [],
            oldest.shown,
            None,
        )
    assert state_of(running) == before


@pytest.mark.parametrize("to", ["", "yesterday", "2020-01-01T00:00:00Z", "../../etc", "\0", "PREVIOUS"])
def test_a_time_that_is_none(running: VersionedHost, to: str) -> None:
    with pytest.raises(InputError, match="is not the time of a version that is kept. .*no version is kept"):
        running.to(to)
    running.change()
    before = state_of(running)
    for check_mode in (True, False):
        with pytest.raises(InputError) as caught:
            running.to(to, check_mode)
        assert all(version.shown in caught.value.remedy for version in running.versions)
    assert state_of(running) == before


def test_nothing_to_go_back_to(running: VersionedHost) -> None:
    with pytest.raises(InputError, match="'previous' needs a version other than what the files are now, and none is"):
        running.to(PREVIOUS)


def test_a_version_that_is_damaged_is_told(running: VersionedHost) -> None:
    running.change()
    oldest = running.versions[-1]
    Path(running.transactions.state.path(oldest.path)).write_text("{")
    with pytest.raises(InputError, match="is a version whose file is damaged. Use one of "):
        running.to(oldest.shown)
    with pytest.raises(InputError, match="none is kept"):
        running.to(PREVIOUS)


# With the ledger -------------------------------------------------------------------------------------------------


def asks(host: VersionedHost, abandoned: str = "report", **values: str) -> List[Dict[str, Any]]:
    """What the role does: ask for parameters, and apply that; returns what the ledger says."""
    done = edit(host.instance, Wanted(values, abandoned=abandoned), state_directory=host.state)
    host.age()
    host.apply()
    return [{"is": note["state"], "name": note["parameter"]} for note in done.ledger]


def test_a_version_that_comes_back_is_as_little_ours_as_it_was(running: VersionedHost) -> None:
    """Whatever others have edited since is undone with the rest, and nothing restores it later."""
    stock = running.now
    asks(running, smtp_bind_address="127.0.0.1")
    first = running.versions[0]
    assert (first.original, running.versions[1].original) == (stock, stock)
    running.by_hand("x = y\n")
    asks(running, smtp_bind_address="127.0.0.1", smtp_bind_address6="::1")
    second = running.versions[0]
    assert second.original == (stock[0] + "x = y\n", stock[1])
    for number in range(2):  # so many that the ledger has them not any more
        asks(running, smtp_bind_address="127.0.0.1", smtp_bind_address6="::1", lmtp_bind_address=f"127.0.0.{number}")

    running.to(first.shown)
    assert running.now == first.texts
    assert asks(running) == [{"is": "abandoned", "name": "smtp_bind_address"}]
    assert asks(running, "restore") == [{"is": "restored", "name": "smtp_bind_address"}]
    assert running.now == stock

    running.to(second.shown)
    assert running.now == second.texts
    assert asks(running, "restore", smtp_bind_address="127.0.0.1") == [{"is": "restored", "name": "smtp_bind_address6"}]
    asks(running, "restore")
    assert running.now == second.original


@pytest.mark.parametrize("again", [False, True])
def test_what_it_replaces_is_as_little_ours_as_it_was(running: VersionedHost, again: bool) -> None:
    stock = running.now
    asks(running, smtp_bind_address="127.0.0.1")
    running.by_hand("smtp_bind_address6 = ::1\n")
    running.to(PREVIOUS)
    if again:
        running.to(PREVIOUS)
    else:
        running.to(running.versions[1].shown)
    assert asks(running, "restore") == [{"is": "restored", "name": "smtp_bind_address"}]
    assert running.now == (stock[0] + "smtp_bind_address6 = ::1\n", stock[1])


def test_one_that_does_not_work_leaves_the_ledger_as_it_was(running: VersionedHost) -> None:
    stock = running.now
    asks(running, smtp_bind_address="127.0.0.1")
    running.by_hand("x = y\n")
    asks(running, smtp_bind_address="127.0.0.1", smtp_bind_address6="::1")
    oldest = running.versions[-1]
    broken = oldest._replace(texts=(f"{oldest.texts[0]}fails = {running.port}\nmail_name = z\n", oldest.texts[1]))
    Path(running.transactions.state.path(oldest.path)).write_bytes(broken.content)
    running.commit("127.0.0.1", f"{running.other}", **START)
    running.apply()
    before = running.now
    with pytest.raises(ApplyError, match="The previous version of .* was restored"):
        running.to(oldest.shown)
    assert running.now == before
    notes = asks(running)
    assert {note["is"] for note in notes} == {"abandoned"}
    assert stock != before


# What was edited since ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("was_read", [False, True])
def test_an_edit_by_hand_is_what_goes_back_first_and_is_not_lost(running: VersionedHost, was_read: bool) -> None:
    running.change()
    good = running.now
    running.by_hand("x = y\n")
    edited = running.now
    if was_read:
        running.reload()
    foreseen, result = running.to(PREVIOUS, check_mode=True), running.to(PREVIOUS)
    for one in (foreseen, result):
        assert one["changed"]
        assert "were edited since a version of them was kept" in one["warnings"][0]
        assert "-x = y" not in one["diff"][0]["after"]
        assert "x = " in one["diff"][0]["before"]
    assert (foreseen["replaced"], running.now) == (None, good)
    kept = {version.shown: version for version in running.versions}[result["replaced"]]
    assert (kept.texts, kept.verified) == (edited, was_read)
    running.to(PREVIOUS)
    assert running.now == edited


def test_the_oldest_of_all_can_be_brought_back_over_an_edit_by_hand(running: VersionedHost) -> None:
    running.change(x="0")
    for number in range(1, 6):
        running.change(x=f"{number}")
    oldest = running.versions[-1]
    assert len(running.versions) == 5
    running.by_hand("x = y\n")
    edited = running.now
    running.to(oldest.shown)
    assert running.now == oldest.texts
    assert [version.texts for version in running.versions[:2]] == [oldest.texts, edited]
    assert len(running.versions) == 5
    assert running.to(oldest.shown)["changed"] is False


def test_an_edit_that_was_not_applied_goes_back(running: VersionedHost) -> None:
    running.change()
    good = running.now
    running.commit("127.0.0.1", f"{running.port}")
    unapplied = running.now
    result = running.to(PREVIOUS)
    assert (result["changed"], result["action"]) == (True, "none")
    assert (running.now, running.ports) == (good, [running.other])
    assert running.transactions.pending() is None
    assert unapplied in [texts for texts, _verified in running.kept]


def test_what_would_be_replaced_has_to_be_kept(running: VersionedHost, monkeypatch: pytest.MonkeyPatch) -> None:
    running.change()
    running.by_hand("x = y\n")
    edited, before = running.now, state_of(running)
    monkeypatch.setattr(bring_back.Versions, "_free", lambda self, seconds: 0)
    Path(running.transactions.state.path("versions/1970-01-01T00:00:00Z.json.new")).mkdir()
    with pytest.raises(TransactionError, match="1970-01-01T00:00:00Z.json cannot be written: Is a directory"):
        running.to(PREVIOUS)
    assert running.now == edited
    assert state_of(running) == before


def test_what_is_too_large_to_be_kept_is_not_replaced(running: VersionedHost) -> None:
    running.change()
    running.by_hand("# " + "x" * LARGEST + "\n")
    before = state_of(running)
    with pytest.raises(TransactionError, match="are too large to be kept. Save them, and try again"):
        running.to(PREVIOUS)
    assert state_of(running) == before


@pytest.mark.parametrize("number", [0, 1])
def test_what_was_replaced_stays_whatever_the_number(running: VersionedHost, number: int) -> None:
    running.change()
    running.by_hand("x = y\n")
    edited = running.now
    running.to(PREVIOUS, keep_versions=number)
    assert edited in [texts for texts, _verified in running.kept]


def test_somebody_who_edits_meanwhile_changes_nothing_of_the_choice(running: VersionedHost) -> None:
    before = running.now
    running.change()
    original = bring_back.ToVersion._commit
    edits: List[Any] = []

    def meanwhile(self: Any, *arguments: Any) -> Any:
        if not edits:
            running.by_hand("x = y\n")
            edits.append(running.now)
        return original(self, *arguments)

    try:
        bring_back.ToVersion._commit = meanwhile  # type: ignore[method-assign]
        result = running.to(PREVIOUS)
    finally:
        bring_back.ToVersion._commit = original  # type: ignore[method-assign]
    assert running.now == before
    assert edits[0] in [texts for texts, _verified in running.kept]
    assert result["replaced"] == next(version.shown for version in running.versions if version.texts == edits[0])


def test_the_list_of_instances_stays_as_it_is(running: VersionedHost) -> None:
    before = running.now
    running.change()
    running.transactions.amend(lambda main: f"{main}multi_instance_directories = /etc/postfix-a\n")
    assert len(running.versions) == 2
    result = running.to(PREVIOUS)
    assert result["warnings"] == []
    assert running.now == (before[0] + "multi_instance_directories = /etc/postfix-a\n", before[1])
    running.to(PREVIOUS)
    assert running.ports == [running.other]
    assert "multi_instance_directories" in running.now[0]
    assert len(running.versions) == 2


# What does not work -------------------------------------------------------------------------------------------------


def test_one_that_does_not_work_leaves_what_was_there(running: VersionedHost) -> None:
    """As if it had stopped to work since; only Postfix itself knows."""
    running.change(**START)
    after, oldest = running.now, running.versions[-1]
    path = Path(running.transactions.state.path(oldest.path))
    broken = oldest._replace(texts=(f"{oldest.texts[0]}fails = {running.port}\n", oldest.texts[1]))
    path.write_bytes(broken.content)
    with pytest.raises(ApplyError, match="The previous version of .* was restored") as caught:
        running.to(PREVIOUS)
    assert (caught.value.result["changed"], caught.value.result["rolled_back"]) == (True, True)
    assert caught.value.result["version"] == oldest.shown
    assert (running.now, running.ports) == (after, [running.other])
    assert running.kept[0] == (after, True)


def test_one_whose_address_is_gone_is_refused_before_anything_is_touched(running: VersionedHost) -> None:
    running.change()
    oldest = running.versions[-1]
    gone = oldest._replace(texts=(oldest.texts[0].replace("127.0.0.1", "127.0.0.1, 192.0.2.77"), oldest.texts[1]))
    Path(running.transactions.state.path(oldest.path)).write_bytes(gone.content)
    before = state_of(running)
    for check_mode in (True, False):
        with pytest.raises(InputError) as caught:
            running.to(PREVIOUS, check_mode)
        assert (caught.value.parameter, caught.value.value) == ("to", oldest.shown)
        assert "Postfix would not work now. inet_interfaces: '192.0.2.77' is on no interface" in caught.value.reason
    assert state_of(running) == before


MASTER = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
BINDING = MASTER + "out unix - - n - - smtp\n -o smtp_bind_address=192.0.2.2\n"


@pytest.mark.every_python
@pytest.mark.parametrize(
    "before, after, why",
    [
        (("", MASTER), ("inet_interfaces = 192.0.2.2\n", MASTER), "inet_interfaces: '192.0.2.2' is on no interface"),
        (
            ("", MASTER),
            ("smtp_bind_address = 192.0.2.2\n", MASTER),
            "in main.cf is on no interface .* so Postfix warns, and",
        ),
        (("", MASTER), ("", BINDING), "smtp_bind_address: '192.0.2.2' in out/unix is on no interface"),
        (
            ("smtp_bind_address = 192.0.2.2\n", MASTER),
            ("smtp_bind_address = 192.0.2.2\nsmtp_bind_address_enforce = yes\n", MASTER),
            "so mail stays in the queue",
        ),
        (("", MASTER), ("", MASTER + "192.0.2.2:26 inet n - n - - smtpd\n"), "192.0.2.2"),
        (("", MASTER), ("", MASTER + "26 inet n - n - 0 postscreen\n"), "postscreen"),
        (("smtp_bind_address = 192.0.2.2\n", MASTER), ("smtp_bind_address = 192.0.2.2\nx = y\n", MASTER), ""),
        (("inet_interfaces = 192.0.2.2\n", MASTER), ("", MASTER), ""),
        (("inet_interfaces = nobody.test\n", BINDING), ("", MASTER), ""),
        (("", MASTER), ("", MASTER.partition("\n")[2]), ""),
    ],
)
def test_what_is_refused(before: Any, after: Any, why: str) -> None:
    host = host_of("127.0.0.1/8", "192.0.2.1/24")
    views = [outlook_of_texts(*texts, host) for texts in (before, after)]
    if not why:
        refuse_unusable(*views)
        return
    with pytest.raises(InputError, match=why):
        refuse_unusable(*views)


@pytest.mark.parametrize("when", ["prepare", "stop", "start"])
def test_a_run_that_is_killed_is_finished(running: VersionedHost, when: str) -> None:
    before = running.now
    running.change(**START)
    assert ends_early(lambda: running.to(PREVIOUS), at(when, kill)) == signal.SIGKILL
    finished = when != "prepare"  # before the stop that is left to the next run
    assert not finished or soon(lambda: running.ports == [running.port])
    result = running.apply()
    assert (result["changed"], result["in_sync"], running.now) == (not finished, True, before)
    assert running.kept[0] == (before, True)


# Changes that wait to be confirmed ----------------------------------------------------------------------------------


waiting = pytest.fixture(name="waiting")(waits)


def test_one_that_nobody_confirms_goes_back_to_what_was_before(waiting: VersionedHost) -> None:
    waiting.change()
    waiting.by_hand("x = y\n")
    edited, versions = waiting.now, waiting.versions
    token = waiting.to(PREVIOUS, confirm=LONG)["confirm"]["token"]
    assert waiting.now == versions[0].texts
    unconfirmed.reject(token, base=waiting.state)
    assert waiting.now == edited
    waiting.to(versions[-1].shown, confirm=LONG)
    assert waiting.ports == [waiting.port]
    token = Record.load(State(None, waiting.state)).window
    assert token
    confirm(token.token, base=waiting.state)
    assert waiting.kept[0] == (versions[-1].texts, True)


def test_previous_ends_a_change_that_waits(waiting: VersionedHost) -> None:
    before = waiting.now
    waiting.change(confirm=LONG)
    unconfirmed_change = waiting.now
    result = waiting.to(PREVIOUS)
    assert (result["confirm"], result["undone"], waiting.now) == (None, None, before)
    assert [texts for texts, _verified in waiting.kept] == [before, unconfirmed_change]


def test_previous_does_not_go_back_twice(waiting: VersionedHost) -> None:
    """The change went back by itself just before somebody asked for that."""
    waiting.change()
    good = waiting.now
    token = waiting.change(f"{waiting.port}", confirm=LONG)["confirm"]["token"]
    window = Record.load(State(None, waiting.state)).window
    assert window
    of_runs.go_back(State(None, waiting.state), Record(window=window), "was not confirmed")
    assert token
    for check_mode in (True, False):
        with pytest.raises(InputError, match="would go back further than you may know. The change of .* was undone"):
            waiting.to(PREVIOUS, check_mode)
    assert waiting.now == good
    assert waiting.apply()["undone"]
    waiting.to(PREVIOUS)
    assert waiting.ports == [waiting.port]
