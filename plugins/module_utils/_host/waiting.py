# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process that takes too long is waiting for, in words, as far as the kernel shows it (proc(5)).

Only what has taken too long is looked at: most runs do not load this.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from typing import Dict, Iterator, List, Optional, Tuple

from .._base.records import NamedTuple
from .._base.sockets import with_port
from .listening import place_of
from .master_process import PROC, Process, command_line, read_process, socket_inodes

_LONGEST = 120  # characters of a command line that are shown
_ASSISTANTS = ("systemd-tty-ask", "pkttyagent")  # what systemctl starts beside itself; names are cut (COMM)
_NAME_SERVER, _FIRST_EPHEMERAL = 53, 32768  # ports; net.ipv4.ip_local_port_range by default
_TABLES = (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6), ("udp", socket.AF_INET), ("udp6", socket.AF_INET6))
_CONNECTED, _CONNECTING = "01", "02"  # the kernel's include/net/tcp_states.h
_SLEEPS_IN = (  # parts of the names of the kernel's functions (/proc/PID/wchan)
    (r"lock", "a lock on a file"),
    (r"fifo|wait_for_partner", "the other end of a FIFO"),
    (r"pipe", "what comes out of a pipe"),
    (r"nfs|rpc|fuse", "a file system"),
)


class Connection(NamedTuple):
    """A TCP connection, or a UDP socket with a peer, by its inode number ("0" as long as nobody has accepted it)."""

    inode: str
    state: str
    local: Tuple[str, int]
    remote: Tuple[str, int]


def connections(pid: int, proc: str = PROC) -> Iterator[Connection]:
    """Yield the connections in the network namespace of a process."""
    for table, family in _TABLES:
        with suppress(OSError):  # it has ended, or there is no such family
            with open(f"{proc}/{pid}/net/{table}", encoding="utf-8") as stream:
                lines = [line.split() for line in stream][1:]
            for fields in lines:
                if fields[3] in (_CONNECTED, _CONNECTING):
                    yield Connection(fields[9], fields[3], place_of(fields[1], family), place_of(fields[2], family))


def last_descendant(pid: int, proc: str = PROC) -> Optional[Process]:
    """Return the process that another one waits for in the end: its youngest descendant that has no child, or itself.

    None if it has ended.
    """
    children: Dict[int, List[Process]] = {}
    for name in filter(str.isdigit, os.listdir(proc)):
        process = read_process(int(name), proc)
        if process and process.name not in _ASSISTANTS:
            children.setdefault(process.parent, []).append(process)
    here = read_process(pid, proc)
    while here and here.pid in children:
        here = max(children.pop(here.pid), key=lambda child: (child.ticks, child.pid))
    return here


def in_words(pid: int, proc: str = PROC) -> str:
    """Return what a command waits for: another one that it has started in the end, and what that waits for.

    Empty if nothing can be said.
    """
    last = last_descendant(pid, proc)
    return awaited_by(pid, proc) if last is None or last.pid == pid else _with_awaited(last, proc)


def doing(pid: int, proc: str = PROC) -> str:
    """Return which command a process runs in the end, and what that waits for; empty if it has ended."""
    last = last_descendant(pid, proc)
    return _with_awaited(last, proc) if last else ""


def name_server(pid: int, proc: str = PROC) -> Optional[str]:
    """Return the address of the name server that a process waits for; None if it waits for none."""
    with suppress(OSError):  # it has ended
        return _asked_by(_connections_of(pid, proc))
    return None


def awaited_by(pid: int, proc: str = PROC, but: Tuple[str, ...] = ()) -> str:
    """Return what a process itself waits for, empty if that does not show.

    :param but: inode numbers of sockets that do not matter
    """
    try:
        own = _connections_of(pid, proc)
        with open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            state = stream.read().rpartition(")")[2].split()[0]
    except OSError:
        return ""
    asked = _asked_by(own)
    if asked:
        return f"an answer of the name server {asked}"
    others = [each for each in own if each.inode not in but]
    for each in others:
        if each.state == _CONNECTING:
            return f"a connection to {with_port(*each.remote)}"
    for each in others:  # a client of somebody else, not one who has a client
        if each.local[1] >= _FIRST_EPHEMERAL > each.remote[1]:
            return with_port(*each.remote)
    if state == "D":
        return "the disk, or a network file system"
    if state == "T":
        return "a signal to go on, because it was stopped"
    return _function(pid, proc)


def _connections_of(pid: int, proc: str) -> List[Connection]:
    """Return the connections of a process.

    :raises OSError: it has ended, or this process may not look at it
    """
    own = set(socket_inodes(pid, proc))
    return [each for each in connections(pid, proc) if each.inode in own] if own else []


def _asked_by(own: List[Connection]) -> Optional[str]:
    """Return the address of the name server among the other ends of connections; None if there is none."""
    return next((address for address, port in (each.remote for each in own) if port == _NAME_SERVER), None)


def _with_awaited(process: Process, proc: str) -> str:
    awaited = awaited_by(process.pid, proc)
    which = f", which waits for {awaited}" if awaited else ""
    return f"`{_shown_command(process, proc)}` (process {process.pid}){which}"


def _function(pid: int, proc: str) -> str:
    """Return what the function of the kernel tells in which a process sleeps."""
    try:
        with open(f"{proc}/{pid}/wchan", encoding="ascii") as stream:
            name = stream.read()
    except (OSError, ValueError):
        return ""
    return next((words for pattern, words in _SLEEPS_IN if re.search(pattern, name)), "")


def _shown_command(process: Process, proc: str) -> str:
    words = " ".join(command_line(process, proc))
    text = words.encode("utf-8", "surrogateescape").decode("utf-8", "replace") or process.name
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
