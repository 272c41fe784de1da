# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each thing that can go wrong while files are applied, with systemd and without.

Mail service is up on the last good ones, or the error says what is needed; the next plain run repairs it with no help.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from fleet import END_TAKER, PROGRAMS, WILDCARDS, MailHost, taker
from mailfleet_lab.system import wait_until

SWITCH = "/proc/sys/net/ipv4/tcp_migrate_req"
SYSTEMD = pytest.mark.parametrize("systemd", [True, False], ids=["systemd", "no-systemd"])

SLOW = f"""cp {PROGRAMS}/master /usr/local/lib/quick
printf '#!/bin/sh\\ncase $1 in -w) sleep 40;; esac\\nexec /usr/local/lib/quick "$@"\\n' >/usr/local/lib/slow
chmod +x /usr/local/lib/slow; mount --bind /usr/local/lib/slow {PROGRAMS}/master"""


class Trouble(NamedTuple):
    """What goes wrong, in the shell, with B4 for an address of the host: when, how it ends, and what is said.

    ``held`` is whether sockets of ours may keep clients waiting: that keeps the ports from other programs too.
    ``early`` says that it is known before anything is touched, and to check mode too; ``serves`` that Postfix runs by
    the previous files after it. SPOOL is the queue directory.
    """

    name: str
    words: str
    before: str = "true"
    after_stop: str = "true"
    after_start: str = "true"
    end: str = "true"
    early: bool = False
    serves: bool = True
    held: bool = True
    wanted: str = "{'inet_interfaces': ['127.0.0.1', 'B4']}"
    services: str = ""
    set_up: str = "true"
    timeout: float = 30


NAMED = {"wanted": "{'inet_interfaces': 'mx.test'}", "set_up": "cp /etc/hosts /root/; echo B4 mx.test >>/etc/hosts"}
ENDPOINT = {"services": "ServiceChange('B4:2525', command='smtpd')"}
TROUBLES = [
    Trouble(
        "address vanished before the stop",
        "'B4' is on no interface of the host",
        before="ip address delete B4/24 dev eth0",
        end="ip address add B4/24 dev eth0",
        early=True,
    ),
    Trouble(
        "address vanishes during the stop",
        "no local interface found for B4",
        after_stop="ip address delete B4/24 dev eth0",
        end="ip address add B4/24 dev eth0",
    ),
    Trouble(
        "port taken before the stop",
        "cannot listen on B4 port 2525: python3 (process ",
        before=taker("B4", 2525),
        end=END_TAKER,
        early=True,
        **ENDPOINT,
    ),
    Trouble(
        "port taken during the stop",
        "bind B4 port 2525: Address already in use",
        after_stop=taker("B4", 2525),
        end=END_TAKER,
        held=False,
        **ENDPOINT,
    ),
    Trouble("name gone before the stop", "mx.test", before="cp /root/hosts /etc/hosts", early=True, **NAMED),
    Trouble("name gone during the stop", "host not found: mx.test", after_stop="cp /root/hosts /etc/hosts", **NAMED),
    Trouble(
        "disk full at the start",
        "No space left on device",
        after_stop="mount -t tmpfs -o size=4k none SPOOL/pid; head -c 4096 /dev/zero >SPOOL/pid/full",
        end="umount SPOOL/pid",
        serves=False,
    ),
    Trouble(
        "postfix check fails",
        "hold",
        before="rmdir SPOOL/hold && touch SPOOL/hold",
        end="rm SPOOL/hold && install -d -o postfix -m 700 SPOOL/hold",
    ),
    Trouble(
        "start takes too long",
        "took too long",
        after_stop=SLOW,
        end=f"umount --lazy {PROGRAMS}/master",
        serves=False,
        timeout=10,
    ),
    Trouble(
        "master killed after the start",
        "Postfix",
        after_start="kill -KILL $(cat SPOOL/pid/master.pid)",
    ),
    Trouble(
        "queue manager dies",
        "qmgr does not stay alive",
        after_stop=f"mount --bind /bin/false {PROGRAMS}/qmgr",
        end=f"umount {PROGRAMS}/qmgr",
        serves=False,
    ),
    Trouble(
        "server dies",
        "The server at ",
        after_stop=f"mount --bind /bin/false {PROGRAMS}/smtpd",
        end=f"umount {PROGRAMS}/smtpd",
        serves=False,
    ),
]
MASKED = Trouble(
    "unit masked",
    "Allow it to be started with systemctl unmask UNIT",
    # One that an administrator has written has to be out of the way.
    before="test ! -f /etc/systemd/system/UNIT || mv /etc/systemd/system/UNIT /root; systemctl mask UNIT",
    end="systemctl unmask UNIT; test ! -f /root/UNIT || mv /root/UNIT /etc/systemd/system; systemctl daemon-reload",
    early=True,
)
# Once, in the run's process, because nothing else knows when that is.
HOOKS = """
import subprocess
def hook(name, script):
    original = getattr(unit.ServiceControl, name)
    def instead(*arguments, **options):
        result = original(*arguments, **options)
        setattr(unit.ServiceControl, name, original)
        subprocess.run(script, shell=True, check=True)
        return result
    setattr(unit.ServiceControl, name, instead)
"""


