# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that ends early stops no mail: Postfix is up soon, nothing is lost or left behind, the next run is green.

MAILFLEET_SIGNALS is how many signals and lost connections come at random times, MAILFLEET_SEED where they begin.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from typing import Any, NamedTuple

import pytest
from fleet import STATE, WILDCARDS, MailHost
from load import Mail
from mailfleet_lab.rooms import Room
from mailfleet_lab.system import LabError, wait_until

SIGNALS = int(os.environ.get("MAILFLEET_SIGNALS", "6"))
SEED = int(os.environ.get("MAILFLEET_SEED", "1"))
SPOOL = "/var/spool/postfix"
SYSTEMD = pytest.mark.parametrize("systemd", [True, False], ids=["systemd", "no-systemd"])
LOG = "journalctl -n 2000 | grep -vE 'postfix/(smtpd|qmgr|cleanup|local|pickup)' | tail -n 60"
UP = int(os.environ.get("MAILFLEET_UP", "10"))  # seconds in which Postfix has to be up, whatever happens

# In the run's process: a signal to it or to its group, at the first call of a method that stops or starts.
SIGNAL = """
def at(name, when, script, number=None, group=False):
    original, here = getattr(unit.ServiceControl, name), os.getpid()
    def instead(*arguments, **options):
        if os.getpid() != here:  # what finishes the run is a fork of it
            return original(*arguments, **options)
        setattr(unit.ServiceControl, name, original)
        result = original(*arguments, **options) if when == "after" else None
        os.system(script)
        if group:
            os.setpgid(0, 0)
        (os.killpg if group else os.kill)(os.getpid(), number)
        return result if when == "after" else original(*arguments, **options)
    setattr(unit.ServiceControl, name, instead)
"""

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in the background of a shell; what is started has it too
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On the host: finds the run, which is what has the lock open, waits for a moment in it, and does something to it then.
AGENT = f"""
import os, signal, sys, time
moment, delay, target, number = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
def processes():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as stream:
                head, _, tail = stream.read().rpartition(")")
        except OSError:
            continue
        yield int(pid), head.partition("(")[2], int(tail.split()[1])
def holds(pid):
    try:
        return any(os.readlink("/proc/%d/fd/%s" % (pid, each)) == "{STATE}/etc-postfix/lock"
            for each in os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return False
def run():
    return [pid for pid, name, _ in processes() if name.startswith("python3") and holds(pid)]
def keeper():
    return [pid for pid, name, _ in processes() if name == "mailfleet"]
def stopped():
    return not os.path.exists("/proc/" + master)
def until(condition):
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()
with open("{SPOOL}/pid/master.pid") as stream:
    master = stream.read().strip()
found = until(run)
if found and moment != "run":
    until(keeper if moment == "keeper" else stopped)
time.sleep(delay)
print("now", *found, flush=True)
parents = {{pid: (name, parent) for pid, name, parent in processes()}}
try:
    if target == "module":
        os.kill(found[0], number)
    elif target == "group":
        os.killpg(os.getpgid(found[0]), number)
    elif target == "sshd":
        pid = found[0]
        while pid in parents:
            name, parent = parents[pid]
            if name.startswith("sshd") and parents.get(parent, ("", 0))[0].startswith("sshd"):
                os.kill(pid, number)
            pid = parent
except (OSError, IndexError) as error:
    print(error)
"""


def sockets(host: MailHost) -> set[tuple[str, int]]:
    return {("127.0.0.1", 25), (host.ipv4, 25), (host.ipv6, 25)}


def narrow(host: MailHost) -> dict[str, Any]:
    """What needs a stop and a start, and keeps the addresses to which the mail is sent."""
    return {"inet_interfaces": ["127.0.0.1", host.ipv4, host.ipv6]}


FILES = f"/tmp/mailfleet* {STATE}/*/planned {STATE}/*/*.new /etc/postfix/*.tmp"


def left_behind(host: MailHost, *, by_the_next: bool = False) -> str:
    """All that there is of a run that has ended, and should not be; also files that the next run removes, after it."""
    drop_in = f"/run/systemd/system/{host.unit}.d /run/systemd/transient/mailfleet*"
    script = f"""pgrep -a mailfleet; pgrep -f tcp_migrate_req -a | grep -v pgrep
        systemctl list-units --all --no-legend 'mailfleet*'
        ls -d {SPOOL}/quick-start {drop_in} {FILES if by_the_next else ""}
        grep -v 0 /proc/sys/net/ipv4/tcp_migrate_req"""
    return host.run("sh", "-c", script, check=False).stdout


def up_again(host: MailHost, since: float) -> float:
    """Wait until whatever is at work has ended, and Postfix is up; return for how long it was down, at most UP."""
    longest, last_up, end = 0.0, since, time.monotonic() + 100
    while time.monotonic() < end:
        works = host.is_at_work()
        if host.sockets():
            last_up = time.monotonic()
            if not works:
                break
        longest = max(longest, time.monotonic() - last_up)
        assert longest < UP, f"Postfix is down for {longest:.1f} s"
        time.sleep(0.1)
    wait_until(lambda: not left_behind(host), 3, "everything being gone")
    return longest


