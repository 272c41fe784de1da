# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each system call of the writer fails: that one, or all from there on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from errno import EDQUOT, EINTR, EIO, ENOSPC, EROFS

import pytest
import tracer
from scene import FIRST, NEW, SECOND, Scene, check_next_run, check_whole, some
from test_kills import begin

pytestmark = pytest.mark.skipif(not tracer.X86_64, reason="system calls can be made to fail on x86_64 only")


def is_clear(said: str, code: int) -> bool:
    """Whether it is one sentence or two of ours that name a file and the reason."""
    return said.startswith("error: /") or said.startswith("error: The new version of /") and os.strerror(code) in said


@pytest.mark.parametrize(
    "chain, layout, code",
    [
        *[("first edit", "plain", code) for code in (ENOSPC, EROFS, EDQUOT, EIO, EINTR)],
        *[("first edit", layout, EIO) for layout in ("private", "link")],
        *[(chain, "plain", EIO) for chain in ("second edit", "rollback")],
    ],
    ids=lambda value: errno.errorcode.get(value, value),
)
def test_a_call_that_fails_is_told_and_leaves_the_files_as_they_were(
    scene: Scene, chain: str, layout: str, code: int
) -> None:
    scene.arrange(layout)
    metadata = scene.metadata
    writer, before, after = begin(scene, chain)
    start = scene.capture()
    for target in some(tracer.run(writer).calls, code):
        if str(scene.directory) not in target.path:
            continue
        scene.restore(start)
        run = tracer.run(writer, lambda call, target=target: code if call == target else None)
        assert run.said is not None
        if run.said == "ok":  # it was not needed, or Python repeated it
            assert scene.texts == after, target
        else:
            assert is_clear(run.said, code), (target, run.said)
            assert scene.texts == before, target
        assert scene.metadata == metadata, target
        # Whoever could not get the lock must not remove it: it may be another's.
        if target.name != "unlink" and not target.path.endswith(".cf.tmp"):
            assert scene.leftovers == [], target
        check_next_run(scene, SECOND, metadata)


def failing_from(target: tracer.Call, code: int) -> Callable[[tracer.Call], int | None]:
    """A plan by which the call fails, and all that write after it."""
    broken = False

    def plan(call: tracer.Call) -> int | None:
        nonlocal broken
        broken = broken or call == target
        return code if broken and call.writes else None

    return plan


@pytest.mark.parametrize("code", [ENOSPC, EROFS, EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("chain", ["first edit", "second edit", "rollback"])
def test_a_disk_that_fails_from_some_call_on_costs_no_file(scene: Scene, chain: str, code: int) -> None:
    metadata = scene.metadata
    writer, before, after = begin(scene, chain)
    start = scene.capture()
    for target in some(tracer.run(writer).calls, code):
        if not target.writes:
            continue
        scene.restore(start)
        run = tracer.run(writer, failing_from(target, code))
        assert run.said is not None
        check_whole(scene, [before, after], metadata)
        if run.said == "ok":
            assert scene.texts == after, target
        else:
            assert is_clear(run.said, code), (target, run.said)
        check_next_run(scene, SECOND, metadata)


@pytest.mark.parametrize("code", [ENOSPC, EIO, EINTR], ids=errno.errorcode.get)
def test_a_confirmation_that_fails_touches_no_file(scene: Scene, code: int) -> None:
    writer, _before, _after = begin(scene, "confirm")
    start = scene.capture()
    for target in some(tracer.run(writer).calls, code):
        if str(scene.directory) not in target.path:
            continue
        scene.restore(start)
        run = tracer.run(writer, lambda call, target=target: code if call == target else None)
        assert run.said is not None
        assert run.said == "ok" or is_clear(run.said, code), (target, run.said)
        assert scene.texts == NEW
        assert scene.edit(FIRST)() == "ok"
        assert scene.confirm() == "ok"
        assert scene.transactions.pending() is None
