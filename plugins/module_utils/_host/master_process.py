# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running master(8) of an instance, as the kernel shows it: its process, its listening sockets, its children.

Postfix's own commands are not used, because they fail when main.cf names an address that is gone. ``pid/master.pid`` in
the queue directory stays there after a stop, so the process that it names is always checked.
"""

from __future__ import annotations

import itertools
import os
import time
from contextlib import suppress
from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional

from .._base.records import NamedTuple
from .._base.sockets import Socket
from .boot_id import boot_id
from .instance import Instance
from .listening import listening
from .store import TransactionError

PROC = "/proc"

COMM = 15
"""How many characters of a program's name the kernel keeps."""

_READERS = ("qmgr", "pickup")  # which each start and each reload replaces, and which otherwise hardly ever end
_PID_FILE = os.path.join("pid", "master.pid")
_ROUNDED = 0.5  # seconds, more than the times of files and of processes are rounded by


class Process(NamedTuple):
    """A process; ``ticks`` is when it started, in clock ticks after boot. Together with the pid this is unique."""

    pid: int
    name: str
    parent: int
    ticks: int

    @property
    def started(self) -> float:
        """When the process started, in seconds since the epoch, by the clock as it is set now."""
        now = time.time()  # first: where this is held up, what follows is rather too early, which only makes careful
        return now - (time.clock_gettime(time.CLOCK_BOOTTIME) - self.ticks / os.sysconf("SC_CLK_TCK"))


class Master(NamedTuple):
    """A running master. ``held`` has its listening TCP sockets by inode number, ``boot`` the id of this boot."""

    process: Process
    queue_directory: str
    held: Dict[str, Socket]
    boot: str
    proc: str = PROC

    @property
    def sockets(self) -> FrozenSet[Socket]:
        """Where the master listens."""
        return frozenset(self.held.values())

    @property
    def identity(self) -> str:
        """A text that no other master has had, of this instance or of another one."""
        return f"{self.boot}/{self.process.pid}/{self.process.ticks}"

    def is_alive(self) -> bool:
        """Return whether the process still runs."""
        return read_process(self.process.pid, self.proc) == self.process

    def children(self) -> List[Process]:
        """Return the processes that the master has started and that still run."""
        pid = self.process.pid
        try:
            pids = child_pids(pid, self.proc)
        except OSError:  # a kernel without this file
            pids = list(all_pids(self.proc))
        processes = [read_process(child, self.proc) for child in pids]
        return [process for process in processes if process and process.parent == pid]

    def readers(self) -> List[Process]:
        """Return the qmgr(8) and the pickup(8) that run: as long as one of them stays, nothing was reloaded."""
        return [child for child in self.children() if child.name in _READERS]

    def last_read(self) -> float:
        """Return the latest time at which the master can have read its configuration, in seconds since the epoch.

        The older of the readers counts, because the other may have been replaced since then for another reason.
        """
        return min((child.started for child in self.readers()), default=self.process.started)

    def clock_was_set(self) -> bool:
        """Return whether the clock was set ahead since the master started, so that times of files prove nothing.

        The master has written its pid file when it started. By the clock as it is set now that was before it did.
        """
        try:
            written = os.stat(os.path.join(self.queue_directory, _PID_FILE)).st_mtime
        except OSError:
            return False
        return written + _ROUNDED < self.process.started

    def data_directory(self) -> Optional[str]:
        """Return the directory that the master has locked for itself, beside its queue; None if that is not known."""
        with suppress(OSError):  # it has ended meanwhile
            for target in open_files(self.process.pid, self.proc):
                if os.path.basename(target) == "master.lock":
                    return os.path.dirname(target)
        return None

    def environment(self) -> Optional[Dict[str, str]]:
        """Return the environment that the master has given to a child; None if that is not known."""
        for child in self.readers():
            path = f"{self.proc}/{child.pid}/environ"
            with suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as stream:
                return dict(entry.split("=", 1) for entry in stream.read().split("\0") if "=" in entry)
        return None


def find_master(instance: Instance, proc: str = PROC) -> Optional[Master]:
    """Return the master that runs by an instance's configuration directory; None if there is none.

    :raises TransactionError: there seems to be one, but this process may not look at it
    """
    written = written_pid(instance)
    hidden: Optional[int] = None
    # The file can be lost or damaged, or elsewhere because queue_directory was changed.
    for pid in itertools.chain([] if written is None else [written], all_pids(proc)):
        try:
            master = _master(pid, instance, proc)
        except PermissionError:
            hidden = pid if pid == written else hidden
            continue
        if master:
            return master
    if hidden is None and written is not None and _is_hidden(written, proc):
        hidden = written
    if hidden is not None:
        raise TransactionError(
            f"Process {hidden} seems to be the master of {instance.config_directory}, but this user may not look at it."
            " Run this as root, in a container with the capability SYS_PTRACE."
        )
    return None


def _is_hidden(pid: int, proc: str) -> bool:
    """Return whether a process exists that /proc does not show to this one (the mount option hidepid of proc(5))."""
    if os.path.exists(f"{proc}/{pid}") or not os.path.exists(f"{proc}/self"):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # there is one, and it belongs to somebody else
        return True
    return True


