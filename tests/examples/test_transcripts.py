# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first ten minutes, as the page has them: each command does what it says, and says what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pages
import pytest
from transcripts import PAGE, README, Run, same, written

DRAWING = pages.CHECKOUT / "docs" / "before_after.svg"


@pytest.mark.parametrize("page", [PAGE, README], ids=lambda page: page.stem)
def test_a_page_shows_what_is_said(run: Run, page: Path) -> None:
    """What differs after a change of a message: make transcripts."""
    assert same(written(page, run)) == same(page.read_text(encoding="utf-8"))


def test_readme_shows_ten_lines() -> None:
    (block,) = [block for block in pages.of_page(README) if block.kind == "diff"]
    assert len(block.text.splitlines()) == 10


def sockets_of(output: str) -> list[str]:
    """The sockets that ss has listed."""
    return re.findall(r"(?m)^LISTEN +\d+ +\d+ +(\S+:25) ", output)


def test_the_drawing_shows_the_sockets_of_the_run(run: Run) -> None:
    """Before is what the undoing has brought back."""
    after, before = [sockets_of(output) for command, output in run.said if "ss -H" in command]
    drawn = re.findall(r">(\S+:25)<", DRAWING.read_text(encoding="utf-8"))
    assert sorted(drawn) == sorted(before + after)


def test_mail_leaves_from_the_address_of_the_page(run: Run) -> None:
    assert run.mail_from == "192.0.2.10"


def test_uninstalled_means_that_all_is_as_it_was(run: Run, uninstalled: tuple[str, bool], main_cf: str) -> None:
    assert uninstalled == (main_cf, False)
    collections = run.commands.home / ".ansible" / "collections" / "ansible_collections" / "mailfleet"
    assert list(collections.iterdir()) == []
