# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running master and its programs work with, as the kernel, the log and a client see it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

#: of the address and port that a client connects to
PLACE = ("10.77.0.1", 25)
#: where Postfix can be told to log to, in the tree
LOGS = ("/var/log/one", "/var/log/two")
_PATIENCE = 10.0
_READERS = ("qmgr", "pickup")
_OF_THE_MASTER = ("GENERATION=", "MAIL_LOGTAG=", "POSTLOG_")  # what it sets itself, whatever it has imported


def children(master: int) -> dict[int, str]:
    """The names of the programs that a master has started, by their process ids."""
    found = {}
    for word in Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split():
        with suppress(OSError):
            found[int(word)] = Path(f"/proc/{word}/comm").read_text(encoding="utf-8").strip()
    return found


def wait_for_readers(master: subprocess.Popen[bytes], replaced: set[int]) -> None:
    """Wait until the master has read its files: its qmgr and its pickup are others than those before.

    :raises RuntimeError: the master has died, or keeps them
    """

    def are_new() -> bool:
        new = {pid: name for pid, name in children(master.pid).items() if pid not in replaced}
        return set(_READERS) <= set(new.values())

    _await(are_new, "the master has not replaced qmgr and pickup", master)


def _await(happened: Callable[[], bool], otherwise: str, master: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + _PATIENCE
    while not happened():
        if master.poll() is not None:
            raise RuntimeError("the master has died")
        if time.monotonic() > limit:
            raise RuntimeError(otherwise)
        time.sleep(0.02)


def observed(master: subprocess.Popen[bytes], root: Path, log: Callable[[], list[str]]) -> dict[str, Any]:
    """Have a client served, and return what was seen of the server, of the master and of what they logged.

    :param log: what returns the lines that syslog got
    """
    log()
    sizes = {name: _size(root, name) for name in LOGS}
    with socket.create_connection(PLACE, timeout=_PATIENCE) as client, client.makefile("rb") as lines:
        try:
            greeting = lines.readline().decode().strip()
        except TimeoutError:
            raise RuntimeError(f"no greeting: {log()}") from None
        servers = [pid for pid, name in children(master.pid).items() if name == "smtpd"]
        if len(servers) != 1:
            raise RuntimeError(f"there are {len(servers)} servers")
        server = Path(f"/proc/{servers[0]}")
        seen: dict[str, Any] = {
            "greeting": greeting,
            "arguments": _texts(server / "cmdline"),
            "environment": sorted(word for word in _texts(server / "environ") if not word.startswith(_OF_THE_MASTER)),
            "program": _in_tree(root, os.readlink(server / "exe")),
            "master": _in_tree(root, os.readlink(f"/proc/{master.pid}/exe")),
            "lock": next(target for target in _open_files(master.pid, root) if target.endswith("/master.lock")),
            **_socket(),
        }
        client.sendall(b"QUIT\r\n")
        lines.read()
    # A program that is killed makes the master say so.
    (pickup,) = (pid for pid, name in children(master.pid).items() if name == "pickup")
    os.kill(pickup, signal.SIGKILL)
    said: list[str] = []

    def is_logged() -> bool:
        said.extend(f"syslog {line}" for line in log())
        new = [f"{name} {line}" for name in LOGS for line in _since(root, name, sizes[name])]
        for line in [*said, *new]:
            if "/smtpd[" in line and ": connect from" in line:
                seen["server log"] = _where(line)
            elif "/master[" in line and f"pid {pickup} killed" in line:
                seen["master log"] = _where(line)
        return "server log" in seen and "master log" in seen

    _await(is_logged, f"what was logged is nowhere, but for {said}", master)
    for name in LOGS:
        with suppress(FileNotFoundError):
            seen[f"mode of {name}"] = oct((root / name.lstrip("/")).stat().st_mode & 0o777)
    return seen


def survivors(
    master: subprocess.Popen[bytes], root: Path, sockets: dict[str, str]
) -> tuple[list[str], Callable[[], list[str]]]:
    """Have each service serve a client that does nothing.

    :param sockets: theirs, below the queue directory, by their program
    :returns: the programs that run then, and what returns those of them that still do
    """
    clients = []
    for name in sockets.values():
        client = socket.socket(socket.AF_UNIX)
        os.chdir(root / "queue" / os.path.dirname(name))  # a socket's path has an end, and a tree can be deep
        client.connect(os.path.basename(name))
        os.chdir("/")
        clients.append(client)
    _await(lambda: set(sockets) <= set(children(master.pid).values()), "not all services have begun", master)
    before = children(master.pid)

    def left() -> list[str]:
        found: list[str] = []
        for _time in range(100):
            found = sorted(name for pid, name in children(master.pid).items() if before.get(pid) == name)
            if not found:
                break
            time.sleep(0.05)
        for client in clients:
            client.close()
        return found

    return sorted(set(before.values())), left


def _texts(path: Path) -> list[str]:
    return path.read_bytes().decode().rstrip("\0").split("\0")


def _in_tree(root: Path, path: str) -> str:
    return path[len(str(root)) :] if path.startswith(f"{root}/") else path


def _open_files(pid: int, root: Path) -> list[str]:
    directory = Path(f"/proc/{pid}/fd")
    return [_in_tree(root, os.readlink(entry)) for entry in directory.iterdir()]


def _socket() -> dict[str, Any]:
    """What ss(8) says of the master's socket: how many can wait, and the buffer that a client gets."""
    line = subprocess.run(
        ["ss", "-Hltnm", "sport", "=", f":{PLACE[1]}"], capture_output=True, text=True, check=True
    ).stdout
    buffer = re.search(r"rb(\d+)", line)
    assert buffer is not None, line
    return {"backlog": int(line.split()[2]), "window": int(buffer.group(1))}


def _size(root: Path, name: str) -> int:
    path = root / name.lstrip("/")
    return path.stat().st_size if path.exists() else 0


def _since(root: Path, name: str, size: int) -> list[str]:
    path = root / name.lstrip("/")
    return path.read_bytes()[size:].decode().splitlines() if path.exists() else []


def _where(line: str) -> list[str]:
    """Where a line went, by which facility, and the name in it."""
    place, _blank, text = line.partition(" ")
    priority = re.match(r"<(\d+)>", text)
    tag = re.search(r"(\S+)/(?:smtpd|master)\[", text)
    assert tag is not None, line
    return [place, str(int(priority.group(1)) // 8) if priority else "-", tag.group(1)]
