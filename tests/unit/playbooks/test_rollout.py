# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a rollout goes on, when it stops, and what it says. Ansible runs for real, over hosts that only answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

TESTS = Path(__file__).resolve().parents[2]
PLAYBOOKS = TESTS.parent / "playbooks"
TREE = next(path for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())
COMMAND = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = [pytest.mark.one_python, pytest.mark.skipif(COMMAND is None, reason="without ansible-playbook")]

HOSTS = {"canary": ["c1"], "site_a": ["a1", "a2"], "site_b": ["b1", "b2"]}
PART = {
    "instance": "-",
    "config_directory": "/etc/postfix",
    "changed": True,
    "files": ["/etc/postfix/main.cf"],
    "action": "restart",
    "in_sync": True,
    "reasons": [
        {
            "parameter": "inet_interfaces",
            "before": "all",
            "after": "127.0.0.1",
            "action": "restart",
            "why": "the master opens its sockets when it starts",
        }
    ],
    "sockets": [{"address": "127.0.0.1", "port": 25, "state": "listening"}],
    "findings": [],
    "after": {
        "listeners": [],
        "source_addresses": [
            {
                "transport": "smtp",
                "ipv4": {"address": None, "origin": "kernel", "enforced": False, "failure": None},
                "ipv6": None,
            }
        ],
        "own_addresses": [],
        "mynetworks": [],
        "error": None,
    },
}
GONE = {**PART, "instance": "postfix-out", "files": [], "action": "none", "reasons": [], "sockets": [], "after": None}
GONE["steps"] = ["The instance postfix-out is stopped", "The instance postfix-out is removed"]
IN_LINE = {**PART, "changed": False, "files": [], "action": "none", "reasons": []}


class Played(NamedTuple):
    """How a rollout ended, what it said, and when it touched which hosts."""

    status: int
    said: str
    touched: dict[str, float]

    @property
    def progress(self) -> list[str]:
        """What was said of each batch."""
        return re.findall(r'^ +"(batch .*?)",?$', self.said, re.M)

    @property
    def table(self) -> list[str]:
        """The table at the end, without its indentation."""
        return re.findall(r'^ +"(.*?)",?$', self.said.rpartition("TASK [Show a table")[2], re.M)

    @property
    def failed(self) -> dict[str, int]:
        """How often each host failed by Ansible's recap."""
        return {host: int(number) for host, number in re.findall(r"^(\w+) +: .*failed=(\d+)", self.said, re.M)}


