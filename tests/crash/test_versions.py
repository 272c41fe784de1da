# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who keeps a version of the files, and removes the oldest one, is killed at each system call, or a call fails."""

from __future__ import annotations

import errno
import os
import time
from unittest import mock

import pytest
import tracer
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.versions import Versions
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State, TransactionError
from scene import NEW, NEWER, OLD, Scene, Texts
from test_kills import killed_everywhere

NOW = 2_000_000_000


def versions(scene: Scene) -> Versions:
    return Versions(State(str(scene.config), str(scene.state)))


def begin(scene: Scene) -> None:
    """Two versions are kept, and no more are to be."""
    first = versions(scene)
    for number, texts in enumerate((OLD, NEW)):
        with mock.patch.object(time, "time", return_value=NOW + number):
            first.keep(texts, verified=True)
    first.trim(2)


def keep(scene: Scene, texts: Texts = NEWER) -> str:
    """Keep one more; by a clock that stands still, so that each writer makes the same calls."""
    ours = versions(scene)
    with mock.patch.object(time, "time", return_value=NOW + 2):
        try:
            ours.keep(texts, verified=True)
            ours.trim()
        except TransactionError as error:
            return f"error: {error}"
    return "ok"


def texts(scene: Scene) -> list[Texts]:
    return [version.texts for version in versions(scene).known]


def check_next_run(scene: Scene) -> None:
    newest = next(version for version in texts(scene) if version != NEWER)
    assert keep(scene) == "ok"
    assert texts(scene) == [NEWER, newest]
    assert len(os.listdir(versions(scene).state.path("versions"))) == 2


@pytest.mark.parametrize("which", [NEWER, OLD], ids=["a new one", "one that comes back"])
def test_killed_at_any_call_each_version_is_whole(scene: Scene, which: Texts) -> None:
    begin(scene)
    for call in killed_everywhere(scene, scene.capture(), lambda: keep(scene, which)):
        found = texts(scene)
        assert found in ([NEW, OLD], [which, NEW, OLD], [which, NEW]), call
        assert versions(scene).damaged == []
        check_next_run(scene)


@pytest.mark.skipif(not tracer.X86_64, reason="system calls can be made to fail on x86_64 only")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
def test_a_call_that_fails_is_told_and_costs_no_version(scene: Scene, code: int) -> None:
    begin(scene)
    start = scene.capture()
    for target in tracer.run(lambda: keep(scene)).calls:
        if str(scene.directory) not in target.path:
            continue
        scene.restore(start)
        run = tracer.run(lambda: keep(scene), lambda call, target=target: code if call == target else None)
        found = texts(scene)
        # What could not be read was neither counted nor removed.
        assert found in ([NEW, OLD], [NEWER, NEW, OLD], [NEWER, NEW]), (target, run.said)
        assert run.said == "ok" or run.said.startswith(f"error: {scene.state}"), (target, run.said)
        assert versions(scene).damaged == []
        check_next_run(scene)
