# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has an instance started at boot; that hosts start it, tests/integration/test_instances.py shows."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import boot
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.boot import disabling, enabling
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of

UNIT = "postfix@postfix-out.service"
ENABLED = (f"{UNIT} is enabled", ["systemctl", "enable", UNIT])
DISABLED = (f"{UNIT} is disabled", ["systemctl", "disable", UNIT])
KNOWN = (f"systemd knows {UNIT}", ["systemctl", "daemon-reload"])
FORGOTTEN = (f"systemd has forgotten {UNIT}", ["systemctl", "daemon-reload"])
SYSTEM, GENERATOR = "etc/systemd/system", "run/systemd/generator"


@pytest.mark.parametrize(
    "wanted_in, generated, steps_to_enable, steps_to_disable",
    [
        ([], False, [ENABLED], []),
        ([], True, [KNOWN], []),
        ([SYSTEM], False, [], [DISABLED]),
        ([GENERATOR], True, [], [FORGOTTEN]),
        ([SYSTEM, GENERATOR], True, [], [DISABLED, FORGOTTEN]),
    ],
)
def test_a_unit(
    wanted_in: List[str],
    generated: bool,
    steps_to_enable: List[Tuple[str, List[str]]],
    steps_to_disable: List[Tuple[str, List[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(boot, "_is_wanted", lambda unit, where: where in wanted_in)
    monkeypatch.setattr(ServiceControl, "is_generated", lambda self: generated)
    service = ServiceControl(instance_of(), UNIT)
    assert enabling(service) == steps_to_enable
    assert disabling(service) == steps_to_disable


def test_without_a_unit_there_is_nothing_to_do() -> None:
    service = ServiceControl(instance_of(), None)
    assert enabling(service) == disabling(service) == []


def test_a_supervisor_has_steps_of_its_own() -> None:
    class Supervised:
        def at_boot(self, wanted: bool) -> List[Tuple[str, List[str]]]:
            return [(f"wanted: {wanted}", [])]

    service = ServiceControl(instance_of(), None, Supervised())  # type: ignore[arg-type]
    assert enabling(service) == [("wanted: True", [])]
    assert disabling(service) == [("wanted: False", [])]


def test_a_unit_is_wanted_by_a_link_in_the_directory_of_a_target(tmp_path: Path) -> None:
    assert not boot._is_wanted(UNIT, SYSTEM, str(tmp_path))
    directory = tmp_path / SYSTEM
    for name in ("multi-user.target.requires", "other.target.wants"):
        (directory / name).mkdir(parents=True)
    (directory / "multi-user.target.requires" / UNIT).symlink_to("/nowhere")
    assert not boot._is_wanted(UNIT, SYSTEM, str(tmp_path))
    (directory / "other.target.wants" / UNIT).symlink_to("/nowhere")
    assert boot._is_wanted(UNIT, SYSTEM, str(tmp_path))
    assert not boot._is_wanted("other.service", SYSTEM, str(tmp_path))
