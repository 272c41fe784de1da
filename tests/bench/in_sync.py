# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module costs on a host where it has nothing to do, beside ansible.builtin.ping: make bench-apply.

Over ssh with pipelining, in turns, one task after the other in one play; the ratio of the medians counts.
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

from fleet import STATE, MailHost
from mailfleet_lab import hosts, networks

OURS = "mailfleet.postfix"
#: how many times as long as ping each may take
LIMITS = {"postfix_interfaces": 1.15, "postfix_apply": 1.15, "postfix_interfaces_info": 1.25}
#: and a host with many addresses as one with few
MANY, LIMIT_MANY = 400, 2
#: and one with many sources by name as one with few, besides what the text of their services costs
FEW_SOURCES, MANY_SOURCES, LIMIT_SOURCES = 3, 300, 1.5
TURNS = int(os.environ.get("MAILFLEET_TURNS", "30"))
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

Task = dict[str, Any]


def durations(host: str, tasks: dict[str, Task]) -> dict[str, float]:
    """The median of the milliseconds that each task takes, by its name.

    The first turns are left out: one opens the connection, and one may compile.
    """
    turns = [{"name": name, **task} for _turn in range(TURNS + 2) for name, task in tasks.items()]
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "durations",
        "ANSIBLE_COLLECTIONS_PATH": str(HERE.parents[1] / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "MAILFLEET_KEPT_ARCHIVES": "no",  # tests/toolchain/kept_archives.py
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as play:
        json.dump([{"hosts": host, "gather_facts": False, "tasks": turns}], play)
        play.flush()
        command = ["ansible-playbook", "--inventory", str(hosts.write_inventory()), play.name]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "changed=0" in said
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for name, seconds in re.findall(r"^DURATION (\w+) (\S+)$", said, re.M):
        found[name].append(float(seconds) * 1000)
    return {name: statistics.median(each[2:]) for name, each in found.items()}


def is_slow(shown: str, ratio: float, limit: float) -> bool:
    """Print a ratio with its limit, and return whether it is above that."""
    print(f"  {shown}, {ratio:.2f} times (at most {limit})", flush=True)
    return ratio > limit


def beside_ping(host: MailHost) -> bool:
    """Measure each module in turns with ping, on a host that is in line; return whether one is too slow."""
    wanted = {"inet_interfaces": ["127.0.0.1", host.ipv4, host.ipv6], "smtp_bind_address": host.ipv4}
    assert host.bring(wanted)["in_sync"]
    host.run("sh", "-c", f"rm -f {STATE}/byte-code.*")  # what is measured has to write it itself
    tasks: dict[str, Task] = {"ping": {"ansible.builtin.ping": {}}}
    tasks.update((name, {f"{OURS}.{name}": wanted if name == "postfix_interfaces" else {}}) for name in LIMITS)
    found = durations(host.name, tasks)
    print(f"  ping {found['ping']:.0f} ms")
    slow = [is_slow(f"{name} {found[name]:.0f} ms", found[name] / found["ping"], LIMITS[name]) for name in LIMITS]
    started = host.core(COUNT)
    print(f"  processes of postfix_apply: {len(started)} ({', '.join(' '.join(each[:3]) for each in started)})")
    return any(slow) or bool(started)


def with_many_addresses(host: MailHost) -> bool:
    """Measure postfix_interfaces with few and with many selected addresses; return whether many take too long."""
    select = {"inet_interfaces": ["loopback", "10.0.0.0/8", "fd00::/8"]}
    milliseconds = []
    for count in (0, MANY):
        added = [f"10.99.0.{number}/16" for number in range(1, count // 2)]
        added += [f"fd00:99::{number:x}/64" for number in range(1, count // 2)]
        lines = [f"address add {address} dev eth0 nodad\n" for address in added]
        host.run("ip", "-batch", "-", input="".join(lines), stdin=None)
        assert host.core(f"edit(find_instance(), Wanted({{}}, select={select}))\nanswer = bring()")["in_sync"]
        found = durations(host.name, {"select": {f"{OURS}.postfix_interfaces": {"select": select}}})
        milliseconds.append(found["select"])
    few, many = milliseconds
    shown = f"postfix_interfaces, select of a few addresses {few:.0f} ms, of {MANY} {many:.0f} ms"
    return is_slow(shown, many / few, LIMIT_MANY)


def with_many_sources(host: MailHost) -> bool:
    """Measure check mode and a run that changes nothing, with few and with many sources; return whether many are slow.

    What their text costs is what a run takes on the same files that is asked for nothing.
    """
    milliseconds: dict[str, list[float]] = {"check mode": [], "a second run": [], "the text": []}
    for count in (FEW_SOURCES, MANY_SOURCES):
        host.reset()
        names = {f"out{number}": f"10.98.{number // 250}.{number % 250 + 1}" for number in range(count)}
        lines = [f"address add {address}/16 dev eth0\n" for address in names.values()]
        host.run("ip", "-force", "-batch", "-", input="".join(lines), stdin=None, check=False)
        sources = {name: {"address": address, "helo": f"{name}.example.net"} for name, address in names.items()}
        choice = f"randmap:{{{', '.join(f'{name}:' for name in names)}}}"
        host.edit("sender_dependent_default_transport_maps", choice)
        host.run("systemctl", "restart", host.unit)
        run = {f"{OURS}.postfix_interfaces": {"sources": sources, "apply": True}}
        checked = {**run, "check_mode": True, "changed_when": False}
        milliseconds["check mode"].append(durations(host.name, {"run": checked})["run"])
        assert host.bring({"sources": sources})["in_sync"]
        milliseconds["a second run"].append(durations(host.name, {"run": run})["run"])
        host.run("rm", "-rf", STATE)  # so that nothing is abandoned
        assert host.bring({})["in_sync"]
        nothing = {f"{OURS}.postfix_interfaces": {"apply": True}}
        milliseconds["the text"].append(durations(host.name, {"run": nothing})["run"])
    few_text, many_text = milliseconds.pop("the text")
    print(f"  on files with {FEW_SOURCES} sources {few_text:.0f} ms, with {MANY_SOURCES} {many_text:.0f} ms")
    slow = []
    for name, (few, many) in milliseconds.items():
        shown = f"{name} with {FEW_SOURCES} sources {few:.0f} ms, with {MANY_SOURCES} {many:.0f} ms; without their text"
        slow.append(is_slow(shown, (many - many_text + few_text) / few, LIMIT_SOURCES))
    return any(slow)


def main() -> int:
    """Measure on a host of each release that is given; returns the exit status."""
    slow = []
    for number, suite in enumerate(sys.argv[1:], start=1):
        networks.add_network(f"bench{number}", f"10.9.{number}.0/24", f"fd00:9{number}::/64")
        addresses = tuple(f"{start}{last}" for start in (f"10.9.{number}.", f"fd00:9{number}::") for last in (10, 11))
        attachment = networks.Attachment(f"bench{number}", addresses)
        (lab_host,) = hosts.add_hosts((f"bench-{suite}", suite, [attachment]))
        host = MailHost(lab_host, f"10.9.{number}.1", f"fd00:9{number}::1")
        print(f"{suite}:")
        slow += [beside_ping(host), with_many_addresses(host), with_many_sources(host)]
    return int(any(slow))


if __name__ == "__main__":
    sys.exit(main())
