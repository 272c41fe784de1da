# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the rules, and the filters, against a real Postfix: the cases in cases/ and generated ones.

    python3 -m tests.conformance --tree NAME=DIRECTORY [--tree ...] [--cases 1000] [--seed 1 77]

Each directory is the root file system of a host with Postfix. Needs root, for name spaces of its own: nothing is
written to the directories, and no packet leaves the machine. --only 1/17 77/13 runs these cases alone, and prints all
of those that disagree, or of a single one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST, parse_version

from ..compatibility import junit
from ..json_lines import ask
from . import effects, kept
from .compare import disagreements
from .filters import question, through_filters
from .generate import task
from .predict import predict
from .recorded import tasks as recorded_tasks

_UNSHARE = [
    "unshare",
    "--mount",
    "--net",
    "--uts",
    "--ipc",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation",
    "private",
]
_LONGEST = 90.0  # seconds for one case
_PATIENT = 4.0
_SHARE = 200  # cases in one process of Ansible, for which each takes the longer, the more there are


class Done(NamedTuple):
    """One task on one release, with what became of it."""

    release: str
    task: dict[str, Any]
    answer: dict[str, Any]


class Room:
    """A process of real.py."""

    def __init__(self, tree: str, scratch: str) -> None:
        directory = tempfile.mkdtemp(dir=scratch)
        command = [*_UNSHARE, sys.executable, "-m", "tests.conformance.real", tree, directory]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, one: dict[str, Any]) -> dict[str, Any]:
        return ask(self.process, one, one["id"], _LONGEST)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def run(name: str, tree: str, tasks: list[dict[str, Any]], scratch: str) -> list[Done]:
    """Put the tasks to one tree's Postfix, in as many rooms as there are processors."""

    def share(mine: list[dict[str, Any]]) -> list[Done]:
        room = Room(tree, scratch)
        try:
            return [Done(name, one, room.ask(one)) for one in mine]
        finally:
            room.close()

    count = min(os.cpu_count() or 1, len(tasks))
    with ThreadPoolExecutor(count) as pool:
        return [
            done for share_done in pool.map(share, [tasks[at::count] for at in range(count)]) for done in share_done
        ]


def differences(done: Done) -> list[str]:
    """What the rules say differently."""
    if "version" not in done.answer:
        return disagreements(done.task, done.answer, None)  # type: ignore[arg-type]
    return disagreements(done.task, done.answer, predict(done.task, done.answer["version"], done.answer["addresses"]))


def checked(
    name: str, tree: str, tasks: list[dict[str, Any]], scratch: str
) -> tuple[list[Done], list[tuple[Done, str]]]:
    """Run all; what disagrees runs a second time, with more patience, for a busy machine is no disagreement."""
    found, wrong = [], []
    for done in run(name, tree, tasks, scratch):
        if differences(done):
            (done,) = run(name, tree, [{**done.task, "patience": _PATIENT}], scratch)
            wrong += [(done, difference) for difference in differences(done)]
        found.append(done)
    return found, wrong


def without_effect(name: str, tree: str, version: str, scratch: str) -> list[tuple[Done, str]]:
    """The findings that do not show on a real Postfix what they warn of."""
    provoking = effects.tasks(version)
    expected = {one["id"]: effect for effect, one in provoking}
    wrong = []
    for done in run(name, tree, [one for _effect, one in provoking], scratch):
        wrong += [(done, text) for text in effects.missing(expected[done.task["id"]], done.task, done.answer)]
    print(f"{name}: {len(expected)} findings provoked: {len(wrong)} without effect")
    return wrong


def wrongly_kept(name: str, tree: str, version: str, scratch: str) -> list[tuple[Done, str]]:
    """What a reload takes up, and what only a start does, where the rules say something else."""
    changes = kept.tasks(version)
    done = run(name, tree, changes, scratch)
    wrong = [(one, text) for one in done for text in kept.differences(one.task, one.answer)]
    print(f"{name}: {len(changes)} changes reloaded, then started by: {len(wrong)} disagreements")
    return wrong


