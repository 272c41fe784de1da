# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Postfix: real processes, signals, files and sockets on loopback.

It behaves as postfix(1) and master(8) do where it matters to a run: a reload opens and closes what is new and gone,
commands refuse an unusable main.cf, a master that cannot bind dies. The real Postfix is tried in tests/integration.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import Transactions, read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, find_master
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import ServiceControl
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_in

COMMON = """\
import os, re, select, signal, socket, subprocess, sys, time
def fatal(text):
    print(os.path.basename(sys.argv[0]) + ": fatal: " + text, file=sys.stderr, flush=True)
    sys.exit(1)
def setting(name):
    found = re.findall(r"(?m)^%s = (.*)$" % name, open(etc + "/main.cf").read())
    return found[-1] if found else ""
def log(text):
    with open(setting("maillog_file"), "a") as stream:
        stream.write("Nov 22 11:08:52 mx postfix/%s[%d]: %s\\n" % (os.path.basename(sys.argv[0]), os.getpid(), text))
"""

POSTFIX = """\
etc = sys.argv[2]
def pid():
    try:
        return int(open(setting("queue_directory") + "/pid/master.pid").read())
    except OSError:
        return 0
def runs():
    try:
        return pid() and open("/proc/%d/stat" % pid()).read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
if "nosuch" in setting("mail_name"):
    fatal("file main.cf: parameter mail_name: not to the taste of this stand-in")
command = sys.argv[3]
log(command)
if command == "check":
    if setting("sleeps"):
        subprocess.call(["sleep", setting("sleeps")])
    if setting("integrity"):
        fatal(setting("integrity"))
    sys.exit(0)
if command == "start":
    if runs():
        fatal("the Postfix mail system is already running")
    environment = dict(os.environ, MAIL_CONFIG=etc)
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    queue = setting("queue_directory")
    ours, theirs = os.pipe()
    null = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    master = [here + "/master", str(theirs)]
    subprocess.Popen(master, cwd=queue, env=environment, pass_fds=[theirs], start_new_session=True, **null)
    os.close(theirs)
    if os.read(ours, 1) != b"+":
        fatal("mail system startup failed")
elif not runs():
    fatal("the Postfix mail system is not running")
elif command == "reload":
    os.kill(pid(), signal.SIGHUP)
"""

MASTER = """\
etc = os.environ["MAIL_CONFIG"]
cached = setting("inet_interfaces").replace(",", " ").split()
def wanted():
    result = {}
    for line in open(etc + "/master.cf"):
        fields = line.split()
        if len(fields) > 7 and fields[1] == "inet" and not line[0].isspace():
            host, _, port = fields[0].rpartition(":")
            result[fields[0]] = [(address, int(port)) for address in ([host] if host else cached)]
    return result
def opened(name, places):
    result = []
    for place in places:
        try:
            if setting("fails") == name:
                raise OSError(99, "Cannot assign requested address")
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(place)
            one.listen()
            result.append(one)
        except OSError as error:
            log("fatal: bind %s port %d: %s" % (place[0], place[1], error.strerror))
            sys.exit(1)
    return result
def children():
    for child in kept:
        child.kill()
        child.wait()
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    kept[:] = [subprocess.Popen([os.path.join(here, "qmgr"), str(os.getpid())])]
def refresh(*_):
    now = wanted()
    for name in now:
        if name not in held:
            held[name] = opened(name, now[name])
    for name in set(held) - set(now):
        for one in held.pop(name):
            one.close()
    children()
def end(*_):
    if "stubborn" in setting("mail_name"):
        return
    log("terminating on signal 15")
    for child in kept:
        child.kill()
    os._exit(0)
held, kept = {}, []
log("daemon started")
for name, places in wanted().items():
    held[name] = opened(name, places)
os.makedirs("pid", exist_ok=True)
with open("pid/master.pid", "w") as stream:
    stream.write("%32d\\n" % os.getpid())
children()
if setting("complains"):
    log("x")
    with open(setting("maillog_file"), "a") as stream:
        stream.write("Nov 22 11:08:52 mx postfix/%s[7]: %s\\n" % (setting("gives_up"), setting("complains")))
if setting("gives_up"):
    log("warning: /usr/lib/postfix/%s: bad command startup -- throttling" % setting("gives_up"))
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, refresh)
os.write(int(sys.argv[1]), b"+")
os.close(int(sys.argv[1]))
while True:  # what its smtpd would do
    every = [one for several in list(held.values()) for one in several]
    try:
        ready = select.select(every, [], [], 0.05)[0]
        for one in ready if "mute" not in setting("mail_name") else []:
            client = one.accept()[0]
            client.send(b"220 " if "rude" not in setting("mail_name") else b"")
            client.send(b"stand-in ESMTP\\r\\n")
            client.close()
    except (OSError, ValueError):  # closed by a reload meanwhile
        pass
"""

# Postfix's programs end too when their master has ended.
QMGR = """\
while str(os.getppid()) == sys.argv[1]:
    time.sleep(0.1)
"""

