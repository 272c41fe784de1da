# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawings of the documentation, in a browser that prefers light or dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from chromium import Page

DOCS = Path(__file__).resolve().parents[2] / "docs"
DRAWN = Path(__file__).with_name("drawn.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_texts_of_drawings_can_be_read(tab: Callable[..., Page], dark: bool) -> None:
    """They stand out from what is behind them, which is dark where the reader prefers that, and fit in it."""
    page = tab(800, 600, dark)
    drawings = sorted(DOCS.rglob("*.svg"))
    assert len(drawings) > 10
    for drawing in drawings:
        page.open(drawing, program=False)
        assert page.run(DRAWN) == [], drawing.name
        ground = page.run("getComputedStyle(document.querySelector('.ground')).fill")
        assert (sum(map(int, ground[4:-1].split(","))) < 3 * 128) == dark, drawing.name
