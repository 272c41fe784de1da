# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postfix_apply costs on a host that is in sync, beside ansible.builtin.ping: make bench-apply.

Over ssh with pipelining, in turns, one task after the other in one play; the median of the ratio of each pair counts.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "integration")]

from fleet import MailHost
from mailfleet_lab import hosts, networks

LIMIT = 1.5
TURNS = int(os.environ.get("MAILFLEET_TURNS", "30"))
MODULES = {"ping": "ansible.builtin.ping", "apply": "mailfleet.postfix.postfix_apply"}
COUNT = """
import subprocess
started = []
original = subprocess.Popen.__init__
def counted(self, command, *arguments, **options):
    started.append(command)
    original(self, command, *arguments, **options)
subprocess.Popen.__init__ = counted
assert bring()["action"] == "none"
answer = started
"""


def durations(host: str) -> dict[str, list[float]]:
    """The seconds of each task, by module; the first turn, which opens the connection, left out."""
    tasks = [{"name": name, module: {}} for _turn in range(TURNS + 1) for name, module in MODULES.items()]
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "durations",
        "ANSIBLE_COLLECTIONS_PATH": str(HERE.parents[1] / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as play:
        json.dump([{"hosts": host, "gather_facts": False, "tasks": tasks}], play)
        play.flush()
        command = ["ansible-playbook", "--inventory", str(hosts.write_inventory()), play.name]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[float]] = {name: [] for name in MODULES}
    for name, seconds in re.findall(r"^DURATION (\w+) (\S+)$", said, re.M):
        found[name].append(float(seconds))
    return {name: each[1:] for name, each in found.items()}


def main() -> int:
    """Measure on a host of each release that is given; returns the exit status."""
    failed = False
    for number, suite in enumerate(sys.argv[1:], start=1):
        networks.add_network(f"bench{number}", f"10.9.{number}.0/24", f"fd00:9{number}::/64")
        addresses = tuple(f"{start}{last}" for start in (f"10.9.{number}.", f"fd00:9{number}::") for last in (10, 11))
        attachment = networks.Attachment(f"bench{number}", addresses)
        (lab_host,) = hosts.add_hosts((f"bench-{suite}", suite, [attachment]))
        host = MailHost(lab_host, f"10.9.{number}.1", f"fd00:9{number}::1")
        assert host.bring()["in_sync"]
        found = durations(host.name)
        started = host.core(COUNT)
        ratio = statistics.median(ours / ping for ours, ping in zip(found["apply"], found["ping"], strict=True))
        ping, ours = (statistics.median(found[name]) * 1000 for name in MODULES)
        print(
            f"{suite}: ping {ping:.0f} ms, postfix_apply in sync {ours:.0f} ms, {ratio:.2f} times (at most {LIMIT});",
            end=" ",
        )
        print(f"processes: {len(started)} ({', '.join(' '.join(command[:3]) for command in started)})")
        failed = failed or ratio > LIMIT
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
