# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tests of the rules notice a mistake in them: each of SUBJECTS with one thing changed, and its tests.

    python -m tests.mutation [--share 0.1] [--seed N] [--only own_addresses]

A mutant that its tests fail on is killed; so is one with which they do not end. Survivors are shown with what is
different. Those of which equivalent.yml says why no test can tell them from the original are counted by themselves:
one that is killed all the same, or that no longer exists, is an error. Exits with 1 for that, or where less than
GOAL of all mutants is killed.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .equivalent import Equivalents
from .mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
CORE = Path("plugins", "module_utils")
GOAL = 0.90
#: what a trial may take: so many times as long as with the original, and some seconds for a busy machine
TIMES, SECONDS = 4, 20

_RULES, _CHANGE = "tests/unit/plugins/module_utils/_rules", "tests/unit/plugins/module_utils/_change"
_VECTORS = "tests/unit/conformance/test_rules.py"
#: each file with the tests that are about it, those that see the most first
SUBJECTS: dict[str, list[str]] = {
    "_rules/own_addresses.py": [
        f"{_RULES}/test_own_addresses.py",
        f"{_RULES}/test_errors_in_full.py",
        f"{_RULES}/test_listeners.py",
        _VECTORS,
    ],
    "_rules/listeners.py": [f"{_RULES}/test_listeners.py", f"{_RULES}/test_errors_in_full.py", _VECTORS],
    "_rules/source_addresses.py": [f"{_RULES}/test_source_addresses.py", _VECTORS],
    "_rules/reload_or_restart.py": [f"{_RULES}/test_reload_or_restart.py", f"{_CHANGE}/test_in_sync.py"],
    "_change/plan.py": [
        f"{_CHANGE}/test_plan.py",
        f"{_CHANGE}/test_refusals_in_full.py",
        f"{_RULES}/test_named_sources.py",
    ],
}


class Fate(NamedTuple):
    """What became of one mutant."""

    mutant: Mutant
    #: "killed", "endless" or "survived"
    outcome: str


class Worker:
    """A copy of the checkout, and a process that tries mutants there."""

    def __init__(self, place: Path) -> None:
        files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(files, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, place / name)
        collections = place / ".venv" / "collections" / "ansible_collections" / "mailfleet"
        collections.mkdir(parents=True)
        (collections / "postfix").symlink_to(place, target_is_directory=True)
        self.place = place
        command = [sys.executable, "tests/mutation/worker.py"]
        self._process = subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def try_out(self, file: str, text: str | None, limit: float) -> str:
        """Run the tests of a file, with another text of it or as it is."""
        assert self._process.stdin
        assert self._process.stdout
        trial = {"file": str(CORE / file), "text": text, "tests": SUBJECTS[file], "limit": limit}
        print(json.dumps(trial), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        outcome = {-1: "endless", 0: "survived", 1: "killed", 2: "killed"}.get(code)
        if outcome is None or (text is None and code):
            log = (self.place / "trial.log").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"the tests of {file} came to {code}:\n{log[-3000:]}")
        return outcome

    def close(self) -> None:
        """End the process; a trial of it that goes on ends by its limit."""
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()


def tried(chosen: list[Mutant], jobs: int) -> Iterator[Fate]:
    """Try mutants, several at a time."""
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    done: queue.SimpleQueue[Fate | BaseException] = queue.SimpleQueue()
    for mutant in chosen:
        waiting.put(mutant)
    limits: dict[str, float] = {}

    def work(worker: Worker) -> None:
        try:
            while not waiting.empty():
                mutant = waiting.get_nowait()
                done.put(Fate(mutant, worker.try_out(mutant.file, mutant.text, limits[mutant.file])))
        except queue.Empty:
            pass
        except BaseException as error:
            done.put(error)

    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        workers = [Worker(Path(scratch, str(number))) for number in range(jobs)]
        try:
            for worker in workers:
                for file in sorted({mutant.file for mutant in chosen}):
                    begun = time.monotonic()
                    worker.try_out(file, None, 600)
                    limits[file] = (time.monotonic() - begun) * TIMES + SECONDS
            threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
            for thread in threads:
                thread.start()
            for _mutant in chosen:
                fate = done.get()
                if isinstance(fate, BaseException):
                    raise fate
                yield fate
        finally:
            while not waiting.empty():
                waiting.get_nowait()
            for worker in workers:
                worker.close()


def table(fates: list[Fate], equivalents: Equivalents) -> tuple[list[str], float]:
    """Return the lines of the table, and the part of all mutants that was killed."""
    lines = [f"{'file':30} {'mutants':>7} {'killed':>7} {'endless':>7} {'named':>7} {'survived':>8} {'killed %':>9}"]
    counts = [0, 0]
    for file in [*SUBJECTS, ""]:
        mine = [fate for fate in fates if fate.mutant.file == file or not file]
        if not mine:
            continue
        killed, endless = (sum(fate.outcome == name for fate in mine) for name in ("killed", "endless"))
        named = sum(fate.outcome == "survived" and fate.mutant in equivalents for fate in mine)
        counts = [killed + endless, len(mine)]
        lines.append(
            f"{file or 'all':30} {len(mine):7} {killed:7} {endless:7} {named:7} {counts[1] - counts[0] - named:8}"
            f" {counts[0] / counts[1]:9.1%}"
        )
    return lines, counts[0] / counts[1]


def main() -> int:
    parser = argparse.ArgumentParser(description="mutants of the rules against their tests")
    parser.add_argument("--share", type=float, default=1.0, help="how many of all mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="of that choice")
    parser.add_argument("--only", default="", help="of files with this in their name")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    mutants = [
        mutant
        for file in SUBJECTS
        if options.only in file
        for mutant in mutants_of(file, (ROOT / CORE / file).read_text(encoding="utf-8"))
    ]
    equivalents = Equivalents.read()
    wrong = equivalents.stale(mutants)
    dice = random.Random(options.seed)
    chosen = dice.sample(mutants, max(1, round(options.share * len(mutants))))
    print(f"{len(chosen)} of {len(mutants)} mutants, SEED={options.seed}", flush=True)
    begun = time.monotonic()
    fates: list[Fate] = []
    for fate in tried(chosen, options.jobs):
        fates.append(fate)
        if fate.outcome == "survived" and fate.mutant not in equivalents:
            print(f"survived: {fate.mutant.diff()}", flush=True)
        elif fate.outcome != "survived" and fate.mutant in equivalents:
            wrong.append(f"{fate.mutant.diff()}\nis called equivalent, and was {fate.outcome}")
        if len(fates) % 100 == 0:
            print(f"{len(fates)} tried in {time.monotonic() - begun:.0f} s", flush=True)
    lines, killed = table(fates, equivalents)
    print(*lines, sep="\n")
    print(f"{time.monotonic() - begun:.0f} s; killed without the named ones: {_without_named(fates, equivalents):.1%}")
    for each in wrong:
        print(f"equivalent.yml: {each}")
    if killed < GOAL:
        print(f"less than {GOAL:.0%} killed")
    return int(bool(wrong) or killed < GOAL)


def _without_named(fates: list[Fate], equivalents: Equivalents) -> float:
    others = [fate for fate in fates if fate.mutant not in equivalents]
    return sum(fate.outcome != "survived" for fate in others) / (len(others) or 1)


if __name__ == "__main__":
    sys.exit(main())
