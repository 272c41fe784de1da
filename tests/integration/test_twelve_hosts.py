# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout over twelve real hosts through all that goes wrong, by the oldest and the newest ansible-core.

MAILFLEET_CORES says where their programs are (tests/toolchain/core.sh). `make rollout` runs this.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import SUITES
from fleet import WILDCARDS, MailHost
from mailfleet_lab import hosts, networks
from rollouts import Rollouts, in_table

CORES = os.environ.get("MAILFLEET_CORES", "").split()
WANTED = {
    "postfix_interfaces_select": {"inet_interfaces": ["loopback", "10.3.1.0/24"]},
    "postfix_interfaces_findings": "ignore",
}
GROUPS = {"canary": 1, "site_a": 5, "site_b": 6}
#: what an ansible.cfg may say
HOSTILE = {
    "ANSIBLE_STRATEGY": "free",
    "ANSIBLE_ANY_ERRORS_FATAL": "true",
    "ANSIBLE_FORKS": "2",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_TASK_TIMEOUT": "1",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
}


@pytest.fixture(scope="session")
def dozen() -> list[MailHost]:
    """Twelve hosts, of the releases in turns."""
    networks.add_network("dozen", "10.3.1.0/24", "fd00:3:1::/64")
    wanted = []
    for number in range(12):
        addresses = tuple(f"{prefix}{10 * number + more}" for prefix in ("10.3.1.", "fd00:3:1::") for more in (10, 11))
        suite = SUITES[number % len(SUITES)]
        wanted.append((f"{suite}-d{number}", suite, [networks.Attachment("dozen", addresses)]))
    return [MailHost(each, "10.3.1.1", "fd00:3:1::1") for each in hosts.add_hosts(*wanted)]


@pytest.mark.parametrize("core", CORES)
def test_a_fleet_through_all_that_goes_wrong(dozen: list[MailHost], tmp_path: Path, core: str) -> None:
    for host in dozen:
        if not host.host.is_on():
            host.host.boot()
            host.host.wait()
        host.reset()
    rest = iter(dozen)
    groups = {group: [next(rest) for _turn in range(count)] for group, count in GROUPS.items()}
    fleet = Rollouts(groups, tmp_path, WANTED, Path(core))
    (canary,), site_a, site_b = groups.values()

    def listens(host: MailHost) -> bool:
        return host.sockets() == {("127.0.0.1", 25), ("::1", 25), (host.ipv4, 25), (host.ipv4_b, 25)}

    # A canary that cannot start.
    canary.run("systemctl", "mask", "--now", canary.unit)
    status, said = fleet.roll_out()
    assert status == 2, said
    assert in_table(said, canary, "FAILED: .*mask"), said
    assert all(in_table(said, host, "left alone") for host in site_a + site_b), said
    assert all(host.sockets() == WILDCARDS for host in site_a + site_b)

    # The same with settings of the user's that would have the others changed all the same.
    status, said = fleet.roll_out(environment=HOSTILE)
    assert status == 2, said
    assert all(host.sockets() == WILDCARDS for host in site_a + site_b)
    canary.run("systemctl", "unmask", canary.unit)

    # In the next group one host is off, and of another one nobody can use the new address.
    off, closed = site_a[1], site_a[3]
    off.host.cut_power()
    with closed.cut_off(closed.ipv4_b):
        status, said = fleet.roll_out(mailfleet_unreachable="skip")
    assert status == 2, said
    assert in_table(said, off, "UNREACHABLE: "), said
    assert in_table(said, closed, "FAILED: "), said
    assert closed.ipv4_b in said
    assert closed.sockets() == WILDCARDS
    assert all(listens(host) for host in [canary, *site_a] if host not in (off, closed))
    assert all(host.sockets() == WILDCARDS for host in site_b)
    off.host.boot()
    off.host.wait()

    # A rerun completes what is missing, restarts nobody again, and a third one has nothing to do.
    masters = {host.name: host.master() for host in [canary, *site_a] if host not in (off, closed)}
    status, said = fleet.roll_out()
    assert status == 0, said
    assert all(listens(host) for host in dozen)
    assert {host.name: host.master() for host in dozen if host.name in masters} == masters
    masters = {host.name: host.master() for host in dozen}
    status, said = fleet.roll_out(environment=HOSTILE)
    assert status == 0, said
    assert "12 of 12 hosts done, 0 failed" in said
    assert {host.name: host.master() for host in dozen} == masters
