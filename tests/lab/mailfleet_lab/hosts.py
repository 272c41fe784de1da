# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a room. Everything here works inside of the room only (`mailfleet-lab run`, `mailfleet-lab session`).

A host is an image's tree with an overlay in memory, a network namespace with its addresses, and systemd, started on
both by systemd-nspawn. What the lab knows about it stands in RUN/NAME/host.json, for every process in the room to find.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Sequence

from . import images, machine, source_builds
from .networks import Attachment, attach, ip
from .rooms import Room
from .system import LabError, Lock, run, wait_until

#: Where the hosts of this room live: in the room's own /run, that is, in memory.
RUN = Path("/run/hosts")
BOOT_SECONDS = 120

# What programs lock, or tests look at by inode, is copied into the host's overlay beforehand: an overlay would swap a
# file under those who hold it open, the first time that somebody opens it for writing. No real file system does that.
_COPIED = ("etc", "root", "var/lib/postfix", "var/spool/postfix", "usr/local/etc", "usr/local/var")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Host:
    """A host of this room, known by its name; `domain_name` is its full host name."""

    name: str
    suite: str
    domain_name: str
    image: str
    attachments: tuple[Attachment, ...]

    @property
    def directory(self) -> Path:
        """Where the lab keeps the host."""
        return RUN / self.name

    @property
    def root(self) -> Path:
        """The host's file system, seen from the room."""
        return self.directory / "root"

    @property
    def address(self) -> str:
        """The address that the room uses for ssh: the first one."""
        return self.attachments[0].addresses[0].partition("/")[0]

    @property
    def _cgroup(self) -> Path:
        return Path("/sys/fs/cgroup", machine.CGROUP_PREFIX + Room.require_here().name, self.name)

    # Life

    def boot(self) -> None:
        """Switch the host on. Returns at once: wait() waits."""
        if self.is_on():
            raise LabError(f"Host {self.name} is on already.")
        self._cgroup.mkdir(exist_ok=True)
        nspawn = ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}"]
        hostname = (self.root / "etc" / "hostname").read_text().strip()
        nspawn += [f"--hostname={hostname}", "--capability=CAP_NET_ADMIN", "--console=pipe"]
        # Nothing of the machine's own systemd, which need not even run, and nothing of the machine's files.
        nspawn += ["--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off", "--link-journal=no"]
        # --network-namespace-path= would show the devices of the room's network namespace in the host's /sys.
        enter = ["nsenter", f"--net=/run/netns/{self.name}", "--"]
        move = ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(self._cgroup)]
        with (self.directory / "console.log").open("a") as console:
            subprocess.Popen(
                [*move, *enter, *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
                start_new_session=True,
                cwd="/",
            )

    def wait(self, seconds: float = BOOT_SECONDS) -> None:
        """Wait until all units have started and ssh answers; LabError when one failed or time is over."""

        def started() -> str | None:
            if not self.init():
                return None
            state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
            return state if state in ("running", "degraded", "maintenance") else None

        try:
            state = wait_until(started, seconds, f"host {self.name} starting")
        except LabError as problem:
            console = (self.directory / "console.log").read_text()[-1000:]
            raise LabError(f"{problem}; its console says: {console}") from None
        if state != "running":
            failed = self.run("systemctl", "--failed", "--no-legend", "--plain", check=False).stdout.strip()
            raise LabError(f"Host {self.name} is {state} after its start: {failed}")
        wait_until(self._ssh_answers, 20, f"ssh of host {self.name}")

    def _ssh_answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def init(self) -> int:
        """The process ID, in the room, of the host's systemd; 0 while there is none."""
        try:
            processes = (self._cgroup / "payload" / "init.scope" / "cgroup.procs").read_text().split()
        except OSError:
            return 0
        return int(processes[0]) if processes else 0

    def is_on(self) -> bool:
        """Whether anything of the host runs."""
        return bool(self._processes())

    def _processes(self, part: str = "") -> list[int]:
        """Those of the host and of the nspawn that watches it, or only those in this `part` of its cgroup."""
        found = []
        for listing in (self._cgroup / part).glob("**/cgroup.procs"):
            with contextlib.suppress(OSError):  # removed in the meantime
                found += [int(process) for process in listing.read_text().split()]
        return found

    def cut_power(self) -> None:
        """Kill everything that runs on the host, at once. Its files stay: boot() starts it again."""
        # ssh keeps connections for the next command, which would wait for a dead host.
        hang_up = ["ssh", "-F", str(Room.require_here().state / "ssh_config"), "-O", "exit", self.address]
        subprocess.run(hang_up, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        begin = time.monotonic()
        while self.is_on():
            # nspawn ends by itself after what it watches; killed, it would leave things that hinder the next boot.
            for process in self._processes("" if time.monotonic() > begin + 10 else "payload"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if time.monotonic() > begin + 30:
                raise LabError(f"Host {self.name} does not end.")
            time.sleep(0.02)

    def remove(self) -> None:
        """Take the host out of the room, with all that it had."""
        self.cut_power()
        for directory in sorted(self._cgroup.glob("**/"), reverse=True):
            directory.rmdir()
        _undo(self.name)
        write_inventory()

    # What a test does with a host

    def run(self, *argv: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command on the host, not by ssh but straight into its namespaces: works whatever its network does.

        LabError when it fails, or with check=False none. Options as for subprocess.run.
        """
        command = self.command(*argv)
        if check:
            return run(command, what=f"{self.name}: {' '.join(argv)}", **options)
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, **options}
        return subprocess.run(command, text=True, check=False, **options)

    def command(self, *argv: str) -> list[str]:
        """The command that runs `argv` on the host, for who starts it himself; LabError when the host is off."""
        init = self.init()
        if not init:
            raise LabError(f"Host {self.name} is off.")
        enter = ["nsenter", f"--target={init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
        return [*enter, "env", "-i", f"PATH={_PATH}", "HOME=/root", "LC_ALL=C.UTF-8", *argv]

    def add_address(self, address: str, interface: str = "eth0") -> None:
        """Give an interface an address, such as "10.1.0.40/24"."""
        ip("-n", self.name, "address", "add", address, "dev", interface)

    def remove_address(self, address: str, interface: str = "eth0") -> None:
        """Take an address, given with its prefix length, away from an interface."""
        ip("-n", self.name, "address", "delete", address, "dev", interface)

    def listeners(self, program: str = "master") -> set[tuple[str, int]]:
        """Address and port of each TCP socket on which `program` listens."""
        found = set()
        for line in self.run("ss", "-Hltnp").stdout.splitlines():
            columns = line.split()
            if f'"{program}"' in columns[-1]:
                address, _colon, port = columns[3].rpartition(":")
                found.add((address.strip("[]").replace("*", "::"), int(port)))
        return found


def add_hosts(*hosts: tuple[str, str, Sequence[Attachment]], domain: str = "example", wait: bool = True) -> list[Host]:
    """Add hosts (name, suite, attachments), boot all at the same time and wait until all have started."""
    added = []
    for name, suite, attachments in hosts:
        added.append(_prepare(name, suite, tuple(attachments), f"{name}.{domain}"))
        added[-1].boot()
    write_inventory()
    if wait:
        for host in added:
            host.wait()
    return added


def _prepare(name: str, suite: str, attachments: tuple[Attachment, ...], domain_name: str) -> Host:
    """Make a host's files and network."""
    Room.require_here()
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", name) or name == "init":
        raise LabError(
            f'A host\'s name is up to 30 lower-case letters, digits and hyphens and not "init", not {name!r}.'
        )
    if not attachments or not attachments[0].addresses:
        raise LabError(f"Host {name} has no address on its first network, so nobody could reach it.")
    image = images.require_image(suite)
    host = Host(name, suite, domain_name, image.root.name, attachments)
    RUN.mkdir(exist_ok=True)
    try:
        host.directory.mkdir()
    except FileExistsError:
        raise LabError(f"There is a host {name} already.") from None
    try:
        upper, work = host.directory / "upper", host.directory / "work"
        for directory in (upper, work, host.root):
            directory.mkdir()
        copied = [place for place in _COPIED if (image.root / place).exists()]
        run(["cp", "--archive", "--parents", *copied, str(upper)], cwd=image.root)
        _name_host(host, upper)
        overlay = f"lowerdir={image.root},upperdir={upper},workdir={work}"
        run(["mount", "-t", "overlay", "-o", overlay, "overlay", str(host.root)])
        run(["ip", "netns", "add", name])
        ip("-n", name, "link", "set", "lo", "up")
        for attachment in attachments:
            attach(name, attachment)
    except BaseException:
        _undo(name)
        raise
    (host.directory / "host.json").write_text(json.dumps(asdict(host)))
    return host


def _name_host(host: Host, tree: Path) -> None:
    """Give the files the host's name in place of the image's, and let the room's key in; times of change stay."""
    image_name = (tree / "etc" / "mailname").read_text().strip()
    old, new = image_name.partition("."), host.domain_name.partition(".")
    for file in ("etc/hostname", "etc/hosts", "etc/mailname", "etc/postfix/main.cf"):
        path = tree / file
        if not path.exists():  # a Postfix from source elsewhere, which does not name the host
            continue
        status = path.stat()
        path.write_text(path.read_text().replace(old[0], new[0]).replace(old[2], new[2]))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    if source_builds.is_one(host.suite):  # only that name tells Postfix its own: it has to be whole
        (tree / "etc" / "hostname").write_text(f"{host.domain_name}\n")
    keys = tree / "root" / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o700, exist_ok=True)
    keys.write_text((Room.require_here().state / "id_ed25519.pub").read_text())


def _undo(name: str) -> None:
    """Remove what _prepare made."""
    for command in (["umount", str(RUN / name / "root")], ["ip", "netns", "delete", name]):
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    shutil.rmtree(RUN / name)


def all_hosts() -> list[Host]:
    """The hosts of this room."""
    Room.require_here()
    found = []
    for file in sorted(RUN.glob("*/host.json")):
        known = json.loads(file.read_text())
        attachments = [Attachment(**{**item, "addresses": tuple(item["addresses"])}) for item in known["attachments"]]
        found.append(Host(**{**known, "attachments": tuple(attachments)}))
    return found


def find_host(name: str) -> Host:
    """The host of that name."""
    for host in all_hosts():
        if host.name == name:
            return host
    raise LabError(f"There is no host {name} in room {Room.require_here().name}.")


def write_inventory() -> Path:
    """Write what Ansible needs to know about the hosts, suites being groups, and return where: STATE/inventory.json."""
    state = Room.require_here().state
    variables = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_pipelining": True,
        "ansible_ssh_args": f"-F {state}/ssh_config",
        "ansible_user": "root",
    }
    with Lock(state / "inventory.lock"):
        groups: dict[str, dict[str, Any]] = {}
        for host in all_hosts():
            members = groups.setdefault(host.suite, {"hosts": {}})["hosts"]
            members[host.name] = {"ansible_host": host.address}
        text = json.dumps({"all": {"vars": variables, "children": groups}}, indent=2)
        (state / "inventory.new").write_text(text + "\n")
        (state / "inventory.new").rename(state / "inventory.json")
    return state / "inventory.json"
