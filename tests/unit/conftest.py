# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the property tests try. HYPOTHESIS_PROFILE=thorough looks further, and elsewhere each time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", derandomize=True, max_examples=60, deadline=None, database=None)
settings.register_profile(
    "thorough", max_examples=3000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
