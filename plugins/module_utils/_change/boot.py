# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether systemd or OpenRC starts an instance when the host boots, of which postmulti(1) knows nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import List, Tuple

from .._host.unit import ServiceControl

Step = Tuple[str, List[str]]
"""What is done, in a sentence, and the command that does it."""


def enabling(service: ServiceControl) -> List[Step]:
    """Return what has an instance started when the host boots, if that is not so yet.

    With systemd either a generator makes its unit from the default main.cf, or the unit has to be enabled.
    """
    if service.supervisor:
        return service.supervisor.at_boot(wanted=True)
    unit = service.unit
    if unit is None or _is_wanted(unit, "etc/systemd/system") or _is_wanted(unit, "run/systemd/generator"):
        return []
    if service.is_generated():
        return [(f"systemd knows {unit}", ["systemctl", "daemon-reload"])]
    return [(f"{unit} is enabled", ["systemctl", "enable", unit])]


def disabling(service: ServiceControl) -> List[Step]:
    """Return what makes forget an instance that is gone."""
    if service.supervisor:
        return service.supervisor.at_boot(wanted=False)
    unit, steps = service.unit, []
    if unit and _is_wanted(unit, "etc/systemd/system"):
        steps.append((f"{unit} is disabled", ["systemctl", "disable", unit]))
    if unit and _is_wanted(unit, "run/systemd/generator"):
        steps.append((f"systemd has forgotten {unit}", ["systemctl", "daemon-reload"]))
    return steps


def _is_wanted(unit: str, where: str, root: str = "/") -> bool:
    """Return whether a target wants the unit, by a link in one of systemd's directories."""
    with suppress(OSError):
        for name in os.listdir(os.path.join(root, where)):
            if name.endswith(".wants") and os.path.lexists(os.path.join(root, where, name, unit)):
                return True
    return False