def wanted(host: MailHost) -> dict[str, Any]:
    """What is to be applied: it needs a stop and a start."""
    return {"inet_interfaces": ["127.0.0.1", host.ipv4_b]}


def sockets(host: MailHost) -> set[tuple[str, int]]:
    return {("127.0.0.1", 25), (host.ipv4_b, 25)}


def begin(host: MailHost, *, systemd: bool) -> None:
    """Postfix runs as the host would run it, and that is recorded."""
    if not systemd:
        host.run("systemctl", "stop", host.unit)
        host.shell(f"{host.script} start", systemd=False)
    result = host.bring(systemd=systemd)
    unit = host.unit if systemd else None
    assert (result["action"], result["unit"], result["in_sync"]) == ("none", unit, True), result


def serves_as_before(host: MailHost) -> None:
    assert host.sockets() == WILDCARDS
    assert host.banner(host.ipv4).startswith("220 ")


def next_run_repairs(host: MailHost, *, systemd: bool = True) -> None:
    result = host.bring(wanted(host), systemd=systemd)
    assert result.get("in_sync"), result
    assert host.sockets() == sockets(host)
    assert host.banner(host.ipv4_b).startswith("220 ")
    assert host.runs(host.unit) == systemd
    assert host.bring(wanted(host), systemd=systemd)["changed"] is False


def run_into(host: MailHost, trouble: Trouble, systemd: bool) -> None:
    def fill(text: str) -> str:
        return text.replace("B4", host.ipv4_b).replace("UNIT", host.unit).replace("SPOOL", host.spool)

    begin(host, systemd=systemd)
    before = host.contents()
    host.shell(fill(trouble.set_up), systemd=systemd)
    edit = f"edit(find_instance(), Wanted({trouble.wanted}, services=[{trouble.services}]))"
    host.core(fill(f"{edit}; answer = True"), systemd=systemd)
    host.shell(fill(trouble.before), systemd=systemd)
    try:
        text = "" if trouble.held else "restart.cannot_hold = lambda version: 'not here'"
        text += "" if trouble.timeout == 30 else "\nrestart._FOR_START = 1.0"
        text += f"\n{HOOKS}\nhook('stop', {fill(trouble.after_stop)!r})\nhook('start', {fill(trouble.after_start)!r})\n"
        text += f"answer = [bring(check_mode=True), bring(timeout={trouble.timeout})]"
        predicted, failed = host.core(text, systemd=systemd)
        assert fill(trouble.words) in failed["msg"] + " ".join(failed["messages"]), failed
        assert predicted.get("msg", "").startswith("The files cannot be applied: ") == trouble.early, predicted
        if trouble.early:
            assert failed["msg"].startswith(predicted["msg"].partition(" The previous version")[0]), (predicted, failed)
        assert failed["rolled_back"], failed
        assert host.contents() == before
        end = failed["msg"].rpartition(" Postfix ")[2]
        if trouble.serves:
            assert end == "runs and listens on 0.0.0.0:25, [::]:25.", failed
            serves_as_before(host)
        else:
            assert failed["in_sync"] is False
    finally:
        host.shell(fill(trouble.end), systemd=systemd)


