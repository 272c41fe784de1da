# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell a server that is slow from one that is broken, where a client has got no answer.

All processes of a service have its listening sockets, and those of no other service: the master hands them over when it
starts a process (master_spawn). Only what has taken too long is looked at, so most runs do not load this.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Dict, FrozenSet, Optional, Sequence, Tuple

from .banner import PROVEN, Endpoint
from .master_process import COMM, Master, Process, read_process, socket_inodes
from .waiting import awaited_by, connections

_LOOKS = 3  # while connections come and go, one can be missing in the kernel's table


def at_work(endpoint: Endpoint, client: Tuple[str, int], master: Master) -> Optional[str]:
    """Return in words what a server is doing that lives; None if none lives that would serve a client.

    :param client: address and port of a client that waits for an answer
    """
    for _look in range(_LOOKS):
        local = {each.inode: each for each in connections(master.process.pid, master.proc)}
        taken = {inode for inode, each in local.items() if each.remote == client and each.local[1] == endpoint.at.port}
        if taken:
            break
    children = master.children()
    for child in children:
        if _sockets(child, master) & taken and _lives_on(child, master):
            awaited = awaited_by(child.pid, master.proc, tuple(taken))
            waits = f", and waits for {awaited}" if awaited else ""
            return f"{child.name} (process {child.pid}) has the connection{waits}"
    if taken - {"0"}:
        return None  # it was taken, and who did that has ended, or is about to
    # One that has no client, and does not take this one, does not hear it.
    connected = {inode for inode in local if _serves(local[inode].local, endpoint)}
    able = servers(endpoint, children, master)
    if not able or not all(sockets & connected and _lives_on(child, master) for child, sockets in able.items()):
        return None
    awaited = next(filter(None, (awaited_by(child.pid, master.proc) for child in able)), "")
    waits = f", and one waits for {awaited}" if awaited else ""
    return f"all {len(able)} processes of {endpoint.program} have other clients{waits}"


def servers(endpoint: Endpoint, children: Sequence[Process], master: Master) -> Dict[Process, FrozenSet[str]]:
    """Return the processes that serve an endpoint, with their sockets.

    :param children: of the master
    """
    listening = {inode for inode, at in master.held.items() if at == endpoint.at}
    found = {child: _sockets(child, master) for child in children if child.name == endpoint.program[:COMM]}
    return {child: sockets for child, sockets in found.items() if sockets & listening}


def _serves(local: Tuple[str, int], endpoint: Endpoint) -> bool:
    return local[1] == endpoint.at.port and (endpoint.at.is_wildcard or local[0] == endpoint.at.address)


def _sockets(process: Process, master: Master) -> FrozenSet[str]:
    with suppress(OSError):
        return frozenset(socket_inodes(process.pid, master.proc))
    return frozenset()


def _lives_on(process: Process, master: Master) -> bool:
    """Return whether a process does not die of its configuration, as it would within its first seconds."""
    young = PROVEN - (time.time() - process.started)
    if young > 0:
        time.sleep(min(young, PROVEN))
    return read_process(process.pid, master.proc) == process
