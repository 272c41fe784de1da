# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of change needs, and gets: the action and the sockets that check mode predicts, and no more.

-rP shows how many changes each release went through.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from fleet import STATE, WILDCARDS, MailHost, Sink
from mailfleet_lab.system import wait_until

SAME = ("action", "reasons", "interruption", "unit", "outside_unit", "recovered")


class Change(NamedTuple):
    """One change: what is asked for, what that needs, and the sockets after it.

    ``before_36`` is what it needs where a new socket cannot share its port with an old one. ``reload_leaves`` says that
    a reload alone, which is tried first then, leaves the sockets as they were.
    """

    what: str
    wanted: dict[str, Any]
    action: str
    sockets: set[tuple[str, int]]
    services: tuple[dict[str, Any], ...] = ()
    before_36: str = ""
    reload_leaves: bool = False


def changes(host: MailHost) -> list[Change]:
    """One after the other: each begins where the one before it has ended."""
    a4, b4, a6 = host.ipv4, host.ipv4_b, host.ipv6
    listed = {("127.0.0.1", 25), (a4, 25)}
    more = {"name": f"{b4}:2525", "command": "smtpd"}
    chroot = "y" if host.has_one_unit else "n"  # the other one than in the stock files
    two = {(a4, 25), (a6, 25)}
    split = (
        {"name": "smtp", "state": "disabled"},
        {"name": f"{a4}:25", "command": "smtpd"},
        {"name": f"[{a6}]:25", "command": "smtpd"},
    )
    joined = ({"name": "smtp"}, {"name": f"{a4}:25", "state": "absent"}, {"name": f"[{a6}]:25", "state": "absent"})
    banner = {"options": {"smtpd_banner": "$myhostname x"}}
    return [
        Change("addresses of a bare service", {"inet_interfaces": ["127.0.0.1", a4]}, "restart", listed, (), "", True),
        Change("their order and spelling", {"inet_interfaces": f"[{a4}],127.0.0.1"}, "none", listed),
        Change("an endpoint more", {}, "reload", listed | {(b4, 2525)}, (more,)),
        Change("an option of it", {}, "reload", listed | {(b4, 2525)}, ({**more, **banner},)),
        Change("its chroot", {}, "reload", listed | {(b4, 2525)}, ({**more, "chroot": chroot},)),
        Change(
            "its other name", {}, "reload", listed | {(b4, 2525)}, ({"name": f"[{b4}]:2525", "process_limit": "7"},)
        ),
        Change("an endpoint less", {}, "reload", listed, ({"name": f"{b4}:2525", "state": "absent"},)),
        # A reload alone would leave a server that dies of the first client by IPv6.
        Change("one family less", {"inet_protocols": "ipv4"}, "restart", listed),
        Change("the families' spelling", {"inet_protocols": "ipv4,ipv4"}, "none", listed),
        Change(
            "one family more", {"inet_protocols": "all", "inet_interfaces": "all"}, "restart", WILDCARDS, (), "", True
        ),
        Change("a source address", {"smtp_bind_address": b4, "lmtp_bind_address6": a6}, "reload", WILDCARDS),
        Change("addresses of a proxy", {"proxy_interfaces": "192.0.2.1"}, "reload", WILDCARDS),
        # Before 3.6 a reload alone would kill the master.
        Change("a bare service by endpoints", {}, "reload", two, split, "restart"),
        Change("addresses of no bare service", {"inet_interfaces": ["127.0.0.1", b4]}, "reload", two),
        Change("a service disabled", {"master_service_disable": f"{a4}:25/inet"}, "reload", {(a6, 25)}),
        Change("a service enabled", {"master_service_disable": ""}, "reload", two),
        # A reload alone would open what inet_interfaces was at the start.
        Change("endpoints by a bare service", {"inet_interfaces": [a4, a6]}, "restart", two, joined),
        # With a reload alone the master would die of the new bare service.
        Change(
            "one family less, and a bare service",
            {"inet_interfaces": "all", "inet_protocols": "ipv4"},
            "restart",
            {("0.0.0.0", 25), ("0.0.0.0", 2526)},
            ({"name": "2526", "command": "smtpd"},),
        ),
        Change(
            "all as it was", {"inet_protocols": "all"}, "restart", WILDCARDS, ({"name": "2526", "state": "absent"},)
        ),
    ]