def next_run_is_green(host: MailHost, wanted: dict[str, Any], promised: set[Any], systemd: bool = True) -> None:
    result = host.bring(wanted, systemd=systemd)
    assert result.get("in_sync"), result
    assert "msg" not in result, result
    assert host.sockets() == promised
    assert host.runs(host.unit) == systemd
    assert host.bring(wanted, systemd=systemd)["changed"] is False
    assert not left_behind(host, by_the_next=True)


def begin(host: MailHost, *, systemd: bool) -> None:
    if not systemd:
        host.run("systemctl", "stop", host.unit)
        host.shell("/etc/init.d/postfix start", systemd=False)
    assert host.bring(systemd=systemd)["in_sync"]


def ended(host: MailHost, text: str, *, systemd: bool = True) -> tuple[int, float]:
    """Run Python on the host that is to be ended by a signal; return its exit status, and when it has ended."""
    process = host.start_core(f"{SIGNAL}\n{text}", systemd=systemd)
    said = process.communicate(timeout=100)
    since = time.monotonic()
    assert "Error" not in "".join(said).replace("KeyboardInterrupt", ""), said
    return process.returncode, since


@pytest.mark.parametrize("name, systemd", [("HUP", True), ("INT", True), ("TERM", False)])
def test_a_signal_waits_until_postfix_is_up(host: MailHost, name: str, systemd: bool):
    """Then the run ends as it would have without it."""
    begin(host, systemd=systemd)
    number = getattr(signal, f"SIG{name}")
    text = f"at('stop', 'after', 'true', signal.SIG{name})\nbring({narrow(host)!r})\ntime.sleep(5)\nprint('not ended')"
    status, since = ended(host, text, systemd=systemd)
    assert status in (-number, 128 + number, 1 if name == "INT" else -number)
    assert host.sockets() == sockets(host)
    assert host.runs(host.unit) == systemd
    up_again(host, since)
    result = host.bring(narrow(host), systemd=systemd)
    assert (result["changed"], result["in_sync"]) == (False, True), result


@pytest.mark.parametrize("when, systemd", [("stop", True), ("start", False)])
def test_a_run_that_is_killed_is_finished_without_it(host: MailHost, when: str, systemd: bool):
    """Right after the stop; and before the start, with all of its process group."""
    begin(host, systemd=systemd)
    call = "'stop', 'after'" if when == "stop" else "'start', 'before'"
    text = f"at({call}, 'true', signal.SIGKILL, group={when == 'start'})\nbring({narrow(host)!r})"
    status, since = ended(host, text, systemd=systemd)
    assert status in (-9, 137)
    up_again(host, since)
    said = host.shell("journalctl -t mailfleet || true; cat /var/log/mail.log || true", systemd=systemd)
    assert host.sockets() == sockets(host), said
    assert "A run over /etc/postfix has ended early. Finishing it." in said
    assert "/etc/postfix: Postfix runs and listens on " in said
    result = host.bring(narrow(host), systemd=systemd)
    assert (result["changed"], result["in_sync"]) == (False, True), result
    next_run_is_green(host, {"inet_interfaces": "all"}, WILDCARDS, systemd)


@SYSTEMD
def test_where_the_start_fails_then_it_goes_back(host: MailHost, systemd: bool):
    begin(host, systemd=systemd)
    before = host.contents()
    away = f"ip address delete {host.ipv4_b}/24 dev eth0"
    wanted = {"inet_interfaces": ["127.0.0.1", host.ipv4_b]}
    text = f"at('stop', 'after', {away!r}, signal.SIGKILL)\nbring({wanted!r})"
    status, since = ended(host, text, systemd=systemd)
    assert status in (-9, 137)
    up_again(host, since)
    assert host.sockets() == WILDCARDS
    assert host.contents() == before
    host.host.add_address(f"{host.ipv4_b}/24")
    next_run_is_green(host, wanted, {("127.0.0.1", 25), (host.ipv4_b, 25)}, systemd)


def test_a_keeper_is_in_no_session_or_unit_of_the_run(host: MailHost):
    """Nor is it taken for the run by its name; what it has kept from the run's end goes with it."""
    begin(host, systemd=True)
    look = "ps -o sid=,pid=,ppid=,args= -C mailfleet; cat /proc/$(pgrep -x mailfleet)/cgroup"
    text = "answer = []\noriginal = unit.ServiceControl.stop\ndef stop(*some, **more):\n import subprocess\n"
    text += f" answer.append(subprocess.run({look!r}, shell=True, stdout=subprocess.PIPE).stdout.decode())\n"
    text += f" return original(*some, **more)\nunit.ServiceControl.stop = stop\nbring({narrow(host)!r})"
    (said,) = host.core(text)
    session, pid, _parent, *name = said.splitlines()[0].split()
    assert session == pid
    assert " ".join(name) == "mailfleet keeper"
    assert f"/system.slice/mailfleet-{pid}.scope" in said
    wait_until(lambda: not left_behind(host), 3, "everything being gone")


