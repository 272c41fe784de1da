# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A room: namespaces of its own (network, mount, process, IPC, host name) in which hosts live, with no way out.

Three processes make a room, each of which the kernel ends with the one before it:

* the *keeper*, in the background, holds the room's lock, waits, and cleans up when the room ends for whatever reason;
* its child ``unshare`` makes the namespaces;
* the *init* is process 1 in the room; everything in the room ends with it.

So a room is alive while its lock is held, and if even the keeper is killed, only empty cgroups and files remain, which
the next `up` or `down` of any room clears.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Sequence

from . import images, machine, needs
from .system import LAB, LabError, Lock, run, wait_until

#: Exists inside of a room only (its /run is its own) and holds the room's name.
INSIDE = Path("/run/mailfleet-lab-inside")

_NAMESPACES = ("--mount", "--net", "--pid", "--ipc", "--uts")


class Room:
    """A room by its name: letters, digits and hyphens; MAILFLEET_LAB_ROOM or "default" when not given."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or os.environ.get("MAILFLEET_LAB_ROOM") or "default"
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", self.name):
            raise LabError(f"A room's name is up to 40 lower-case letters, digits and hyphens, not {self.name!r}.")
        self.state = machine.STATE / self.name
        self.lock = Lock(self.state / "lock")

    @staticmethod
    def here() -> Room | None:
        """The room that this process is in."""
        return Room(INSIDE.read_text()) if INSIDE.exists() else None

    @staticmethod
    def require_here() -> Room:
        """The room that this process is in; LabError outside."""
        room = Room.here()
        if not room:
            raise LabError("This works inside of a room only: use `tests/lab/mailfleet-lab run` or `session`.")
        return room

    @staticmethod
    def known() -> list[Room]:
        """All rooms of which there is anything, alive or left over."""
        names = set(machine.cgroups())
        if machine.STATE.is_dir():
            names |= {entry.name for entry in machine.STATE.iterdir() if entry.is_dir()}
        return [Room(name) for name in sorted(names)]

    def is_up(self) -> bool:
        """Whether the room lives."""
        return self.lock.held()

    def up(self, owner: int | None = None) -> None:
        """Bring the room up, unless it is. With `owner`, a process ID, it goes down when that process ends."""
        self._require_outside()
        needs.require()
        sweep()
        if self.is_up():
            return
        reader, writer = os.pipe()
        with open(os.devnull, "r+b") as nowhere:
            subprocess.Popen(
                [sys.executable, str(LAB), "_keep", self.name, str(owner or 0), str(writer)],
                stdin=nowhere,
                stdout=nowhere,
                stderr=nowhere,
                pass_fds=(writer,),
                start_new_session=True,
                cwd="/",
            )
        os.close(writer)
        with os.fdopen(reader) as answer:
            said = answer.read()
        if said != "ready\n":
            raise LabError(f"Room {self.name} did not come up: {said.strip() or 'its keeper was killed'}")

    def down(self) -> None:
        """Take the room down and clear what is left of it, and of dead rooms. Does nothing when there is nothing."""
        self._require_outside()
        end = time.monotonic() + 60
        while self.is_up():
            if time.monotonic() > end:
                raise LabError(f"Room {self.name} does not go down.")
            try:
                keeper = int((self.state / "keeper").read_text())
                handle = os.pidfd_open(keeper)
            except (OSError, ValueError):  # is just coming or going
                time.sleep(0.05)
                continue
            try:
                if self.is_up():  # so the number has not gone to another process meanwhile
                    signal.pidfd_send_signal(handle, signal.SIGTERM)
                    wait_until(lambda: not self.is_up(), 60, f"room {self.name} going down")
            finally:
                os.close(handle)
        sweep()

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` in the room, in the present directory: itself, for one who is inside."""
        if self.here():
            return list(argv)
        try:
            init = int((self.state / "init").read_text())
        except (OSError, ValueError):
            init = 0
        if not init or not self.is_up():
            raise LabError(f"Room {self.name} is not up: run `tests/lab/mailfleet-lab up` first.")
        enter = ["nsenter", f"--target={init}", *_NAMESPACES, "--"]
        # Not nsenter's --wd, which would leave the process in a directory of the mount namespace outside.
        return [*enter, "env", f"--chdir={os.getcwd()}", f"MAILFLEET_LAB_ROOM={self.name}", *argv]

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in the room to its end; LabError when it fails. Options as for subprocess.run."""
        return run(self.command(argv), **options)

    def _require_outside(self) -> None:
        if self.here():
            raise LabError("This is inside of a room: rooms are brought up and taken down from outside.")

    def __enter__(self) -> Room:
        self.up(owner=os.getpid())
        return self

    def __exit__(self, *_unused: object) -> None:
        self.down()

    def clear(self) -> None:
        """Remove all that a dead room can have left. The caller holds its lock."""
        machine.end_cgroup(self.name)
        shutil.rmtree(self.state, ignore_errors=True)


def sweep() -> None:
    """Clear what rooms left behind whose keeper was killed, and images of old when nobody can be using them."""
    for room in Room.known():
        if room.lock.take(wait=False):
            room.clear()
            room.lock.release()
    machine.put_back_limits(lambda: any(room.is_up() for room in Room.known()))
    if not any(room.is_up() for room in Room.known()):
        images.prune()


def leftovers(only: str | None = None) -> list[str]:
    """What there is of rooms on the machine, one sentence each: of all, or `only` of one."""
    found = []
    running: dict[str, list[str]] = {}
    for _pid, name, program in machine.processes_of_rooms():
        running.setdefault(name, []).append(program)
    for room in Room.known():
        what = "is up" if room.is_up() else f"died and left {room.state} or cgroups"
        programs = running.pop(room.name, [])
        masters = f"{programs.count('master')} of them Postfix masters"
        found.append((room.name, f"room {room.name} {what}; {len(programs)} processes run in it, {masters}"))
    for name, programs in running.items():
        found.append((name, f"of room {name} there are still running: {', '.join(programs)}"))
    for point in machine.mounts_below(machine.STATE, images.CACHE):
        name = Path(point).relative_to(machine.STATE).parts[0] if Path(point).is_relative_to(machine.STATE) else "?"
        found.append((name, f"{point} is mounted"))
    for path in images.stale_builds():
        found.append(("?", f"a build that was killed left {path}"))
    return [sentence for name, sentence in found if only in (None, name)]
