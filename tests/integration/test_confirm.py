# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that nobody outside can use goes back by itself, whatever becomes of who has made it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from fleet import STATE, WILDCARDS, MailHost
from load import Mail
from mailfleet_lab.system import wait_until
from test_failures import begin, sockets, wanted

UNIT = "/etc/systemd/system/mailfleet-unconfirmed.service"
LONG = 600
SYSTEMD = pytest.mark.parametrize("systemd", [True, False], ids=["systemd", "no-systemd"])
CONFIRM = "from ansible_collections.mailfleet.postfix.plugins.module_utils._change import unconfirmed, window\n"


def left_behind(host: MailHost) -> str:
    """What there is of a window that has ended, but for the note of it."""
    script = f"""pgrep -a mailfleet; ls -d {UNIT} /etc/systemd/system/*.wants/mailfleet* {STATE}/at-boot.zip 2>/dev/null
        systemctl list-units --all --no-legend 'mailfleet*'; ls -d /run/systemd/transient/mailfleet* 2>/dev/null"""
    return host.run("sh", "-c", script, check=False).stdout


def watchdog(host: MailHost) -> str:
    return host.run("pgrep", "-f", "^mailfleet watch", check=False).stdout.strip()


def confirm(host: MailHost, token: str) -> Any:
    text = f"try:\n    answer = window.confirm({token!r})\nexcept InputError as error:\n    answer = str(error)"
    return host.core(CONFIRM + text)


def is_back(host: MailHost, before: str, seconds: float = 60) -> None:
    wait_until(lambda: host.contents() == before and host.sockets() == WILDCARDS, seconds, "the previous files")
    wait_until(lambda: not left_behind(host), 10, "everything being gone")


@SYSTEMD
def test_a_confirmed_change_stays(host: MailHost, systemd: bool):
    begin(host, systemd=systemd)
    result = host.bring(wanted(host), systemd=systemd, confirm=LONG)
    assert result["in_sync"], result
    waits = result["confirm"]
    assert LONG - 60 < waits["seconds"] <= LONG  # it counts on a busy machine too
    places = [(entry["address"], entry["port"], entry["expect"]) for entry in waits["sockets"]]
    assert sorted(places) == [(host.ipv4_b, 25, "greeting"), ("127.0.0.1", 25, "greeting")]
    assert watchdog(host)
    assert bool(host.run("test", "-e", UNIT, check=False).returncode) != systemd
    time.sleep(1)
    again = host.bring(wanted(host), systemd=systemd, confirm=LONG)
    assert not again["changed"]
    assert again["confirm"]["token"] == waits["token"]
    assert again["confirm"]["seconds"] < LONG
    assert confirm(host, waits["token"]) == ["/etc/postfix"]
    assert left_behind(host) == ""
    assert host.sockets() == sockets(host)
    assert host.bring(wanted(host), systemd=systemd, confirm=LONG)["confirm"] is None


@SYSTEMD
def test_one_that_nobody_confirms_goes_back_and_loses_no_mail(host: MailHost, systemd: bool):
    host.edit("mailbox_command", "")
    host.edit("alias_maps", "")
    host.run("systemctl", "restart", host.unit)  # so that it runs by these files
    begin(host, systemd=systemd)
    before = host.contents()
    kept = {"inet_interfaces": ["127.0.0.1", host.ipv4, host.ipv6]}
    host.run("sh", "-c", "rm -f /var/mail/root /var/spool/mail/root")
    with Mail(f"root@{host.run('postconf', '-h', 'myhostname').stdout.strip()}", host.ipv4, host.ipv6) as mail:
        token = host.bring(kept, systemd=systemd, confirm=4)["confirm"]["token"]
        is_back(host, before)
    host.run("postqueue", "-f")
    wait_until(lambda: "is empty" in host.run("postqueue", "-p").stdout, 60, "the queue running empty")
    found = host.run("sh", "-c", "grep -h ^X-Number: /var/mail/root | cut -d' ' -f2").stdout.split()
    assert mail.taken
    assert not mail.taken - set(found)
    said = host.shell("journalctl -t mailfleet || true; cat /var/log/mail.log || true", systemd=systemd)
    assert "was not confirmed within 4 s and was undone at " in said
    assert "does not wait any more: The change of " in confirm(host, token)
    result = host.bring(systemd=systemd)
    assert (result["changed"], result["in_sync"], result["undone"]["outcome"]) == (False, True, "undone"), result
    assert f"Postfix was to listen on {host.ipv4}:25, 127.0.0.1:25, [{host.ipv6}]:25." in result["undone"]["message"]
    assert host.bring(systemd=systemd)["warnings"] == []