@SYSTEMD
@pytest.mark.parametrize("trouble", TROUBLES, ids=[one.name.replace(" ", "-") for one in TROUBLES])
def test_a_failure_ends_in_a_state_that_the_next_run_repairs(host: MailHost, trouble: Trouble, systemd: bool):
    run_into(host, trouble, systemd)
    next_run_repairs(host, systemd=systemd)


def test_a_masked_unit(host: MailHost):
    run_into(host, MASKED, systemd=True)
    next_run_repairs(host)


@SYSTEMD
def test_a_master_that_was_killed_is_started(host: MailHost, systemd: bool):
    begin(host, systemd=systemd)
    host.shell(f"kill -KILL $(cat {host.spool}/pid/master.pid)")
    wait_until(lambda: not host.sockets(), 10, "Postfix ending")
    result = host.bring(wanted(host), systemd=systemd)
    assert (result["action"], result["in_sync"]) == ("start", True), result
    next_run_repairs(host, systemd=systemd)


# A function, and whether the run is killed before or after it.
STAGES = [
    ("atomic_replace.Replacement, 'put'", "before"),
    ("atomic_replace.Replacement, 'put'", "after"),
    ("unit.ServiceControl, 'prepare'", "before"),
    ("keep_clients_waiting.Hold, '_open'", "after"),
    ("unit.ServiceControl, 'stop'", "after"),
    ("unit, 'run'", "after"),
    ("unit.ServiceControl, 'start'", "after"),
    ("restart, 'ask'", "after"),
    ("transaction.Transactions, 'confirm'", "before"),
    ("transaction.Transactions, 'confirm'", "after"),
]
KILL = """
def kill_at(where, name, when):
    original = getattr(where, name)
    def instead(*arguments, **options):
        if name == "run" and "start" not in arguments[0]:
            return original(*arguments, **options)
        if when == "after":
            original(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(where, name, instead)
"""


@SYSTEMD
def test_a_run_that_is_killed_at_any_stage_is_finished_by_the_next(host: MailHost, systemd: bool):
    """As by a connection that is lost, a host that runs out of memory, an impatient operator."""
    begin(host, systemd=systemd)
    stages = [stage for stage in STAGES if "_open" not in stage[0] or host.shares_ports]
    turns = [(wanted(host), sockets(host)), ({"inet_interfaces": "all"}, WILDCARDS)]
    for number, (what, when) in enumerate(stages):
        asked, promised = turns[number % 2]
        # A service too, so that both files change.
        services = [{"name": "2526", "command": "smtpd", "state": "absent" if number % 2 else "present"}]
        options = f"{asked!r}, {services!r}"
        if not number % 2:
            promised = promised | {(address, 2526) for address, _port in promised}
        killed = host.core(f"{KILL}\nkill_at({what}, {when!r})\nanswer = bring({options})", systemd=systemd)
        assert killed is None, (what, when)
        wait_until(lambda: not host.is_at_work(), 60, "the run being finished")
        wait_until(lambda: host.run("cat", SWITCH).stdout == "0\n", 5, "the switch being put back")
        finished = host.core(f"answer = bring({options})", systemd=systemd)
        assert finished.get("in_sync"), (what, when, finished)
        assert not host.run("sh", "-c", f"cat /run/systemd/system/{host.unit}.d/* || true").stdout
        assert host.sockets() == promised, (what, when)
        assert host.runs(host.unit) == systemd
        assert host.core(f"answer = bring({options})", systemd=systemd)["changed"] is False, (what, when)
    print(f"{host.name}: killed at {len(stages)} stages, repaired each time")


