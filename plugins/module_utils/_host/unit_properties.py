# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd knows of a unit (systemctl(1), show)."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .command import run


def unit_properties(unit: str, names: Sequence[str], deadline: float) -> List[Tuple[str, str]]:
    """Return properties of a unit with their values; a name comes again for each of several values.

    :param deadline: when to stop waiting, by time.monotonic()
    """
    shown = run(["systemctl", "show", f"--property={','.join(names)}", unit], deadline)
    return [(name, value) for name, _sign, value in (line.partition("=") for line in shown.words)]
