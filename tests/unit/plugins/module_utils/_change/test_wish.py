# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over instances that are there, to be created and to be removed, from what is asked to what is told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import wish
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.atomic_replace import Replacement
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.secondary import Secondary
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import Transactions, read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.wish import Asked, Wish, together_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.outcome import (
    diff_of,
    findings_of,
    printable,
    result_of,
    together_as_result,
    warning_of,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import CREATED, State
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import BOOKWORM, host_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.package import NAME, Place

HOST = host_of("lo 127.0.0.1/8", "eth0 192.0.2.10/24", "lo ::1/128")
OLD = "postfix-old"
SOME = Wanted({"smtp_bind_address": "192.0.2.10"}, services=[ServiceChange("192.0.2.10:25", command="smtpd")])


@pytest.fixture(name="place")
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    around = Surroundings(HOST, BOOKWORM, mapping_resolver({}))
    monkeypatch.setattr(wish, "surroundings", lambda version, unfamiliar: around)
    monkeypatch.setattr(wish, "enter_network_of", lambda instances: False)
    return Place(tmp_path, monkeypatch)


def asked_of(place: Place, check_mode: bool, *wishes: Wish) -> Asked:
    asked = together_of(wishes, place.compiled, apply=False, check_mode=check_mode, state_directory=place.state)
    asked.together.carry_out()
    return asked


def results_of(asked: Asked) -> List[Dict[str, Any]]:
    return [result_of(part, apply=False, report_unlisted=True) for part in asked.parts]


def with_old(place: Place) -> List[Wish]:
    """Make an instance that is to go, and return what is wished of three."""
    asked_of(place, False, Wish(None, OLD, Wanted({}), "present"))
    return [
        Wish(None, None, Wanted({"inet_interfaces": "loopback-only"})),
        Wish(None, NAME, SOME, "present", "mta", who="the play"),
        Wish(None, OLD, Wanted({}), "absent"),
    ]


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_is_edited_one_created_and_one_removed(place: Place, check_mode: bool) -> None:
    wishes = with_old(place)
    asked = asked_of(place, check_mode, *wishes)
    edited, created, removed = results_of(asked)
    assert (edited["changed"], edited["action"], edited["instance"]) == (True, "restart", "-")
    assert edited["files"] == [str(place.main)]
    assert created["steps"] == [f"The instance {NAME} is created"]
    assert (created["changed"], created["instance"], created["exists"]) == (True, NAME, not check_mode)
    assert created["unlisted_services"] == []
    assert removed == {
        "changed": True,
        "action": "none",
        "reasons": [],
        "instance": OLD,
        "config_directory": str(place.path / "etc" / OLD),
        "unit": None,
        "steps": [f"The instance {OLD} is removed"],
        "left": [],
        "exists": check_mode,
    }
    assert (place.path / "etc" / OLD).exists() is check_mode
    assert (place.new / "main.cf").exists() is not check_mode
    if not check_mode:
        assert "smtp_bind_address = 192.0.2.10\n" in (place.new / "main.cf").read_text()
        state = State(str(place.new), place.state).load(CREATED)
        assert state is not None
        assert state["who"] == "the play"
        again = results_of(asked_of(place, False, *wishes))
        assert [result["changed"] for result in again] == [False, False, False]
    together = together_as_result([edited, created, removed])
    assert (together["changed"], together["action"]) == (True, "restart")
    assert together_as_result([]) == {"changed": False, "action": "none", "instances": []}


def test_the_difference_has_steps_files_and_the_effective_view(place: Place) -> None:
    asked = asked_of(place, True, *with_old(place))
    parts = [diff_of(part, result) for part, result in zip(asked.parts, results_of(asked))]
    headers = [[each["after_header"] for each in part] for part in parts]
    new, old = str(place.new), str(place.path / "etc" / OLD)
    assert headers == [
        [str(place.main), "effective view"],
        [new, f"{new}/main.cf", f"{new}/master.cf", "effective view"],
        [old],
    ]
    assert parts[0][1]["after"].endswith("a reload leaves the sockets of existing services as they are\n")
    assert parts[1][0]["after"] == f"The instance {NAME} is created.\n"
    assert parts[2][0]["after"] == f"The instance {OLD} is removed.\n"
    assert parts[2][0]["before"] == ""
    gone = Secondary("postfix-gone", None, True, place.state, compiled=place.compiled)
    assert diff_of(gone, {}) == []


def test_findings_are_told_once_for_each_instance(place: Place) -> None:
    master = place.etc / "master.cf"
    master.write_text(master.read_text() + "192.0.2.99:587 inet n - n - - smtpd\n")
    wanted = Wanted({"inet_interfaces": "loopback-only"}, allow_absent_addresses=True)
    asked = asked_of(place, True, Wish(None, None, wanted))
    found = findings_of([*asked.parts, *asked.parts])
    assert {name for name, _finding in found} == {"-"}
    assert len(found) == len({finding for _name, finding in found}) > 0
    finding = found[0][1]
    words = f"{finding.parameter}: {finding.message}. {finding.remedy}. [{finding.code}]"
    assert warning_of("mx1", "-", finding) == f"mx1: {words}"
    assert warning_of("mx1", NAME, finding) == f"mx1, instance {NAME}: {words}"


def test_an_instance_is_named_once(place: Place) -> None:
    with pytest.raises(InputError, match=f"instances: '{place.etc}' is named twice"):
        asked_of(place, True, Wish(None, None, SOME), Wish(str(place.etc), None, SOME))


def test_a_directory_is_not_given_with_a_state(place: Place) -> None:
    for state in ("present", "absent"):
        with pytest.raises(InputError, match="cannot be given together with state"):
            asked_of(place, True, Wish(str(place.new), NAME, Wanted({}), state))
    with pytest.raises(InputError, match="instance: 'x' is not the name of a secondary instance"):
        asked_of(place, True, Wish(None, "x", Wanted({}), "present"))


def test_of_one_that_was_not_planned_nothing_is_told_but_its_name(place: Place) -> None:
    asked = together_of([Wish(None, None, SOME)], place.compiled, False, True, state_directory=place.state)
    (part,) = asked.parts
    told = result_of(part, apply=False, report_unlisted=True)
    assert told == {"changed": False, "config_directory": str(place.etc), "instance": "-"}
    assert diff_of(part, told) == []
    assert findings_of(asked.parts) == []


def test_a_run_that_was_interrupted_is_completed_and_told(place: Place) -> None:
    """As by a power cut between the two files."""
    child = os.fork()
    if child == 0:
        put = Replacement.put

        def put_one(replacement: Replacement) -> None:
            if replacement.path.endswith("master.cf"):
                os._exit(0)
            put(replacement)

        Replacement.put = put_one  # type: ignore[method-assign]
        before = read_files(str(place.etc))
        transactions = Transactions(str(place.etc), place.state)
        transactions.commit(before, f"{before.main}inet_protocols = ipv4\n", f"{before.master}# more\n")
    os.waitpid(child, 0)
    (told,) = results_of(asked_of(place, False, Wish(None, None, Wanted({}))))
    assert told["recovered"]
    assert told["changed"]
    assert "# more\n" in (place.etc / "master.cf").read_text()
    (again,) = results_of(asked_of(place, False, Wish(None, None, Wanted({}))))
    assert not again["changed"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert printable("a\udce4b") == "a\ufffdb"