def test_two_applies_at_once(host: MailHost):
    assert host.bring()["in_sync"]
    assert host.core(f"edit(find_instance(), Wanted({wanted(host)!r})); answer = True")
    both = [host.start_core("print(bring()['changed'])") for _number in range(2)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in both) == ["False", "True"]
    assert host.sockets() == sockets(host)


def test_a_postfix_outside_of_its_unit_is_recognised(host: MailHost):
    assert host.bring()["outside_unit"] is False
    host.run("systemctl", "stop", host.unit)
    # On Debian 13 `postfix start` goes to systemctl otherwise.
    host.shell("postfix start", systemd=False)
    result = host.bring()
    assert (result["action"], result["in_sync"], result["outside_unit"]) == ("none", True, True)
    predicted, result = host.core(
        f"edit(find_instance(), Wanted({wanted(host)!r})); answer = [bring(check_mode=True), bring()]"
    )
    assert predicted["outside_unit"] is True
    assert (result["action"], result["in_sync"], result["outside_unit"]) == ("restart", True, False)
    assert host.runs(host.unit)


def test_an_init_script(host: MailHost):
    begin(host, systemd=False)
    result = host.bring(wanted(host), systemd=False)
    assert (result["action"], result["unit"], result["in_sync"]) == ("restart", None, True), result
    assert host.sockets() == sockets(host)
    # What it runs is what the script then stops.
    host.shell(f"{host.script} status", systemd=False)
    host.shell(f"{host.script} stop", systemd=False)
    assert not host.sockets()
    result = host.bring({"inet_interfaces": "all"}, systemd=False)
    assert (result["action"], result["unit"], result["in_sync"]) == ("start", None, True), result
    # The host's own unit again.
    assert host.bring({"inet_interfaces": "127.0.0.1"})["outside_unit"] is False
    assert host.runs(host.unit)


@SYSTEMD
def test_a_postfix_whose_files_do_not_even_let_it_stop(host: MailHost, systemd: bool):
    begin(host, systemd=systemd)
    assert host.bring(wanted(host), systemd=systemd)["in_sync"]
    host.host.remove_address(f"{host.ipv4_b}/24")
    assert host.run("postfix", "stop", check=False).returncode
    result = host.bring({"inet_interfaces": "all"}, systemd=systemd)
    assert (result["action"], result["in_sync"]) == ("restart", True), result
    serves_as_before(host)
    assert host.runs(host.unit) == systemd
    # Text by which no program of Postfix runs at all.
    host.shell(f"echo nonsense >>{host.config}/main.cf")
    assert host.run("postfix", "stop", check=False).returncode
    failed = host.bring(systemd=systemd)
    assert "is not a setting (line" in failed["msg"]
    host.shell(f"sed -i /nonsense/d {host.config}/main.cf")
    assert host.bring({"inet_interfaces": "127.0.0.1"}, systemd=systemd)["in_sync"]


def test_an_edit_by_hand_that_does_not_work_is_undone_and_kept(host: MailHost):
    """By a template, another role, a person: nothing is known of it, but what ran before it is."""
    assert host.bring()["in_sync"]
    before = host.contents()
    host.edit("inet_interfaces", f"127.0.0.1, {host.ipv4_b}")
    edited = host.run("cat", host.files_of_postfix[0]).stdout
    text = f"{HOOKS}\nhook('stop', 'ip address delete {host.ipv4_b}/24 dev eth0')\nanswer = bring()"
    failed = host.core(text)
    assert failed["rolled_back"], failed
    assert f"no local interface found for {host.ipv4_b}" in failed["msg"]
    serves_as_before(host)
    assert host.contents() == before
    assert host.run("cat", f"{host.remembered(host.config)}/rejected/main.cf").stdout == edited
    assert host.bring()["action"] == "none"
    # What cannot work is not even tried, and stays.
    host.edit("inet_interfaces", f"127.0.0.1, {host.ipv4_b}")
    edited = host.contents()
    failed = host.bring()
    assert not failed["rolled_back"], failed
    assert host.ipv4_b in failed["msg"]
    assert failed["msg"].endswith("Postfix runs and listens on 0.0.0.0:25, [::]:25.")
    assert host.contents() == edited
    serves_as_before(host)