class Fleet:
    """An inventory of stub hosts, and rollouts over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.playbook = PLAYBOOKS / "converge.yml"
        self.write(
            "hosts.json",
            {"mail": {"children": {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in HOSTS.items()}}},
        )
        (path / "group_vars").mkdir()
        stub = {"ansible_connection": "stub", "ansible_become": False, "ansible_python_interpreter": "/usr/bin/python3"}
        self.write("group_vars/all.json", stub)
        self.answer(PART)

    def write(self, name: str, content: object) -> None:
        """Write a file of JSON, which is YAML too."""
        (self.path / name).write_text(json.dumps(content), encoding="utf-8")

    def answer(self, *parts: dict[str, Any]) -> None:
        """Have each host answer with these instances."""
        changed = any(part["changed"] for part in parts)
        self.write("answer.json", {"changed": changed, "instances": parts, "survey": {"seconds": 1.25}})

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, **variables: Any
    ) -> "subprocess.Popen[str]":
        """Start a rollout over all groups in a process group of its own."""
        variables = {f"mailfleet_{name}": value for name, value in {"groups": list(HOSTS), **variables}.items()}
        (self.path / "touched").write_text("")
        return subprocess.Popen(
            [
                str(COMMAND),
                "-i",
                str(self.path / "hosts.json"),
                str(self.playbook),
                "-e",
                json.dumps(variables),
                *arguments,
            ],
            cwd=self.path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.path),
                "LC_ALL": "C.UTF-8",
                "PYTHONUNBUFFERED": "1",
                "ANSIBLE_COLLECTIONS_PATH": str(TREE),
                "ANSIBLE_CONNECTION_PLUGINS": str(TESTS / "bench" / "connection_plugins"),
                "ANSWER": str(self.path / "answer.json"),
                "TOUCHED": str(self.path / "touched"),
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def end(self, process: "subprocess.Popen[str]") -> Played:
        """Wait for a rollout."""
        said = process.communicate(timeout=120)[0]
        lines = [line.split() for line in (self.path / "touched").read_text().splitlines()]
        return Played(process.returncode, said, {host: float(when) for host, when in lines})

    def roll_out(
        self,
        *arguments: str,
        failing: str = "",
        down: str = "",
        environment: dict[str, str] | None = None,
        **variables: Any,
    ) -> Played:
        """Roll out over all groups.

        :param failing: the hosts on which the role fails
        :param down: those that cannot be reached
        """
        environment = {"FAILING": failing, "UNREACHABLE": down, **(environment or {})}
        return self.end(self.start(*arguments, environment=environment, **variables))


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def test_the_progress_and_the_table(fleet: Fleet) -> None:
    fleet.answer(PART, GONE)
    played = fleet.roll_out()
    assert played.status == 0, played.said
    assert played.progress == [
        "batch 1 of 3: 1 host of canary; 0 of 5 hosts done, 0 failed",
        "batch 1 of 3 is over: 1 of 5 hosts done, 0 failed",
        "batch 2 of 3: 2 hosts of site_a; 1 of 5 hosts done, 0 failed",
        "batch 2 of 3 is over: 3 of 5 hosts done, 0 failed",
        "batch 3 of 3: 2 hosts of site_b; 3 of 5 hosts done, 0 failed",
        "batch 3 of 3 is over: 5 of 5 hosts done, 0 failed",
    ]
    did = (
        "c1: main.cf changed, restart because of inet_interfaces; "
        "postfix-out: The instance postfix-out is stopped, The instance postfix-out is removed (1.2 s)"
    )
    assert f'"  {did}"' in played.said
    assert [re.sub(" +", " ", line) for line in played.table[:9]] == [
        "c1 canary (default) files changed restart 1.2 s",
        " changed: main.cf",
        " restart: inet_interfaces from all to 127.0.0.1: the master opens its sockets when it starts",
        " listens on 127.0.0.1:25",
        " sends from smtp=kernel",
        "c1 canary postfix-out removed none",
        " The instance postfix-out is stopped",
        " The instance postfix-out is removed",
        "a1 site_a (default) files changed restart 1.2 s",
    ]
    assert played.table[-1] == "5 hosts: 5 changed"


def test_a_host_in_line_costs_one_task(fleet: Fleet) -> None:
    """The role and nothing else, apart from the tasks that a batch has once."""
    fleet.answer(IN_LINE)
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(TESTS / "integration" / "plays" / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "events",
        "EVENTS": str(fleet.path / "events"),
    }
    played = fleet.roll_out(environment=environment, serial=5)
    assert played.status == 0, played.said
    assert '"  in line already: 5 hosts"' in played.said
    events = Counter((fleet.path / "events").read_text(encoding="utf-8").split())
    assert sorted(events.values())[:4] == [2, 2, 2, 2], events


@pytest.mark.parametrize(
    "limit, failing, touched",
    [
        (0, "a1", "c1 a1 a2"),
        # All hosts of a batch fail, where Ansible itself would stop.
        (2, "a1 a2", "c1 a1 a2 b1 b2"),
        ("40%", "a1 a2", "c1 a1 a2 b1 b2"),
        # The whole run counts and not the batch.
        (1, "c1 a1", "c1 a1 a2"),
        ("39%", "a1 a2", "c1 a1 a2"),
    ],
)
def test_hosts_may_fail(fleet: Fleet, limit: object, failing: str, touched: str) -> None:
    played = fleet.roll_out(failing=failing, max_fail=limit)
    assert played.status == 2, played.said
    assert set(played.touched) == set(touched.split()), played.said
    assert {host for host, number in played.failed.items() if number} == set(failing.split())
    untouched = [line for line in played.table if line.endswith("left alone") and not line.startswith("5 hosts")]
    assert {line.split()[0] for line in untouched} == {"c1", "a1", "a2", "b1", "b2"} - set(touched.split())
    assert ("of later batches" in played.said) == bool(untouched)


def test_a_host_that_cannot_be_reached_stops_a_rollout(fleet: Fleet) -> None:
    played = fleet.roll_out(down="a1", max_fail=5)
    assert (played.status, set(played.touched)) == (2, {"c1", "a2"}), played.said
    assert any(re.match("a1 +site_a +UNREACHABLE: nobody answers", line) for line in played.table)


@pytest.mark.parametrize("allowed, status", [(False, 2), (True, 0)])
def test_a_host_that_cannot_be_reached_is_skipped(fleet: Fleet, allowed: bool, status: int) -> None:
    played = fleet.roll_out(down="a1 a2", unreachable="skip", allow_unreachable=allowed)
    assert (played.status, set(played.touched)) == (status, {"c1", "b1", "b2"}), played.said
    assert "skipped, as they could not be reached: a1, a2" in played.table
    assert {host for host, number in played.failed.items() if number} == (set() if allowed else {"a1", "a2"})


@pytest.mark.parametrize("serial, sizes", [(2, [2, 2, 1]), ([1, "80%"], [1, 4])])
def test_batches(fleet: Fleet, serial: object, sizes: list[int]) -> None:
    fleet.answer(IN_LINE)
    played = fleet.roll_out(serial=serial)
    assert played.status == 0, played.said
    begun = [line for line in played.progress if " is over" not in line]
    assert [int(re.findall(r": (\d+) hosts?", line)[0]) for line in begun] == sizes
    assert begun[-1].startswith(f"batch {len(sizes)} of {len(sizes)}: ")


def give_many_hosts(fleet: Fleet) -> list[str]:
    """Have the group large, with more hosts than Ansible is given at a time; return them."""
    large = [f"h{number}" for number in range(252)]
    groups = {"canary": ["c1"], "large": large, "site_b": ["b1"]}
    children = {name: {"hosts": dict.fromkeys(hosts)} for name, hosts in groups.items()}
    fleet.write("hosts.json", {"mail": {"children": children}})
    fleet.answer(IN_LINE)
    return large


@pytest.mark.dear
def test_a_large_batch_is_done_in_parts(fleet: Fleet) -> None:
    """Which is to be seen in its progress only: it is one batch, with one pause before it and one decision after it."""
    large = give_many_hosts(fleet)
    played = fleet.roll_out(failing="h3", groups=["canary", "large", "site_b"], pause=2)
    assert played.status == 2, played.said
    assert played.progress == [
        "batch 1 of 3: 1 host of canary; 0 of 254 hosts done, 0 failed",
        "batch 1 of 3 is over: 1 of 254 hosts done, 0 failed",
        "batch 2 of 3: 252 hosts of large; 1 of 254 hosts done, 0 failed",
        "batch 2 of 3 goes on: 251 of 254 hosts done, 1 failed",
        "batch 2 of 3 is over: 253 of 254 hosts done, 1 failed",
    ]
    assert set(played.touched) == {"c1", *large}
    assert min(played.touched[host] for host in large) - played.touched["c1"] >= 2
    assert "h3: FAILED: cannot be applied" in played.said
    assert played.table[-1] == "254 hosts: 1 failed, 1 left alone, 252 in line"
    assert len(played.table) > 254


@pytest.mark.parametrize("hooks, parts", [({}, 2), ({"before": "x"}, 1), ({"after": "x"}, 1), ({"after": ""}, 2)])
def test_hooks_see_a_large_batch_as_a_whole(fleet: Fleet, hooks: dict[str, str], parts: int) -> None:
    """As they may have tasks that run once for it, and run on all of its hosts before the role."""
    give_many_hosts(fleet)
    played = fleet.roll_out("--tags", "none", groups=["large"], **hooks)
    assert played.said.count("PLAY [Set Postfix's addresses") == parts, played.said


@pytest.mark.dear
def test_an_audit_in_parts_makes_one_report(fleet: Fleet) -> None:
    large = give_many_hosts(fleet)
    fleet.playbook = PLAYBOOKS / "audit.yml"
    played = fleet.roll_out(failing="h3", down="b1", groups=["canary", "large", "site_b"], report_json="audit.json")
    assert played.status == 2, played.said
    assert set(played.touched) == {"c1", *large}
    table = re.findall(r'^ +"(.*?)",?$', played.said, re.M)
    assert table.count("254 hosts: 1 unreachable, 1 failed, 252 in line") == 1
    assert {host for host, number in played.failed.items() if number} == {"h3", "b1"}
    report = json.loads((fleet.path / "audit.json").read_text())
    assert [each["host"] for each in report["instances"]] == ["c1", *large, "b1"]
    assert {each["group"] for each in report["instances"]} == {"canary", "large", "site_b"}


def test_a_pause_between_batches(fleet: Fleet) -> None:
    played = fleet.roll_out(pause=2)
    assert played.status == 0, played.said
    assert played.touched["a1"] - played.touched["c1"] >= 2
    assert min(played.touched["b1"], played.touched["b2"]) - played.touched["a1"] >= 2
    start = time.monotonic()
    assert fleet.roll_out("--check", pause=1000).status == 0
    assert time.monotonic() - start < 500


def test_check_mode_goes_through_all_batches(fleet: Fleet) -> None:
    fleet.answer({**PART, "in_sync": False})
    played = fleet.roll_out("--check")
    assert (played.status, len(played.touched)) == (0, 5), played.said
    played = fleet.roll_out()
    assert (played.status, set(played.touched)) == (2, {"c1"}), played.said
    assert "is not in line" in played.said


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("max_fail", "many", "mailfleet_max_fail: 'many' is neither a number of hosts nor a percentage"),
        ("unreachable", "ignore", "mailfleet_unreachable: 'ignore' is neither stop nor skip"),
        ("before", "there_is_none.yml", "mailfleet_before: 'there_is_none.yml' is not a file"),
        ("serial", 0, "mailfleet_serial: '0' is neither a number of hosts from 1 nor a percentage"),
    ],
)
def test_what_is_mistyped_ends_before_any_host(fleet: Fleet, name: str, value: object, words: str) -> None:
    played = fleet.roll_out(**{name: value})
    assert (played.status != 0, played.touched) == (True, {}), played.said
    assert words in played.said.replace("\\", "")


def hooks(fleet: Fleet) -> None:
    """Hooks that say what they do, and whose first task fails on a host by a variable."""
    say = {"ansible.builtin.shell": f"echo HOOK {{{{ inventory_hostname }}}} >>{fleet.path}/hooks"}
    say["delegate_to"] = "localhost"  # type: ignore[assignment]
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    for name in ("before", "after"):
        command = say["ansible.builtin.shell"].replace("HOOK", name)
        fail = {"ansible.builtin.fail": {"msg": "no"}, "when": f"inventory_hostname == fail_{name} | default('')"}
        far = {
            "ansible.builtin.ping": None,
            "delegate_to": "far",
            "vars": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
            "when": f"inventory_hostname in far_{name} | default('')",
        }
        fleet.write(
            f"{name}.yml",
            [
                {"name": "Ask", **fail},
                {"name": "Ask far away", **far},
                {**say, "ansible.builtin.shell": command, "vars": local, "changed_when": False},
            ],
        )


def test_hooks_run_on_each_host_that_is_well(fleet: Fleet) -> None:
    hooks(fleet)
    played = fleet.roll_out(
        "-e", "fail_before=a2", failing="b1", before="before.yml", after=str(fleet.path / "after.yml"), max_fail=5
    )
    assert played.status == 2, played.said
    assert set(played.touched) == {"c1", "a1", "b1", "b2"}
    said = (fleet.path / "hooks").read_text().splitlines()
    assert sorted(said) == sorted(
        [f"before {host}" for host in ("c1", "a1", "b1", "b2")] + [f"after {host}" for host in ("c1", "a1", "b2")]
    )
    assert said.index("after c1") < said.index("before a1")
    assert any(re.match("a2 +site_a +FAILED: mailfleet_before: Ask: no", line) for line in played.table), played.said
    assert played.table[-1] == "5 hosts: 2 failed, 3 changed"


def test_a_hook_that_fails_stops_a_rollout(fleet: Fleet) -> None:
    hooks(fleet)
    played = fleet.roll_out("-e", "fail_after=c1", after="after.yml")
    assert (played.status, set(played.touched)) == (2, {"c1"}), played.said
    assert any(re.match("c1 +canary +FAILED: mailfleet_after: Ask: no", line) for line in played.table), played.said
    assert any(re.match(r"c1 +canary +\(default\) ", line) for line in played.table), played.said


def test_a_hook_that_reaches_nobody_is_no_reason_to_go_on(fleet: Fleet) -> None:
    hooks(fleet)
    played = fleet.roll_out("-e", "far_before=a1", before="before.yml", max_fail=5)
    assert (played.status != 0, set(played.touched)) == (True, {"c1", "a2"}), played.said
    assert any(re.match("a1 +site_a +UNREACHABLE: Ansible has dropped the host", line) for line in played.table), (
        played.said
    )
    played = fleet.roll_out("-e", "far_before=a1", before="before.yml", unreachable="skip")
    assert (played.status != 0, set(played.touched)) == (True, {"c1", "a2", "b1", "b2"}), played.said
    # The role has run there, but the host is not back in service.
    played = fleet.roll_out("-e", "far_after=a1", after="after.yml", unreachable="skip")
    assert (played.status != 0, set(played.touched)) == (True, {"c1", "a1", "a2"}), played.said
    assert any(re.match("a1 +site_a +FAILED: Ansible has dropped the host", line) for line in played.table), played.said
    # A batch of which no host is left ends Ansible's play, but not without a table.
    played = fleet.roll_out("-e", "far_before=a1a2", before="before.yml", max_fail=5)
    assert played.status != 0
    assert set(played.touched) == {"c1"}, played.said
    assert "The rollout did not come to its end. It was in batch 2 of 3; 1 of 5 hosts" in played.said
    assert re.search(r"^c1 +canary +\(default\) +files changed", played.said, re.M)
    assert re.search("^b1 +site_b +left alone", played.said, re.M)


KILLS: dict[str, Callable[[int, int], None]] = {"the process": os.kill, "its group": os.killpg}


@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_an_interrupted_rollout_says_what_was_done(fleet: Fleet, kill: Callable[[int, int], None]) -> None:
    process = fleet.start(environment={"NAP": "4", "ANSIBLE_FORKS": "1"})
    deadline = time.monotonic() + 60
    while "a2" not in (fleet.path / "touched").read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    kill(process.pid, signal.SIGINT)
    played = fleet.end(process)
    assert played.status == 99, played.said
    assert set(played.touched) == {"c1", "a1", "a2"}
    told = played.said.rpartition("The rollout did not come to its end.")[2]
    assert told.startswith(" It was in batch 2 of 3; 1 of 5 hosts were done before.")
    assert re.search(r"^c1 +canary +\(default\) +files changed", told, re.M)
    assert re.search(r"^a1 +site_a +\(default\) +files changed", told, re.M)
    assert re.search("^a2 +site_a +FAILED: The rollout ended while it was at work on this host", told, re.M)
    assert re.search("^b1 +site_b +left alone", told, re.M)
    assert "5 hosts: 1 failed, 2 left alone, 2 changed" in told
