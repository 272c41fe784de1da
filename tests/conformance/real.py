# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Postfix, put on one host after another: tasks come as lines of JSON, answers go the same way.

    unshare --mount --net --uts --pid --fork --kill-child --mount-proc python -m tests.conformance.real TREE

The tree is the lower layer of an overlay in memory, so that nothing is written to it. The host's addresses change from
task to task; behind its interface vA is another host, whose sink sees from where mail comes. Postfix waits a second
before it ends of an error, but says why before that, so that nobody waits for it here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.conflicts import claimed
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import read_host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver

from ..holder import holder
from ..postfix_tree import PostfixTree
from . import observe
from .room import ENVIRONMENT, HOSTNAME, Room
from .sink import PORT

MAIN = """\
compatibility_level = 2
queue_directory = /queue
data_directory = /data
smtp_host_lookup = native
smtp_dns_support_level = disabled
smtp_connect_timeout = 3s
lmtp_connect_timeout = 3s
transport_maps = texthash:/conf/transport
alias_maps =
mydestination =
local_transport = discard:self
default_transport = discard:other
virtual_mailbox_base = /
"""
MASTER = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
"""


def stock_master(task: dict[str, Any]) -> str:
    """The services that a task's master.cf has beside those that it is about."""
    return MASTER if any(task.get(name) for name in ("send", "literals", "greeted", "programs")) else ""


