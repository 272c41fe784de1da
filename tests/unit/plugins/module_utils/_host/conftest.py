# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A root directory as a package of Postfix leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict

import pytest


@pytest.fixture(name="make_root")
def _make_root(tmp_path: Path) -> Callable[[Dict[str, str]], str]:
    """Makes a root directory with files, given by path and text, and returns its path."""

    def make_root(files: Dict[str, str]) -> str:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return str(tmp_path)

    return make_root
