# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests do with a mail host: run Ansible on it, look at its files and sockets, talk to its server."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mailfleet_lab import hosts
from mailfleet_lab.system import wait_until

CORE = "root/core/ansible_collections/mailfleet/postfix/plugins/module_utils"
PRELUDE = """\
import json, os, signal, sys, time
sys.path.insert(0, "/root/core")
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import apply, atomic_replace, restart
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import keep_clients_waiting, report, transaction
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.wish import together_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe import options, outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import built_in
DEFAULTS = {name: spec.get("default") for name, spec in options.argument_spec().items()}
def bring_all(entries, check_mode=False, apply=True, timeout=30, confirm=0):
    \"\"\"What the role does on a host, in one process: bring instances in line with what is wanted of each.\"\"\"
    entries = [options.entry_of({**DEFAULTS, "timeout": timeout}, entry) for entry in entries]
    asked, answer = None, {}
    try:
        asked = together_of([options.wish_of(entry) for entry in entries], built_in(), apply, check_mode)
        asked.together.confirm = confirm
        asked.together.carry_out()
    except (report.ApplyError, InputError, transaction.TransactionError) as error:
        answer["msg"] = str(error)
    answer.update(report.confirmation(check_mode))
    return {**answer, "instances": [outcome.result_of(part, apply, False) for part in asked.parts] if asked else []}
def bring(wanted=None, services=(), check_mode=False, instance=None, timeout=30, confirm=0):
    \"\"\"The same for one instance, and what postfix_apply does where nothing is wanted.\"\"\"
    if wanted or services:
        services = [{"options": {}, **service} for service in services]
        entry = {**(wanted or {}), "services": services, "instance": instance}
        done = bring_all([entry], check_mode, timeout=timeout, confirm=confirm)
        (mine,), rest = done["instances"], {key: done[key] for key in done if key != "instances"}
        return {**mine, **rest, "warnings": [*mine.get("warnings", ()), *rest["warnings"]]}
    try:
        return apply.apply(find_instance(None, instance), timeout, check_mode, confirm=confirm)
    except report.ApplyError as error:
        return {**error.result, "msg": str(error)}
    except (InputError, transaction.TransactionError) as error:
        return {"msg": str(error)}
"""
SYSLOGD_PID = "/run/syslogd.pid"
SYSLOGD = f"""\
import os, socket
os.makedirs("/run/systemd/journal")
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/run/systemd/journal/dev-log")
os.chmod("/run/systemd/journal/dev-log", 0o666)
with open("{SYSLOGD_PID}", "w") as pid:
    pid.write(str(os.getpid()))
with open("/var/log/mail.log", "ab", 0) as file:
    while True:
        file.write(log.recv(65536).partition(b">")[2].rstrip(b"\\0\\n") + b"\\n")
"""
PLAYS = Path(__file__).resolve().parent / "plays"
FILES = ("/etc/postfix/main.cf", "/etc/postfix/master.cf")
OTHER = "/etc/postfix-out"
#: in a script: where the programs of Postfix are
PROGRAMS = "$(postconf -dh daemon_directory)"
STATE = "/var/lib/mailfleet.postfix"
WILDCARDS = {("0.0.0.0", 25), ("::", 25)}
#: a script that takes away what a test has given a unit; to have systemd read its units again is dear
RESTORE_UNIT = """own=/etc/systemd/system/{unit}
stale=$(systemctl show --property=NeedDaemonReload {unit})
if [ -L $own ] || [ -e $own.d ] || [ $stale != NeedDaemonReload=no ]; then
    rm -rf $own.d
    systemctl unmask {unit}
    systemctl daemon-reload
fi"""


@dataclass(frozen=True)
class Played:
    """How a play ended: what it said, and the numbers of its recap."""

    said: str
    changed: int
    failed: int

    @property
    def messages(self) -> list[Any]:
        """What the play's debug tasks said, in their order."""
        return [json.loads(text)["msg"] for text in re.findall(r"^ok: \[\S+\] => (\{.*?^\})", self.said, re.M | re.S)]


