# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds what tests have left in tests/output/junit to what earlier runs left, and writes the tables of pages anew.

python -m tests.compatibility
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from . import junit, tables
from .runs import Record, gathered, load, merged, results_in, text_of

HERE = Path(__file__).resolve().parents[2]
KEPT = HERE / "docs" / "compatibility.yml"
PAGES = (HERE / "README.md", HERE / "docs" / "platforms.md")
TABLES = {"hosts": tables.hosts, "control nodes": tables.control_nodes, "versions": tables.versions}
#: where a page has one of them
MARKED = re.compile(r"(?s)(?P<begin><!-- tested: (?P<name>[a-z ]+) -->\n).*?(?P<end><!-- end -->)")


def written(page: str, records: list[Record]) -> str:
    """The text of a page with its tables."""
    return MARKED.sub(lambda one: f"{one['begin']}\n{TABLES[one['name']](records)}\n{one['end']}", page)


def main() -> int:
    records = merged(load(KEPT), gathered(results_in(junit.DIRECTORY)))
    KEPT.write_text(text_of(records), encoding="utf-8")
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8"), records), encoding="utf-8")
    failed = [record for record in records if record.failed]
    for record in failed:
        print(f"failed: {record.fields()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
