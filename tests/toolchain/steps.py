# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""steps.py [--along "TARGET..."]... [--alone TARGET]... TARGET...: runs make targets and closes with what passed, what
failed and what was left out, and with what each took of time and of the processors, as far as its processes were waited
for.

The targets run one after the other. At the same time each lane of others along with them does, whose output comes when
all have ended. Then, when the machine does nothing else, come those that measure durations.
A target that fails keeps no other from running. A target whose tests are pytest's leaves its results in
tests/output/junit/TARGET.xml and counts by its tests; any other counts as one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
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


def wait(process: subprocess.Popen[bytes], start: float) -> tuple[tuple[float, float], bool]:
    """Wait for the end of a target; what it has taken of time and of the processors, in seconds, and if it is well."""
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (time.monotonic() - start, used.ru_utime + used.ru_stime), process.returncode == 0


def run(target: str) -> Result:
    """Run one target, its output going straight through."""
    print(f"\n===== make {target}", flush=True)
    start = time.monotonic()
    process = subprocess.Popen(command(target), stdin=subprocess.DEVNULL)
    try:
        return count(target, *wait(process, start))
    finally:
        if process.returncode is None:
            process.terminate()
            process.wait()


class Lane:
    """Targets that run one after the other while others do; when the block is left early, they are ended."""

    def __init__(self, targets: list[str]) -> None:
        self._targets = targets
        self._results: list[Result] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Lane:
        self._thread.start()
        return self

    def _run(self) -> None:
        for target in self._targets:
            start = time.monotonic()
            with _log(target).open("wb") as log, self._lock:
                if self._ended.is_set():
                    return
                self._process = subprocess.Popen(
                    command(target),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._results.append(count(target, *wait(self._process, start)))

    def results(self) -> list[Result]:
        """Wait for all, and print what they said. One that could not even be started has failed."""
        self._thread.join()
        for result in self._results:
            print(f"\n===== make {result.target}", flush=True)
            print(_log(result.target).read_text(encoding="utf-8", errors="replace"), flush=True)
        return self._results + [Result(target, 0, 0, 0, 1, 0) for target in self._targets[len(self._results) :]]

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended.set()
            if self._process and self._process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGTERM)
        self._thread.join()


def _log(target: str) -> Path:
    return OUTPUT / f"{target}.log"


def main() -> int:
    """Run the targets that the command line names; 0 if all passed."""
    parser = argparse.ArgumentParser(prog="steps.py")
    parser.add_argument("--along", metavar="TARGET...", type=str.split, action="append", default=[])
    parser.add_argument("--alone", metavar="TARGET", action="append", default=[])
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    options = parser.parse_args()
    shutil.rmtree(JUNIT, ignore_errors=True)
    JUNIT.mkdir(parents=True)
    LEFT_OUT.write_text("", encoding="utf-8")
    os.environ["LEFT_OUT"] = str(LEFT_OUT.absolute())
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))

    start = time.monotonic()
    with ExitStack() as stack:
        lanes = [stack.enter_context(Lane(targets)) for targets in options.along]
        results = [run(target) for target in options.targets]
        results += [result for lane in lanes for result in lane.results()]
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