def predicted_and_done(host: MailHost, *, before: str = "") -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """What check mode says, what the real run then does, and what `before` left in `between`."""
    text = f"between = None\n{before}\npredicted, done = bring(check_mode=True), bring()\n"
    found = host.core(f"{text}answer = [predicted, done, between]")
    return found[0], found[1], found[2]


def check(host: MailHost, what: str, action: str, sockets: set[tuple[str, int]], **options: Any) -> list[Any]:
    """Apply what the files say; returns what `before` left in `between`."""
    master = host.master()
    predicted, done, between = predicted_and_done(host, **options)
    assert {key: predicted.get(key) for key in SAME} == {key: done.get(key) for key in SAME}, (what, predicted, done)
    assert predicted["changed"] == done["changed"] == (action != "none"), what
    assert done["action"] == action, (what, done)
    assert done["in_sync"], (what, done)
    promised = {(one["address"], one["port"]) for one in predicted["sockets"]}
    assert predicted["sockets"] == done["sockets"], what
    assert promised == sockets == host.sockets(), what
    assert (host.master() == master) == (action not in ("restart", "start")), what
    return between


RELOAD = """
import subprocess
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import find_master
def master_sockets(reload):
    if reload:
        subprocess.run(["postfix", "reload"], check=True, capture_output=True)
        time.sleep(0.5)
    return sorted(socket[:2] for socket in find_master(find_instance()).sockets)
"""


def test_each_change_gets_what_it_needs(host: MailHost):
    assert host.bring()["in_sync"]
    steps = changes(host)
    for step in steps:
        action = step.action
        if not host.shares_ports:
            action = step.before_36 or step.action
        was = host.sockets()
        before = f"plan = edit(find_instance(), Wanted({step.wanted!r}, "
        before += f"services=[ServiceChange(**one) for one in {step.services!r}])).plan\n"
        before += f"between = [plan.action, master_sockets({step.reload_leaves})]"
        planned, between = check(host, step.what, action, step.sockets, before=RELOAD + before)
        assert planned == action, step.what
        if step.reload_leaves:
            assert set(map(tuple, between)) == was != step.sockets, step.what
    print(f"{host.name}: {len(steps)} changes, each with the action and the sockets that were predicted")


def test_what_is_no_change_needs_nothing(host: MailHost):
    assert host.bring()["in_sync"]
    host.run("sh", "-c", f"printf '\n# a comment\n' >>{host.config}/main.cf")
    host.run("sh", "-c", f"printf '# a comment\n' >>{host.config}/master.cf")
    host.run("touch", *host.files_of_postfix)
    check(host, "comments", "none", WILDCARDS)
    host.run("sh", "-c", f"cp -a {host.config}/main.cf /root/again && mv /root/again {host.config}/main.cf")
    check(host, "a file rewritten unchanged", "none", WILDCARDS)
    # An address more on the host, with inet_interfaces=all: the wildcard has it already.
    host.host.remove_address(f"{host.ipv4_b}/24")
    host.host.add_address(f"{host.ipv4_b}/24")
    check(host, "an address more on the host", "none", WILDCARDS)
    host.edit("multi_instance_group", "mta")
    check(host, "what only postmulti reads", "none", WILDCARDS)


def test_what_a_reload_has_done_needs_nothing(host: MailHost):
    """And what it has not done, still does."""
    assert host.bring()["in_sync"]
    host.edit("smtp_bind_address", host.ipv4)
    host.run("sh", "-c", f"echo '{host.ipv4}:2525 inet n - n - - smtpd' >>{host.config}/master.cf")
    check(host, "a source address and an endpoint by hand", "reload", WILDCARDS | {(host.ipv4, 2525)})
    host.edit("smtp_bind_address", host.ipv4_b)
    host.run("postconf", "-X", "smtp_bind_address")
    host.run("postconf", "-MX", f"{host.ipv4}:2525/inet")
    host.run("sleep", "2")
    host.run("postfix", "reload")
    host.run("sleep", "1")
    check(host, "reloaded by hand", "none", WILDCARDS)
    host.edit("inet_interfaces", "loopback-only")
    host.run("postfix", "reload")
    check(host, "reloaded by hand in vain", "restart", {("127.0.0.1", 25), ("::1", 25)})


@pytest.fixture
def names(host: MailHost) -> Iterator[str]:
    """The host's names; what a test adds to them goes."""
    before = host.run("cat", "/etc/hosts").stdout
    yield before
    host.write("/etc/hosts", before)


