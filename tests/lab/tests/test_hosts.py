# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts are real: systemd, sshd and a Postfix as freshly installed, in reach of ssh and Ansible and of nobody else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path

import pytest
from command_line import Lab

SUITES = {"bookworm": ("3.7", "31", "postfix@-.service"), "trixie": ("3.10", "32", "postfix.service")}


@pytest.mark.parametrize("suite", SUITES)
def test_a_host_is_like_a_fresh_mail_server(mail_hosts: Lab, suite: str) -> None:
    version, number, unit = SUITES[suite]
    name = f"mta-{suite}"
    assert mail_hosts("exec", name, "systemctl", "is-system-running") == "running\n"
    assert mail_hosts("exec", name, "systemctl", "is-active", unit) == "active\n"
    assert mail_hosts("exec", name, "hostname", "--fqdn") == f"{name}.example\n"
    assert mail_hosts("exec", name, "postconf", "-h", "mail_version").startswith(f"{version}.")
    main_cf = mail_hosts("exec", name, "cat", "/etc/postfix/main.cf")
    assert re.findall(r"^(?:inet_interfaces|inet_protocols|myhostname) = .*", main_cf, re.M) != []
    for line in ("inet_interfaces = all", "inet_protocols = all", f"myhostname = {name}.example"):
        assert main_cf.count(f"\n{line}\n") == 1
    assert f"mydestination = $myhostname, {name}.example, localhost.example, , localhost" in main_cf
    assert "labimage" not in main_cf + mail_hosts("exec", name, "cat", "/etc/hosts", "/etc/mailname", "/etc/hostname")
    listeners = mail_hosts.script(f"print(sorted(find_host({name!r}).listeners()))")
    assert listeners == "[('0.0.0.0', 25), ('::', 25)]\n"
    addresses = mail_hosts("exec", name, "ip", "-brief", "address", "show", "eth0")
    assert f"10.1.0.{number}/24" in addresses
    assert f"fd00:1::{number}/64" in addresses
    assert "tentative" not in mail_hosts("exec", name, "ip", "address", "show", "to", f"fd00:1::{number}")


@pytest.mark.parametrize("suite", SUITES)
def test_the_way_to_and_from_a_host(mail_hosts: Lab, suite: str) -> None:
    name, number = f"mta-{suite}", SUITES[suite][1]
    assert mail_hosts("ssh", name, "hostname") == f"{name}\n"
    assert mail_hosts.call("ssh", name, "exit 9").returncode == 9
    for address in (f"10.1.0.{number}", f"fd00:1::{number}"):
        code = f"import socket; print(socket.create_connection(({address!r}, 25), 5).recv(100))"
        assert f"220 {name}.example ESMTP Postfix" in mail_hosts.script(code)
    other = "10.1.0.32" if number == "31" else "10.1.0.31"
    mail_hosts("exec", name, "python3", "-c", f"import socket; socket.create_connection(('{other}', 25), 5)")
    assert mail_hosts("exec", name, "ip", "route", "show", "default") == ""
    assert mail_hosts.call("exec", name, "sh", "-c", "exec 3<>/dev/tcp/192.0.2.1/25").returncode != 0


def test_files_of_postfix_behave_as_on_a_disk(mail_hosts: Lab) -> None:
    """An overlay gives a file another inode when it is opened for writing; Postfix's files must not change theirs."""
    for file in ("/etc/postfix/main.cf", "/etc/postfix/master.cf", "/var/spool/postfix/pid/master.pid"):
        inode = mail_hosts("exec", "mta-trixie", "stat", "-c", "%d %i", file)
        mail_hosts("exec", "mta-trixie", "python3", "-c", f"open({file!r}, 'r+').close()")
        assert mail_hosts("exec", "mta-trixie", "stat", "-c", "%d %i", file) == inode


def test_the_sandbox_of_the_unit_is_real(mail_hosts: Lab) -> None:
    """Trixie's unit has ProtectSystem=full, without which a test would let Postfix write where it cannot."""
    write = "nsenter --target $(cat /var/spool/postfix/pid/master.pid) --mount touch /usr/written"
    refused = mail_hosts.call("exec", "mta-trixie", "sh", "-c", write)
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr


def test_network_settings_are_the_hosts_own(mail_hosts: Lab) -> None:
    setting = "/proc/sys/net/ipv4/tcp_migrate_req"
    mail_hosts("exec", "mta-bookworm", "sh", "-c", f"echo 1 >{setting}")
    assert mail_hosts("exec", "mta-trixie", "cat", setting) == mail_hosts("run", "cat", setting) == "0\n"
    assert mail_hosts("exec", "mta-trixie", "ls", "/sys/class/net").split() == ["eth0", "lo"]


def test_ansible_reaches_all_hosts(mail_hosts: Lab) -> None:
    ansible = shutil.which("ansible") or str(Path(__file__).parents[3] / ".venv" / "bin" / "ansible")
    inventory = mail_hosts("inventory").strip()
    groups = json.loads(mail_hosts("run", "cat", inventory))["all"]["children"]
    assert {suite: list(group["hosts"]) for suite, group in groups.items()} == {
        "bookworm": ["mta-bookworm"],
        "trixie": ["mta-trixie"],
    }
    answer = mail_hosts("run", ansible, "--inventory", inventory, "--one-line", "all", "--module-name", "ping")
    answered = sorted(line.split()[0] for line in answer.splitlines() if '"ping": "pong"' in line)
    assert answered == ["mta-bookworm", "mta-trixie"]


def test_addresses_come_and_go(mail_hosts: Lab) -> None:
    mail_hosts.script(
        """
host = find_host("mta-bookworm")
shown = lambda: host.run("ip", "-brief", "address", "show", "eth0").stdout
for address in ("10.1.0.77/24", "fd00:1::77/64"):
    host.add_address(address)
    assert address in shown()
    host.remove_address(address)
    assert address not in shown()
"""
    )


def test_a_power_cut_keeps_the_files(mail_hosts: Lab) -> None:
    """A host of its own, since nothing else may be using it."""
    network = ("--network", "inside:ip=10.1.0.40")
    mail_hosts("host", "add", "mta-cut", "--suite", "trixie", *network)
    again = mail_hosts.call("host", "add", "mta-cut", "--suite", "trixie", *network)
    assert (again.returncode, again.stderr) == (1, "mailfleet-lab: There is a host mta-cut already.\n")
    mail_hosts("exec", "mta-cut", "sh", "-c", "echo kept >/etc/kept")
    assert mail_hosts("ssh", "mta-cut", "true") == ""
    mail_hosts("host", "cut", "mta-cut")
    assert "mta-cut\ttrixie\toff" in mail_hosts("status")
    assert "is off" in mail_hosts.call("exec", "mta-cut", "true").stderr
    mail_hosts("host", "boot", "mta-cut")
    assert mail_hosts("ssh", "mta-cut", "cat", "/etc/kept") == "kept\n"
    mail_hosts("host", "rm", "mta-cut")
    mail_hosts("host", "rm", "mta-cut")
    assert "mta-cut" not in mail_hosts("status")
    assert "mta-cut" not in mail_hosts("run", "sh", "-c", "ip netns; mount; ls /run/hosts /sys/fs/cgroup/*")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("Bad_Name", "--suite", "trixie", "--network", "inside:ip=10.1.0.50"), "'Bad_Name'"),
        (("mta-x", "--suite", "sarge", "--network", "inside:ip=10.1.0.50"), "no image of suite sarge"),
        (("mta-x", "--suite", "trixie", "--network", "outside:ip=10.1.0.50"), "no network outside"),
        (
            ("mta-x", "--suite", "trixie", "--network", "inside:ip=10.9.0.50"),
            "10.9.0.50 lies in no subnet",
        ),
    ],
)
def test_a_host_that_cannot_be_leaves_nothing(mail_hosts: Lab, arguments: tuple[str, ...], said: str) -> None:
    before = mail_hosts("run", "sh", "-c", "ip -oneline link | cut -d: -f2; ip netns; ls /run/hosts")
    refused = mail_hosts.call("host", "add", *arguments)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert mail_hosts("run", "sh", "-c", "ip -oneline link | cut -d: -f2; ip netns; ls /run/hosts") == before


def test_a_network_that_is_not_understood_is_bad_usage(mail_hosts: Lab) -> None:
    refused = mail_hosts.call("host", "add", "mta-x", "--suite", "trixie", "--network", "inside:address=10.1.0.50")
    assert refused.returncode == 2
    assert "NETWORK:ip=ADDRESS,ip6=ADDRESS,interface=NAME" in refused.stderr


def test_hosts_end_with_their_room(lab: Lab) -> None:
    """Also when everything that could clean up is killed."""
    lab("up")
    lab("network", "add", "inside", "10.1.0.0/24")
    lab("host", "add", "mta", "--suite", "trixie", "--network", "inside:ip=10.1.0.31")
    assert "1 of them Postfix masters" in lab.leftovers()
    for pid in [int((lab.state / role).read_text()) for role in ("keeper", "init")]:
        os.kill(pid, signal.SIGKILL)
    lab("down")
    assert lab.leftovers() == "Nothing is left.\n"
