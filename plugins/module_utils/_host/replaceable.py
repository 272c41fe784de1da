# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a file can be replaced by rename(2), as far as it is known beforehand, so that check mode knows it too."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from contextlib import suppress
from typing import Iterable, Optional, Set

from .store import TransactionError, explained

_GET_FLAGS = 0x80006601 | struct.calcsize("l") << 16  # FS_IOC_GETFLAGS of ioctl_iflags(2), on almost all architectures
_FLAGS = ((0x10, "immutable", "i"), (0x20, "append-only", "a"))  # FS_IMMUTABLE_FL, FS_APPEND_FL, and those of chattr(1)


def refuse_fixed(paths: Iterable[str]) -> None:
    """Refuse to replace a file where it is known that this fails.

    :raises TransactionError: one of the files is immutable, for example
    """
    for path in paths:
        with explained(f"{path} cannot be read"):
            problem = obstacle(path)
        if problem:
            raise TransactionError(problem)


def obstacle(path: str) -> Optional[str]:
    """Return in sentences why a file cannot be replaced, None if nothing is known against it.

    :raises OSError: the file, or its directory, cannot be looked at
    """
    real = os.path.realpath(path)
    directory = os.path.dirname(real)
    while not os.path.exists(directory):  # that of an instance that is yet to be created
        directory = os.path.dirname(directory)
    if real in mount_points():
        remedy = "Mount its directory instead of the file."
        return f"{path} is mounted by itself, so it cannot be replaced in one step. {remedy}"
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        return f"{path} cannot be replaced: {os.strerror(errno.EROFS)}."
    for place in (real, directory):
        for bit, name, letter in _FLAGS:
            if _flags(place) & bit:
                remedy = f"Allow it with chattr -{letter} {place}."
                return f"{path} cannot be replaced: {os.strerror(errno.EPERM)}, because {place} is {name}. {remedy}"
    return None


def mount_points(proc: str = "/proc") -> Set[str]:
    """Return the paths at which something is mounted (proc(5), mountinfo)."""
    try:
        with open(f"{proc}/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            found = {line.split()[4] for line in stream}
    except OSError:
        return set()
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        found = {path.replace(escape, character) for path in found}
    return found


def _flags(path: str) -> int:
    """Return the flags of a file or directory (chattr(1)); 0 where the file system has none."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return int(struct.unpack("i", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))[:4])[0])
        finally:
            os.close(descriptor)
    return 0
