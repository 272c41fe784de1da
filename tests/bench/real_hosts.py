# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role and the modules cost on 16 real hosts, beside the usual idiom and ping: make bench-fleet.

Over ssh with pipelining, in turns, in one run of ansible-playbook; the ratio of the medians counts.
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
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE.parent / "integration")]

from mailfleet_lab import hosts, networks

HOSTS = int(os.environ.get("MAILFLEET_HOSTS", "16"))
TURNS = int(os.environ.get("MAILFLEET_TURNS", "7"))
FORKS = os.environ.get("MAILFLEET_FORKS", "10")
ROLE = "mailfleet.postfix.postfix_interfaces"
#: by what is measured: beside what, and how many times as long it may take
LIMITS = {
    "role": ("idiom", 0.25),
    "role with a restart": ("idiom with a restart", 0.5),
    "postfix_interfaces": ("ping", 1.15),
    "postfix_apply": ("ping", 1.15),
    "postfix_interfaces_info": ("ping", 1.25),
}

SETTINGS = {"inet_protocols": "all", "smtp_bind_address": "", "smtp_bind_address6": ""}


def idiom(interfaces: str) -> dict[str, Any]:
    """What most roles do for the same settings."""
    settings = {
        "inet_interfaces": interfaces,
        "inet_protocols": "all",
        "smtp_bind_address": "",
        "smtp_bind_address6": "",
    }
    edits = [
        {
            "name": f"Set {name}",
            "ansible.builtin.lineinfile": {
                "path": "/etc/postfix/main.cf",
                "regexp": f"^{name} *=",
                "line": f"{name} = {value}",
            },
            "notify": "Restart Postfix",
        }
        for name, value in settings.items()
    ]
    read = {"name": "Read", "ansible.builtin.command": "postconf -h inet_interfaces", "changed_when": False}
    check = {"name": "Check", "ansible.builtin.command": "postfix check", "changed_when": False}
    restart = {"name": "Restart Postfix", "ansible.builtin.service": {"name": "postfix", "state": "restarted"}}
    return {"gather_facts": True, "tasks": [read, *edits, check], "handlers": [restart]}


def role(interfaces: str) -> dict[str, Any]:
    variables = {"inet_interfaces": interfaces, **SETTINGS, "findings": "ignore"}
    variables = {f"postfix_interfaces_{name}": value for name, value in variables.items()}
    return {"gather_facts": False, "tasks": [{"ansible.builtin.include_role": {"name": ROLE}}], "vars": variables}


def module(name: str, **options: str) -> dict[str, Any]:
    return {"gather_facts": False, "tasks": [{name: options}]}


def plays() -> list[tuple[str, dict[str, Any]]]:
    """The plays of one turn. After it, all is as before."""
    wide, narrow = "all", "loopback-only"
    line = {"inet_interfaces": wide, "inet_protocols": "all"}
    return [
        ("role with a restart", role(narrow)),
        ("role with a restart", role(wide)),
        ("role", role(wide)),
        ("ping", module("ansible.builtin.ping")),
        ("postfix_interfaces", module("mailfleet.postfix.postfix_interfaces", apply="true", findings="ignore", **line)),
        ("postfix_apply", module("mailfleet.postfix.postfix_apply")),
        ("postfix_interfaces_info", module("mailfleet.postfix.postfix_interfaces_info")),
        ("idiom with a restart", idiom(narrow)),
        ("idiom with a restart", idiom(wide)),
        ("idiom", idiom(wide)),
    ]


def durations(names: list[str]) -> dict[str, list[float]]:
    """The seconds of each play, the first turn left out: it opens the connections."""
    listed = [
        {"name": f"{name} {number}", "hosts": ":".join(names), **play}
        for number, (name, play) in enumerate(plays() * (TURNS + 1))
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "plays",
        "ANSIBLE_COLLECTIONS_PATH": str(HERE.parents[1] / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORKS": FORKS,
        "MAILFLEET_KEPT_ARCHIVES": "no",  # tests/toolchain/kept_archives.py
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump(listed, file)
        file.flush()
        command = ["ansible-playbook", "--inventory", str(hosts.write_inventory()), file.name]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr)
    found: dict[str, list[float]] = {}
    for name, number, seconds in re.findall(r"^PLAY (.+) (\d+) (\S+)$", done.stdout, re.M):
        if int(number) >= len(plays()):
            found.setdefault(name, []).append(float(seconds))
    return found


def main() -> int:
    """Measure on hosts of the releases that are given, in turns; returns the exit status."""
    suites = sys.argv[1:]
    networks.add_network("bench", "10.9.1.0/24", "fd00:91::/64")
    wanted = []
    for number in range(HOSTS):
        attachment = networks.Attachment("bench", (f"10.9.1.{number + 10}", f"fd00:91::{number + 10}"))
        wanted.append((f"bench{number + 1}", suites[number % len(suites)], [attachment]))
    added = hosts.add_hosts(*wanted)
    for host in added:
        host.run(
            "sh", "-c", "postconf -e inet_interfaces=all inet_protocols=all smtp_bind_address= smtp_bind_address6="
        )
        host.run("systemctl", "restart", "postfix")
    found = durations([host.name for host in added])
    medians = {name: statistics.median(each) for name, each in found.items()}
    for name, seconds in medians.items():
        print(f"{name}: {seconds:.2f} s (of {len(found[name])})")
    failed = False
    for name, (basis, limit) in LIMITS.items():
        ratio = medians[name] / medians[basis]
        failed = failed or ratio > limit
        print(f"{name} / {basis}: {ratio:.2f} (at most {limit})")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
