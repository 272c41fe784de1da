# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What converge and audit cost the control node for each host, and whether that is the same in a large fleet.

The hosts answer at once, as one in line with its files does, so that neither ssh nor Postfix counts. Each playbook runs
over HOSTS hosts and over ten times as many, in one batch and in a hundred; and an audit in which all of them fail.

    python3 -m tests.bench.rollout ["audit" "converge, one batch" ...]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
HOSTS = int(os.environ.get("HOSTS", "1000"))
FORKS = os.environ.get("FORKS", "10")
LIMIT = 11  # times the time and the memory for ten times the hosts, at most
MEASURED = "10.99.98.97"


class Run(NamedTuple):
    """A playbook, in so many batches, over hosts that are all in line or all fail."""

    playbook: str
    batches: int = 1
    failing: bool = False


RUNS = {
    "converge, one batch": Run("converge"),
    "converge, 100 batches": Run("converge", 100),
    "audit": Run("audit"),
    "audit, all hosts fail": Run("audit", failing=True),
}


class Cost(NamedTuple):
    """What a run took: seconds, the processor's seconds, and MB of its largest process."""

    seconds: float
    processor: float
    memory: float


def answer() -> str:
    """What a host in line with its files answers."""
    from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import (
        addresses_of,
        part_of,
        result_of,
    )

    addresses = addresses_of(("eth0", f"{MEASURED}/24"), ("eth0", "2001:db8::1/64"))
    part = part_of({"inet_interfaces": f"127.0.0.1, {MEASURED}"}, addresses)
    result = result_of(addresses, {**part, "findings": []}, seconds=0.1)
    return json.dumps(result).replace(MEASURED, "10.1.NUMBER")


def measured(directory: Path, run: Run, hosts: int) -> Cost:
    """Run a playbook over hosts, and return what it took."""
    names = [f"mta{number}" for number in range(hosts)]
    inventory = {"mail": {"hosts": dict.fromkeys(names)}}
    (directory / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    variables = {
        "ansible_connection": "stub",
        "ansible_become": False,
        "ansible_python_interpreter": "/usr/bin/python3",
        "mailfleet_serial": -(-hosts // run.batches),
    }
    command = ["ansible-playbook", "-i", str(directory / "hosts.json"), f"mailfleet.postfix.{run.playbook}"]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "LC_ALL": "C.UTF-8",
        "ANSWER": str(directory / "answer.json"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".venv/collections")),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).resolve().parent / "connection_plugins"),
        "ANSIBLE_FORKS": FORKS,
        "MAILFLEET_KEPT_ARCHIVES": "no",  # tests/toolchain/kept_archives.py
        "FAILING": "all" if run.failing else "",
    }
    with (directory / "said").open("w+", encoding="utf-8") as said:
        start = time.monotonic()
        process = subprocess.Popen(
            [*command, "-e", json.dumps(variables)],
            cwd=directory,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _pid, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        said.seek(0)
        text = said.read()
    expected = f'{hosts} hosts: {hosts} {"failed" if run.failing else "in line"}"'
    if bool(status) != run.failing or expected not in text:
        sys.exit(text[-4000:])
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> int:
    """Measure; returns the exit status."""
    chosen = sys.argv[1:] or list(RUNS)
    good = True
    directory = Path(tempfile.mkdtemp(prefix="mailfleet-bench-"))
    try:
        (directory / "answer.json").write_text(answer(), encoding="utf-8")
        measured(directory, RUNS["audit"], 2)  # so that byte code and caches are there
        for name in chosen:
            few, many = (measured(directory, RUNS[name], hosts) for hosts in (HOSTS, 10 * HOSTS))
            for hosts, cost in ((HOSTS, few), (10 * HOSTS, many)):
                each = cost.processor / hosts * 1000
                print(
                    f"     {name}, {hosts:,} hosts: {cost.seconds:.0f} s, {each:.1f} ms of the processor each, "
                    f"{cost.memory:.0f} MB",
                    flush=True,
                )
            for what in ("seconds", "processor", "memory"):
                growth = getattr(many, what) / getattr(few, what)
                good = good and growth <= LIMIT
                print(
                    f"{'ok  ' if growth <= LIMIT else 'FAIL'} {name}: {what} times {growth:.1f} (at most {LIMIT})",
                    flush=True,
                )
    finally:
        shutil.rmtree(directory)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
