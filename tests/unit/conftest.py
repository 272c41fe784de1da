# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for all unit tests: how much the property tests try, and which tests run where.

By default the same examples every time, so that a change never fails by an example that has nothing to do with it;
HYPOTHESIS_PROFILE=thorough looks further, and elsewhere each time. HYPOTHESIS_PROFILE=few is for a second Python. No
deadline: a busy machine is no defect.
"""

from __future__ import annotations

import os
import platform

import pytest
from _pytest.junitxml import xml_key
from hypothesis import HealthCheck, settings

_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", derandomize=True, database=None, **_PATIENT)
settings.register_profile("few", derandomize=True, database=None, max_examples=20, **_PATIENT)
settings.register_profile(
    "thorough", deadline=None, database=None, max_examples=5000, suppress_health_check=list(HealthCheck)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure(config: pytest.Config) -> None:
    """Here rather than in pytest.ini, which ansible-test does not read."""
    for marker in (
        "dear: takes a minute of the processors; left out in make test, not in make unit and make nightly",
        "duration: measures how long something takes; make test runs it when the machine does nothing else",
        "one_python: makes a proof for which one Python is enough; left out on the oldest",
        "every_python: runs on the oldest Python although its module is marked one_python",
    ):
        config.addinivalue_line("markers", marker)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say in the results on which Python it was; one process writes them, whatever the number of those that test."""
    xml = session.config.stash.get(xml_key, None)
    if xml:
        xml.add_global_property("proof", "units")
        xml.add_global_property("python", ".".join(platform.python_version_tuple()[:2]))
