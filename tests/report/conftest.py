# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of fleets of any size, and a browser that opens them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.page import as_html
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_sample import plan_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import report_of
from chromium import Browser, Page, chromium

#: where pictures and pages are kept, to be looked at
OUTPUT = HERE.parent / "output" / "report"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "site: is about the documentation site, which takes a while to build")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser, of which each test has tabs of its own."""
    if not shutil.which("chromium"):
        pytest.skip("there is no chromium: apt-get install chromium (Ubuntu has it only as a snap)")
    if os.geteuid() != 0:
        pytest.skip("the browser gets a network namespace of its own, which needs root")
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def page_of() -> Callable[[int], Path]:
    """The file with the page of a fleet of so many hosts."""
    made: dict[int, Path] = {}

    def make(count: int) -> Path:
        if count not in made:
            OUTPUT.mkdir(parents=True, exist_ok=True)
            made[count] = OUTPUT / f"{count}.html"
            made[count].write_text(as_html(report_of(count)), encoding="utf-8")
        return made[count]

    return make


@pytest.fixture(scope="session")
def plan_page_of() -> Callable[[int], Path]:
    """The file with the page of a plan for so many hosts."""
    made: dict[int, Path] = {}

    def make(count: int) -> Path:
        if count not in made:
            OUTPUT.mkdir(parents=True, exist_ok=True)
            made[count] = OUTPUT / f"plan-{count}.html"
            made[count].write_text(as_html(plan_of(count)), encoding="utf-8")
        return made[count]

    return make


@pytest.fixture
def tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens tabs with a screen of a size. When the test ends, none of them may have anything to complain about."""
    tabs: list[Page] = []

    def make(width: int = 1440, height: int = 900, dark: bool = False, scale: float = 1) -> Page:
        tabs.append(Page(browser, width, height, dark, scale))
        return tabs[-1]

    yield make
    complaints = [complaint for each in tabs for complaint in each.complaints()]
    for each in tabs:
        each.close()
    assert complaints == []