@pytest.mark.parametrize("place", ["inet_interfaces", "master.cf"])
def test_a_name_that_resolves_elsewhere_needs_a_restart(host: MailHost, names: str, place: str):
    def resolve(*addresses: str) -> None:
        host.write("/etc/hosts", names + "".join(f"{address} mx.test\n" for address in addresses))

    def sockets(*addresses: str) -> set[tuple[str, int]]:
        return {(address, 2525) for address in addresses} | (set() if place == "inet_interfaces" else WILDCARDS)

    resolve(host.ipv4)
    if place == "inet_interfaces":
        text = "Wanted({'inet_interfaces': 'mx.test'}, services=[ServiceChange('smtp', state='disabled'), "
        text += "ServiceChange('2525', command='smtpd')])"
    else:
        text = "Wanted({}, services=[ServiceChange('mx.test:2525', command='smtpd')])"
    assert host.core(f"edit(find_instance(), {text}); answer = bring()")["in_sync"]
    assert host.sockets() == sockets(host.ipv4)
    resolve(host.ipv4_b)
    check(host, "another address", "restart", sockets(host.ipv4_b))
    resolve(host.ipv4, host.ipv4_b)
    check(host, "an address more", "restart", sockets(host.ipv4, host.ipv4_b))
    assert host.banner(host.ipv4_b, 2525).startswith("220 ")
    # The master would die of a reload now.
    resolve()
    master = host.master()
    for answer in predicted_and_done(host)[:2]:
        assert "mx.test" in answer["msg"]
    assert host.master() == master
    assert host.sockets() == sockets(host.ipv4, host.ipv4_b)


@pytest.mark.parametrize("how", ["removed", "down"])
def test_an_address_that_is_gone_is_refused_and_then_taken_out(host: MailHost, how: str):
    """Its endpoint would keep its dead socket at a reload, and kill the master at the next start."""
    host.run("ip", "link", "add", "spare", "type", "veth", "peer", "name", "other")
    try:
        host.run("ip", "link", "set", "spare", "up")
        host.run("ip", "address", "add", "10.8.0.1/24", "dev", "spare")
        listed = {("127.0.0.1", 25), ("10.8.0.1", 25)}
        assert host.bring({"inet_interfaces": ["127.0.0.1", "10.8.0.1"]})["in_sync"]
        assert host.sockets() == listed
        command = ("link", "set", "spare", "down") if how == "down" else ("address", "flush", "dev", "spare")
        host.run("ip", *command)
        assert host.run("postfix", "stop", check=False).returncode
        master = host.master()
        for answer in predicted_and_done(host)[:2]:
            assert "10.8.0.1" in answer["msg"], answer
        assert (host.master(), host.sockets()) == (master, listed)
        host.core("edit(find_instance(), Wanted({'inet_interfaces': '127.0.0.1'})); answer = True")
        check(host, f"an address that is {how} less", "restart", {("127.0.0.1", 25)})
        assert host.runs(host.unit)
    finally:
        host.run("ip", "link", "delete", "spare")


def test_another_queue_directory_needs_a_restart(host: MailHost):
    assert host.bring()["in_sync"]
    other = f"{host.spool}-other"
    try:
        host.run("sh", "-c", f"postfix stop; cp -a {host.spool} {other}; systemctl restart {host.unit}")
        assert host.bring()["in_sync"]
        host.edit("queue_directory", other)
        assert host.bring(check_mode=True)["action"] == "restart"
        result = host.bring()
        assert (result["action"], result["in_sync"]) == ("restart", True), result
        assert host.sockets() == WILDCARDS
        host.run("postconf", "-X", "queue_directory")
        assert host.bring()["in_sync"]
        assert host.run("readlink", f"/proc/{host.master()}/cwd").stdout.strip() == host.spool
    finally:
        host.run("rm", "-rf", other)


def test_an_environment_is_taken_up_by_a_start_alone(host: MailHost):
    """Also on a host that this collection has never seen before, where somebody has reloaded Postfix since."""

    def environment() -> list[str]:
        return host.run("sh", "-c", "tr '\\0' '\\n' </proc/$(pgrep -o -x qmgr)/environ").stdout.split("\n")

    assert host.bring()["in_sync"]
    for value, seen_before in (("one", True), ("two, three", False)):
        host.edit("import_environment", f"MAIL_CONFIG, MAIL_LOGTAG TZ LANG=C {{ LAB = {value} }}")
        host.run("sleep", "2")
        host.run("postfix", "reload")
        host.run("sleep", "1")
        assert f"LAB={value}" not in environment()
        if not seen_before:
            host.run("rm", "-r", STATE)
        check(host, f"LAB is {value}", "restart", WILDCARDS)
        assert f"LAB={value}" in environment()
        check(host, "the same", "none", WILDCARDS)


