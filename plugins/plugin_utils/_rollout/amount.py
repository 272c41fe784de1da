# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""A number of hosts, or a percentage of all of them."""

from __future__ import annotations

import re
from typing import Any


def hosts_in(value: Any, total: int) -> int | None:
    """Return how many hosts a number or a percentage of a total is, rounded down; None if it is neither."""
    text = "" if isinstance(value, bool) else str(value).strip()
    match = re.fullmatch(r"([0-9]{1,9})(\.[0-9]{1,9})?(%?)", text)
    if not match or (match[2] and not match[3]):
        return None
    if not match[3]:
        return int(text)
    percent = float(text[:-1])
    return int(percent * total / 100) if percent <= 100 else None
