# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What results of all tests say of what they prove; `make compatibility` reads it (README.md)."""

from __future__ import annotations

from typing import List

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(system): for which system a test is a proof")


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("shows")
        if marker:
            said = {"proof": "units", **dict(item.user_properties), "system": marker.args[0]}
            item.user_properties[:] = list(said.items())