def by_filters(everything: list[Done], scratch: str) -> Iterator[tuple[Done, str]]:
    """What the filters say differently from the real thing."""
    asked = []
    for done in everything:
        if "fatal" in done.answer:  # else there was no question that a filter answers
            asking = question(done.task, done.answer["version"], done.answer["addresses"])
            if asking is not None:
                asked.append((done, asking))
    shares = [[asking for _done, asking in asked[at : at + _SHARE]] for at in range(0, len(asked), _SHARE)]
    directories = [Path(tempfile.mkdtemp(dir=scratch)) for _share in shares]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = list(chain.from_iterable(pool.map(through_filters, shares, directories)))
    for (done, _asking), (said, findings) in zip(asked, answers, strict=True):
        ours = predict(done.task, done.answer["version"], done.answer["addresses"])
        for difference in disagreements(done.task, done.answer, said._replace(proxies=ours.proxies)):
            yield done, f"by the filters: {difference}"
        dead = isinstance(said.listeners, str) or isinstance(ours.proxies, str)
        if isinstance(findings, str) and not dead:
            yield done, f"the filter findings fails: {findings}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.conformance", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", action="append", required=True, metavar="NAME=DIRECTORY")
    parser.add_argument("--cases", type=int, default=1000, help="generated cases for each tree and seed")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="what the cases are generated from")
    parser.add_argument("--first", type=int, default=0, help="the number of the first generated case")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th of the recorded cases")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="where the results go, as JUnit's XML")
    parser.add_argument("--only", nargs="+", metavar="CASE", help="the names of the cases to run")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.cases)
    print(f"seed {' '.join(map(str, options.seed))}, {options.cases} cases each", flush=True)
    recorded = recorded_tasks()
    tasks = [*recorded[:: options.every], *(task(seed, number) for seed in options.seed for number in numbers)]
    if options.only:
        tasks = [named(name, recorded) for name in options.only]
    everything: list[Done] = []
    wrong: list[tuple[Done, str]] = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        for tree in options.tree:
            name, _equals, directory = tree.partition("=")
            start = time.monotonic()
            found, bad = checked(name, directory, tasks, scratch)
            everything += found
            wrong += bad
            version = next((done.answer["version"] for done in found if "version" in done.answer), "0.0")
            shown(bad)
            missed = []
            if not options.only:
                missed = without_effect(name, directory, version, scratch)
                missed += wrongly_kept(name, directory, version, scratch)
            wrong += missed
            shown(missed)
            seconds = time.monotonic() - start
            print(f"{name} (Postfix {version}): {summary(found)}, {seconds:.0f} s: {len(bad)} disagreements")
            print(newer(version), end="")
            sys.stdout.flush()
        if options.only:
            disagreeing = [done.task["id"] for done, _difference in wrong]
            for done in everything:
                if len(tasks) == 1 or done.task["id"] in disagreeing:
                    print(json.dumps({"task": done.task, "answer": done.answer}, indent=1))
        start = time.monotonic()
        bad = list(by_filters(everything, scratch))
        wrong += bad
        shown(bad)
        seconds = time.monotonic() - start
        print(f"the same through the filters: {len(everything)} cases, {seconds:.0f} s: {len(bad)} disagreements")
    if options.junit and not options.only:
        junit.write(options.junit, results(everything, wrong))
    return 1 if wrong else 0


def results(everything: list[Done], wrong: list[tuple[Done, str]]) -> Iterator[junit.Result]:
    """What became of each case, and of what else disagreed."""
    disagreeing = {(done.release, done.task["id"]) for done, _difference in wrong}
    cases = dict.fromkeys((done.release, done.task["id"]) for done in everything)
    version = {done.release: done.answer["version"] for done in everything if "version" in done.answer}
    for release, name in {**cases, **dict.fromkeys(sorted(disagreeing))}:
        ran_on = {"proof": "rules", "suite": release, "postfix": version.get(release, "")}
        yield junit.Result(name, ran_on, (release, name) in disagreeing)


def named(name: str, recorded: list[dict[str, Any]]) -> dict[str, Any]:
    """The case of a name: one of those recorded, or SEED/NUMBER."""
    seed, _slash, number = name.partition("/")
    return next((one for one in recorded if one["id"] == name), None) or task(int(seed), int(number))


def newer(version: str) -> str:
    """A note about a version that is newer than all that is known, else nothing."""
    if parse_version(version)[:2] <= NEWEST:
        return ""
    newest = ".".join(map(str, NEWEST))
    return f"note: Postfix {version} is newer than {newest}, the newest that is known, whose rules were used\n"


def shown(wrong: list[tuple[Done, str]]) -> None:
    """Print disagreements."""
    for done, difference in wrong:
        print(f"{done.release}, case {done.task['id']}: {difference}")


def summary(found: list[Done]) -> str:
    """How many cases there were, and of which kinds."""
    answers = [done.answer for done in found]
    died = sum(bool(answer.get("dies")) for answer in answers)
    mails = sum(len(answer.get("sources", ())) + len(answer.get("literals", ())) for answer in answers)
    reloads = sum("reload" in answer for answer in answers)
    return f"{len(found)} cases ({died} fatal, {mails} mails, {reloads} reloads)"


if __name__ == "__main__":
    sys.exit(main())
