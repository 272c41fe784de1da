# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is slow is not broken, and what was broken before is no reason to go back."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from fleet import PROGRAMS, MailHost
from mailfleet_lab.system import wait_until
from test_failures import HOOKS, begin, serves_as_before, sockets, wanted

LEAST = "restart._FOR_CHECK = 60.0; restart._FOR_STOP = restart._FOR_START = 1.0\n"
BANNER = 28  # seconds until the server greets a client whose name no server knows


@pytest.fixture(name="dead_dns")
def _dead_dns(host: MailHost) -> Iterator[None]:
    """The host's name server is there, and never answers."""
    before = host.run("cat", "/etc/resolv.conf", check=False).stdout
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((host.room[0], 53))
        host.write("/etc/resolv.conf", f"nameserver {host.room[0]}\noptions timeout:{BANNER // 2} attempts:2\n")
        host.run("systemctl", "restart", host.unit)  # which copies it to the chroot
        yield
        host.write("/etc/resolv.conf", before)


def test_a_server_that_waits_for_a_name_server_is_slow(host: MailHost, dead_dns: None):
    assert host.bring()["in_sync"]
    result = host.core(f"restart._FOR_CHECK = 60.0; answer = bring({wanted(host)!r}, timeout=6)")
    assert (result["action"], result["in_sync"], result["rolled_back"]) == ("restart", True, False), result
    assert result.get("msg") is None
    assert host.sockets() == sockets(host)
    answers = {answer["address"]: answer for answer in result["answers"]}
    assert answers["127.0.0.1"]["banner"].startswith("220 ")
    assert answers[host.ipv4_b]["slow"]
    (warning,) = result["warnings"]
    assert f"The server at {host.ipv4_b}:25 has not answered within " in warning
    assert f"has the connection, and waits for an answer of the name server {host.room[0]}" in warning
    # By a reload too, which is not made a restart for that.
    master = host.master()
    result = host.bring({"proxy_interfaces": "192.0.2.7"}, timeout=6)
    assert (result["action"], result["in_sync"], host.master()) == ("reload", True, master), result
    assert result["warnings"]


def test_a_stop_that_takes_long_leaves_time_for_the_start(host: MailHost):
    """systemd does not begin the start before that."""
    drop_in = f"/etc/systemd/system/{host.unit}.d/slow.conf"
    host.write(drop_in, "[Service]\nExecStopPost=/bin/sleep 7\n")
    host.run("systemctl", "daemon-reload")
    begin(host, systemd=True)
    result = host.core(f"{LEAST}answer = bring({wanted(host)!r}, timeout=2)")
    assert (result["action"], result["in_sync"]) == ("restart", True), result
    assert host.runs(host.unit)
    assert host.sockets() == sockets(host)
    assert result["interruption"] == ("none" if host.shares_ports else "brief")


def test_what_a_check_waited_for_is_named(host: MailHost):
    begin(host, systemd=True)
    script = f"{PROGRAMS}/postfix-script"
    host.shell(f"""cp {script} /usr/local/lib/quick-script
printf '#!/bin/sh\\ncase $1 in check) sleep 77;; esac\\nexec /usr/local/lib/quick-script "$@"\\n' >/usr/local/lib/slow
chmod +x /usr/local/lib/slow; mount --bind /usr/local/lib/slow {script}""")
    try:
        master = host.master()
        failed = host.core(f"restart._FOR_CHECK = 1.0; answer = bring({wanted(host)!r}, timeout=5)")
    finally:
        host.shell(f"umount --lazy {script}")
    assert "Postfix was not stopped, because it is not known whether it can start: " in failed["msg"], failed
    assert "check took too long and was ended after " in failed["msg"]
    assert "while it waited for `sleep 77` (process " in failed["msg"]
    assert (failed["rolled_back"], failed["interruption"], host.master()) == (True, "none", master)
    serves_as_before(host)


def test_what_a_start_waits_for_is_named(host: MailHost):
    """systemctl itself only waits for systemd."""
    drop_in = f"/etc/systemd/system/{host.unit}.d/slow.conf"
    host.write(drop_in, "[Service]\nExecStartPost=/bin/sleep 66\n")
    host.run("systemctl", "daemon-reload")
    begin(host, systemd=True)
    result = host.core(f"{LEAST}answer = bring({wanted(host)!r}, timeout=3)")
    assert result["in_sync"], result
    (warning,) = result["warnings"]
    assert "Postfix runs, but systemctl start " in warning
    assert f"; systemd runs ExecStartPost of {host.unit}, `/bin/sleep 66` (process " in warning


def test_what_failed_before_is_no_reason_to_go_back(host: MailHost):
    """A server without its authentication, and a transport that hardly any mail takes."""
    host.write("/root/more", "submission inet n - y - - smtpd -o smtpd_sasl_auth_enable=yes\n")
    host.write("/root/seldom", "seldom unix - - n - - lmtp -o nonsense\n")
    host.shell("cat /root/more /root/seldom >>/etc/postfix/master.cf")
    host.edit("smtpd_sasl_type", "dovecot")
    host.edit("transport_maps", "inline:{seldom.example=seldom}")
    host.run("systemctl", "restart", host.unit)
    wait_until(lambda: ("0.0.0.0", 587) in host.sockets(), 10, "Postfix starting")
    logged = "journalctl --no-pager -q -t postfix/master | grep -q 'lmtp: bad command startup'"
    wait = f"for turn in $(seq 150); do {logged} && break; sleep 0.1; done"  # a busy machine takes its time
    send = f"echo | sendmail -f root@localhost user@seldom.example; {wait}"
    result = host.core(f"{HOOKS}\nhook('start', {send!r})\nanswer = bring({wanted(host)!r})")
    assert (result["action"], result["in_sync"], result["rolled_back"]) == ("restart", True, False), result
    assert host.sockets() == sockets(host) | {(address, 587) for address, _port in sockets(host)}
    said = " ".join(result["warnings"])
    assert f"The server at {host.ipv4_b}:587 ends the connection without a banner." in said, result
    assert "It did not answer before the change either." in said
    assert "The master cannot run lmtp, by what was not changed." in said
    # What is changed has to work.
    host.shell("sed -i 's/^submission.*/& -o smtpd_client_restrictions=/' /etc/postfix/master.cf")
    failed = host.bring()
    assert f"The server at {host.ipv4_b}:587 ends the connection without a banner." in failed["msg"], failed
    assert failed["rolled_back"]


def test_a_restart_without_any_listener_interrupts_nobody(host: MailHost):
    assert host.bring()["in_sync"]
    options = "{'inet_protocols': 'ipv4', 'allow_no_listener': True}, [{'name': 'smtp', 'state': 'absent'}]"
    predicted, result = host.core(f"answer = [bring({options}, check_mode=True), bring({options})]")
    assert (result["action"], result["in_sync"]) == ("restart", True), result
    assert (predicted["action"], predicted["interruption"]) == ("restart", result["interruption"])
    assert result["interruption"] == ("none" if host.shares_ports else "brief"), result
    assert (result["interruption_cause"] is None) == host.shares_ports


def test_more_sockets_than_files_may_be_open(host: MailHost):
    services = [{"name": f"127.0.0.1:{port}", "command": "smtpd"} for port in range(3000, 3030)]
    before = ["prlimit", "--nofile=32:4096"]
    assert host.core(f"answer = bring(None, {services!r})")["in_sync"]
    result = host.core(f"answer = bring({wanted(host)!r})", before=before)
    assert (result["action"], result["in_sync"]) == ("restart", True), result
    assert result["interruption"] == ("none" if host.shares_ports else "brief"), result
