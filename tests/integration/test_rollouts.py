# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollouts over three real hosts: what fails, who is skipped, what is interrupted, and that a rerun completes it."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SUITES
from fleet import OTHER, WILDCARDS, MailHost
from mailfleet_lab import hosts, networks
from rollouts import Rollouts, in_table

LOOPBACK = {("127.0.0.1", 25), ("::1", 25)}
WANTED = {"postfix_interfaces_inet_interfaces": "loopback-only", "postfix_interfaces_findings": "ignore"}


@pytest.fixture(scope="session")
def threes() -> dict[str, list[MailHost]]:
    """The hosts that are up, by release."""
    return {}


@pytest.fixture(params=SUITES)
def trio(threes: dict[str, list[MailHost]], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rollouts]:
    """Three hosts of each release, as their package had set them up."""
    suite = request.param
    if suite not in threes:
        number = SUITES.index(suite) + 1
        networks.add_network(f"trio{number}", f"10.2.{number}.0/24", f"fd00:2:{number}::/64")
        wanted = []
        for last in (10, 20, 30):
            addresses = [
                f"{prefix}{last + more}" for prefix in (f"10.2.{number}.", f"fd00:2:{number}::") for more in (0, 1)
            ]
            wanted.append((f"{suite}-r{last}", suite, [networks.Attachment(f"trio{number}", tuple(addresses))]))
        room = (f"10.2.{number}.1", f"fd00:2:{number}::1")
        threes[suite] = [MailHost(each, *room) for each in hosts.add_hosts(*wanted)]
    for host in threes[suite]:
        host.reset()
    yield Rollouts({f"group_{number}": [host] for number, host in enumerate(threes[suite])}, tmp_path, WANTED)
    for host in threes[suite]:
        if not host.host.is_on():
            host.host.boot()
            host.host.wait()


def test_a_host_that_fails_stays_out_and_a_rerun_completes_the_rollout(trio: Rollouts):
    first, second, third = trio.hosts
    second.run("systemctl", "stop", second.unit)
    second.run("systemctl", "mask", second.unit)
    status, said = trio.roll_out(**trio.hooks())
    assert status == 2, said
    assert in_table(said, first, r"\(default\) +files changed +restart +\d+\.\d s"), said
    assert in_table(said, second, "FAILED: .*mask"), said
    assert in_table(said, third, "left alone"), said
    assert (first.sockets(), second.sockets(), third.sockets()) == (LOOPBACK, set(), WILDCARDS)
    pool = (trio.path / "pool").read_text().splitlines()
    assert pool == [f"before {first.name}", f"after {first.name}", f"before {second.name}"]

    # With one that may fail, the last host is done; the one that fails still fails the run, and is out of the pool.
    status, said = trio.roll_out(mailfleet_max_fail="34%", **trio.hooks())
    assert status == 2, said
    assert in_table(said, first, r"\(default\) +files as before +none +\d+\.\d s"), said
    assert in_table(said, second, "FAILED: .*mask"), said
    assert in_table(said, third, r"\(default\) +files changed +restart"), said
    assert third.sockets() == LOOPBACK
    assert f"after {second.name}" not in (trio.path / "pool").read_text()
    assert re.search(rf"^{second.name} +: .*failed=1 ", said, re.M), said
    assert re.search(rf"^{third.name} +: .*failed=0 ", said, re.M), said

    second.run("systemctl", "unmask", second.unit)
    masters = first.master(), third.master()
    status, said = trio.roll_out(**trio.hooks())
    assert status == 0, said
    assert in_table(said, second, r"\(default\) +(files changed|files as before) +start"), said
    assert "batch 3 of 3 is over: 3 of 3 hosts done, 0 failed" in said
    assert f"after {second.name}" in (trio.path / "pool").read_text()
    assert [host.sockets() for host in trio.hosts] == [LOOPBACK] * 3
    assert (first.master(), third.master()) == masters


def test_a_host_without_power_is_skipped_or_stops_the_rollout(trio: Rollouts):
    first, second, third = trio.hosts
    second.host.cut_power()
    status, said = trio.roll_out()
    assert status == 2, said
    assert in_table(said, second, "UNREACHABLE: "), said
    assert in_table(said, third, "left alone"), said
    status, said = trio.roll_out(mailfleet_unreachable="skip")
    assert status == 2, said
    assert f"skipped, as they could not be reached: {second.name}" in said
    assert (first.sockets(), third.sockets()) == (LOOPBACK, LOOPBACK)
    status, said = trio.roll_out(mailfleet_unreachable="skip", mailfleet_allow_unreachable=True)
    assert status == 0, said
    assert in_table(said, second, "UNREACHABLE: "), said


@pytest.mark.parametrize("whole_group", [False, True], ids=["the process", "its group"])
def test_an_interrupted_rollout_ends_with_its_table_and_can_be_resumed(trio: Rollouts, whole_group: bool):
    first, second, third = trio.hosts
    process = trio.start(mailfleet_pause=60)
    said = ""
    assert process.stdout is not None
    while "batch 1 of 3 is over" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    time.sleep(3)  # so that it pauses
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    said += process.stdout.read()
    assert process.wait(60) == 99, said
    told = said.rpartition("The rollout did not come to its end.")[2]
    assert re.search(rf"^{first.name} +group_0 +\(default\) +files changed +restart", told, re.M), said
    assert re.search(rf"^{third.name} +group_2 +left alone", told, re.M), said
    assert (second.sockets(), third.sockets()) == (WILDCARDS, WILDCARDS)
    master = first.master()
    status, said = trio.roll_out()
    assert status == 0, said
    assert [host.sockets() for host in trio.hosts] == [LOOPBACK] * 3
    assert first.master() == master


def test_an_instance_that_is_removed_says_so(trio: Rollouts):
    (host, *_others) = trio.hosts
    instances = [
        {"inet_interfaces": "loopback-only"},
        {"instance": "postfix-out", "state": "present", "inet_interfaces": [host.ipv4]},
    ]
    only = {"mailfleet_groups": ["group_0"]}
    status, said = trio.roll_out(postfix_interfaces_instances=instances, **only)
    assert status == 0, said
    assert in_table(said, host, "postfix-out +created +start"), said
    assert f"listens on {host.ipv4}:25" in said
    instances[1] = {"instance": "postfix-out", "state": "absent"}
    status, said = trio.roll_out(postfix_interfaces_instances=instances, **only)
    assert status == 0, said
    assert in_table(said, host, "postfix-out +removed +none"), said
    assert host.run("test", "-e", OTHER, check=False).returncode == 1


def test_a_change_that_is_undone_says_so(trio: Rollouts):
    (host, *_others) = trio.hosts
    command = f"-+/bin/ip address delete {host.ipv4_b}/24 dev eth0"
    host.write(f"/etc/systemd/system/{host.unit}.d/away.conf", f"[Service]\nExecStopPost={command}\n")
    host.run("systemctl", "daemon-reload")
    before = host.contents()
    status, said = trio.roll_out(postfix_interfaces_inet_interfaces=["127.0.0.1", host.ipv4_b])
    assert status == 2, said
    assert in_table(said, host, f"FAILED: .*no local interface found for {host.ipv4_b}"), said
    assert in_table(said, host, r"\(default\) +undone +\w+ +\d+\.\d s"), said
    assert '"      undone: main.cf"' in said
    assert (host.contents(), host.sockets()) == (before, WILDCARDS)
