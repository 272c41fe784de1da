# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening sockets of other processes, made deaf: no new client reaches them, and those that they have stay theirs.

A client's packet goes to the socket of the exact address first, and to a wildcard only if there is none. A socket that
is bound to a network interface that does not exist is passed over, as if there were none. So new clients reach the
wildcard while the process still answers those who came before. pidfd_getfd(2), since Linux 5.6, gives us the socket.
"""

from __future__ import annotations

import ctypes
import os
import socket
from contextlib import suppress
from typing import Dict, FrozenSet, List, Tuple

_PIDFD_OPEN, _PIDFD_GETFD = 434, 438  # pidfd_open(2), pidfd_getfd(2); the same on almost all architectures
_LINUX_BINDTOIFINDEX = 62
_NO_INTERFACE = 0x7FFFFFFF


class Deafening:
    """Listening sockets that can be made deaf, until :meth:`undo` or until the processes that have them end.

    :param inodes: the sockets, by inode number
    :raises OSError: one of them cannot be reached
    """

    def __init__(self, inodes: FrozenSet[str], proc: str) -> None:
        self._sockets: List[socket.socket] = []
        self._interfaces: List[int] = []
        try:
            found = _find(inodes, proc) if inodes else {}
            if found.keys() != inodes:
                raise OSError("nobody that can be looked at has the socket")
            for pid, descriptor in found.values():
                self._sockets.append(_take(pid, descriptor))
        except BaseException:
            self.forget()
            raise

    def deafen(self) -> None:
        """Make all of them deaf.

        :raises OSError: the kernel refuses it; then none of them is deaf
        """
        try:
            for one in self._sockets:
                interface = one.getsockopt(socket.SOL_SOCKET, _LINUX_BINDTOIFINDEX)
                one.setsockopt(socket.SOL_SOCKET, _LINUX_BINDTOIFINDEX, _NO_INTERFACE)
                self._interfaces.append(interface)
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Let the sockets hear again."""
        for one, interface in zip(self._sockets, self._interfaces):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, _LINUX_BINDTOIFINDEX, interface)
        self.forget()

    def forget(self) -> None:
        """Let the sockets go, which end together with their process."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()


def _find(inodes: FrozenSet[str], proc: str) -> Dict[str, Tuple[int, int]]:
    """Return a process that has each socket open, and its descriptor there; without those that nobody has."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: Dict[str, Tuple[int, int]] = {}
    for pid in filter(str.isdigit, os.listdir(proc)):
        with suppress(OSError):  # it has ended, or is hidden from us
            for descriptor in os.listdir(f"{proc}/{pid}/fd"):
                with suppress(OSError):
                    inode = wanted.get(os.readlink(f"{proc}/{pid}/fd/{descriptor}"))
                    if inode:
                        found[inode] = int(pid), int(descriptor)
        if len(found) == len(wanted):
            break
    return found


def _take(pid: int, descriptor: int) -> socket.socket:
    """Return another process's socket; both have it then."""
    library = ctypes.CDLL(None, use_errno=True)

    def call(number: int, *arguments: int) -> int:
        result: int = library.syscall(number, *arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    process = call(_PIDFD_OPEN, pid, 0)
    try:
        return socket.socket(fileno=call(_PIDFD_GETFD, process, descriptor, 0))
    finally:
        os.close(process)