class Postfix:
    """The Postfix of one tree, in its room."""

    def __init__(self, tree: PostfixTree) -> None:
        self.room = Room(tree)
        self.room.write(MAIN, "", "")
        self.version = self.room.ask("postconf", "-d", "-h", "mail_version")[0]
        self.master_program = self.room.ask("postconf", "-d", "-h", "daemon_directory")[0] + "/master"

    def try_out(self, task: dict[str, Any]) -> dict[str, Any]:
        """Put one configuration on one host and see what becomes of it."""
        room = self.room
        room.become(task)
        room.clear()
        host = read_host()
        answer: dict[str, Any] = {
            "version": self.version,
            "addresses": [{**known._asdict(), "address": str(known.address)} for known in host.addresses],
        }
        # Without a master.cf: postconf dies of one that it cannot read, which says nothing of the others.
        room.write(MAIN + task["main"], "", "")
        if "keeps" in task or "survive" in task:
            return {**answer, **self._kept(task)}
        if "expand" in task:
            expanded, answer["expansion_dies"] = room.ask("postconf", "-o", "mynetworks=", "-x", "-h", task["expand"])
            return {**answer, "expanded": expanded}
        networks, answer["fatal"] = room.ask("postconf", "-o", "mynetworks_style=host", "-h", "mynetworks")
        if not answer["fatal"]:
            answer["own"] = [word.rpartition("/")[0].strip("[]") for word in networks.split()]
            answer["networks"] = room.ask("postconf", "-h", "mynetworks")[0].split()
        self._write(task, task)
        # Like postfix-script, which does not start the master when postconf fails.
        answer["dies"] = room.ask("postconf", "-h", "maillog_file")[1]
        if answer["dies"]:
            return answer
        holders = [held for one in task.get("holders", ()) for held in holder(*one)]
        if holders:
            answer["conflict"] = self._conflict(task, host)
        others = self._sockets()
        master = room.start(
            self.master_program, "-c", "/conf", "-d", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            answer["dies"] = self._wait(master, "daemon started")
            if answer["dies"] is None:
                answer["sockets"] = list((Counter(self._sockets()) - Counter(others)).elements())
                if task.get("send"):
                    answer["sources"] = self._sources(task)
                if task.get("literals"):
                    answer["literals"] = self._literals(task)
                if task.get("greeted"):
                    answer["greetings"] = [_greeting(address) for address in task["greeted"]]
                if task.get("programs"):
                    answer["programs"] = self._programs(task)
                if task.get("after"):
                    answer["reload"] = self._reload(master, task)
        finally:
            self._end(master)
            for held in holders:
                held.close()
        return answer

    def _kept(self, task: dict[str, Any]) -> dict[str, Any]:
        """What is seen of a master by its files, after a reload by others, and after a start by these."""
        for name in ("data", "other"):
            shutil.rmtree(self.room.root / name, ignore_errors=True)
            (self.room.root / name).mkdir()
            os.chown(self.room.root / name, self.room.owner, -1)
        programs = self.room.root / os.path.dirname(self.master_program).lstrip("/")
        if "daemon_directory" in task.get("keeps", {}).get("main", ""):
            shutil.copytree(programs, self.room.root / "programs", symlinks=True, dirs_exist_ok=True)
        for name in observe.LOGS:
            (self.room.root / name.lstrip("/")).unlink(missing_ok=True)

        def see() -> dict[str, Any]:
            return observe.observed(master, self.room.root, self.room.lines)

        self.room.write(MAIN + task["main"], MASTER + task["master"], "")
        master = self._start()
        try:
            if "survive" in task:
                lasting, left = observe.survivors(master, self.room.root, task["survive"])
                self._reload_whole(master)
                return {"survivors": [lasting, left()]}
            seen = [see()]
            self.room.write(MAIN + task["keeps"]["main"], MASTER + task["keeps"]["master"], "")
            self._reload_whole(master)
            seen.append(see())
            self._end(master)
            master = self._start()
            seen.append(see())
        finally:
            self._end(master)
        return {"kept": seen}

    def _start(self) -> subprocess.Popen[bytes]:
        """Start a master as postfix-script does, and wait until it has read its files."""
        program = self.room.ask("postconf", "-h", "daemon_directory")[0] + "/master"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        master = self.room.start(program, "-c", "/conf", "-d", **quiet)
        observe.wait_for_readers(master, set())
        return master

    @staticmethod
    def _reload_whole(master: subprocess.Popen[bytes]) -> None:
        """Reload, and wait until that is done."""
        before = set(observe.children(master.pid))
        master.send_signal(signal.SIGHUP)
        observe.wait_for_readers(master, before)

    @staticmethod
    def _end(master: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(master.pid, signal.SIGKILL)
        master.wait()

    def _conflict(self, task: dict[str, Any], host: Any) -> str | None:
        """What the collection says of the sockets that it promises and other programs hold; None if all are free."""
        from .predict import main_of, master_of, outlook_of, parse_version

        resolve = mapping_resolver(task["names"])
        outlook = outlook_of(main_of(task), master_of(task), self.version, Host(host.addresses), resolve)
        error = claimed(outlook.promised or (), None, parse_version(self.version))
        return None if error is None else str(error)

    def _write(self, task: dict[str, Any], files: dict[str, Any]) -> None:
        transports = "".join(f"d{n}.test {name}:[{to}]:{PORT}\n" for n, (name, to) in enumerate(task.get("send", ())))
        transports += "".join(f"{name}.test {name}:\n" for name in task.get("programs", ()))
        self.room.write(MAIN + files["main"], stock_master(task) + files["master"], transports)

    def _wait(self, master: subprocess.Popen[bytes], words: str, seconds: float = 10) -> str | None:
        """Wait until the master says something; return why it dies instead, if it does."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            for line in self.room.lines():
                if "/master[" in line and "fatal: " in line:
                    return line.partition("fatal: ")[2]
                if "/master[" in line and words in line:
                    return None
            if master.poll() is not None:
                return "ended without a word"
        return "says nothing"

    def _sockets(self) -> list[str]:
        """The listening sockets of the host, but for the sink's."""
        found = []
        for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
            for line in Path("/proc/self/net", name).read_text(encoding="ascii").splitlines()[1:]:
                place, state = line.split()[1], line.split()[3]
                address, port = place.split(":")
                if state == "0A" and int(port, 16) != PORT:
                    words = [bytes.fromhex(address)[at : at + 4][::-1] for at in range(0, len(address) // 2, 4)]
                    shown = socket.inet_ntop(family, b"".join(words))
                    found.append(f"[{shown}]:{int(port, 16)}" if ":" in shown else f"{shown}:{int(port, 16)}")
        return sorted(found)

    def _submit(self, recipients: list[str]) -> None:
        sendmail = ("sendmail", "-f", f"s@{HOSTNAME}", *recipients)
        options = {"env": ENVIRONMENT, "timeout": 20, "check": True, "stderr": subprocess.DEVNULL}
        self.room.tree.run(*sendmail, input=b"Subject: x\n\nx\n", **options)

    def _send(self, recipients: list[str], patience: float) -> dict[str, str]:
        """Send one mail to all; return what was logged of each. When a program dies, the others get some time more."""
        self._submit(recipients)
        said: dict[str, str] = {}
        limit = time.monotonic() + 20
        while time.monotonic() < limit and len(said) < len(recipients):
            for line in self.room.lines():
                if "status=" in line and "to=<" in line:
                    recipient = line.partition("to=<")[2].partition(">")[0]
                    said.setdefault(recipient, line.partition("status=")[2])
                elif "fatal: " in line:
                    limit = min(limit, time.monotonic() + patience)
        return said

    def _sources(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """From where each transport's mail came to its destination."""
        recipients = [f"r@d{number}.test" for number in range(len(task["send"]))]
        said = self._send(recipients, task["patience"])
        arrived = self.room.arrived()
        return [
            {"from": arrived.get(recipient), "kernel": _kernel_source(to), "said": said.get(recipient, "nothing")}
            for recipient, (_name, to) in zip(recipients, task["send"], strict=True)
        ]

    def _literals(self, task: dict[str, Any]) -> list[str]:
        """Whether mail to an address is for this host: ``self``, ``other``, or what is logged instead."""
        recipients = [f"r@[IPv6:{to}]" if ":" in to else f"r@[{to}]" for to in task["literals"]]
        said = self._send(recipients, task["patience"])
        return [
            said.get(recipient, "nothing").partition("sent (")[2].rstrip(")\n") or "nothing" for recipient in recipients
        ]

    def _programs(self, task: dict[str, Any]) -> list[str]:
        """What each service says as it dies of its command line, when somebody asks it for something."""
        public = self.room.root / "queue/public"
        for name in task["programs"]:
            kind = socket.SOCK_DGRAM if task["programs"][name] == "postlogd" else socket.SOCK_STREAM
            with socket.socket(socket.AF_UNIX, kind) as client, suppress(FileNotFoundError):
                os.chdir(public)
                client.connect(name)
                os.chdir("/")
                client.send(b"\n")
        mailed = [f"r@{name}.test" for name, program in task["programs"].items() if program == "pipe"]
        if mailed:  # it reads its arguments when it has mail
            self._submit(mailed)
        said: dict[str, str] = {}
        limit = time.monotonic() + 2 * task["patience"]
        while time.monotonic() < limit:
            for line in self.room.lines():
                tag, _fatal, reason = line.partition("fatal: ")
                if reason:
                    said.setdefault(tag.partition("[")[0].rpartition("/")[2], reason.strip())
        return [said.get(program, "") for program in task["programs"].values()]

    def _reload(self, master: subprocess.Popen[bytes], task: dict[str, Any]) -> dict[str, Any]:
        """Change the files and reload; the second reload begins when the first one is done."""
        self._write(task, task["after"])
        self.room.lines()
        died = None
        for _time in range(2):
            if died is None:
                master.send_signal(signal.SIGHUP)
                died = self._wait(master, "reload -- version")
        return {"dies": died, "sockets": None if died else self._sockets()}


def _kernel_source(destination: str) -> str | None:
    """From where the kernel would send, by a connected UDP socket."""
    with socket.socket(socket.AF_INET6 if ":" in destination else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((destination, PORT))
        except OSError:
            return None
        return str(probe.getsockname()[0]).partition("%")[0]


def _greeting(address: str) -> str:
    """What the service says first that has a connection to port 25 of an address; nothing if it dies of it."""
    with socket.create_connection((address, 25), timeout=20) as connection, connection.makefile("rb") as lines:
        try:
            return lines.readline().decode().strip()
        except (ConnectionResetError, TimeoutError):
            return ""


def _bury() -> None:
    """Wait for the processes that Postfix has left to the first one of this name space, of which thousands add up."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main() -> None:
    tree, scratch = sys.argv[1:]
    with PostfixTree(Path(tree), Path(scratch)) as entered:
        postfix = Postfix(entered)
        for line in sys.stdin:
            try:
                answer = postfix.try_out(json.loads(line))
            except Exception as error:
                answer = {"trouble": repr(error)}
            _bury()
            print(json.dumps(answer), flush=True)
        os._exit(0)  # the mounts, and the host behind vA, end with this process, the first of its name space


if __name__ == "__main__":
    main()
