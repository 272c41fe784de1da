# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops and starts under load: nobody is refused, no mail is lost, and where that cannot be, it is short.

MAILFLEET_RESTARTS is how many. The machine has to do nothing else: durations are measured. -rP shows the numbers.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from fleet import MailHost
from load import Clients, Mail
from mailfleet_lab.system import wait_until

RESTARTS = int(os.environ.get("MAILFLEET_RESTARTS", "3"))
SWITCH = "/proc/sys/net/ipv4/tcp_migrate_req"
PLAIN = "restart.cannot_hold = lambda version: 'not here'\n"


def values(host: MailHost) -> list[Any]:
    """One after the other: all that changes from one to the next needs a stop and a start."""
    one = [host.ipv4, host.ipv6]
    return [one, "all", ["127.0.0.1", *one], [*one, "127.0.0.1", "::1", host.ipv4_b], "all"]


def bare(host: MailHost) -> float:
    """Stop and start Postfix as its manual says; returns when that began."""
    host.run("systemctl", "reset-failed", check=False)  # systemd counts starts
    # Out of the unit of Debian up to 12, which otherwise runs its own `postfix stop` beside; unless it is already.
    host.run("sh", "-c", f"systemctl stop {host.unit}; postfix status || postfix start")
    began = time.monotonic()
    host.run("sh", "-c", "postfix stop; postfix start")
    return began


def test_a_restart_refuses_nobody_and_loses_no_mail(host: MailHost):
    host.run("sh", "-c", "rm -f /var/mail/root /var/spool/mail/root")
    host.edit("mailbox_command", "")
    host.edit("alias_maps", "")
    services = [
        {"name": name, "command": "smtpd"} for name in ("submission", f"{host.ipv4}:2525", f"[{host.ipv6}]:2525")
    ]
    assert host.core(f"answer = bring({{}}, {services!r})")["in_sync"]
    recipient = f"root@{host.run('postconf', '-h', 'myhostname').stdout.strip()}"
    addresses = (host.ipv4, host.ipv6)
    ends = [(address, port) for address in addresses for port in (25, 25, 587, 2525)]
    interruption = "none" if host.shares_ports else "brief"
    with Mail(recipient, *addresses) as mail, Clients(*ends) as clients:
        time.sleep(1)
        for number in range(RESTARTS):
            result = host.bring({"inet_interfaces": values(host)[number % 5]})
            assert (result["action"], result["in_sync"]) == ("restart", True), result
            assert result["interruption"] == interruption, result
            assert host.run("cat", SWITCH).stdout == "0\n"
        time.sleep(1)
    print(f"{RESTARTS} restarts of {host.name}: {dict(clients.outcomes)}, longest wait {clients.longest:.2f} s,")
    print(f"{len(mail.taken)} messages taken")
    if host.shares_ports:
        assert set(clients.outcomes) == {"greeted"}
        assert clients.longest < 0.5
    host.run("postqueue", "-f")  # what a stop has cut off is tried again, not lost
    wait_until(lambda: "is empty" in host.run("postqueue", "-p").stdout, 60, "the queue running empty")
    found = host.run("sh", "-c", "grep -h ^X-Number: /var/mail/root | cut -d' ' -f2").stdout.split()
    assert mail.taken
    assert not mail.taken - set(found)


def test_where_nobody_can_be_kept_waiting_a_restart_is_as_short_as_by_hand(host: MailHost):
    """In turns, because a machine is not equally fast at all times."""
    by_hand, ours = [], []
    with Clients((host.ipv4, 25), (host.ipv4, 25)) as clients:

        def refused(began: float) -> float:
            time.sleep(0.3)
            return clients.refused(began)

        for _turn in range(max(RESTARTS // 2, 3)):
            for value in values(host)[:2]:
                began = time.monotonic()
                result = host.core(f"{PLAIN}answer = bring({{'inet_interfaces': {value!r}}})")
                assert (result["action"], result["interruption"]) == ("restart", "brief"), result
                ours.append(refused(began))
                by_hand.append(refused(bare(host)))
    print(f"{host.name}: refused for {statistics.median(by_hand):.3f} s by hand, {statistics.median(ours):.3f} s by us")
    print("by hand", *(f"{one:.2f}" for one in by_hand), "by us", *(f"{one:.2f}" for one in ours))
    assert statistics.median(ours) <= 1.2 * statistics.median(by_hand)


def test_nobody_waits_because_of_an_edit(host: MailHost):
    """As after one by postconf, when each server that starts within 2 s waits until main.cf is old enough."""
    assert host.bring()["in_sync"]
    with Clients(*[(host.ipv4, 25)] * 4) as clients:
        for number in range(3):
            host.core(f"edit(find_instance(), Wanted({{'proxy_interfaces': '192.0.2.{number}'}})); answer = True")
            time.sleep(1.5)  # in which several servers reach max_use, and others start
    assert set(clients.outcomes) == {"greeted"}
    assert clients.longest < 1.0


def test_nobody_is_refused_where_a_reload_or_nothing_is_enough(host: MailHost):
    assert host.bring()["in_sync"]
    with Clients((host.ipv4, 25), (host.ipv6, 25)) as clients:
        for wanted, action in (
            ({"smtp_bind_address": host.ipv4_b}, "reload"),
            ({"smtp_bind_address": host.ipv4_b}, "none"),
            ({"smtp_bind_address": ""}, "reload"),
        ):
            result = host.bring(wanted)
            assert (result["in_sync"], result["action"], result["interruption"]) == (True, action, "none"), result
    assert set(clients.outcomes) == {"greeted"}
