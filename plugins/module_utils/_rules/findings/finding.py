# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check answers, and what the user sees of it."""

from __future__ import annotations

from ..._base.records import NamedTuple
from ..._base.words import Severity


class Point(NamedTuple):
    """One answer of a check. Its code and severity are those of the check's row in the registry."""

    parameter: str
    #: one sentence of fact
    message: str
    #: one sentence of remedy
    remedy: str
    #: take the milder of the two severities that the registry has for the check
    mild: bool = False


class Finding(NamedTuple):
    """One thing worth knowing about a configuration, with what to do about it."""

    #: stable, for machines; the registry lists all of them
    code: str
    #: ``error``: mail is lost, stuck or refused; ``warning``: probably not what was meant; ``info``: easily forgotten
    severity: Severity
    parameter: str
    message: str
    remedy: str
