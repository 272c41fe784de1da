# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table in README.md has everything that the collection includes, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = {
    "role": "roles/*/",
    "playbook": "playbooks/*.yml",
    "module": "plugins/modules/*.py",
    "filter": "plugins/filter/*.py",
    "lookup": "plugins/lookup/*.py",
}


def test_readme_names_all_that_is_included() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"(?ms)^## Included$(.*?)^## ", text)
    told = re.findall(r"(?m)^\| (\w+) `(\w+)` \|", section)
    there = [(kind, path.stem) for kind, pattern in PLACES.items() for path in ROOT.glob(pattern)]
    assert sorted(told) == sorted(there)
