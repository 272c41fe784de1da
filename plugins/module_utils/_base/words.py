# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words that several rooms use, as types for mypy; at run time each is a plain ``str``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # novermin: only type checkers read this branch
    from typing import Literal

    Action = Literal["none", "reload", "restart", "start"]
    Severity = Literal["error", "warning", "info"]
else:
    Action = Severity = str
