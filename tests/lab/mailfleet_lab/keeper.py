# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two processes behind a room, started by Room.up: the keeper outside, and the init inside. See rooms.py."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from . import machine
from .rooms import INSIDE, Room
from .system import LAB, SEALED, LabError, children, run, wait_until

#: Where the ssh masters of the room keep their sockets: in the room's own /run.
SSH_SOCKETS = Path("/run/mailfleet-lab-ssh")

_SSH_CONFIG = """\
# How to reach the hosts of room {name}, from inside of it: ssh -F {state}/ssh_config ADDRESS
Host *
    User root
    IdentityFile {state}/id_ed25519
    IdentitiesOnly yes
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
    BatchMode yes
    ConnectTimeout 10
    ServerAliveInterval 5
    ControlMaster auto
    ControlPath {sockets}/%C
    ControlPersist 60
"""


def keep(name: str, owner: int, answer: int) -> None:
    """Bring up room `name`, say "ready" (or what is wrong) on the descriptor `answer`, and wait until it ends."""
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(0))
    room = Room(name)
    try:
        # Somebody may be trying the lock just now, to see whether the room is alive.
        wait_until(lambda: room.lock.take(wait=False), 2, f"the lock of room {name}")
        (room.state / "keeper").write_text(str(os.getpid()))
        try:
            machine.raise_limits()
            _write_ssh_files(room)
            with (room.state / "log").open("w") as log:
                process = _start_init(room, log.fileno())
            os.write(answer, b"ready\n")
            os.close(answer)
            answer = -1
            _wait_for_end(process, owner)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            room.clear()
            room.lock.release()
            machine.put_back_limits(lambda: any(other.is_up() for other in Room.known()))
    except (LabError, OSError) as problem:
        if answer >= 0:
            os.write(answer, f"{problem}\n".encode())


def _write_ssh_files(room: Room) -> None:
    key = str(room.state / "id_ed25519")
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"room {room.name}", "-f", key])
    config = _SSH_CONFIG.format(name=room.name, state=room.state, sockets=SSH_SOCKETS)
    (room.state / "ssh_config").write_text(config)


def _start_init(room: Room, log: int) -> subprocess.Popen[bytes]:
    """Start the room's init and wait until the room is furnished."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [*SEALED, "--ipc", "--net", sys.executable, str(LAB), "_init", room.name, str(writer)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(writer,),
    )
    os.close(writer)
    with os.fdopen(reader) as answer:
        if answer.readline() != "ready\n":  # not read(): unshare keeps its copy of the other end
            process.wait()
            raise LabError((room.state / "log").read_text().strip())
    (room.state / "init").write_text(str(children(process.pid)[0]))
    return process


def _wait_for_end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Until the room's init or the owner ends (or we are told to stop, which raises SystemExit)."""
    watched = [os.pidfd_open(process.pid)]
    try:
        if owner:
            watched.append(os.pidfd_open(owner))
        select.select(watched, [], [])
    except ProcessLookupError:  # the owner has ended already
        pass
    finally:
        for handle in watched:
            os.close(handle)


def init(name: str, answer: int) -> None:
    """Furnish the room around this process, its first; say "ready" on the descriptor `answer`; collect the dead."""
    room = Room(name)
    run(["mount", "-t", "sysfs", "sysfs", "/sys"])  # shows the devices of this network namespace
    run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"])  # the pure v2 tree, whatever the machine has
    cgroup = Path("/sys/fs/cgroup", machine.CGROUP_PREFIX + name, "init")
    cgroup.mkdir(parents=True)
    (cgroup / "cgroup.procs").write_text(str(os.getpid()))
    run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm"])
    # A /run of its own, furnished aside and then moved into place, since the room's state must stay visible in it.
    aside = room.state / "run"
    aside.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(aside)])
    inner = aside / room.state.relative_to("/run")
    inner.mkdir(parents=True)
    for directory in ("lock", "netns", SSH_SOCKETS.name):
        (aside / directory).mkdir()
    (aside / INSIDE.name).write_text(name)
    run(["mount", "--bind", str(room.state), str(inner)])
    run(["mount", "--no-mtab", "--move", str(aside), "/run"])
    run(["ip", "link", "set", "lo", "up"])
    for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):  # no host reaches another network through the room
        Path("/proc/sys/net", setting).write_text("0")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    os.write(answer, b"ready\n")
    os.close(answer)
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass
