# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that die, starts that fail, hosts that are broken already, values that cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import FILES, WILDCARDS, MailHost

# Kills the Python that has started it, through however many shells.
KILL_PYTHON = """#!/bin/sh
pid=$$
while [ "$pid" -gt 1 ]; do
    pid=$(awk '/^PPid/ {print $2}' "/proc/$pid/status")
    case $(cat "/proc/$pid/comm") in python*) kill -KILL "$pid"; break;; esac
done
sleep 1
"""
LOOPBACK = {("127.0.0.1", 25), ("::1", 25)}


def take_away(host: MailHost, address: str) -> None:
    """Let an address go away whenever Postfix has stopped: after the validation, before the start."""
    # Without the sandbox of the unit, and without failing it.
    command = f"-+/bin/ip address delete {address} dev eth0"
    host.write(f"/etc/systemd/system/{host.unit}.d/away.conf", f"[Service]\nExecStopPost={command}\n")
    host.run("systemctl", "daemon-reload")


def test_a_play_that_is_killed_between_the_edit_and_the_restart_is_finished_by_the_next_run(host: MailHost):
    """The connection of a module goes away with all of its processes right after the files were written."""
    before = host.contents()
    # Its first program after the edit is what looks at the files once more before the stop.
    check = "/usr/lib/postfix/sbin/post-install"
    host.write("/root/kill", KILL_PYTHON)
    host.shell(f"chmod +x /root/kill; mount --bind /root/kill {check}")
    try:
        played = host.play("role", postfix_interfaces_inet_interfaces=host.ipv4)
    finally:
        host.shell(f"umount --lazy {check}")
    assert played.failed == 1, played.said
    edited = host.contents()
    assert edited != before
    assert host.sockets() == WILDCARDS
    next_run = host.play("role", postfix_interfaces_inet_interfaces=host.ipv4)
    assert (next_run.changed, next_run.failed) == (1, 0), next_run.said
    assert host.contents() == edited
    assert host.sockets() == {(host.ipv4, 25)}
    assert host.banner(host.ipv4).startswith("220 ")
    assert host.module("postfix_interfaces_info")["in_sync"] is True
    again = host.play("role", postfix_interfaces_inet_interfaces=host.ipv4)
    assert (again.changed, again.failed) == (0, 0)


def test_a_start_that_fails_brings_the_previous_files_back(host: MailHost):
    before = host.contents()
    take_away(host, f"{host.ipv4_b}/24")
    played = host.play("role", postfix_interfaces_inet_interfaces=["127.0.0.1", host.ipv4_b])
    assert played.failed == 1
    assert f"no local interface found for {host.ipv4_b}" in played.said
    assert "The previous version of /etc/postfix/main.cf was restored" in played.said
    assert "Postfix runs and listens on" in played.said
    assert host.contents() == before
    assert host.sockets() == WILDCARDS
    assert host.banner(host.ipv4).startswith("220 ")
    state = host.module("postfix_interfaces_info")
    assert (state["in_sync"], state["pending"]) == (True, None)


def test_an_address_that_is_gone_before_the_stop_stops_nothing(host: MailHost):
    before, master = host.contents(), host.master()
    assert host.module("postfix_interfaces", inet_interfaces=host.ipv4_b)["changed"]
    host.host.remove_address(f"{host.ipv4_b}/24")
    failed = host.module("postfix_apply")
    assert host.ipv4_b in failed["msg"]
    assert failed["rolled_back"] is True
    assert host.contents() == before
    assert (host.master(), host.sockets()) == (master, WILDCARDS)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("explicit", [True, False], ids=["mynetworks", "no-mynetworks"])
def test_a_host_whose_files_name_an_address_that_is_gone_is_repaired_by_one_run(
    host: MailHost, running: bool, explicit: bool
):
    """Without mynetworks in main.cf even reading through postconf fails."""
    if not explicit:
        host.run("postconf", "-X", "mynetworks")
    host.edit("inet_interfaces", f"127.0.0.1, {host.ipv4_b}")
    host.run("systemctl", "restart", host.unit)
    host.host.remove_address(f"{host.ipv4_b}/24")
    if not running:
        host.terminate()
    assert host.run("postfix", "check", check=False).returncode != 0
    assert host.module("postfix_interfaces_info")["effective"]["error"] is not None
    played = host.play("role", postfix_interfaces_inet_interfaces=["127.0.0.1", host.ipv4])
    assert played.failed == 0, played.said
    assert host.sockets() == {("127.0.0.1", 25), (host.ipv4, 25)}
    assert host.banner(host.ipv4).startswith("220 ")
    assert host.run("systemctl", "is-active", host.unit).stdout.strip() == "active"
    again = host.play("role", postfix_interfaces_inet_interfaces=["127.0.0.1", host.ipv4])
    assert (again.changed, again.failed) == (0, 0)


