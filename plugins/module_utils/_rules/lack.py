# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that another one needs, and that master.cf lacks."""

from __future__ import annotations

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.service import Service


class Lack(NamedTuple):
    """A service, and another one that it needs."""

    service: Service
    #: the line that master.cf should have
    line: str
    reason: str
    #: whether it is needed by the settings as they are now
    is_needed: bool = True

    @property
    def error(self) -> InputError:
        return InputError("services", self.service.title, self.reason, f"Add {self.line}")
