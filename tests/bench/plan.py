# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook plan takes for a fleet and for one ten times as large, on one core, and what memory.

Each host has a file of its own in host_vars, with addresses that no other host has, services and templates. Of one
fleet the proposal changes a variable of all hosts, which is the most that there is to do; of another one that of a few.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

SMALL, LARGE = 1_000, 10_000
SECONDS = 60  # for LARGE
LINEAR = 1.25  # times as much for each host, at most, in the large fleet as in the small one
SITES = 10

_GROUP = """\
postfix_interfaces_inet_interfaces: [127.0.0.1, "{{ mail_ip }}"]
postfix_interfaces_smtp_bind_address: "{{ mail_ip }}"
postfix_interfaces_services:
  - {name: submission, command: smtpd, options: {syslog_name: "postfix/submission-{{ inventory_hostname_short }}"}}
  - {name: bulk, type: unix, command: smtp, options: {smtp_bind_address: "{{ second_ip }}"}}
"""
_CHANGE = '  - {name: "[{{ mail_ip }}]:2525", command: smtpd}\n'


class Cost(NamedTuple):
    """What one run took."""

    seconds: float
    megabytes: float
    #: of hosts that change
    changed: int


def write_inventory(place: Path, size: int, *, group: str = _GROUP, few: int = 0) -> None:
    """Write an inventory.

    :param few: how many hosts differ from those of another inventory that has none
    """
    (place / "group_vars").mkdir(parents=True)
    (place / "host_vars").mkdir()
    (place / "group_vars/mail.yml").write_text(group)
    names = [f"mx{number}.site{number % SITES}.example.net" for number in range(size)]
    lines = ["mail:", "  children:"]
    for site in range(SITES):
        lines += [f"    site{site}:", "      hosts:", *(f"        {name}:" for name in names[site::SITES])]
    (place / "hosts.yml").write_text("\n".join(lines) + "\n")
    for number, name in enumerate(names):
        four, six = f"10.{number >> 6 & 255}.{number & 63}", f"fd77:{number:x}::1"
        text = (
            f"mail_ip: {four}.1\nsecond_ip: {four}.2\n"
            f"addresses: [127.0.0.1/8, '::1/128', {four}.1/24, {four}.2/24, '{six}/64']\n"
        )
        if number < few:
            text += "postfix_interfaces_smtp_bind_address: '{{ second_ip }}'\n"
        (place / "host_vars" / f"{name}.yml").write_text(text)


def cost_of(base: Path, proposal: Path, place: Path) -> Cost:
    """Run the playbook on one core."""
    report = place / "plan.json"
    groups = json.dumps({"mailfleet_groups": [f"site{site}" for site in range(SITES)]})
    command = [
        *("taskset", "-c", str(min(os.sched_getaffinity(0)))),
        *("ansible-playbook", "mailfleet.postfix.plan", "-e", groups, "-e", "mailfleet_addresses=addresses"),
        *(
            "-e",
            f"mailfleet_base={base}",
            "-e",
            f"mailfleet_proposal={proposal}",
            "-e",
            f"mailfleet_report_json={report}",
        ),
        *("-e", f"mailfleet_report_markdown={place / 'plan.md'}", "-e", f"mailfleet_report_junit={place / 'plan.xml'}"),
        *("-e", f"mailfleet_report_html={place / 'plan.html'}"),
    ]
    start = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-v", *command], capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    kilobytes = int(re.findall(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)[-1])
    changed = sum(record["action"] != "none" for record in json.loads(report.read_text())["instances"])
    return Cost(seconds, kilobytes / 1024, changed)


def main() -> int:
    """Print what was measured; return 1 if it is more than was promised."""
    costs: dict[tuple[str, int], Cost] = {}
    with tempfile.TemporaryDirectory(prefix="mailfleet-plan-") as directory:
        for size in (SMALL, LARGE):
            place = Path(directory, str(size))
            write_inventory(place / "base", size)
            write_inventory(place / "all", size, group=_GROUP + _CHANGE)
            write_inventory(place / "few", size, few=size // 100)
            for what in ("all", "few"):
                cost = costs[what, size] = cost_of(place / "base", place / what, place)
                print(
                    f"{size:>6} hosts, {cost.changed:>6} change: {cost.seconds:6.1f} s, {cost.megabytes:6.0f} MB",
                    flush=True,
                )
    failed = False
    for what in ("all", "few"):
        small, large = costs[what, SMALL], costs[what, LARGE]
        longer = (large.seconds / LARGE) / (small.seconds / SMALL)
        more = (large.megabytes / LARGE) / (small.megabytes / SMALL)
        print(
            f"{what} change: each host of the large fleet takes {longer:.2f} times as long, {more:.2f} times the memory"
        )
        failed = failed or large.seconds > SECONDS or max(longer, more) > LINEAR
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