class Event(NamedTuple):
    """What happens to a run: to whom, by which signal, and when."""

    target: str
    number: int
    pipelining: bool
    moment: str
    delay: float

    def __str__(self) -> str:
        name = signal.Signals(self.number).name if self.number else "cut"
        way = "pipelining" if self.pipelining else "terminal"
        return f"{name} to {self.target} ({way}) {self.delay:.3f} s after {self.moment}"


def events(number: int, seed: int) -> list[Event]:
    """All kinds, again and again in another order."""
    chance = random.Random(seed)
    ways = [(target, each) for target in ("module", "group", "controller") for each in (1, 2, 15, 9)]
    ways += [("sshd", 9), ("ssh", 0)] * 2
    kinds = [(*way, pipelining) for way in ways for pipelining in (True, False)]
    longest = {"run": 2.0, "keeper": 0.6, "stop": 0.2}
    found = []
    while len(found) < number:
        chance.shuffle(kinds)
        for kind in kinds:
            moment = chance.choice(["run", "keeper", "stop", "stop"])
            found.append(Event(*kind, moment, chance.uniform(0, longest[moment])))
    return found[:number]


def happens(host: MailHost, event: Event, interfaces: Any) -> float:
    """Start a play, and do that to it; return when it was done."""
    variables = {"postfix_interfaces_inet_interfaces": interfaces, "ansible_pipelining": event.pipelining}
    agent = subprocess.Popen(
        host.host.command("python3", "-c", AGENT, event.moment, str(event.delay), event.target, str(event.number)),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    play = host.start_play("role", **variables)
    said = agent.stdout.readline() if agent.stdout else ""
    since = time.monotonic()
    assert said.startswith("now"), said
    with contextlib.suppress(ProcessLookupError):
        if event.target == "controller":
            os.killpg(play.pid, event.number)
        elif event.target == "ssh":
            config = str(Room.require_here().state / "ssh_config")
            hang_up = ["ssh", "-F", config, "-O", "exit", host.host.address]
            subprocess.run(hang_up, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert agent.wait(timeout=60) == 0
    play.communicate(timeout=100)
    return since


def test_signals_and_lost_connections_at_random_times_lose_no_mail(host: MailHost):
    host.run("sh", "-c", "rm -f /var/mail/root /var/spool/mail/root")
    host.edit("mailbox_command", "")
    host.edit("alias_maps", "")
    assert host.bring()["in_sync"]
    recipient = f"root@{host.run('postconf', '-h', 'myhostname').stdout.strip()}"
    turns: list[tuple[Any, set[Any]]] = [(narrow(host)["inet_interfaces"], sockets(host)), ("all", WILDCARDS)]
    print(f"{SIGNALS} signals to runs on {host.name}, seed {SEED}")
    slowest, kinds, failures = 0.0, Counter[str](), []
    with Mail(recipient, host.ipv4, host.ipv6, pause=0.1) as mail:
        for number, event in enumerate(events(SIGNALS, SEED)):
            interfaces, promised = turns[number % 2]
            try:
                since = happens(host, event, interfaces)
                took = up_again(host, since)
                next_run_is_green(host, {"inet_interfaces": interfaces}, promised)
            except (AssertionError, LabError, subprocess.SubprocessError) as error:
                failures.append(f"{number}: {event}: {error}")
                print(failures[-1], host.run("sh", "-c", LOG).stdout)
                host.bring({"inet_interfaces": interfaces})
                continue
            slowest = max(slowest, took)
            kinds[f"{event.target} {event.number}"] += 1
            print(f"{number}: {event}: down for {took:.1f} s", flush=True)
    finished = host.run("sh", "-c", "journalctl -t mailfleet | grep -c 'has ended early'", check=False).stdout.strip()
    print(f"down for {slowest:.1f} s at most, {finished} runs finished by a keeper; {dict(kinds)}")
    assert not failures
    host.run("postqueue", "-f")
    wait_until(lambda: "is empty" in host.run("postqueue", "-p").stdout, 60, "the queue running empty")
    found = host.run("sh", "-c", "grep -h ^X-Number: /var/mail/root | cut -d' ' -f2").stdout.split()
    print(f"{len(mail.taken)} messages taken")
    assert mail.taken
    assert not mail.taken - set(found)


def test_a_host_that_loses_power_in_between_comes_up_on_whole_files(host: MailHost):
    chance = random.Random(SEED)
    assert host.bring()["in_sync"]
    for number in range(max(SIGNALS // 6, 1)):
        wanted, promised = [(narrow(host), sockets(host)), ({"inet_interfaces": "all"}, WILDCARDS)][number % 2]
        before = host.sockets()
        process = host.start_core(f"bring({wanted!r})")
        time.sleep(chance.uniform(0.3, 2.5))
        host.lose_power()
        process.communicate(timeout=20)
        wait_until(lambda: host.sockets() in (before, promised), UP, "Postfix coming up")  # noqa: B023
        next_run_is_green(host, wanted, promised)
