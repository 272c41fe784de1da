# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""branches.py REPORT: what the unit tests do not take of the branches of the core, by the JSON of coverage.py.

Exits with 1 where that is more than GOAL allows, and where the table of tests/README.md is not about exactly the files
of which less than LOW is taken: each of them has its reason there, and the tests on real hosts that prove it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "plugins" / "module_utils"
#: of all branches, and of those of one file, in per cent
GOAL, LOW = 95, 85


class File(NamedTuple):
    """What the tests take of a file."""

    name: str
    taken: int
    branches: int
    #: the line before, and the one that is never reached from there; 0 for the end of the function
    left: list[tuple[int, int]]

    @property
    def percent(self) -> float:
        return 100 * self.taken / self.branches if self.branches else 100.0


def files_of(report: dict[str, Any]) -> list[File]:
    """Return the files of the core, those with the most left first."""
    files = []
    for name, found in report["files"].items():
        summary = found["summary"]
        left = [(line, max(to, 0)) for line, to in found["missing_branches"]]
        name = str((ROOT / name).relative_to(CORE))
        files.append(File(name, summary["covered_branches"], summary["num_branches"], left))
    return sorted(files, key=lambda file: (file.taken - file.branches, file.name))


def named(text: str) -> dict[str, str]:
    """Return the rows of the table: by file, where the proof is."""
    (section,) = re.findall(r"(?ms)^## Left to real hosts$.*?(?=^## |\Z)", text)
    return dict(re.findall(r"(?m)^\| `([^`|]+\.py)` \|[^|]+\| (.+?) \|$", section))


def wrong(files: list[File], rows: dict[str, str]) -> Iterator[str]:
    """Say what is not as it should be."""
    taken, branches = sum(file.taken for file in files), sum(file.branches for file in files)
    if 100 * taken < GOAL * branches:
        yield f"less than {GOAL} % of the branches are taken"
    low = {file.name for file in files if file.percent < LOW}
    yield from (
        f"{name}: less than {LOW} % are taken: say why in tests/README.md" for name in sorted(low - rows.keys())
    )
    yield from (f"{name}: tests/README.md need not name it any more" for name in sorted(rows.keys() - low))
    for name, proof in rows.items():
        for place in re.findall(r"`([^`]+)`", proof) or ["no file"]:
            if not (ROOT / "tests" / place).is_file():
                yield f"{name}: tests/README.md proves it by {place}, which is not there"


def main() -> int:
    files = files_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    on_disk = {str(path.relative_to(CORE)) for path in CORE.rglob("*.py")}
    rows = named((ROOT / "tests" / "README.md").read_text(encoding="utf-8"))
    problems = [f"{name}: was not measured" for name in sorted(on_disk - {file.name for file in files})]
    problems += wrong(files, rows)
    for file in files:
        if file.left:
            left = " ".join(f"{line}-{to or 'end'}" for line, to in file.left)
            print(f"{file.percent:6.1f} %  {file.branches - file.taken:3} of {file.branches:3}  {file.name}: {left}")
    taken, branches = sum(file.taken for file in files), sum(file.branches for file in files)
    print(f"{100 * taken / branches:6.2f} %  {branches - taken} of {branches} branches of {len(files)} files are left")
    print(*problems, sep="\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