def test_what_runs_is_what_a_rollback_restores(host: MailHost):
    """Also where it is not this collection that restarts Postfix after its edits."""
    assert host.bring()["in_sync"]
    host.core("edit(find_instance(), Wanted({'inet_interfaces': ['127.0.0.1']})); answer = True")
    host.run("systemctl", "restart", host.unit)
    restarted = host.contents()
    assert host.sockets() == {("127.0.0.1", 25)}
    host.core("edit(find_instance(), Wanted({'inet_interfaces': ['127.0.0.1', %r]})); answer = True" % host.ipv4_b)
    host.host.remove_address(f"{host.ipv4_b}/24")
    assert host.bring()["rolled_back"]
    assert host.contents() == restarted
    assert host.sockets() == {("127.0.0.1", 25)}


def test_an_obstacle_leaves_alone_what_runs(host: MailHost):
    """Somebody else has restarted Postfix by our edit; later one of its addresses goes away."""
    assert host.bring()["in_sync"]
    host.core(f"edit(find_instance(), Wanted({wanted(host)!r})); answer = True")
    host.run("systemctl", "restart", host.unit)
    wait_until(lambda: host.sockets() == sockets(host), 10, "Postfix starting")
    host.host.remove_address(f"{host.ipv4_b}/24")
    before, master = host.files(), host.master()
    for _turn in range(2):
        failed = host.bring()
        assert f"'{host.ipv4_b}' is on no interface of the host" in failed["msg"]
        assert not failed["rolled_back"], failed
        assert (host.files(), host.master()) == (before, master)
    assert host.sockets() == sockets(host)


def test_a_unit_that_was_started_too_often_is_repaired(host: MailHost):
    limits = "[Unit]\nStartLimitIntervalSec=600\nStartLimitBurst=3\n[Service]\nRestart=on-failure\nRestartSec=0\n"
    host.write(f"/etc/systemd/system/{host.unit}.d/limit.conf", limits)
    host.run("systemctl", "daemon-reload")
    host.edit("inet_interfaces", "192.0.2.77")
    for _turn in range(5):
        host.run("systemctl", "restart", host.unit, check=False)
    wait_until(lambda: not host.sockets(), 10, "Postfix failing")
    result = host.bring({"inet_interfaces": "all"})
    assert (result["action"], result["in_sync"]) == ("start", True), result
    assert host.runs(host.unit)
    serves_as_before(host)


def test_what_is_known_not_to_work_is_not_restored(host: MailHost):
    host.edit("inet_interfaces", "192.0.2.77")
    host.terminate()
    kill = f"kill -KILL $(cat {host.spool}/pid/master.pid)"
    text = f"{HOOKS}\nhook('start', {kill!r})\nanswer = bring({{'inet_interfaces': 'all'}})"
    failed = host.core(text)
    assert "The previous version of the files was not restored, because it does not work: " in failed["msg"], failed
    assert host.bring()["in_sync"]
    serves_as_before(host)


def test_a_file_that_is_mounted_by_itself_is_refused(host: MailHost):
    """As a container has it: rename(2) over it is impossible."""
    before = host.files()
    main = host.files_of_postfix[0]
    host.shell(f"mount --bind {main} {main}")
    try:
        for check_mode in (True, False):
            answer = host.core(f"answer = bring({wanted(host)!r}, check_mode={check_mode})")
            assert f"{main} is mounted by itself" in answer["msg"], answer
    finally:
        host.shell(f"umount {main}")
    assert host.files() == before
    serves_as_before(host)
