# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""steps.py [--beside TARGET] [--alone TARGET]... TARGET...: runs make targets and closes with what passed, failed and
was left out, and with what each took of time and of the processors, as far as its processes were waited for.

The targets run one after the other. The one beside them runs all the time, with what they leave of the processors, and
its output comes when they have ended. Then, when the machine does nothing else, come those that measure durations.
A target that fails keeps no other from running. A target whose tests are pytest's leaves its results in
tests/output/junit/TARGET.xml and counts by its tests; any other counts as one.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from xml.etree import ElementTree

OUTPUT = Path("tests", "output")
JUNIT = OUTPUT / "junit"
LEFT_OUT = OUTPUT / "left-out.txt"


class Result(NamedTuple):
    """What came of one target."""

    target: str
    seconds: float
    processor: float
    passed: int
    failed: int
    skipped: int


def report(target: str) -> list[ElementTree.Element]:
    """The suites of the target's results; none when it has no tests, or was killed before its results were whole."""
    try:
        return list(ElementTree.parse(JUNIT / f"{target}.xml").getroot().iter("testsuite"))
    except (FileNotFoundError, ElementTree.ParseError):
        return []


class Watch:
    """What passes from now on: seconds, and seconds of the processors by processes that have ended."""

    def __init__(self) -> None:
        self._start, self._before = time.monotonic(), self._processor()

    @staticmethod
    def _processor() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def passed(self) -> tuple[float, float]:
        """Return both."""
        return time.monotonic() - self._start, self._processor() - self._before


def count(target: str, taken: tuple[float, float], ok: bool) -> Result:
    """Read the target's tests, if it has any. A target that fails with no failed test counts as one failure."""
    suites = report(target)
    if not suites:
        return Result(target, *taken, int(ok), int(not ok), 0)
    tests, failures, errors, skipped = (
        sum(int(suite.get(kind, 0)) for suite in suites) for kind in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    if not ok and not failed:
        failed, tests = 1, tests + 1
    return Result(target, *taken, tests - failed - skipped, failed, skipped)


def skip_reasons(target: str) -> list[str]:
    """Why pytest skipped tests of the target, each reason once."""
    skips = (skip for suite in report(target) for skip in suite.iter("skipped"))
    return sorted({f"{target}: skipped: {skip.get('message', '')}" for skip in skips})


def failures(target: str) -> list[str]:
    """The tests of the target that failed, and the first line of what each said."""
    cases = [case for suite in report(target) for case in suite.iter("testcase")]
    told = [(case, failure) for kind in ("failure", "error") for case in cases for failure in case.iter(kind)]
    return [
        f"{target}: {case.get('classname', '')}::{case.get('name', '')}: " + failure.get("message", "").split("\n")[0]
        for case, failure in told
    ]


def command(target: str) -> list[str]:
    """What makes a target."""
    return [os.environ.get("MAKE", "make"), "--no-print-directory", target]


def run(target: str) -> Result:
    """Run one target, its output going straight through."""
    print(f"\n===== make {target}", flush=True)
    watch = Watch()
    code = subprocess.run(command(target), stdin=subprocess.DEVNULL, check=False).returncode
    return count(target, watch.passed(), code == 0)


class Beside:
    """A target that runs while others do; when the block is left early, the target is ended."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._log = OUTPUT / f"{target}.log"

    def __enter__(self) -> Beside:
        self._start = time.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["nice", "-n", "19", *command(self.target)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Where the kernel shares the processors among sessions, only this makes it nice to the others.
        with suppress(OSError):
            Path("/proc", str(self._process.pid), "autogroup").write_text("19", encoding="ascii")
        return self

    def result(self) -> Result:
        """Wait for it, and print what it said."""
        watch = Watch()
        code = self._process.wait()
        taken = time.monotonic() - self._start, watch.passed()[1]
        print(f"\n===== make {self.target}", flush=True)
        print(self._log.read_text(encoding="utf-8", errors="replace"), flush=True)
        return count(self.target, taken, code == 0)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


def main() -> int:
    """Run the targets that the command line names; 0 if all passed."""
    parser = argparse.ArgumentParser(prog="steps.py")
    parser.add_argument("--beside", metavar="TARGET")
    parser.add_argument("--alone", metavar="TARGET", action="append", default=[])
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    options = parser.parse_args()
    shutil.rmtree(JUNIT, ignore_errors=True)
    JUNIT.mkdir(parents=True)
    LEFT_OUT.write_text("", encoding="utf-8")
    os.environ["LEFT_OUT"] = str(LEFT_OUT.absolute())
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))

    start = time.monotonic()
    with Beside(options.beside) if options.beside else nullcontext() as beside:
        results = [run(target) for target in options.targets]
        results += [beside.result()] if beside else []
    results += [run(target) for target in options.alone]

    print("\n===== in all")
    for result in results:
        mark = "FAILED" if result.failed else "ok"
        tests = result.passed + result.failed
        print(f"{mark:6}  {result.target:20} {result.seconds:7.1f} s {result.processor:7.1f} s  {tests:5}")
    notes = list(dict.fromkeys(LEFT_OUT.read_text(encoding="utf-8").splitlines()))
    notes += [note for result in results for note in skip_reasons(result.target)]
    for note in notes:
        print(f"LEFT OUT: {note}")
    for line in (line for result in results for line in failures(result.target)):
        print(f"FAILED: {line}")
    print(f"{time.monotonic() - start:.0f} s")
    failed = sum(result.failed for result in results)
    skipped = sum(result.skipped for result in results)
    print(
        f"{sum(result.passed for result in results)} passed, {failed} failed"
        + (f", {skipped} skipped" if skipped else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
