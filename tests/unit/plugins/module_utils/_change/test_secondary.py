# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secondary instances created and removed below a directory, with a stand-in for postfix(1) and no systemd.

That the real Postfix and systemd agree, tests/integration/test_instances.py and test_instance_files.py show.
"""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import secondary
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.creation import Creation
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.secondary import ENDING, Changed, Secondary
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import CREATED, TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.package import NAME, Place

BEGUN = [f"The instance {NAME} is created"]
FIRST = ["The default instance starts and stops the others", *BEGUN]


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_an_instance_is_created_once(place: Place) -> None:
    before = place.main.read_text()
    done = place.create(group="mta")
    assert done == Changed(NAME, str(place.new), None, FIRST, [], exists=True)
    assert (place.new / "main.cf").read_text() == (
        "# prototype\n#mail_owner = nobody\n"
        f"mail_owner = postfix\nqueue_directory = {place.path}/spool/{NAME}\n"
        f"data_directory = {place.path}/data/{NAME}\n"
        "authorized_submit_users =\nmaster_service_disable = inet\n"
        f"multi_instance_name = {NAME}\nmulti_instance_group = mta\nmulti_instance_enable = yes\n"
    )
    assert (place.new / "master.cf").read_text() == (place.etc / "master.cf.proto").read_text()
    assert place.main.read_text() == (
        f"{before}multi_instance_wrapper = ${{command_directory}}/postmulti -p --\n"
        f"multi_instance_enable = yes\nmulti_instance_directories = {place.new}\n"
    )
    modes = [(place.path / where / NAME).stat().st_mode & 0o777 for where in ("etc", "spool", "data")]
    assert modes == [0o755, 0o755, 0o700]
    assert place.commands == [f"-c {place.new} set-permissions"]
    created = place.own_state.load(CREATED)
    assert created is not None
    assert (created["name"], created["directory"]) == (NAME, str(place.new))
    assert place.create(group="other") == Changed(NAME, str(place.new), None, [], [], exists=True)
    assert len(place.commands) == 1


def test_check_mode_only_tells(place: Place) -> None:
    before = place.main.read_text()
    assert place.create(check_mode=True) == Changed(NAME, str(place.new), None, FIRST, [], exists=False)
    assert place.main.read_text() == before
    assert not place.new.exists()
    assert place.remove(check_mode=True).steps == []
    place.create()
    assert place.remove(check_mode=True).steps == [f"The instance {NAME} is removed"]
    assert (place.new / "main.cf").exists()


def test_one_that_is_not_enabled_is_enabled(place: Place) -> None:
    place.create()
    main = place.new / "main.cf"
    main.write_text(main.read_text().replace("multi_instance_enable = yes", "multi_instance_enable = no"))
    place.main.write_text(place.main.read_text().replace("multi_instance_enable = yes\n", ""))
    told = ["The default instance starts and stops the others", f"The instance {NAME} is enabled"]
    assert place.create(check_mode=True).steps == told
    assert place.create().steps == told
    assert "multi_instance_enable = yes\n" in main.read_text()
    assert "multi_instance_enable = yes\n" in place.main.read_text()
    assert place.create().steps == []


@pytest.mark.parametrize(
    "said, reason",
    [
        ("set-permissions: x\npostfix: fatal: no such user\n", "postfix: fatal: no such user."),
        ("", "it does not say why."),
    ],
)
def test_one_whose_creation_fails_is_removed_again(place: Place, said: str, reason: str) -> None:
    before = place.main.read_text()
    place.fails(said)
    with pytest.raises(TransactionError) as caught:
        place.create()
    assert "set-permissions failed with exit status 1" in str(caught.value)
    assert str(caught.value).endswith(f"{reason} What was made of the instance is removed again.")
    assert place.main.read_text() == before
    assert not place.new.exists()
    assert not (place.path / "spool" / NAME).exists()
    assert place.own_state.load(CREATED) is None


def test_one_whose_creation_was_interrupted_is_made_anew(place: Place) -> None:
    """As by a power cut, after any step of it."""
    half = Creation(NAME, None, False, place.state)
    with half.locked():
        half.create()
    assert half.is_unconfirmed()
    assert place.create().steps == []
    assert len(place.commands) == 2  # perhaps they were not set
    assert not half.is_unconfirmed()
    place.main.write_text("mail_owner = postfix\n")  # not in the list any more, and known to be unconfirmed
    half.state.save("creating.json", {"name": NAME, "main": "mail_owner = postfix\n"})
    assert place.create().steps == FIRST
    with half.locked():
        assert not half.undo()


def test_what_is_in_the_way(place: Place) -> None:
    place.new.mkdir()
    (place.new / "master.cf").write_text("")
    with pytest.raises(InputError, match=f"{place.new} exists, and the default instance does not list it") as caught:
        place.create()
    assert caught.value.remedy == (
        f"Import it with postmulti -I {NAME} -e import config_directory={place.new}, or remove it"
    )
    (place.new / "master.cf").unlink()
    other = place.path / "etc" / "postfix-in"
    other.mkdir()
    queue = place.path / "spool" / NAME
    (other / "main.cf").write_text(f"multi_instance_name = postfix-in\nqueue_directory = {queue}\n")
    place.main.write_text(f"{place.main.read_text()}multi_instance_directories = {other}\n")
    with pytest.raises(InputError, match=f"{queue} belongs to the instance in {other}"):
        place.create()


def test_an_instance_is_removed_with_its_state(place: Place) -> None:
    place.create()
    assert place.remove() == Changed(NAME, str(place.new), None, [f"The instance {NAME} is removed"], [], exists=False)
    assert not place.new.exists()
    assert "multi_instance_directories" not in place.main.read_text()
    assert place.own_state.load(CREATED) is None
    assert place.remove().steps == []


def test_what_is_not_of_the_instance_is_left(place: Place) -> None:
    place.create()
    (place.new / "notes").write_text("mine")
    (place.new / "master.cf").unlink()
    assert place.remove().left == [str(place.new)]
    assert [each.name for each in place.new.iterdir()] == ["notes"]


def test_one_with_messages_is_not_removed(place: Place) -> None:
    place.create()
    for name in ("deferred/A/A1", "deferred/A/A2", "hold/B"):
        message = place.path / "spool" / NAME / name
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_text("")
    with pytest.raises(InputError) as caught:
        place.remove()
    assert str(caught.value) == (
        f"name: '{NAME}' has messages in its queue (2 in deferred, 1 in hold). "
        f"Let it deliver them, or look at them with postqueue -c {place.new} -p."
    )


def test_a_removal_that_was_interrupted_is_completed(place: Place) -> None:
    place.create()
    directories = [str(place.new), str(place.path / "spool" / NAME), str(place.path / "data" / NAME)]
    place.own_state.save(ENDING, {"directories": directories})
    place.main.write_text("mail_owner = postfix\n")
    assert place.remove().steps == [f"The instance {NAME} is removed"]
    assert not place.new.exists()


def test_one_whose_files_cannot_be_removed_stays_what_it_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.create()
    before = place.main.read_text()

    def refuse(directory: str) -> None:
        raise TransactionError(f"{directory}/main.cf cannot be removed: a file system that is read-only")

    monkeypatch.setattr(secondary, "remove_files", refuse)
    with pytest.raises(TransactionError, match="read-only"):
        place.remove()
    assert place.main.read_text() == before
    assert place.own_state.load(ENDING) is None
    assert Secondary(NAME, None, False, place.state).find() is not None


class Service:
    """What stops and starts an instance, and whether its master lives then."""

    def __init__(self, place: Place, forbidden: str = "", stubborn: bool = False, mail: str = "") -> None:
        self.place, self.forbidden, self.stubborn, self.mail = place, forbidden, stubborn, mail
        self.lives, self.unit, self.supervisor = True, None, None
        self.done: List[str] = []

    def is_alive(self) -> bool:
        return self.lives

    def forbids_stop(self) -> str:
        return self.forbidden

    def stop(self, master: object, deadline: float) -> list:
        self.done.append("stop")
        self.lives = self.stubborn
        if self.mail:
            path = self.place.path / "spool" / NAME / self.mail
            path.parent.mkdir()
            path.write_text("")
        return []

    def start(self, deadline: float) -> None:
        self.done.append("start")
        self.lives = True


@pytest.mark.parametrize(
    "conditions, error, done",
    [
        ({}, "", ["stop"]),
        ({"forbidden": "RefuseManualStop=yes"}, "cannot be stopped: RefuseManualStop=yes", []),
        ({"stubborn": True}, "could not be stopped by", ["stop"]),
        ({"mail": "incoming/A"}, "1 in incoming", ["stop", "start"]),  # received until then
    ],
)
def test_one_that_runs_is_stopped(
    place: Place, conditions: dict, error: str, done: List[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place.create()
    service = Service(place, **conditions)
    monkeypatch.setattr(secondary, "find_service", lambda instance, master=None: service)
    monkeypatch.setattr(secondary, "find_master", lambda instance: service if service.lives else None)
    assert place.remove(check_mode=True).steps == [f"The instance {NAME} is {what}" for what in ("stopped", "removed")]
    assert service.done == []
    if error:
        with pytest.raises((InputError, TransactionError), match=error):
            place.remove()
        assert (place.new / "main.cf").exists()
    else:
        place.remove()
        assert not place.new.exists()
    assert service.done == done


def test_a_command_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secondary, "SECONDS", 0.05)
    with pytest.raises(TransactionError, match="was ended because it took longer than 0 s"):
        Secondary.command("sleep", "20")
