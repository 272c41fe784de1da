# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that changes from task to task: its mounts, its network, and behind its interface vA another host."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from ..postfix_tree import PATH, PostfixTree
from .sink import Sink

SINKS = ("10.77.0.100", "fd77::100")
HOSTNAME = "host.lab.test"
_CLONE_NEWNET = 0x40000000
_HERE, _THERE = "52:54:00:12:34:56", "52:54:00:12:34:57"  # vA, and vB behind it
_SERVICES = """\
smtp 25/tcp mail
smtps 465/tcp ssmtp submissions urd
submission 587/tcp
qmqp 628/tcp
"""
_QUEUES = [
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "maildrop",
    "pid",
    "private",
    "public",
    "saved",
    "trace",
]
ENVIRONMENT = {"PATH": PATH, "MAIL_CONFIG": "/conf"}


def _run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=True, text=True, stdout=subprocess.DEVNULL, **options)


def _set(name: str, value: str) -> None:
    Path("/proc/sys/net", name).write_text(value, encoding="ascii")


class Room:
    """The mounts and the network that one tree's Postfix works in."""

    def __init__(self, tree: PostfixTree) -> None:
        self.tree = tree
        self.root = tree.root
        self.tree.mount("proc", "-t", "proc", "none")
        self.tree.mount("dev", "-t", "tmpfs", "none")
        for name, device in (("null", (1, 3)), ("urandom", (1, 9)), ("random", (1, 8))):
            os.mknod(self.root / "dev" / name, 0o20666, os.makedev(*device))
            (self.root / "dev" / name).chmod(0o666)
        (self.root / "etc/services").write_text(_SERVICES)
        (self.root / "etc/nsswitch.conf").write_text("hosts: files\nservices: files\npasswd: files\ngroup: files\n")
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        for name in ("elsewhere", "data"):
            (self.root / name).mkdir()
        (self.root / "conf").symlink_to("elsewhere")
        users = dict(line.split(":")[::2][:2] for line in (self.root / "etc/passwd").read_text().splitlines())
        groups = dict(line.split(":")[::2][:2] for line in (self.root / "etc/group").read_text().splitlines())
        self.owner, self.drop = int(users["postfix"]), int(groups["postdrop"])
        os.chown(self.root / "data", self.owner, -1)
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        os.chdir(self.root / "dev")
        self.log.bind("log")
        Path("log").chmod(0o666)
        os.chdir("/")
        self.log.settimeout(0.02)
        socket.sethostname(HOSTNAME)
        self.arrivals, pipe = os.pipe()
        os.set_blocking(self.arrivals, False)
        self._make_network(pipe)

    def _make_network(self, pipe: int) -> None:
        ready, go = os.pipe(), os.pipe()
        peer = os.fork()
        if not peer:
            ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET)
            os.write(ready[1], b".")
            os.read(go[0], 1)
            try:
                _set("ipv6/conf/all/accept_dad", "0")
                _set("ipv6/conf/vB/accept_dad", "0")
                four, six = SINKS
                lines = (
                    f"link set lo up\nlink set vB up\naddress add {four}/32 dev vB\naddress add {six}/128 dev vB nodad"
                )
                for gateway, every in (("10.77.0.254", "0.0.0.0/0"), ("fe80::254", "::/0")):
                    lines += f"\nneighbor add {gateway} lladdr {_HERE} dev vB nud permanent"
                    lines += f"\nroute add {every} via {gateway} dev vB onlink"
                _run("ip", "-batch", "-", input=lines + "\n")
                for family in (socket.AF_INET, socket.AF_INET6):
                    Sink(family, pipe)
                os.write(ready[1], b".")
                while True:
                    signal.pause()
            finally:
                os._exit(1)
        os.close(ready[1])
        os.read(ready[0], 1)
        lines = f"link add vA address {_HERE} type veth peer name vB address {_THERE}\n"
        lines += f"link add vD type veth peer name vE\nlink set vB netns {peer}\nlink set lo up\n"
        _run("ip", "-batch", "-", input=lines)
        for interface in ("all", "default", "vA", "vD", "lo"):
            _set(f"ipv6/conf/{interface}/accept_dad", "0")
        for interface in ("vA", "vD", "vE"):
            _set(f"ipv6/conf/{interface}/addr_gen_mode", "1")
        _set("ipv6/conf/vD/use_tempaddr", "2")  # for addresses with mngtmpaddr
        # An address without nodad is tentative for as long as a case can take.
        _set("ipv6/conf/vA/accept_dad", "1")
        _set("ipv6/conf/vA/dad_transmits", "100")
        os.write(go[1], b".")
        if not os.read(ready[0], 1):
            raise RuntimeError("the host behind vA did not come up")
        _run("ip", "-batch", "-", input="link set vA up\nlink set vD up\nlink set vE up\n")
        for family in (socket.AF_INET, socket.AF_INET6):
            Sink(family, pipe)

    def become(self, task: dict[str, Any]) -> None:
        """Give the host the task's addresses in their order, and its hosts file."""
        interfaces, tentative = task["interfaces"], task.get("tentative", ())
        six = any(":" in address for listed in interfaces.values() for address in listed)
        _set("ipv6/conf/all/disable_ipv6", "0" if six else "1")
        lines = [f"address flush dev {name}" for name in ("lo", "vA", "vD")]
        lines += [f"link set {name} up" for name in ("lo", "vA", "vD")]
        for name, addresses in interfaces.items():
            for address in addresses:
                nodad = " nodad" if ":" in address and address not in tentative else ""
                lines.append(f"address add {address} dev {name}{nodad}")  # there may be lifetimes behind it
        for sink, every in zip(SINKS, ("0.0.0.0/0", "::/0"), strict=True):
            if six or ":" not in sink:
                lines.append(f"neighbor replace {sink} lladdr {_THERE} dev vA nud permanent")
                lines.append(f"route replace {every} dev vA")
        lines += [f"link set {name} down" for name in task.get("down", ())]
        _run("ip", "-force", "-batch", "-", input="\n".join(lines) + "\n", stderr=subprocess.DEVNULL)
        names = task["names"]
        text = "".join(f"{address} {name}\n" for name, addresses in names.items() for address in addresses)
        (self.root / "etc/hosts").write_text(text, encoding="ascii")

    def clear(self) -> None:
        """An empty queue, as the package makes it."""
        queue = self.root / "queue"
        shutil.rmtree(queue, ignore_errors=True)
        queue.mkdir()
        for name in _QUEUES:
            (queue / name).mkdir()
            if name != "pid":
                os.chown(queue / name, self.owner, self.drop if name in ("maildrop", "public") else -1)
        (queue / "maildrop").chmod(0o1730)
        (queue / "public").chmod(0o2710)
        (queue / "private").chmod(0o700)
        self.lines()
        self.arrived()

    def write(self, main: str, master: str, transports: str) -> None:
        for name, text in (("main.cf", main), ("master.cf", master), ("transport", transports)):
            path = self.root / "conf" / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            os.utime(path, (1, 1))  # Postfix reads a file again and again that is less than two seconds old

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        return self.tree.start(*words, env=ENVIRONMENT, stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def ask(self, *words: str) -> tuple[str, str]:
        """What a program of Postfix prints and of what it dies, if it does."""
        with self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            fatal = ""
            for raw in process.stderr:
                line = raw.decode("utf-8", "replace")
                if "fatal: " in line:
                    fatal = line.partition("fatal: ")[2].strip()
                    process.kill()
                    break
            return process.stdout.read().decode("utf-8", "replace").strip(), fatal

    def lines(self) -> list[str]:
        """What was logged since, in the moment."""
        found = []
        while True:
            try:
                found.append(self.log.recv(65536).decode("utf-8", "replace"))
            except TimeoutError:
                return found

    def arrived(self) -> dict[str, str]:
        try:
            text = os.read(self.arrivals, 1 << 20).decode()
        except BlockingIOError:
            return {}
        return dict(line.split(" ", 1) for line in text.splitlines())
