# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket that another program holds. Standard library only: this is sent to hosts too."""

from __future__ import annotations

import socket


def holder(address: str, port: int, v6only: bool, listening: bool) -> list[socket.socket]:
    """A socket that another program holds and does not share; none where the host does not have its address."""
    held = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        if ":" in address:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        held.bind((address, port))
    except OSError:
        held.close()
        return []
    if listening:
        held.listen(1)
    return [held]