def test_a_firewall_that_drops_the_new_address_takes_the_change_back(host: MailHost):
    before = host.contents()
    variables = {"postfix_interfaces_inet_interfaces": ["127.0.0.1", host.ipv4_b]}
    with host.cut_off(host.ipv4_b):
        played = host.play("confirm", mailfleet_probe_timeout=2, **variables)
        assert played.failed, played.said
        assert "Cannot be used from " in played.said
        assert f"{host.ipv4_b}:25 (it does not answer in time)" in played.said
        assert "was rejected and was undone at " in played.said
        assert host.contents() == before
        assert host.sockets() == WILDCARDS
        assert left_behind(host) == ""
    played = host.play("confirm", **variables)
    assert (played.failed, played.changed) == (0, 1), played.said
    assert host.sockets() == sockets(host)
    assert left_behind(host) == ""
    played = host.play("confirm", **variables)
    assert (played.failed, played.changed) == (0, 0), played.said
    assert "Try the sockets from elsewhere" not in played.said


def test_the_modules_by_themselves(host: MailHost):
    addresses = f"127.0.0.1,{host.ipv4_b}"
    done = host.module("mailfleet.postfix.postfix_interfaces", inet_interfaces=addresses, apply=True, confirm=LONG)
    token = done["confirm"]["token"]
    assert host.module("mailfleet.postfix.postfix_interfaces_info")["confirm"]["token"] == token
    assert host.module("mailfleet.postfix.postfix_apply", "--check", confirmed=token)["confirmed"] == ["/etc/postfix"]
    assert watchdog(host)
    kept = host.module("mailfleet.postfix.postfix_apply", confirmed=token)
    assert (kept["changed"], kept["confirmed"]) == (False, ["/etc/postfix"])
    assert host.module("mailfleet.postfix.postfix_apply", confirmed=token)["confirmed"] == []
    assert left_behind(host) == ""
    unknown = host.module("mailfleet.postfix.postfix_apply", confirmed="x")
    assert "confirmed: 'x' is not the token of a change that waits to be confirmed on this host" in unknown["msg"]
    unapplied = host.module("mailfleet.postfix.postfix_interfaces", confirm=60)
    assert "needs apply=true" in unapplied["msg"]
    # Files that somebody else has edited are applied, and go back, by postfix_apply alone.
    host.edit("inet_interfaces", "all")
    done = host.module("mailfleet.postfix.postfix_apply", confirm=LONG)
    back = host.module("mailfleet.postfix.postfix_apply", rejected=done["confirm"]["token"])
    assert (back["changed"], back["undone"]["outcome"]) == (True, "undone")
    assert host.sockets() == sockets(host)
    assert left_behind(host) == ""


def test_a_source_address_whose_answers_do_not_come_back(host: MailHost):
    before = host.contents()
    variables = {"postfix_interfaces_smtp_bind_address": host.ipv4_b}
    peer = {"mailfleet_probe_peer": host.room[0], "mailfleet_probe_peer_port": 22, "mailfleet_probe_timeout": 2}
    with host.cut_off(host.ipv4_b):
        played = host.play("confirm", **peer, **variables)
        assert played.failed, played.said
        assert f"No connection from {host.ipv4_b} to {host.room[0]}:22 (" in played.said
        assert host.contents() == before


def test_a_prober_that_cannot_be_reached_takes_the_change_back(host: MailHost):
    """Also where the play goes on with hosts that are unreachable."""
    before = host.contents()
    variables = {"postfix_interfaces_inet_interfaces": ["127.0.0.1", host.ipv4_b]}
    played = host.play("confirm", mailfleet_probe_from="nobody", **variables)
    assert played.failed, played.said
    assert "could not be reached, so the change was not confirmed. The change of " in played.said
    is_back(host, before)


@pytest.mark.parametrize("who", ["controller", "everything"])
def test_the_controller_is_killed_between_apply_and_confirm(host: MailHost, who: str):
    """Also with the module on the host, as soon as it has opened the window."""
    before = host.contents()
    text = f"bring({wanted(host)!r}, confirm=6)\nprint('done', flush=True)\ntime.sleep(100)"
    if who == "everything":
        process = host.start_core(text)
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        host.run("sh", "-c", "kill -9 $(pgrep -f 'sys.path.insert.0, ./root/core')", check=False)
        process.communicate(timeout=20)
    else:
        variables = {"postfix_interfaces_inet_interfaces": ["127.0.0.1", host.ipv4_b], "mailfleet_confirm": 10}
        with host.cut_off(host.ipv4_b):
            play = host.start_play("confirm", mailfleet_probe_timeout=100, **variables)
            wait_until(lambda: watchdog(host), 60, "the window")
            time.sleep(2)
            os.killpg(play.pid, signal.SIGKILL)
            play.communicate(timeout=20)
    assert host.sockets() == sockets(host)
    is_back(host, before)


