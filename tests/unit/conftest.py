# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for all unit tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: a busy machine is no defect. In continuous integration the same examples every time, so that a change
# never fails by an example that has nothing to do with it; on a developer's machine new ones.
settings.register_profile("mailfleet", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("mailfleet")