def test_a_postfix_that_was_stopped_is_started(host: MailHost):
    host.terminate()
    assert host.module("postfix_apply")["action"] == "start"
    assert host.sockets() == WILDCARDS


def test_an_edit_by_hand_that_was_reloaded_only_is_found_and_ended(host: MailHost):
    host.edit("inet_interfaces", "loopback-only")
    host.run("postfix", "reload")
    assert host.sockets() == WILDCARDS
    state = host.module("postfix_interfaces_info")
    assert (state["in_sync"], state["action"]) == (False, "restart")
    played = host.play("role", postfix_interfaces_inet_interfaces="loopback-only")
    assert (played.changed, played.failed) == (1, 0)
    assert host.sockets() == LOOPBACK


# What is asked; what the error is about; the part of the value that it shows; words of the reason or the remedy.
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"inet_interfaces": ["all", "10.1.0.10"]}, "inet_interfaces", "all", "alone"),
    ({"inet_interfaces": ["loopback-only", "all"]}, "inet_interfaces", "loopback-only", "alone"),
    ({"inet_interfaces": "ALL"}, "inet_interfaces", "ALL", "lower case"),
    ({"inet_interfaces": "10.1.0.0/24"}, "inet_interfaces", "10.1.0.0/24", "network"),
    ({"inet_interfaces": "127.0.0.1:25"}, "inet_interfaces", "127.0.0.1:25", "port"),
    ({"inet_interfaces": "eth0"}, "inet_interfaces", "eth0", "interface"),
    ({"inet_interfaces": "0.0.0.0"}, "inet_interfaces", "0.0.0.0", "wildcard"),
    ({"inet_interfaces": "10.1.0.99"}, "inet_interfaces", "10.1.0.99", "no interface"),
    ({"inet_interfaces": "127.0.0.1", "inet_protocols": "ipv6"}, "inet_interfaces", "127.0.0.1", "inet_protocols"),
    ({"inet_interfaces": "127.0.0.1\nrelayhost = evil"}, "inet_interfaces", "evil", "line"),
    ({"inet_interfaces": "127.0.0.1 # mine"}, "inet_interfaces", "#", "comment"),
    ({"inet_protocols": "IPv4"}, "inet_protocols", "IPv4", "ipv4"),
    ({"smtp_bind_address": "::1"}, "smtp_bind_address", "::1", "ipv6"),
    ({"smtp_bind_address6": "127.0.0.1"}, "smtp_bind_address6", "127.0.0.1", "ipv4"),
    ({"smtp_bind_address": "10.1.0.99"}, "smtp_bind_address", "10.1.0.99", "no interface"),
    ({"smtp_bind_address": "mail.example"}, "smtp_bind_address", "mail.example", "host name"),
    ({"services": [{"name": "10.1.0.99:25", "command": "smtpd"}]}, "services", "10.1.0.99:25", "no interface"),
    ({"services": [{"name": "2525\n#", "command": "smtpd"}]}, "2525", "2525", ""),
    ({"services": [{"name": "2525", "command": "smtpd\nevil inet n - n - - smtpd"}]}, "2525", "(not shown)", "line"),
    ({"services": [{"name": "2525", "command": "smtpd # mine"}]}, "2525", "smtpd ...", "comment"),
    ({"services": [{"name": "smtp", "options": {"smtpd_banner": "a\nb"}}]}, "smtpd_banner", "b", "line"),
    ({"services": [{"name": "smtp", "state": "absent"}]}, "services", "", "listener"),
]


def test_bad_input_is_one_error_and_touches_neither_file(host: MailHost):
    before, master = host.files(), host.master()
    answers = host.tasks(*({"mailfleet.postfix.postfix_interfaces": asked} for asked, *_rest in REFUSED))
    for (asked, parameter, value, words), answer in zip(REFUSED, answers, strict=True):
        assert answer["failed"] is True, asked
        assert parameter in answer["parameter"], (asked, answer)
        assert value in answer["value"], (asked, answer)
        assert words in answer["reason"] + answer["remedy"], (asked, answer)
        assert answer["remedy"], asked
    assert host.files() == before
    assert (host.master(), host.sockets()) == (master, WILDCARDS)
    assert host.run("sh", "-c", f"ls -A {' '.join(FILES)} /etc/postfix").stdout.count(".tmp") == 0
