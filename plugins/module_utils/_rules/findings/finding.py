# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""One thing worth knowing about a configuration."""

from __future__ import annotations

from typing import NamedTuple

from ..._base.words import Severity


class Finding(NamedTuple):
    """One thing worth knowing, with what to do about it."""

    #: stable, for machines
    code: str
    #: ``error``: mail is lost, stuck or refused; ``warning``: probably not what was meant; ``info``: easily forgotten
    severity: Severity
    parameter: str
    message: str
    remedy: str