class MailHost:
    """A host of the lab with Postfix on it."""

    def __init__(self, host: hosts.Host, *room: str) -> None:
        self.host = host
        self.name = host.name
        self.run = host.run
        attached = host.attachments[0].addresses
        #: the room's addresses on the host's network, IPv4 first
        self.room = room
        #: two addresses of each family
        self.ipv4, self.ipv4_b, self.ipv6, self.ipv6_b = attached
        #: whether it is of the layout of Enterprise Linux, where one unit starts all instances
        self.is_el = host.suite.endswith("_el")
        #: whether one unit starts all instances, of the package or of an administrator
        self.has_one_unit = self.is_el or host.suite.endswith("_local")
        generated = host.suite in ("bullseye", "bookworm")
        self.unit = "postfix@-.service" if generated else "postfix.service"
        #: that of the second instance, if it has one
        own = "postfix@postfix-out.service" if generated else "postfix@out.service"
        self.other_unit = "" if self.has_one_unit else own
        #: what starts and stops it where the host is seen without systemd
        self.script = "postfix" if self.has_one_unit else "/etc/init.d/postfix"
        #: the directories of the default instance, as they are compiled in, and of the second one
        compiled = self.run("postconf", "-dh", "config_directory", "queue_directory", "data_directory").stdout
        self.config, self.spool, self.data = compiled.split()
        self.other, self.other_spool = f"{self.config}-out", f"{self.spool}-out"
        self.files_of_postfix = f"{self.config}/main.cf", f"{self.config}/master.cf"
        self._has_core = self._has_view = False
        if self.is_el:  # its stock files say localhost, by which nothing could be seen from outside
            self.edit("inet_interfaces", "all")
        self.run("cp", "-a", self.config, "/root/postfix.stock")

    @cached_property
    def version(self) -> tuple[int, int]:
        """Of its Postfix: major and minor."""
        major, minor, *_rest = self.run("postconf", "-dh", "mail_version").stdout.split(".")
        return int(major), int(minor)

    @property
    def shares_ports(self) -> bool:
        """Whether its Postfix lets several sockets listen on one address and port."""
        return self.version >= (3, 6)

    @property
    def has_tables_in_braces(self) -> bool:
        """Whether its Postfix takes regular expressions in main.cf."""
        return self.version >= (3, 7)

    def reset(self) -> None:
        """Everything as the package had set it up, with Postfix running."""
        self._remove_instance()
        self.shell(RESTORE_UNIT.format(unit=self.unit))
        self.terminate()
        self.give_addresses()
        restored = f"rm -rf {STATE} {self.config}; cp -a /root/postfix.stock {self.config}"
        self.shell(f"{restored}; systemctl reset-failed || true; systemctl restart {self.unit}")
        wait_until(lambda: self.sockets() == WILDCARDS, 10, "Postfix starting")

    def give_addresses(self) -> None:
        """Give the host back what a test has taken of its addresses."""
        there = self.run("ip", "-o", "address", "show", "dev", "eth0").stdout
        for address in (self.ipv4, self.ipv4_b, self.ipv6, self.ipv6_b):
            if f" {address}/" not in there:
                self.host.add_address(f"{address}/{64 if ':' in address else 24}")

    @contextmanager
    def cut_off(self, address: str) -> Iterator[None]:
        """Let nothing out that the host sends from an address, so that nobody can connect there."""
        rule = f"from {address} lookup 66"
        self.shell(f"ip route add blackhole default table 66; ip rule add {rule} priority 66")
        try:
            yield
        finally:
            self.shell(f"ip rule delete {rule} priority 66; ip route flush table 66")

    def _remove_instance(self) -> None:
        """Remove the second instance that a test has left."""
        if self.run("test", "-e", self.other, check=False).returncode:
            return
        for unit in ("postfix@out.service", "postfix@postfix-out.service"):
            self.run("systemctl", "kill", "--signal=SIGKILL", unit, check=False)
            self.run("systemctl", "disable", unit, check=False)
        if not self.other_unit:
            end = f'test "$(readlink $each/cwd)" != {self.other_spool} || kill -KILL ${{each#/proc/}}'
            self.run("sh", "-c", f"for each in /proc/[0-9]*; do {end}; done")
        self.run("rm", "-rf", self.other, self.other_spool, f"{self.data}-out")

    def lose_power(self) -> None:
        """Cut the host's power, and switch it on again."""
        self.host.cut_power()
        self._has_view = False
        self.host.boot()
        self.host.wait()

    def terminate(self) -> None:
        """Stop Postfix whatever its files say: its own stop dies of an address that is gone."""
        outside = f"read -r pid <{self.spool}/pid/master.pid; grep -qx master /proc/$pid/comm && kill $pid"
        kill = f"systemctl kill --signal=SIGTERM {self.unit}"
        self.run("sh", "-c", f"{kill}; {outside}", check=False)
        wait_until(lambda: not self.sockets(), 10, "Postfix stopping")
        self.run("systemctl", "stop", self.unit, check=False)

    def master(self) -> str:
        """The process number of the master."""
        return self.run("cat", f"{self.spool}/pid/master.pid").stdout.strip()

    def runs(self, unit: str) -> bool:
        """Whether a unit is active."""
        return self.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"

    def other_runs(self) -> bool:
        """Whether the second instance is up."""
        if self.other_unit:
            return self.runs(self.other_unit)
        return not self.run("postfix", "-c", self.other, "status", check=False).returncode

    def stop_other(self) -> None:
        """Stop the second instance."""
        stop = ["systemctl", "stop", self.other_unit] if self.other_unit else ["postfix", "-c", self.other, "stop"]
        self.run(*stop)

    def sockets(self) -> set[tuple[str, int]]:
        """Where the master listens."""
        return self.host.listeners()

    def files(self) -> str:
        """Both files to the byte and to the inode."""
        files = self.files_of_postfix
        return self.run("sha256sum", *files).stdout + self.run("stat", "--format=%n %i %Y %U:%G %a", *files).stdout

    def contents(self) -> str:
        """Both files to the byte."""
        return self.run("sha256sum", *self.files_of_postfix).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file on the host as somebody does by hand."""
        self.run("install", "-D", "-m", "0644", "/dev/stdin", path, input=text, stdin=None)

    def shell(self, script: str, *, systemd: bool = True) -> str:
        """Run a script on the host, which has to end well, and return what it says.

        :param systemd: whether it is to see that the host has systemd
        """
        return self.run(*self._view(systemd), "sh", "-ec", script).stdout

    def _view(self, systemd: bool) -> list[str]:
        """How a command starts that sees a host with systemd, or one with init scripts and a syslog daemon."""
        if systemd:
            return []
        if not self._has_view:
            self.write("/root/syslogd", SYSLOGD)
            hide = "mount -t tmpfs none /run/systemd && exec python3 /root/syslogd"
            self.run("sh", "-c", f"setsid unshare --mount sh -c '{hide}' >/dev/null 2>&1 </dev/null &")
            wait_until(lambda: self.run("cat", SYSLOGD_PID, check=False).stdout, 10, "a syslog daemon starting")
            self._has_view = True
        pid = self.run("cat", SYSLOGD_PID).stdout
        return ["nsenter", "--mount", f"--target={pid}", "--"]

    def remembered(self, config: str) -> str:
        """Where it is kept what is remembered of the instance in a directory."""
        return f"{STATE}/{config.strip('/').replace('-', '%2D').replace('/', '-')}"

    def is_at_work(self) -> bool:
        """Whether a run, or what finishes one that has ended early, has the lock of the default instance."""
        command = f"ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q {self.remembered(self.config)}/lock"
        return self.run("sh", "-c", command, check=False).returncode == 0

    def edit(self, name: str, value: str) -> None:
        """Set a parameter in main.cf as somebody does by hand."""
        self.run("postconf", "-e", f"{name} = {value}")

    def banner(self, address: str, port: int = 25) -> str:
        """What the server says to who connects from the room."""
        with socket.create_connection((address, port), timeout=10) as connection:
            return connection.recv(200).decode().strip()

    def start_core(self, text: str, *, systemd: bool = True, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start Python on the host with the collection's core; `bring()` there is what the role does, without Ansible.

        :param systemd: whether it is to see that the host has systemd
        :param before: a command that starts it
        """
        if not self._has_core:
            shutil.rmtree(self.host.root / CORE, ignore_errors=True)
            source = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
            shutil.copytree(source, self.host.root / CORE, ignore=shutil.ignore_patterns("__pycache__"))
            self._has_core = True
        command = ["python3", "-c", PRELUDE + text]
        return subprocess.Popen(
            self.host.command(*self._view(systemd), *before, *command),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def core(self, text: str, *, systemd: bool = True, before: Sequence[str] = ()) -> Any:
        """Run Python on the host with the collection's core; returns its `answer`, None if it was killed."""
        process = self.start_core(f"{text}\nprint(json.dumps(answer))", systemd=systemd, before=before)
        try:
            said, complaint = process.communicate(timeout=200)
        finally:
            process.kill()
        assert not complaint, complaint
        return json.loads(said.splitlines()[-1]) if said else None

    def bring(self, wanted: dict[str, Any] | None = None, *, systemd: bool = True, **options: Any) -> dict[str, Any]:
        """Make the files say something and apply them, all by the core."""
        text = f"answer = bring({wanted!r}, **{options!r})"
        return self.core(text, systemd=systemd)

    def play(self, name: str, *arguments: str, **variables: Any) -> Played:
        """Run a play of plays/ on this host."""
        done = self.start_play(name, *arguments, **variables)
        said = done.communicate(timeout=300)[0]
        recap = re.search(rf"^{self.name} .*changed=(\d+) .*failed=(\d+)", said, re.M)
        assert recap, said
        return Played(said, *map(int, recap.groups()))

    def start_play(self, name: str, *arguments: str, **variables: Any) -> subprocess.Popen[str]:
        """Start a play and do not wait for it. It leads a process group of its own."""
        command = [
            "ansible-playbook",
            *self._inventory(),
            f"{name}.yml",
            "--extra-vars",
            json.dumps({"config": self.config, **variables}),
            *arguments,
        ]
        return subprocess.Popen(
            command,
            cwd=PLAYS,
            env=self._environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def tasks(self, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
        """Run single tasks, going on after one that fails, and return their results."""
        names = [f"result_{number}" for number in range(len(tasks))]
        steps = [{**task, "register": name, "ignore_errors": True} for task, name in zip(tasks, names, strict=True)]
        steps += [{"ansible.builtin.debug": {"msg": f"{{{{ {name} }}}}"}} for name in names]
        with tempfile.NamedTemporaryFile("w", suffix=".yml", dir=PLAYS) as file:
            json.dump([{"hosts": "all", "gather_facts": False, "tasks": steps}], file)
            file.flush()
            return self.play(Path(file.name).stem).messages[-len(tasks) :]

    def module(self, name: str, *arguments: str, **options: Any) -> dict[str, Any]:
        """Run a module ad hoc, by whatever name, and return all of its answer."""
        said = self.ad_hoc(name, "-v", *arguments, **options)
        answer = re.search(rf"^{self.name} \| \S+ => (\{{.*^\}})", said, re.M | re.S)
        assert answer, said
        return json.loads(answer[1])

    def ad_hoc(self, name: str, *arguments: str, **options: Any) -> str:
        """Run a module ad hoc, and return what is shown."""
        text = " ".join(f"{key}={value}" for key, value in options.items())
        command = ["ansible", *self._inventory(), self.name, "-m", name, *(["-a", text] if text else []), *arguments]
        done = subprocess.run(command, cwd=PLAYS, env=self._environment(), capture_output=True, text=True, check=False)
        return done.stdout or done.stderr

    def _inventory(self) -> list[str]:
        return ["--inventory", str(hosts.write_inventory()), "--limit", self.name]

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


END_TAKER = "kill $(cat /root/taker); rm /root/taker"


def taker(address: str, port: "int | str") -> str:
    """A script that starts a program that shares its port with nobody, and has it when the script ends."""
    return f"""setsid python3 -c 'import os, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("{address}", {port}))
s.listen(1)
with open("/root/taker", "w") as file:
    file.write(str(os.getpid()))
time.sleep(600)' >/dev/null 2>&1 </dev/null & for turn in $(seq 100); do test -s /root/taker && break; sleep 0.1; done
test -s /root/taker"""


class _Session(socketserver.StreamRequestHandler):
    """Enough SMTP to take a message."""

    def handle(self) -> None:
        def answer(text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        greeted = ""
        answer("220 sink.example ESMTP")
        while line := self.rfile.readline():
            verb = line.decode().strip().upper()
            if verb.startswith(("EHLO", "HELO")):
                greeted = line.decode().split()[1]
                answer("250 ok")
            elif verb.startswith("DATA"):
                answer("354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                peer = self.client_address[0]
                self.server.sink.greeted.append(greeted)  # type: ignore[attr-defined]
                self.server.sink.sources.append(peer.removeprefix("::ffff:"))  # type: ignore[attr-defined]
                self.server.sink.answers.wait(60)  # type: ignore[attr-defined]
                answer("250 taken")
            elif verb.startswith("QUIT"):
                return answer("221 bye")
            else:
                answer("250 ok")
        return None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class Sink:
    """An SMTP server on port 25 of addresses of the room.

    `sources` are the clients' addresses, one a message, and `greeted` the names that they said. While `answers` is not
    set, it has the messages, and does not say so.
    """

    def __init__(self, *addresses: str) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.sources: list[str] = []
        self.greeted: list[str] = []
        self.servers = [(_Server6 if ":" in address else _Server)((address, 25), _Session) for address in addresses]
        for server in self.servers:
            server.sink = self  # type: ignore[attr-defined]

    def __enter__(self) -> Sink:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_unused: object) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def source_of_mail(self, host: MailHost, recipient: str, sender: str = "root@example") -> str:
        """Send a message from the host and return the source address that it comes from."""
        before = len(self.sources)
        host.run("sendmail", "-f", sender, recipient, input="Subject: test\n\ntest\n", stdin=None)
        return wait_until(lambda: (self.sources[before:] or [None])[0], 20, f"mail to {recipient} arriving")
