# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of the hosts that have failed in a play, which the playbooks' callback replaces by one that is quick."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.play import Play

CALLBACK = Path(__file__).resolve().parents[3] / "playbooks" / "callback_plugins" / "mailfleet_rollout.py"
pytestmark = pytest.mark.one_python


@pytest.fixture(name="play")
def _play() -> Any:
    """A play of Ansible's, as it is when it begins."""
    spec = spec_from_file_location("mailfleet_rollout", CALLBACK)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    play: Any = Play()
    play._removed_hosts.append("mta1")
    module.CallbackModule().v2_playbook_on_play_start(play)
    return play


def test_it_is_a_list_of_names_as_before(play: Any) -> None:
    removed = play._removed_hosts
    assert isinstance(removed, list)
    assert ("mta1" in removed, "mta2" in removed) == (True, False)
    for name in ("mta2", "mta2", "mta3"):
        removed.append(name)
    removed.remove("mta2")
    assert (removed, "mta2" in removed) == (["mta1", "mta2", "mta3"], True)
    removed.remove("mta2")
    assert (removed, "mta2" in removed, "mta3" in removed) == (["mta1", "mta3"], False, True)
    with pytest.raises(ValueError):
        removed.remove("mta2")
    assert "mta2" not in removed


def test_it_does_not_compare_a_host_with_all_others(play: Any) -> None:
    class Name(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str.__eq__(self, other)

    for number in range(1000):
        play._removed_hosts.append(f"mta{number}")
    assert Name("mta999") in play._removed_hosts
    assert Name("mta1000") not in play._removed_hosts
    assert Name.compared < 10
