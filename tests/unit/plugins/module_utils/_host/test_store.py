# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are made whole, whoever holds a lock, and what is known of created instances."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import time
from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import (
    CREATED,
    TransactionError,
    created_instances,
    put_file,
    sync_directory,
    wait_for_lock,
)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    put_file(str(path), b"one", 0o640)
    put_file(str(path), b"two", 0o640)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o640)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        put_file(str(path), b"three")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("number, fails", [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_sync_a_directory_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    def sync(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", sync)
    if fails:
        with pytest.raises(OSError):
            sync_directory(str(tmp_path))
    else:
        sync_directory(str(tmp_path))


@pytest.mark.parametrize("gone", [False, True])
def test_who_waits_for_a_lock_learns_who_holds_it(tmp_path: Path, gone: bool) -> None:
    """One that has ended has left its lock to a process that it has forked."""
    path = tmp_path / "lock"
    path.touch()
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:  # takes the lock, and leaves it to a process of its own
        fcntl.flock(os.open(str(path), os.O_RDWR), fcntl.LOCK_EX)
        grandchild = os.fork() if gone else 0
        if grandchild == 0:
            os.write(told, str(os.getpid()).encode())
            signal.pause()
        os.kill(os.getpid(), signal.SIGKILL)
    holder = int(os.read(ready, 20))
    if gone:
        os.waitpid(child, 0)
    descriptor = os.open(str(path), os.O_RDWR)
    try:
        with pytest.raises(TransactionError) as caught:
            wait_for_lock(descriptor, str(path), time.monotonic() + 0.1)
    finally:
        os.kill(holder, signal.SIGKILL)
        if not gone:
            os.waitpid(child, 0)
    named = "what finishes a run that has ended early" if gone else f"(process {holder})"
    assert f"{path} is locked by " in str(caught.value)
    assert f"{named}; nothing was changed. Try again." in str(caught.value)
    wait_for_lock(descriptor, str(path), time.monotonic() + 20)
    os.close(descriptor)


def test_created_instances_are_those_that_are_still_there(tmp_path: Path) -> None:
    base = tmp_path / "state"
    assert created_instances(str(base)) == []
    for name in ("postfix-a", "postfix-b", "postfix-c"):
        directory = tmp_path / name
        (base / name).mkdir(parents=True)
        (base / name / CREATED).write_text(json.dumps({"name": name, "directory": str(directory)}))
    (tmp_path / "postfix-a").mkdir()
    (tmp_path / "postfix-a" / "main.cf").touch()
    (base / "postfix-b" / CREATED).write_text("{")
    (base / "default").mkdir()
    assert [one["name"] for one in created_instances(str(base))] == ["postfix-a"]
