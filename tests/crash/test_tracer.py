# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tracer does what it says: the other tests stand on it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import tracer

pytestmark = pytest.mark.skipif(not tracer.X86_64, reason="system calls have names on x86_64 only")


@pytest.fixture
def names(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "old").touch()
    return tmp_path / "old", tmp_path / "new"


def rename_twice(old: Path, new: Path) -> str:
    os.rename(old, new)
    os.rename(new, old)
    return "done"


def test_who_is_left_alone_gets_through(names: tuple[Path, Path]) -> None:
    run = tracer.run(lambda: rename_twice(*names))
    assert run.said == "done"
    assert [(call.name, call.path) for call in run.calls] == [("rename", str(name)) for name in reversed(names)]


def test_who_is_killed_at_a_call_has_not_carried_it_out(names: tuple[Path, Path]) -> None:
    old, new = names
    killed_before = tracer.killed["rename"]
    first = tracer.run(lambda: rename_twice(old, new), lambda call: tracer.KILL if call.path == str(new) else None)
    assert (first.said, old.exists(), new.exists()) == (None, True, False)
    second = tracer.run(lambda: rename_twice(old, new), lambda call: tracer.KILL if call.path == str(old) else None)
    assert (second.said, old.exists(), new.exists()) == (None, False, True)
    assert len(second.calls) == 2
    assert tracer.killed["rename"] == killed_before + 2


def test_a_call_that_fails_is_not_carried_out(names: tuple[Path, Path]) -> None:
    run = tracer.run(lambda: rename_twice(*names), lambda call: errno.EIO if call.name == "rename" else None)
    assert run.said is not None
    assert run.said.startswith("OSError: [Errno 5] Input/output error")
    assert names[0].exists()


def test_close_closes_whatever_it_says(tmp_path: Path) -> None:
    descriptors: list[int] = []

    def close_and_open_again() -> str:
        for _turn in range(2):
            descriptors.append(os.open(tmp_path, os.O_RDONLY))
            with pytest.raises(OSError, match="Input/output error"):
                os.close(descriptors[-1])
        return "same" if descriptors[0] == descriptors[1] else "leaked"

    assert tracer.run(close_and_open_again, lambda call: errno.EIO if call.name == "close" else None).said == "same"