POSTMAP = """\
etc = sys.argv[2]
if "nosuch" in setting("mail_name"):
    fatal("file main.cf: parameter mail_name: not to the taste of this stand-in")
"""


_RESERVED: Deque[socket.socket] = deque()

START = {"data_directory": "/var/lib/other"}
"""A change that only a stop and a start takes up."""


class Host:
    """A host with one instance."""

    def __init__(self, path: Path) -> None:
        self.instance = instance_in(path)
        self.etc, self.spool, self.sbin = path / "etc", path / "spool", path / "sbin"
        self.state, self.log = str(path / "state"), path / "maillog"
        scripts = {"postfix": POSTFIX, "master": MASTER, "postmap": POSTMAP, "postconf": POSTMAP}
        for name, text in {**scripts, "qmgr": QMGR}.items():
            (self.sbin / name).write_text(f"#!{sys.executable} -S\n{COMMON}{text}")
            (self.sbin / name).chmod(0o755)
        self.transactions = Transactions(str(self.etc), self.state)
        self.port, self.other = free_ports()
        self.write("127.0.0.1", f"{self.port}")
        self.age()

    def main(self, interfaces: str, **more: str) -> str:
        values = {
            "inet_interfaces": interfaces,
            "queue_directory": str(self.spool),
            "maillog_file": str(self.log),
            "maillog_file_prefixes": "/",
            **more,
        }
        return "".join(f"{name} = {value}\n" for name, value in values.items())

    def write(self, interfaces: str, *services: str, **more: str) -> None:
        """What an administrator does by hand."""
        (self.etc / "main.cf").write_text(self.main(interfaces, **more))
        (self.etc / "master.cf").write_text("".join(f"{name} inet n - n - - smtpd\n" for name in services))

    def commit(self, interfaces: str, *services: str, **more: str) -> None:
        """What the module postfix_interfaces does."""
        master = "".join(f"{name} inet n - n - - smtpd\n" for name in services)
        self.transactions.commit(read_files(str(self.etc)), self.main(interfaces, **more), master)
        self.age()

    def age(self) -> None:
        """Make main.cf as old as it must be before anything waits for it."""
        os.utime(self.etc / "main.cf", (time.time() - 5,) * 2)

    def apply(self, check_mode: bool = False) -> Dict[str, Any]:
        return apply(self.instance, timeout=60, check_mode=check_mode, state_directory=self.state)

    def fails(self, check_mode: bool = False) -> Tuple[str, Dict[str, Any]]:
        with pytest.raises(ApplyError) as caught:
            self.apply(check_mode)
        return str(caught.value), caught.value.result

    @property
    def master(self) -> Optional[Master]:
        return find_master(self.instance)

    @property
    def sockets(self) -> Set[Tuple[str, int]]:
        master = self.master
        return {socket[:2] for socket in master.sockets} if master else set()

    @property
    def commands(self) -> List[str]:
        """What postfix(1) was told to do since the last question, and the master by a signal."""
        text = self.log.read_text() if self.log.exists() else ""
        text = text.replace("postfix/master", "postfix/postfix").replace("terminating on signal 15", "stop")
        found = re.findall(r"postfix/postfix\[\d+\]: (check|reload|start|stop)$", text, re.M)
        asked, self.asked = getattr(self, "asked", 0), len(found)
        return found[asked:]

    def end(self) -> None:
        """Kill whatever runs."""
        if self.master:
            for process in [*self.master.children(), self.master.process]:
                os.kill(process.pid, signal.SIGKILL)
            while self.master:
                time.sleep(0.01)


def free_ports() -> List[int]:
    """Two ports that nobody else gets, as long as the last of :data:`_RESERVED` do.

    They are below those that the kernel gives to clients. Other tests that run now reserve theirs in the same way.
    """
    found: List[int] = []
    while len(found) < 2:
        port = random.randrange(10000, 32768)  # see ip_local_port_range of ip(7)
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0mailfleet.postfix test port {port}")
            with socket.socket() as one:
                one.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        found.append(port)
        _RESERVED.append(reservation)
    while len(_RESERVED) > 100:
        _RESERVED.popleft().close()
    return found


def at(name: str, act: Callable[[], object], turn: int = 1) -> Callable[[], None]:
    """Return what has something done after a method of ServiceControl, at its first call or another one.

    By the process only that calls it; not by what is forked from it.
    """

    def install() -> None:
        original, here, left = getattr(ServiceControl, name), os.getpid(), [turn]

        def instead(*arguments: Any, **options: Any) -> Any:
            result = original(*arguments, **options)
            left[0] -= os.getpid() == here
            if os.getpid() == here and not left[0]:
                act()
            return result

        setattr(ServiceControl, name, instead)

    return install


def ends_early(run: Callable[[], object], install: Callable[[], None]) -> int:
    """Run in a process of its own, and return its exit status as waitpid(2) has it; 0x700 if nothing has ended it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            install()
            run()
            status = 7
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def soon(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())