def read_process(pid: int, proc: str = PROC) -> Optional[Process]:
    """Return a process; None if none with this pid runs."""
    try:
        with open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return None
    head, _parenthesis, tail = text.rpartition(")")
    state, parent, *others = tail.split()
    if state in ("Z", "X"):  # ended, but its parent has not noticed yet
        return None
    return Process(pid, head.partition("(")[2], int(parent), ticks=int(others[17]))  # starttime of proc(5)


def child_pids(pid: int, proc: str = PROC) -> List[int]:
    """Return the pids of what a process has started.

    :raises OSError: it has ended, or the kernel does not tell
    """
    with open(f"{proc}/{pid}/task/{pid}/children", encoding="utf-8") as stream:
        return [int(word) for word in stream.read().split()]


def command_line(process: Optional[Process], proc: str = PROC) -> List[str]:
    """Return the words that a process was started with; none if it has ended, or this one may not look at it."""
    with suppress(OSError):
        if process:
            with open(f"{proc}/{process.pid}/cmdline", encoding="utf-8", errors="surrogateescape") as stream:
                return stream.read().rstrip("\0").split("\0")
    return []


def listening_sockets(pid: int, proc: str = PROC) -> Dict[str, Socket]:
    """Return the listening TCP sockets that a process has open, in its own network namespace, by inode number."""
    inodes = set(socket_inodes(pid, proc))
    return {each.inode: each.socket for each in listening(pid, proc) if each.inode in inodes}


def all_listening_sockets(proc: str = PROC) -> Dict[str, Socket]:
    """Return all listening TCP sockets of this network namespace, by inode number."""
    return {each.inode: each.socket for each in listening("self", proc)}


def owners(inode: str, proc: str = PROC) -> List[Process]:
    """Return the processes that have a socket open, as far as this process may look at them."""
    processes = []
    for pid in all_pids(proc):
        with suppress(OSError):
            if inode in socket_inodes(pid, proc):
                processes.append(read_process(pid, proc))
    return [process for process in processes if process]


def waiting(held: Iterable[str], proc: str = PROC) -> bool:
    """Return whether a client waits to be accepted by one of these listening sockets, given by their inode numbers."""
    inodes = set(held)
    return any(each.clients and each.inode in inodes for each in listening("self", proc))


def _master(pid: int, instance: Instance, proc: str) -> Optional[Master]:
    process = read_process(pid, proc)
    if process is None or process.name != "master" or not runs_by(process, instance, proc):
        return None
    try:
        held = listening_sockets(pid, proc)
        queue_directory = os.readlink(f"{proc}/{pid}/cwd")
        boot = boot_id(proc)
    except FileNotFoundError:  # the process has ended meanwhile
        return None
    master = Master(process, queue_directory, held, boot, proc)
    return master if master.is_alive() else None


def runs_by(process: Process, instance: Instance, proc: str = PROC) -> bool:
    """Return whether a process runs by the instance's directory: the one that its MAIL_CONFIG names, below its root.

    Its root counts because the host of a container also sees the container's processes, which have the same
    environment. Its user counts because anybody can give a process this name and environment.
    """
    base = f"{proc}/{process.pid}"
    try:
        if _real_user(base) not in (0, os.geteuid()):
            return False
        named = named_directory(process.pid, proc)
        if named is not None:
            return os.path.samefile(f"{base}/root{named}", instance.config_directory)
        return os.path.samefile(f"{base}/cwd", instance.queue_directory)
    except PermissionError:
        raise
    except OSError:
        return False


def named_directory(pid: int, proc: str = PROC) -> Optional[str]:
    """Return the configuration directory that a process was told: its MAIL_CONFIG (postfix(1)); None if it was not.

    :raises OSError: it has ended, or this process may not look at it
    """
    with open(f"{proc}/{pid}/environ", "rb") as stream:
        environment = stream.read().split(b"\0")
    named = [entry[len(b"MAIL_CONFIG=") :] for entry in environment if entry.startswith(b"MAIL_CONFIG=")]
    return os.fsdecode(named[-1]) if named else None


def _real_user(base: str) -> int:
    """Return the user that a process belongs to. A master takes another effective one for moments.

    :param base: its directory in /proc
    """
    with open(f"{base}/status", encoding="utf-8", errors="replace") as stream:
        return next((int(line.split()[1]) for line in stream if line.startswith("Uid:")), -1)


def processes(name: str, proc: str = PROC) -> Iterator[Process]:
    """Yield the processes with this name."""
    for pid in all_pids(proc):
        process = read_process(pid, proc)
        if process and process.name == name:
            yield process


def written_pid(instance: Instance) -> Optional[int]:
    """Return the pid that the last master of an instance has written down; None if the file is lost or damaged."""
    path = os.path.join(instance.queue_directory, _PID_FILE)
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return int(stream.readline())
    except (OSError, ValueError):
        return None


def all_pids(proc: str) -> Iterator[int]:
    for name in os.listdir(proc):
        if name.isdigit():
            yield int(name)


def socket_inodes(pid: int, proc: str = PROC) -> Iterator[str]:
    """Yield the inode numbers of the sockets that a process has open.

    :raises OSError: it has ended, or this process may not look at it
    """
    for target in open_files(pid, proc):
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]


def open_files(pid: int, proc: str) -> Iterator[str]:
    """Yield what a process has open, as the kernel names it.

    :raises OSError: the process has ended, or this one may not look at it
    """
    directory = f"{proc}/{pid}/fd"
    for name in os.listdir(directory):
        with suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(f"{directory}/{name}")
