# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an address comes from: the parameter that decided, and the file that it stands in."""

from __future__ import annotations

from typing import Optional

from .._base.records import NamedTuple


class Origin(NamedTuple):
    """What decided about a listener's address or about a source address."""

    #: the parameter; None where master.cf itself (the host part of a service) or the kernel decided
    parameter: Optional[str]
    in_master_cf: bool = False

    def __str__(self) -> str:
        """Return the text that the filters and modules answer."""
        if self.parameter is None:
            return "master.cf" if self.in_master_cf else "kernel"
        return f"-o {self.parameter}" if self.in_master_cf else self.parameter


INET_INTERFACES = Origin("inet_interfaces")
IN_MASTER_CF = Origin(None, in_master_cf=True)
KERNEL = Origin(None)
