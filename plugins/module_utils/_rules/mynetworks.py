# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default of mynetworks: who may relay when main.cf does not say (postconf(5), mynetworks and mynetworks_style)."""

from __future__ import annotations

from typing import List, Optional, Sequence

from .._base.address import Address, normal_form
from .._base.errors import InputError
from .host import Host
from .settings import Settings


def default_mynetworks(settings: Settings, host: Host, own: Sequence[Address]) -> Optional[List[str]]:
    """Return the networks that Postfix derives from its own addresses, or None when main.cf sets mynetworks.

    They are in the order of the addresses, written as Postfix does it: ``127.0.0.0/8`` and ``[::1]/128``.

    :raises InputError: for a mynetworks_style that Postfix does not know
    """
    if settings.is_set("mynetworks"):
        return None
    style = mynetworks_style(settings)
    networks = []
    for address in own:
        candidate = host.find(address)
        length: int = address.max_prefixlen
        if style == "class" and address.version == 4:
            length = _class_length(address)
        elif style != "host" and candidate is not None and candidate.up:
            length = candidate.prefix_length
        host_bits = address.max_prefixlen - length
        network = normal_form(type(address)(int(address) >> host_bits << host_bits))
        networks.append(f"{network}/{length}" if address.version == 4 else f"[{network}]/{length}")
    return list(dict.fromkeys(networks))


def mynetworks_style(settings: Settings) -> str:
    """Return the style in force: what main.cf says, or what compatibility_level makes the default."""
    if not settings.is_set("mynetworks_style"):
        return "host" if settings.compatibility_level >= 2 else "subnet"
    style = settings.get("mynetworks_style").strip(", \t")
    if style not in ("class", "subnet", "host"):
        raise InputError("mynetworks_style", style, "is not a style that Postfix knows", "Write host, subnet or class")
    return style


def _class_length(address: Address) -> int:
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24 if first < 224 else 32
