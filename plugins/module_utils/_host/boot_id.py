# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tells one boot of this host from another (random(4))."""

from __future__ import annotations


def boot_id(proc: str = "/proc") -> str:
    """Return what no other boot of this host has.

    :raises OSError: it cannot be read
    """
    with open(f"{proc}/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
