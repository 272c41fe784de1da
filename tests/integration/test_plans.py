# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random changes of an inventory: what the playbook plan foretells against what converge then does; see tests/plans.

MAILFLEET_PLANS says how many changes of a host on each release, MAILFLEET_SEED from what they are generated, and
MAILFLEET_PLAN names single ones, such as "1/17 77/3", each of which is one for several hosts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.tests.plans.compare import Look, Runs, differences
from ansible_collections.mailfleet.postfix.tests.plans.generate import Variables, as_variables, change, of_addresses
from conftest import SUITES
from fleet import OTHER, PLAYS, STATE, MailHost
from mailfleet_lab import hosts, networks

PLANS = int(os.environ.get("MAILFLEET_PLANS", "4"))
SEED = int(os.environ.get("MAILFLEET_SEED", "1"))
ONLY = os.environ.get("MAILFLEET_PLAN", "").split()
HOSTS = min(PLANS, 6) if not ONLY else 6
_GROUP = "mail"
_CONFIRM = 120


class PlannedFleet:
    """Hosts of one release, which are alike but for their addresses, and what is done with two inventories."""

    def __init__(self, suite: str, path: Path) -> None:
        number = SUITES.index(suite) + 1
        network = f"plans{number}"
        networks.add_network(network, f"10.4.{number}.0/24", f"fd00:4:{number}::/64")
        wanted = []
        for host in range(HOSTS):
            addresses = [f"{prefix}{10 * host + more}" for prefix in self._prefixes(number) for more in (10, 11)]
            wanted.append((f"{suite}-p{host}", suite, [networks.Attachment(network, tuple(addresses))]))
        gate = [f"{prefix}1" for prefix in self._prefixes(number)]
        self.hosts = [MailHost(each, *gate) for each in hosts.add_hosts(*wanted)]
        self._path = path
        self._stock = path / "stock"
        self._stock.mkdir()
        root = self.hosts[0].host.root
        for name in ("main.cf", "master.cf"):
            (self._stock / name).write_bytes((root / "root/postfix.stock" / name).read_bytes())
            prototype = next(root.glob(f"usr/share/postfix/{name}.proto"), root / f"etc/postfix/{name}.proto")
            (self._stock / f"{name}.proto").write_bytes(prototype.read_bytes())
        self._audit = path / "audit.json"
        self._play("audit", self._inventory("audit", {}, [{} for _host in self.hosts]), self._audit)

    @staticmethod
    def _prefixes(number: int) -> tuple[str, str]:
        return f"10.4.{number}.", f"fd00:4:{number}::"

    def _inventory(self, name: str, group: Variables, own: Sequence[Variables]) -> Path:
        """Write an inventory with the variables of the group and of each host."""
        place = self._path / name
        for directory in ("group_vars", "host_vars"):
            (place / directory).mkdir(parents=True, exist_ok=True)
        known = json.loads(hosts.write_inventory().read_text())["all"]
        members = {host.name: {"ansible_host": host.host.address} for host in self.hosts}
        everybody = {"vars": known["vars"], "children": {_GROUP: {"hosts": members}}}
        (place / "hosts.json").write_text(json.dumps({"all": everybody}))
        (place / f"group_vars/{_GROUP}.json").write_text(json.dumps(as_variables(group)))
        for host, variables in zip(self.hosts, own, strict=True):
            addresses = (host.ipv4, host.ipv4_b, host.ipv6, host.ipv6_b)
            text = json.dumps({**of_addresses(addresses), **as_variables(variables)})
            (place / f"host_vars/{host.name}.json").write_text(text)
        return place

    def _play(self, playbook: str, inventory: Path | None, report: Path, **variables: Any) -> str:
        """Run a playbook of the collection and return what it said; its report is written."""
        report.unlink(missing_ok=True)
        done = subprocess.run(
            [
                "ansible-playbook",
                *(["--inventory", str(inventory)] if inventory else []),
                f"mailfleet.postfix.{playbook}",
                "-e",
                json.dumps({"mailfleet_report_json": str(report), **variables}),
            ],
            cwd=self._path,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(PLAYS / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        assert report.exists(), done.stdout
        return done.stdout

    def try_out(self, seed: int, number: int) -> tuple[list[str], Counter[str]]:
        """Foretell a change, do it, and return what differs, and what came of it."""
        base, base_hosts, proposal, proposal_hosts = change(seed, number, len(self.hosts))
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(MailHost.reset, self.hosts))
        old = self._inventory(f"base{number}", base, base_hosts)
        new = self._inventory(f"proposal{number}", proposal, proposal_hosts)
        knows_stock = number % 2 == 0
        stock = {"mailfleet_stock": str(self._stock)} if knows_stock else {}
        place = {"mailfleet_base": str(old), "mailfleet_proposal": str(new), "mailfleet_audit": str(self._audit)}
        place["mailfleet_confirm"] = _CONFIRM
        place["mailfleet_names"] = {"localhost": ["127.0.0.1", "::1"]}
        said = [self._play("plan", None, self._path / "plan.json", **place, **stock)]
        planned = self._read("plan.json")
        found = {host.name: host for host in self.hosts}
        said.append(self._play("converge", old, self._path / "first.json", mailfleet_confirm=0, mailfleet_max_fail=99))
        before = {name: _look(host) for name, host in found.items()}
        confirm = {"mailfleet_confirm": _CONFIRM, "mailfleet_max_fail": 99}
        said.append(self._play("converge", new, self._path / "second.json", **confirm))
        first, second = self._read("first.json"), self._read("second.json")
        wrong, outcomes = [], Counter[str]()
        for position, (name, host) in enumerate(found.items()):
            runs = Runs(first[name], second[name], before[name], _look(host), _was_confirmed(host))
            different = differences(planned[name], runs, knows_stock=knows_stock)
            outcomes.update(_outcome(record) for record in second[name])
            wrong += [f"change {seed}/{number}, {name}: {difference}" for difference in different]
            if different:
                print(json.dumps([base, base_hosts[position], proposal, proposal_hosts[position]]), flush=True)
        if wrong and os.environ.get("MAILFLEET_VERBOSE"):
            print(*said, sep="\n")
        return wrong, outcomes

    def _read(self, name: str) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for record in json.loads((self._path / name).read_text())["instances"]:
            found.setdefault(record["host"], []).append(record)
        return found


def _look(host: MailHost) -> Look:
    places = {"-": "/var/spool/postfix", "postfix-out": "/var/spool/postfix-out"}
    alive = "read -r pid <{place}/pid/master.pid && test -d /proc/$pid && echo $pid || echo"
    command = "; ".join(alive.format(place=place) for place in places.values())
    numbers = host.run("sh", "-c", f"exec 2>/dev/null; {command}").stdout.split("\n")
    files = host.contents() + host.run("sh", "-c", f"sha256sum {OTHER}/*.cf 2>/dev/null || true").stdout
    masters = {name: number.strip() for name, number in zip(places, numbers, strict=False) if number.strip()}
    return Look(frozenset(host.sockets()), masters, files)


def _was_confirmed(host: MailHost) -> bool:
    """Return whether the last change of a host was tried from outside, and confirmed."""
    return host.run("grep", "-q", '"confirmed"', f"{STATE}/window.json", check=False).returncode == 0


def _outcome(record: Mapping[str, Any]) -> str:
    return "refused" if record["status"] == "refused" else str(record["action"])


@pytest.mark.parametrize("suite", SUITES)
def test_a_plan_foretells_what_a_rollout_does(suite: str, tmp_path: Path) -> None:
    fleet = PlannedFleet(suite, tmp_path)
    turns = -(-PLANS // HOSTS)
    first = turns * SUITES.index(suite)  # other ones on each release
    names = ONLY or [f"{SEED}/{number}" for number in range(first, first + turns)]
    wrong, outcomes = [], Counter[str]()
    for name in names:
        different, came = fleet.try_out(*map(int, name.split("/")))
        wrong += different
        outcomes += came
        print(*different, sep="\n", flush=True)
    print(f"seed {SEED}, {suite}: {len(names) * HOSTS} changes of a host: {dict(outcomes.most_common())}")
    assert not wrong, f"{len(wrong)} differences in {len(names) * HOSTS} changes:\n" + "\n".join(wrong)
