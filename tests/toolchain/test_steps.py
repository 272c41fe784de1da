# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` says at its end, tried with a make that does what its target's name says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

HERE = Path(__file__).parent
MAKE = """#!/bin/sh
target=$2
suite() { echo "<testsuites><testsuite $1>$2</testsuite></testsuites>" >tests/output/junit/$target.xml; }
case $target in
    lint) ;;
    bad-lint) exit 1 ;;
    unit) suite 'tests="5" failures="0" errors="0" skipped="0"' ;;
    bad-unit)
        suite 'tests="5" failures="1" errors="1" skipped="0"' '<testcase classname="tests.unit" name="test_it">
            <failure message="assert 1 == 2&#10;more"/></testcase><testcase name="test_that"><error/></testcase>'
        exit 1 ;;
    crash) suite 'tests="5" failures="0" errors="0" skipped="0"'; exit 3 ;;
    skips) suite 'tests="5" failures="0" errors="0" skipped="2"' '<testcase><skipped message="no IPv6"/></testcase>' ;;
    torn) echo '<testsuites><testsuite tests="5"' >tests/output/junit/$target.xml; exit 1 ;;
    endless) sleep 1000 & echo $! >endless.pid; wait ;;
    pause) until [ -s endless.pid ]; do sleep 0.05; done; echo >pausing; exec sleep 1000 ;;
    says) echo heard ;;
    first) touch first; until [ -e second ] && [ -e third ]; do sleep 0.05; done ;;
    second) touch second; until [ -e first ] && [ -e third ]; do sleep 0.05; done ;;
    third) touch third; until [ -e first ] && [ -e second ]; do sleep 0.05; done ;;
    part) echo 'the other part' >>"$LEFT_OUT"; echo 'the other part' >>"$LEFT_OUT" ;;
esac
"""


def make(where: Path) -> str:
    """Write the stand-in for make; its path."""
    script = where / "make"
    script.write_text(MAKE, encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def steps(where: Path, *arguments: str, start: str = "===== in all", complains: str = "") -> tuple[int, list[str]]:
    """Run steps.py; its exit code and its output from the summary on. stderr has what it `complains` of."""
    done = subprocess.run(
        [sys.executable, str(HERE / "steps.py"), *arguments],
        cwd=where,
        env={**os.environ, "MAKE": make(where)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert complains in done.stderr
    assert complains or done.stderr == ""
    return done.returncode, done.stdout[done.stdout.index(start) :].splitlines()


def runs(pid: str) -> bool:
    """Whether a process is there; one that only waits to be noticed is not."""
    try:
        return Path("/proc", pid, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true within 30 seconds."""
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    "targets,code,closing",
    [
        (["lint"], 0, "1 passed, 0 failed"),
        (["lint", "unit"], 0, "6 passed, 0 failed"),
        (["unit", "skips"], 0, "8 passed, 0 failed, 2 skipped"),
        (["bad-lint", "unit"], 1, "5 passed, 1 failed"),
        (["unit", "bad-unit", "lint"], 1, "9 passed, 2 failed"),
        (["crash"], 1, "5 passed, 1 failed"),
        (["torn", "skips"], 1, "3 passed, 1 failed, 2 skipped"),
        (["--along", "lint", "unit"], 0, "6 passed, 0 failed"),
        (["--along", "bad-lint", "unit"], 1, "5 passed, 1 failed"),
        (["--along", "unit bad-lint", "--along", "lint", "bad-unit"], 1, "9 passed, 3 failed"),
        (["--alone", "unit", "--along", "lint", "lint"], 0, "7 passed, 0 failed"),
        (["--alone", "unit", "--along", "bad-lint", "lint"], 1, "6 passed, 1 failed"),
        (["--alone", "bad-unit", "--alone", "unit", "--along", "torn", "bad-lint"], 1, "8 passed, 4 failed"),
    ],
)
def test_exit_code_and_closing_line(tmp_path: Path, targets: list[str], code: int, closing: str) -> None:
    exit_code, lines = steps(tmp_path, *targets)
    assert (exit_code, lines[-1]) == (code, closing)


def test_all_failures_are_told_at_the_end(tmp_path: Path) -> None:
    _code, lines = steps(tmp_path, "--along", "torn", "--alone", "crash", "--alone", "says", "bad-lint", "unit")
    told = [line.split()[:2] for line in lines[1:-2]]
    assert told == [["FAILED", "bad-lint"], ["ok", "unit"], ["FAILED", "torn"], ["FAILED", "crash"], ["ok", "says"]]


def test_each_failed_test_is_told_with_what_it_said(tmp_path: Path) -> None:
    _code, lines = steps(tmp_path, "bad-unit", "unit")
    assert [line for line in lines if line.startswith("FAILED: ")] == [
        "FAILED: bad-unit: tests.unit::test_it: assert 1 == 2",
        "FAILED: bad-unit: ::test_that: ",
    ]


def test_nothing_is_left_out_silently(tmp_path: Path) -> None:
    _code, lines = steps(tmp_path, "part", "skips")
    assert [line for line in lines if line.startswith("LEFT OUT: ")] == [
        "LEFT OUT: the other part",
        "LEFT OUT: skips: skipped: no IPv6",
    ]


def test_what_runs_along_says_what_it_has_to(tmp_path: Path) -> None:
    assert "heard" in steps(tmp_path, "--along", "says", "lint", start="===== make says")[1]


def test_both_lanes_run_at_the_same_time_as_the_rest(tmp_path: Path) -> None:
    """Each waits for what the others do."""
    code, lines = steps(tmp_path, "--along", "first fourth", "--along", "second", "third")
    assert (code, lines[-1]) == (0, "4 passed, 0 failed")
    assert [line.split()[1] for line in lines[1:5]] == ["third", "first", "fourth", "second"]


def test_one_that_cannot_be_started_has_failed(tmp_path: Path) -> None:
    (tmp_path / "tests" / "output" / "unit.log").mkdir(parents=True)
    code, lines = steps(tmp_path, "--along", "unit lint", "says", complains="IsADirectoryError")
    assert (code, lines[-1]) == (1, "1 passed, 2 failed")


def sigint_as_usual() -> None:
    """Undo in a child what it inherits where these tests are run with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_what_runs_along_ends_with_the_rest(tmp_path: Path, blow: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "steps.py"), "--along", "endless", "pause"],
        cwd=tmp_path,
        env={**os.environ, "MAKE": make(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=sigint_as_usual,
    )
    assert eventually((tmp_path / "pausing").exists)
    process.send_signal(blow)
    assert process.wait(30) != 0
    pid = (tmp_path / "endless.pid").read_text(encoding="utf-8").strip()
    assert eventually(lambda: not runs(pid))


def test_what_runs_alone_does_so_when_all_else_has_ended(tmp_path: Path) -> None:
    code, lines = steps(tmp_path, "--along", "says", "--alone", "unit", "lint", start="===== make lint")
    assert code == 0
    order = [line for line in lines if line.startswith("===== make ")]
    assert order == ["===== make lint", "===== make says", "===== make unit"]


def test_results_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    steps(tmp_path, "bad-unit", "part")
    assert steps(tmp_path, "lint")[1][-1] == "1 passed, 0 failed"


def test_without_root_the_needs_are_said_at_once() -> None:
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    with (HERE / "needs.sh").open(encoding="utf-8") as script:
        done = subprocess.run(
            [*become, "bash", "-s", "demo"], cwd="/", stdin=script, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = done.stderr.splitlines()[:2]
    assert first == "make demo cannot work here:"
    assert second.startswith("  - It needs root")
