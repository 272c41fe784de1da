# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks with slices of an inventory, as AWX and the automation controller make them.

Of all hosts in the order of their names each slice has every n-th one. All groups are there, with those hosts only, and
those that have none are only named, as children of all.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.tests.unit.playbooks import test_settings_of_the_user as settings
from ansible_collections.mailfleet.postfix.tests.unit.playbooks.test_settings_of_the_user import Played, play

pytestmark = settings.pytestmark
_fleet = settings._fleet
MEMBERS = {name: list(group.get("hosts", {})) for name, group in settings.INVENTORY["mail"]["children"].items()}
REST = ["site_a", "site_b"]


def sliced(fleet: Path, number: int, count: int, name: str, groups: list[str], *arguments: str, **more: str) -> Played:
    """Run a playbook on a slice of the inventory, which comes from a script, as AWX writes it."""
    here = sorted({host for members in MEMBERS.values() for host in members})[number - 1 :: count]
    left = {group: [host for host in members if host in here] for group, members in MEMBERS.items()}
    slice_ = {group: {"hosts": members} for group, members in left.items() if members}
    slice_.update(all={"children": list(MEMBERS)}, _meta={"hostvars": {}})
    (fleet / "hosts.json").write_text(f"#!/bin/sh\necho '{json.dumps(slice_)}'\n")
    (fleet / "hosts.json").chmod(0o755)
    (fleet / "touched").unlink(missing_ok=True)
    return play(fleet, name, groups, *arguments, **more)


@pytest.mark.parametrize("name", ["converge", "audit"])
def test_a_slice_without_the_canary_is_refused(fleet: Path, name: str) -> None:
    played = sliced(fleet, 2, 2, name, ["canary", *REST])
    assert played.status != 0
    assert played.touched == [], played.said
    said = " ".join(played.said.split())
    assert "'canary' is a group without hosts" in said
    assert "run the canary in a job without slices first" in said
    assert "with mailfleet_sliced=true" in said


def test_the_canary_and_then_slices(fleet: Path) -> None:
    """As docs/automation.md has it."""
    canary = sliced(fleet, 1, 1, "converge", ["canary"])
    assert (canary.status, canary.touched) == (0, ["c1"]), canary.said
    one, two = (sliced(fleet, number, 2, "converge", REST, "-e", "mailfleet_sliced=true") for number in (1, 2))
    assert (one.status, one.touched) == (0, ["a1", "b1"]), one.said
    assert (two.status, two.touched) == (0, ["a2", "b2"]), two.said
    assert set(two.table()) == {"a2", "b2"}


def test_a_slice_stops_at_the_group_that_fails(fleet: Path) -> None:
    played = sliced(fleet, 1, 2, "converge", REST, "-e", "mailfleet_sliced=true", FAILING="a1")
    assert played.status != 0
    assert played.touched == ["a1"], played.said


def test_a_slice_that_has_hosts_of_other_groups_only(fleet: Path) -> None:
    played = sliced(fleet, 5, 5, "converge", REST, "-e", "mailfleet_sliced=true")
    assert (played.status, played.touched) == (0, []), played.said
