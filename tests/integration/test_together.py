# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three instances of a host in one run, and what can go wrong in each of them at each stage.

The end is all new or all old, or an error that says which is what; the next plain run repairs it with no help.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import pytest
from fleet import END_TAKER, PROGRAMS, STATE, MailHost, taker
from mailfleet_lab.system import wait_until

CHOSEN = "MAILFLEET_CHOSEN" in os.environ  # then each trouble once, for one of the instances in turns
NAMES = ("postfix", "postfix-a", "postfix-b")
PORTS = {"old": (2510, 2511, 2512), "new": (2520, 2521, 2522)}
OPTIONS = ("inet_protocols", "inet_interfaces")
PARTS = 7  # of the troubles

# A script, or the end of the run, at the call of a method for one of the instances: before it or after it.
HOOKS = """
import subprocess
def hook(where, name, number, script, when="after"):
    original = getattr(where, name)
    def instead(self, *arguments, **options):
        run = getattr(self, "run", None) or self
        instance = getattr(run, "instance", None)
        here = instance.config_directory if instance else self.config_directory
        mine = here == "/etc/" + ("postfix", "postfix-a", "postfix-b")[number] and not hook.done
        if mine and when == "before":
            done(script)
        result = original(self, *arguments, **options)
        if mine and when == "after":
            done(script)
        return result
    setattr(where, name, instead)
hook.done = False
def done(script):
    hook.done = True
    if script == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    subprocess.run(script, shell=True, check=True)
"""
TAKER = taker("127.0.0.1", "{port}")
FULL = """cp -a {place} /root/place; mount -t tmpfs -o size=128k none {place}; cp -a /root/place/. {place}
head -c 1M /dev/zero >{place}/filler || true"""
END_FULL = "umount {place}; rm -rf /root/place"


class Trouble(NamedTuple):
    """What goes wrong: when (the stage, for one of the instances), how it ends, and what is said."""

    name: str
    stage: str
    script: str
    end: str = "true"
    words: str = ""
    #: whether all three run by the old files right after it
    serves: bool = True
    #: a restart, and not a reload, where that is the stage
    restart: bool = True
    #: whether sockets of ours may keep clients waiting: that keeps the ports from other programs too
    held: bool = True


TROUBLES = [
    Trouble("killed before its files are written", "transaction.Transactions, 'commit', {n}, {s}, 'before'", "kill"),
    Trouble("killed after its files are written", "transaction.Transactions, 'commit', {n}, {s}", "kill"),
    Trouble("killed after its stop", "unit.ServiceControl, 'stop', {n}, {s}", "kill"),
    Trouble("killed after its start", "unit.ServiceControl, 'start', {n}, {s}", "kill"),
    Trouble("killed after it was verified", "restart.Attempt, 'verify', {n}, {s}", "kill"),
    Trouble(
        "address vanished before",
        "",
        "ip address delete 127.0.9.{n}/8 dev lo",
        "ip address add 127.0.9.{n}/8 dev lo",
        "'127.0.9.{n}' is on no interface of the host",
    ),
    Trouble(
        "address vanishes during its stop",
        "unit.ServiceControl, 'stop', {n}, {s}",
        "ip address delete 127.0.9.{n}/8 dev lo",
        "ip address add 127.0.9.{n}/8 dev lo",
        "no local interface found for 127.0.9.{n}",
    ),
    Trouble("port taken before", "", TAKER, END_TAKER, "cannot listen on 127.0.0.1 port {port}: python3"),
    Trouble(
        "port taken during its stop",
        "unit.ServiceControl, 'stop', {n}, {s}",
        TAKER,
        END_TAKER,
        "bind 127.0.0.1 port {port}: Address already in use",
        held=False,
    ),
    Trouble(
        "check fails",
        "",
        "rmdir {spool}/hold && touch {spool}/hold",
        "rm {spool}/hold && install -d -o postfix -m 700 {spool}/hold",
        "hold",
    ),
    Trouble(
        "disk of its queue full at its start",
        "unit.ServiceControl, 'stop', {n}, {s}",
        "mount -t tmpfs -o size=4k none {spool}/pid; head -c 4096 /dev/zero >{spool}/pid/full",
        "umount {spool}/pid",
        "No space left on device",
        serves=False,
    ),
    Trouble(
        "disk of its files full",
        "",
        FULL.replace("{place}", "{etc}"),
        END_FULL.replace("{place}", "{etc}"),
        "No space left on device",
    ),
    Trouble(
        "queue manager dies",
        "unit.ServiceControl, 'stop', {n}, {s}",
        f"mount --bind /bin/false {PROGRAMS}/qmgr",
        f"umount {PROGRAMS}/qmgr",
        "qmgr does not stay alive",
        serves=False,
    ),
    Trouble(
        "master killed after its start",
        "unit.ServiceControl, 'start', {n}, {s}",
        "kill -KILL $(cat {spool}/pid/master.pid)",
        words="Postfix",
    ),
]


def entries(which: str) -> list[dict[str, Any]]:
    """What is wanted of the three instances: an address and a port of its own for each, old or new."""
    found = []
    for number, (name, port) in enumerate(zip(NAMES, PORTS[which], strict=True)):
        address = f"127.0.{8 if which == 'old' else 9}.{number}"
        other = PORTS["new" if which == "old" else "old"][number]
        services = [
            {"name": f"127.0.0.1:{port}", "command": "smtpd", "options": {}},
            {"name": f"127.0.0.1:{other}", "state": "absent", "options": {}},
        ]
        entry = {"inet_protocols": "ipv4", "inet_interfaces": [address], "services": services}
        found.append(entry if name == "postfix" else {"instance": name, "state": "present", **entry})
    return found


def sockets(which: str) -> set[tuple[str, int]]:
    start = 8 if which == "old" else 9
    return {(f"127.0.{start}.{number}", 25) for number in range(3)} | {("127.0.0.1", port) for port in PORTS[which]}


def files(host: MailHost) -> str:
    return host.run("sha256sum", *(f"/etc/{name}/{file}" for name in NAMES for file in ("main.cf", "master.cf"))).stdout


def bring(host: MailHost, which: str, hooks: str = "") -> Any:
    return host.core(f"{hooks}\nanswer = bring_all({entries(which)!r}, timeout=20)")


def remove(host: MailHost) -> None:
    names = [{"instance": name, "state": "absent"} for name in NAMES[1:]]
    assert "msg" not in host.core(f"answer = bring_all({names!r})")


@pytest.mark.parametrize("part", range(PARTS))
def test_each_failure_at_each_instance(host: MailHost, part: int):
    addresses = [f"127.0.{start}.{number}/8" for number in range(3) for start in (8, 9)]
    host.shell("".join(f"ip address add {address} dev lo\n" for address in addresses))
    try:
        each_failure_at_each_instance(host, TROUBLES[part::PARTS])
    finally:
        host.shell("".join(f"ip address delete {address} dev lo || true\n" for address in addresses))


def each_failure_at_each_instance(host: MailHost, troubles: list[Trouble]) -> None:
    result = bring(host, "old")
    assert "msg" not in result, result
    assert host.sockets() == sockets("old")
    tried, turns = 0, 0
    for position, trouble in enumerate(troubles):
        for number in [position % 3] if CHOSEN else range(3):
            old, new = ("old", "new") if turns % 2 == 0 else ("new", "old")
            if "127.0.9" in trouble.script and new != "new":
                assert "msg" not in bring(host, old := "old")
                turns += 1
                new = "new"
            run_into(host, trouble, number, old, new)
            turns += 1
            tried += 1
    print(f"{host.name}: {tried} failures, repaired each time")
    assert tried == len(troubles) * (1 if CHOSEN else 3)
    remove(host)


