# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered about an instance from one run to the next, and the lock that keeps two runs apart.

Each instance has a directory of its own below ``/var/lib/mailfleet.postfix``. It is private to root, because the files
that are kept there may hold passwords. Every file is written under another name, synced and then renamed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .._base import byte_code

STATE_DIRECTORY = byte_code.STATE_DIRECTORY
WINDOW = "window.json"
"""The file of the host's state about a change that waits to be confirmed (:mod:`_change.window`)."""
LEDGER = "ledger.json"
"""The file of an instance's state that says what its files would be without us (:mod:`_change.ledger`)."""
CREATED = "created.json"
"""The file of an instance's state that tells that this collection has created it, when, and for whom."""
VERSIONS = "versions"
"""The directory of an instance's state with earlier versions of its files (:mod:`_change.versions`)."""

_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class TransactionError(RuntimeError):
    """Something cannot be read, locked or written; the message says in full sentences what, and what is left."""


class FileChanged(TransactionError):
    """A file has changed since it was read. Read it again and retry."""


@contextmanager
def explained(problem: str) -> Iterator[None]:
    """Make an OSError a TransactionError.

    :param problem: a sentence that lacks the reason, such as "/etc/postfix/main.cf cannot be read"
    """
    try:
        yield
    except OSError as error:
        raise TransactionError(f"{problem}: {error.strerror}.") from error


def read_regular(path: str) -> Tuple[bytes, os.stat_result]:
    """Return the content of a file, and its status.

    :raises OSError: it cannot be read, or is something of which a read may never end, such as a FIFO
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file")
    except BaseException:
        os.close(descriptor)
        raise
    with open(descriptor, "rb") as stream:
        return stream.read(), status


def sync_directory(path: str) -> None:
    """Make the entries of a directory durable (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot do this
            raise
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all data to a file."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def put_file(path: str, content: bytes, mode: int = 0o600) -> None:
    """Make a file, or replace it as a whole; it is on the disk when this returns.

    :raises OSError: it cannot be written; what was there before still is
    """
    new = path + ".new"
    try:
        descriptor = os.open(new, _OPEN | os.O_TRUNC, mode)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(new, path)
        sync_directory(os.path.dirname(path))
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise


def wait_for_lock(descriptor: int, path: str, deadline: float) -> None:
    """Take the exclusive flock(2) of an open file.

    :param path: the name of the file, for an error
    :param deadline: when to stop trying, by time.monotonic()
    :raises TransactionError: another process still holds it then
    """
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                holder = _holder(descriptor)
                raise TransactionError(f"{path} is locked by {holder}; nothing was changed. Try again.") from error
        time.sleep(0.02)


def _holder(descriptor: int) -> str:
    """Describe the process that holds the lock of an open file."""
    inode = str(os.fstat(descriptor).st_ino)
    try:
        with open("/proc/locks", encoding="utf-8") as locks:
            for words in map(str.split, locks):
                if len(words) == 8 and words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode:
                    if not os.path.exists(f"/proc/{words[4]}"):
                        return "what finishes a run that has ended early"  # its keeper has the lock from it
                    with open(f"/proc/{words[4]}/comm", encoding="utf-8", errors="replace") as comm:
                        return f"{comm.read().strip()} (process {words[4]})"
    except OSError:
        pass
    return "another process"


def created_instances(base: str = STATE_DIRECTORY) -> List[Dict[str, Any]]:
    """Return what is known of each instance that this collection has created and that is still there.

    :returns: name, directory, at (in s since the epoch) and who
    """
    found = []
    with suppress(OSError):
        for name in sorted(os.listdir(base)):
            if os.path.lexists(os.path.join(base, name, CREATED)):
                with suppress(OSError, ValueError), open(os.path.join(base, name, CREATED), encoding="ascii") as stream:
                    found.append(json.load(stream))
    return [one for one in found if os.path.lexists(os.path.join(str(one["directory"]), "main.cf"))]


class State:
    """The state of one instance, or of the host.

    :param config_directory: that of the instance, by whatever path; None for the state of the host
    :param base: the directory that holds the state of all instances
    """

    def __init__(self, config_directory: Optional[str], base: str = STATE_DIRECTORY) -> None:
        name = os.path.realpath(config_directory).strip("/") if config_directory else ""
        for character, escape in (("%", "%25"), ("-", "%2D"), ("/", "-")):
            name = name.replace(character, escape)
        self.base = base
        self.directory = os.path.join(base, name) if name else base
        self._held = False

    def path(self, name: str) -> str:
        """Return the path of a file of the state."""
        return os.path.join(self.directory, name)

    def load(self, name: str) -> Optional[Dict[str, Any]]:
        """Return what was saved under a name; None if nothing was.

        :raises TransactionError: it is damaged, or cannot be read
        """
        try:
            with open(self.path(name), encoding="utf-8") as stream:
                data = json.load(stream)
        except (FileNotFoundError, NotADirectoryError):  # the next write says what is in the way
            return None
        except OSError as error:
            raise TransactionError(f"{self.path(name)} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise TransactionError(f"{self.path(name)} is damaged: {error}. Look at it, then remove it.") from error
        if not isinstance(data, dict):
            raise TransactionError(f"{self.path(name)} is damaged. Look at it, then remove it.")
        return data

    def save(self, name: str, data: Dict[str, Any]) -> None:
        """Replace what is saved under a name; it is on the disk when this returns.

        :raises TransactionError: it cannot be written; what was there before still is
        """
        self.keep(name, json.dumps(data).encode("ascii"))

    def keep(self, name: str, content: bytes) -> None:
        """Replace a file; it is on the disk when this returns.

        :param name: its name, which may have one directory
        :raises TransactionError: it cannot be written; what was there before still is
        """
        path = self.path(name)
        self._prepare(os.path.dirname(path))
        with explained(f"{path} cannot be written"):
            put_file(path, content)

    def remove(self, name: str) -> None:
        """Remove what was saved under a name.

        :raises TransactionError: it cannot be removed
        """
        with explained(f"{self.path(name)} cannot be removed"), suppress(FileNotFoundError):
            os.unlink(self.path(name))
            sync_directory(self.directory)

    @contextmanager
    def locked(self, time_limit: float) -> Iterator[None]:
        """Keep other runs of this collection away from the instance; the holder of the lock may enter again.

        :param time_limit: seconds to wait for another run to end
        :raises TransactionError: another run has not ended by then, or the lock cannot be used
        """
        if self._held:
            yield
            return
        self._prepare(self.directory)
        path = self.path("lock")
        with explained(f"{path} cannot be opened"):
            descriptor = os.open(path, _OPEN, 0o600)
        try:
            with explained(f"{path} cannot be locked"):
                wait_for_lock(descriptor, path, time.monotonic() + time_limit)
            self._held = True
            yield
        finally:
            self._held = False
            with suppress(OSError):  # nothing was written to it, and it is closed all the same
                os.close(descriptor)

    def _prepare(self, last: str) -> None:
        """Create the directories down to one of this instance; refuse one that others can write to."""
        for directory in dict.fromkeys((self.base, self.directory, last)):
            with explained(f"{directory} cannot be created or used"):
                try:
                    status = os.lstat(directory)
                except FileNotFoundError:
                    os.makedirs(directory, mode=0o700)
                    sync_directory(os.path.dirname(directory))
                    continue
            if not (stat.S_ISDIR(status.st_mode) and byte_code.only_owner_writes(status)):
                raise TransactionError(f"{directory} is not a directory that only its owner may write to. Remove it.")
