# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address that the kernel sends from where nobody says another one (connect(2) of udp(7))."""

from __future__ import annotations

import socket

from .._base.address import Address


def kernel_source(destination: Address, port: int = 25) -> str:
    """Return the source that the kernel chooses for a destination, by a socket that sends nothing.

    :raises OSError: there is no route, or no such family
    """
    kind = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    with socket.socket(kind, socket.SOCK_DGRAM) as unsent:
        unsent.connect((str(destination), port))
        return str(unsent.getsockname()[0]).partition("%")[0]
