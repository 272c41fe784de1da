# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""steps.py [-k] TARGET...: runs make targets one after the other and closes with what passed, failed and was left out.

Stops at the first that fails, or with -k goes on. A target whose tests are pytest's leaves its results in
tests/output/junit/TARGET.xml and counts by its tests; any other counts as one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

OUTPUT = Path("tests", "output")
JUNIT = OUTPUT / "junit"
LEFT_OUT = OUTPUT / "left-out.txt"


class Result(NamedTuple):
    """What came of one target."""

    target: str
    seconds: float
    passed: int
    failed: int
    skipped: int


def count(target: str, seconds: float, ok: bool) -> Result:
    """Read the target's tests, if it has any. A target that fails with no failed test counts as one failure."""
    report = JUNIT / f"{target}.xml"
    if not report.exists():
        return Result(target, seconds, int(ok), int(not ok), 0)
    tests = failed = skipped = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        tests += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    if not ok and not failed:
        failed, tests = 1, tests + 1
    return Result(target, seconds, tests - failed - skipped, failed, skipped)


def skip_reasons(target: str) -> list[str]:
    """Why pytest skipped tests of the target, each reason once."""
    report = JUNIT / f"{target}.xml"
    skips = ElementTree.parse(report).getroot().iter("skipped") if report.exists() else ()
    return sorted({f"{target}: skipped: {skip.get('message', '')}" for skip in skips})


def run(target: str) -> Result:
    """Run one target, its output going straight through."""
    print(f"\n===== make {target}", flush=True)
    start = time.monotonic()
    command = [os.environ.get("MAKE", "make"), "--no-print-directory", target]
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    return count(target, time.monotonic() - start, code == 0)


def main(arguments: list[str]) -> int:
    """Run the targets named in `arguments`; 0 if all passed."""
    keep_going = "-k" in arguments
    targets = [argument for argument in arguments if argument != "-k"]
    shutil.rmtree(JUNIT, ignore_errors=True)
    JUNIT.mkdir(parents=True)
    LEFT_OUT.write_text("", encoding="utf-8")
    os.environ["LEFT_OUT"] = str(LEFT_OUT.absolute())

    results: list[Result] = []
    for target in targets:
        results.append(run(target))
        if results[-1].failed and not keep_going:
            break

    print("\n===== in all")
    for result in results:
        mark = "FAILED" if result.failed else "ok"
        print(f"{mark:6}  {result.target:14} {result.seconds:7.1f} s  {result.passed + result.failed:5}")
    notes = list(dict.fromkeys(LEFT_OUT.read_text(encoding="utf-8").splitlines()))
    notes += [note for result in results for note in skip_reasons(result.target)]
    notes += [f"make {target}: not reached" for target in targets[len(results) :]]
    for note in notes:
        print(f"LEFT OUT: {note}")
    print(f"{sum(result.seconds for result in results):.0f} s")
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    print(
        f"{sum(result.passed for result in results)} passed, {failed} failed"
        + (f", {skipped} skipped" if skipped else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
