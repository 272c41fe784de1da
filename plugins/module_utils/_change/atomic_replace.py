# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replace one configuration file in one step, under the lock that ``postconf -e`` takes.

Postfix's editors (postconf(1), postmulti(1), ``postfix tls``) write ``FILE.tmp`` beside the file, hold an exclusive
flock(2) on it while they read, write and sync, and rename it over the file. An editor that opened a ``FILE.tmp`` which
was renamed or removed while it waited for the lock starts over; a ``FILE.tmp`` with more than one link or with other
permissions than 0600 is what a crash left behind, and is removed. The same is done here. Unlike them, this keeps owner,
group, mode, ACL, SELinux context and all other extended attributes, and replaces the target of a symbolic link, not the
link.

Postfix's programs take a main.cf that was modified less than 2 s ago for one that is still being written, and read it
again and again until it is older (dict_load_file_xt). Whoever connects meanwhile waits up to 2 s for a banner. A
version that comes by a rename is never seen half-written, so it gets a modification time of 2 s ago, and nobody waits.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from typing import Dict, Optional, Union

from .._host.store import TransactionError, explained, sync_directory, wait_for_lock, write_all

SETTLED_AGE = 2
"""Seconds since its modification, counted from its whole second, after which Postfix takes main.cf for complete."""

_SUFFIX = ".tmp"
_NOT_SUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_OF_CONTENT = ("security.ima", "security.evm")
"""Extended attributes that are computed from the old content: the kernel computes them for the new content."""


def date_as_complete(file: Union[int, str], mtime: Optional[int] = None) -> None:
    """Give a file a modification time, in ns since the epoch; by default one by which Postfix takes it for complete."""
    if mtime is None:
        mtime = time.time_ns() - SETTLED_AGE * 10**9
    os.utime(file, ns=(mtime, mtime))


class Replacement:
    """The new version of one file: locked on entering, then :meth:`prepare` and :meth:`put`.

    On leaving, the lock is released, and a new version that was not put in place is removed.

    :param path: the file; it must exist
    :param deadline: until when to wait for the lock, by time.monotonic()
    """

    def __init__(self, path: str, deadline: float) -> None:
        self.path = self.real = path
        self._deadline = deadline
        self._temporary: Dict[str, int] = {}  # path of each FILE.tmp that is locked: its descriptor

    def __enter__(self) -> Replacement:
        # postconf locks beside the path that it was given, even where that is a symbolic link to the file. Only the
        # last component can make two FILE.tmp of them: a directory is the same by whatever links it is reached.
        try:
            directory, name = os.path.split(self.path)
            self.real = os.path.realpath(self.path)
            for path in sorted({os.path.join(os.path.realpath(directory), name), self.real}):
                self._temporary[path + _SUFFIX] = _lock_temporary(path + _SUFFIX, self._deadline)
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError):
                raise TransactionError(f"{error.filename or self.path} cannot be locked: {error.strerror}.") from error
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for path, descriptor in self._temporary.items():
            with suppress(OSError):
                os.unlink(path)  # before the lock is released: afterwards it may be another editor's
            with suppress(OSError):
                os.close(descriptor)
        self._temporary.clear()

    def prepare(self, content: bytes, mtime: Optional[int] = None) -> None:
        """Write the new version beside the file, with all that belongs to the old one except its content, and sync it.

        :param mtime: the modification time to give it, in ns since the epoch; by default just so old that Postfix's
            programs take it for complete
        """
        descriptor = self._temporary[self.real + _SUFFIX]
        with explained(f"The new version of {self.path} cannot be written"):
            old = os.lstat(self.real)
            if not stat.S_ISREG(old.st_mode):  # a link that realpath(3) could not resolve, or that was changed since
                raise TransactionError(f"{self.path} does not lead to a regular file; nothing was changed.")
            write_all(descriptor, content)
            new = os.fstat(descriptor)
            if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
                os.fchown(descriptor, old.st_uid, old.st_gid)
            _copy_attributes(self.real, descriptor)
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
            date_as_complete(descriptor, mtime)
            os.fsync(descriptor)

    def put(self) -> None:
        """Put the new version in the file's place."""
        temporary = self.real + _SUFFIX
        with explained(f"{self.path} cannot be replaced"):
            os.rename(temporary, self.real)
            os.close(self._temporary.pop(temporary))  # it is the file now, and must not be removed
            sync_directory(os.path.dirname(self.real))


def _lock_temporary(path: str, deadline: float) -> int:
    """Open and lock a ``FILE.tmp`` that is empty and has nobody else's data; return its descriptor."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            wait_for_lock(descriptor, path, deadline)
            opened = os.fstat(descriptor)
            with suppress(FileNotFoundError):
                if os.path.samestat(opened, os.lstat(path)):
                    if (opened.st_nlink, stat.S_IMODE(opened.st_mode), opened.st_uid) == (1, 0o600, os.geteuid()):
                        os.ftruncate(descriptor, 0)
                        return descriptor
                    os.unlink(path)
            if time.monotonic() >= deadline:
                raise TransactionError(f"{path} is replaced again and again; nothing was changed. Try again.")
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _copy_attributes(source: str, descriptor: int) -> None:
    """Give an open file the extended attributes of another one, and no others: SELinux context, ACL and so on.

    Attributes ``security.*`` that only the new file has come from the system's policy, and stay.
    """
    wanted = _attributes(source)
    present = _attributes(descriptor)
    for name, value in wanted.items():
        if present.get(name) != value:
            os.setxattr(descriptor, name, value)
    for name in present:
        if name not in wanted and not name.startswith("security."):
            os.removexattr(descriptor, name)


def _attributes(file: "str | int") -> Dict[str, bytes]:
    """Return the extended attributes of a file, given by its path or descriptor; none where they are not supported."""
    try:
        return {name: os.getxattr(file, name) for name in os.listxattr(file) if name not in _OF_CONTENT}
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            return {}
        raise