def test_a_host_that_loses_power_within_the_window_comes_up_on_the_previous_files(host: MailHost):
    before, addresses = host.contents(), f"127.0.0.1,{host.ipv4_b}"
    done = host.module("mailfleet.postfix.postfix_interfaces", inet_interfaces=addresses, apply=True, confirm=LONG)
    token = done["confirm"]["token"]
    assert host.sockets() == sockets(host)
    host.lose_power()
    is_back(host, before, 20)
    said = host.run("journalctl", "-b", "-t", "mailfleet").stdout
    assert "was not confirmed before the host went down and was undone at " in said
    assert "was not confirmed before the host went down" in confirm(host, token)
    result = host.bring()
    assert (result["changed"], result["in_sync"]) == (False, True), result
    assert "before the host went down" in result["warnings"][0]


def test_a_host_without_systemd_goes_back_in_the_next_run_after_a_boot(host: MailHost):
    begin(host, systemd=False)
    before = host.contents()
    assert host.bring(wanted(host), systemd=False, confirm=LONG)["confirm"]
    host.lose_power()
    wait_until(lambda: host.sockets() == sockets(host), 20, "Postfix coming up")
    result = host.bring()
    assert result["undone"]["outcome"] == "undone", result
    is_back(host, before)


def test_where_the_watchdog_was_killed_the_next_run_goes_back(host: MailHost):
    before = host.contents()
    host.bring(wanted(host), confirm=2)
    host.run("sh", "-c", "kill -9 $(pgrep -f '^mailfleet watch')")
    time.sleep(2.5)
    assert host.sockets() == sockets(host)
    assert host.bring()["undone"]["outcome"] == "undone"
    is_back(host, before)


def test_a_clock_that_jumps_means_nothing(host: MailHost):
    """Nobody can set the clock that counts (CLOCK_BOOTTIME); here all that ask the other one get a wrong answer."""
    before = host.contents()
    jump = "import time\nreal = time.time\ntime.time = lambda: real() + 86400 * jumped\njumped = {}\n"
    done = host.core(jump.format(3) + f"answer = bring({wanted(host)!r}, confirm=6)")
    assert 0 < done["confirm"]["seconds"] <= 6
    again = host.core(jump.format(-3) + "answer = bring()")
    assert 0 < again["confirm"]["seconds"] <= 6
    assert host.sockets() == sockets(host)
    is_back(host, before, 30)


def test_two_instances_of_one_run_go_back_together(host: MailHost):
    def pair(first: str, second: str) -> list[dict[str, Any]]:
        both = [{"inet_protocols": "ipv4", "inet_interfaces": ["127.0.0.1", first]}]
        return [
            *both,
            {"instance": "postfix-a", "state": "present", "inet_protocols": "ipv4", "inet_interfaces": [second]},
        ]

    def bring(first: str, second: str, seconds: int) -> Any:
        return host.core(f"answer = bring_all({pair(first, second)!r}, confirm={seconds})")

    assert "msg" not in bring(host.ipv4, host.ipv4_b, 0)
    places = [("127.0.0.1", 25), (host.ipv4, 25), (host.ipv4_b, 25)]
    files = "cat /etc/postfix/main.cf /etc/postfix-a/main.cf"
    before = host.shell(files)
    exchanged = bring(host.ipv4_b, host.ipv4, 4)
    assert "msg" not in exchanged, exchanged
    assert {entry["instance"] for entry in exchanged["confirm"]["sockets"]} == {"-", "postfix-a"}
    assert host.shell(files) != before
    wait_until(lambda: host.shell(files) == before and not left_behind(host), 60, "both being back")
    assert host.sockets() == set(places)
    result = host.core("answer = bring()")
    assert result["undone"]["message"].count("Postfix runs and listens on") == 2
    assert host.core("answer = bring_all([{'instance': 'postfix-a', 'state': 'absent'}])")["instances"][0]["changed"]


def test_an_instance_that_the_run_has_created_goes_again(host: MailHost):
    before = host.contents()
    entries = [
        {"inet_interfaces": ["127.0.0.1", host.ipv4]},
        {"instance": "postfix-a", "state": "present", "inet_interfaces": [host.ipv4_b]},
    ]
    done = host.core(f"answer = bring_all({entries!r}, confirm=4)")
    assert "msg" not in done, done
    assert (host.ipv4_b, 25) in host.sockets()
    wait_until(lambda: host.sockets() == WILDCARDS and not left_behind(host), 60, "the previous state")
    assert host.run("test", "-e", "/etc/postfix-a", check=False).returncode
    result = host.bring()
    assert "The instance postfix-a was removed again." in result["undone"]["message"], result
    assert before  # what main.cf says of instances in general stays, as after any removal


def test_an_edit_by_hand_within_the_window_wins(host: MailHost):
    host.bring(wanted(host), confirm=4)
    host.edit("myorigin", "example.org")
    edited = host.contents()
    wait_until(lambda: not watchdog(host), 30, "the end of the window")
    time.sleep(1)
    assert host.contents() == edited
    assert host.sockets() == sockets(host)
    result = host.bring()
    assert result["undone"]["outcome"] == "overtaken"
    assert "were edited since, so nothing was undone" in result["warnings"][0]
    assert left_behind(host) == ""
