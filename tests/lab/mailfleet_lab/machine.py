# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a room takes from the machine and gives back: a branch of the cgroup tree, and one kernel limit."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable

from .system import Lock, run, wait_until

#: Everything about the rooms that are up lies here; nothing else does, and without rooms it does not exist.
STATE = Path("/run/mailfleet-lab")
CGROUP_PREFIX = "mailfleet-lab-"

_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_WANTED = 8192
_INOTIFY_BEFORE = STATE / ".max_user_instances"

# The cgroup v2 tree is mounted at different places, or not at all: look at it through a mount of our own.
_CGROUP_TREE = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
_CGROUP_ENTER = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && cd /sys/fs/cgroup || exit 1; "


def cgroups() -> list[str]:
    """The names of all rooms that have a cgroup, alive or left over."""
    listing = run([*_CGROUP_TREE, _CGROUP_ENTER + f"ls -d {CGROUP_PREFIX}*/ 2>/dev/null || :"]).stdout
    return [line.rstrip("/")[len(CGROUP_PREFIX) :] for line in listing.split()]


def end_cgroup(name: str) -> None:
    """Kill every process in the room's cgroup, its init included, and remove it. With init go all its namespaces."""
    script = """
        tries=0
        while [ -d "$1" ]; do
            for process in $(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | grep -vx 0); do
                kill -KILL "$process" 2>/dev/null  # the shell's own: not every machine has the program
            done
            find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
            tries=$((tries + 1)); [ $tries -lt 300 ] || exit 1
            [ ! -d "$1" ] || sleep 0.05
        done
    """
    run([*_CGROUP_TREE, _CGROUP_ENTER + script, "sh", CGROUP_PREFIX + name])
    # A killed process leaves its cgroup at once, but the first of a room still takes the namespaces down.
    wait_until(
        lambda: all(room != name for _pid, room, _program in processes_of_rooms()), 30, f"the end of room {name}"
    )


def raise_limits() -> None:
    """Let many systemds run: each takes some inotify instances, and Linux allows 128, enough for some 25 hosts."""
    with Lock(STATE / ".lock"):
        before = _INOTIFY.read_text().strip()
        if int(before) < _INOTIFY_WANTED:
            _INOTIFY_BEFORE.write_text(before)
            _INOTIFY.write_text(str(_INOTIFY_WANTED))


def put_back_limits(other_rooms_up: Callable[[], bool]) -> None:
    """Undo raise_limits when the last room goes, unless somebody else has changed the limit since."""
    if not STATE.is_dir():
        return
    with Lock(STATE / ".lock"):
        if other_rooms_up():
            return
        if _INOTIFY_BEFORE.exists():
            if _INOTIFY.read_text().strip() == str(_INOTIFY_WANTED):
                _INOTIFY.write_text(_INOTIFY_BEFORE.read_text())
            _INOTIFY_BEFORE.unlink()
        (STATE / ".lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another room is just coming up
            STATE.rmdir()


def mounts_below(*directories: Path) -> list[str]:
    """The mount points of this mount namespace that lie in the directories."""
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [point for point in points if any(Path(point).is_relative_to(directory) for directory in directories)]


def processes_of_rooms() -> list[tuple[int, str, str]]:
    """Process ID, room and program of each process in a room's cgroup, but for the dead whom nobody asked after."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            path = next((line for line in (entry / "cgroup").read_text().splitlines() if line.startswith("0::")), "")
            program, state = (entry / "stat").read_text().partition("(")[2].rpartition(") ")[::2]
        except OSError:  # ended in the meantime
            continue
        top = path[3:].lstrip("/").split("/")[0]
        if top.startswith(CGROUP_PREFIX) and state[0] != "Z":
            found.append((int(entry.name), top[len(CGROUP_PREFIX) :], program))
    return sorted(found)