def run_into(host: MailHost, trouble: Trouble, number: int, old: str, new: str) -> None:
    """From the old state to the new one, with one trouble on the way."""

    def fill(text: str) -> str:
        name = NAMES[number]
        values = {"n": number, "port": PORTS[new][number], "spool": f"/var/spool/{name}", "etc": f"/etc/{name}"}
        for key, value in {**values, "s": repr(trouble.script)}.items():
            text = text.replace(f"{{{key}}}", str(value))
        return text

    what = (trouble.name, number)
    before = files(host)
    hooks = fill(fill(f"{HOOKS}\nhook({trouble.stage})")) if trouble.stage else ""
    hooks += "" if trouble.held else "\nrestart.cannot_hold = lambda version: 'not here'"
    if not trouble.stage:
        host.shell(fill(trouble.script))
    try:
        result = bring(host, new, hooks)
        if trouble.script == "kill":
            assert result is None, what
        else:
            assert fill(trouble.words) in str(result), (what, result)
            assert "msg" in result, (what, result)
            if trouble.serves:
                assert files(host) == before, (what, result)
                assert host.sockets() == sockets(old), (what, result)
    finally:
        host.shell(fill(trouble.end))
    if trouble.script == "kill":
        wait_until(lambda: not host.is_at_work(), 60, "the run being finished")
        wait_until(lambda: host.run("cat", "/proc/sys/net/ipv4/tcp_migrate_req").stdout == "0\n", 5, "the switch")
    repaired = bring(host, new)
    assert "msg" not in repaired, (what, repaired)
    assert all(one["in_sync"] for one in repaired["instances"]), (what, repaired)
    assert host.sockets() == sockets(new), what
    again = bring(host, new)
    assert not any(one["changed"] for one in again["instances"]), (what, again)
    assert host.run("ls", STATE).stdout.count("together.json") == 0


def test_two_instances_exchange_their_addresses(host: MailHost):
    def wanted(first: str, second: str) -> list[dict[str, Any]]:
        both = [{"inet_protocols": "ipv4", "inet_interfaces": ["127.0.0.1", first]}]
        other = {"inet_protocols": "ipv4", "inet_interfaces": [second]}
        return [*both, {"instance": "postfix-a", "state": "present", **other}]

    assert "msg" not in host.core(f"answer = bring_all({wanted(host.ipv4, host.ipv4_b)!r})")
    for first, second in ((host.ipv4_b, host.ipv4), (host.ipv4, host.ipv4_b)):
        foreseen, done = (
            host.core(f"answer = bring_all({wanted(first, second)!r}, check_mode={check})") for check in (True, False)
        )
        assert "msg" not in done, done
        assert [one["action"] for one in foreseen["instances"]] == ["restart", "restart"]
        assert [one["action"] for one in done["instances"]] == ["restart", "restart"]
        assert host.sockets() == {("127.0.0.1", 25), (first, 25), (second, 25)}
        assert host.banner(first).startswith("220 ")
        assert host.banner(second).startswith("220 ")
    remove(host)
    assert host.sockets() == {("127.0.0.1", 25), (host.ipv4, 25)}


def test_an_address_that_the_last_cannot_have_changes_nothing(host: MailHost):
    """A stock host with wildcards: one is narrowed, another takes the rest; a bad value of the last undoes all."""
    before = host.files()
    wanted = [
        {"inet_interfaces": ["127.0.0.1", host.ipv4]},
        {"instance": "postfix-a", "state": "present", "inet_interfaces": [host.ipv4_b], "smtp_bind_address": "absent"},
    ]
    for check_mode in (True, False):
        result = host.core(f"answer = bring_all({wanted!r}, check_mode={check_mode})")
        assert "smtp_bind_address: 'absent'" in result["msg"], result
        assert host.files() == before
        assert host.sockets() == {("0.0.0.0", 25), ("::", 25)}
        assert host.run("test", "-e", "/etc/postfix-a", check=False).returncode
    # What is only known when it is tried: the new instance goes again, and the first one is as it was.
    hooks = f"{HOOKS}\nhook(unit.ServiceControl, 'start', 1, 'kill -KILL $(cat /var/spool/postfix-a/pid/master.pid)')"
    del wanted[1]["smtp_bind_address"]
    result = host.core(f"{hooks}\nanswer = bring_all({wanted!r})")
    assert "The instance was removed again." in result["msg"], result
    assert host.run("test", "-e", "/etc/postfix-a", check=False).returncode
    assert host.contents() == before_contents(before)
    assert host.sockets() == {("0.0.0.0", 25), ("::", 25)}
    assert "msg" not in host.core(f"answer = bring_all({wanted!r})")
    assert host.banner(host.ipv4_b).startswith("220 ")
    remove(host)


def before_contents(files_of_host: str) -> str:
    """The digests in what MailHost.files() has said."""
    return "".join(f"{line}\n" for line in files_of_host.splitlines()[:2])
