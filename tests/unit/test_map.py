# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map in docs/development.md has each file of the core, in its room, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "plugins" / "module_utils"
ROOMS = sorted(path.name for path in CORE.glob("_*") if path.name != "__pycache__")


def on_the_map(room: str) -> set[str]:
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"(?ms)^### `{room}`.*?(?=^##)", text)
    cells = re.findall(r"(?m)^\| (`[^|]*) \|", section)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("room", ROOMS)
def test_each_file_of_a_room_is_on_the_map(room: str) -> None:
    files = {path.stem for path in (CORE / room).glob("*.py")}
    folders = {f"{path.name}/" for path in (CORE / room).iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert on_the_map(room) == files | folders