def test_what_postfix_has_read_is_told_by_processes_and_not_by_times(host: MailHost):
    main, master = (host.run("cat", path).stdout for path in host.files_of_postfix)
    assert host.bring()["in_sync"]
    # Others that somebody has reloaded, and those before put back: the files are what they were.
    host.run("postconf", "-P", "smtp/inet/smtpd_banner=$myhostname,other")
    host.run("postfix", "reload")
    host.run("sleep", "1")
    host.write(f"{host.config}/master.cf", master)
    assert host.banner(host.ipv4).endswith(",other")
    check(host, "the previous files", "reload", WILDCARDS)
    assert not host.banner(host.ipv4).endswith(",other")
    for when in ("-1 hour", "+1 hour"):
        host.edit("smtpd_banner", f"$myhostname {when}")
        host.run("touch", "-d", when, f"{host.config}/main.cf")
        check(host, f"a file of {when}", "reload", WILDCARDS)
        check(host, "the same", "none", WILDCARDS)
    # What was written when the master started is older than the master: somebody has set the clock ahead since.
    host.write(f"{host.config}/main.cf", main)
    host.run("sleep", "2")
    host.run("postfix", "reload")
    host.run("sleep", "1")
    host.run("rm", "-r", STATE)
    assert host.bring(check_mode=True)["action"] == "none"
    host.run("touch", "-d", "-1 day", f"{host.spool}/pid/master.pid")
    check(host, "in doubt", "reload", WILDCARDS)
    check(host, "not in doubt any more", "none", WILDCARDS)


def test_what_can_never_work_is_refused_before_anything_is_touched(host: MailHost):
    assert host.bring()["in_sync"]
    master = host.master()
    host.edit("inet_protocols", "ipv4")
    host.edit("inet_interfaces", f"127.0.0.1, {host.ipv6}")
    for answer in predicted_and_done(host)[:2]:
        assert host.ipv6 in answer["msg"], answer
    host.run("cp", "/root/postfix.stock/main.cf", host.config)
    host.run("sh", "-c", f"echo '10.9.9.9:25 inet n - n - - smtpd' >>{host.config}/master.cf")
    for answer in predicted_and_done(host)[:2]:
        assert "10.9.9.9" in answer["msg"], answer
    assert (host.master(), host.sockets()) == (master, WILDCARDS)


def test_a_service_with_clients_is_taken_away_at_once(host: MailHost, sink: Sink):
    """Where the master may not end its processes (Debian's since 13), it would serve nobody until they have ended."""
    master_cf = host.run("cat", host.files_of_postfix[1]).stdout
    slow = ("slow unix - - n - - smtp", "2525 inet n - n - - smtpd", f"{host.ipv4}:2526 inet n - n - - smtpd")
    host.shell("printf '%s\\n' " + " ".join(f"'{entry}'" for entry in slow) + f" >> {host.files_of_postfix[1]}")
    host.edit("default_transport", "slow")
    assert host.bring()["in_sync"]
    sink.answers.clear()
    host.run("sendmail", "-f", "a@example", f"user@[{host.room[0]}]", input="Subject: x\n\nx\n", stdin=None)
    wait_until(lambda: sink.sources == [host.ipv4], 20, "mail arriving")
    host.edit("default_transport", "smtp")
    with ExitStack() as clients:
        for port in (2525, 2526):
            client = clients.enter_context(socket.create_connection((host.ipv4, port), timeout=10))
            assert client.recv(100).startswith(b"220 ")
        gone = [{"name": entry.split()[0], "type": entry.split()[1], "state": "absent"} for entry in slow]
        done = host.bring({}, services=gone)
        assert (done.get("action"), done.get("in_sync")) == ("reload", True), json.dumps(done)
    assert host.banner(host.ipv4).startswith("220 ")
    assert host.run("cat", host.files_of_postfix[1]).stdout == master_cf
    sink.answers.set()
    host.run("postqueue", "-f")
    wait_until(lambda: "empty" in host.run("postqueue", "-p").stdout, 60, "the message leaving by another transport")
