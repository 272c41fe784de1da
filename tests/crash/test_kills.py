# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer killed at each of its system calls, and the run after it killed at each of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import tracer
from scene import (
    CHOSEN,
    FIRST,
    NEW,
    NEWER,
    OLD,
    SECOND,
    Scene,
    Texts,
    Tree,
    check_next_run,
    check_whole,
    signature,
    some,
)

Writer = Callable[[], str]


def killed_everywhere(scene: Scene, start: Tree, writer: Writer, all_calls: bool = True) -> Iterator[tracer.Call]:
    """Let the writer run from `start` again and again, and kill it each time at another one of its system calls.

    :param all_calls: at those too that write nothing, where a kill is to the files as one at the next that does

    Yields the call at which it was killed, with the scene as it is then; at the end the writer has done its work.
    """

    def through() -> list[tracer.Call]:
        scene.restore(start)
        run = tracer.run(writer)
        assert run.said == "ok"
        return run.calls

    calls = through()
    first = next((number for number, call in enumerate(calls) if call.writes), len(calls))
    for target in calls[first:]:
        if not (all_calls or target.writes):
            continue
        scene.restore(start)
        run = tracer.run(writer, lambda call, target=target: tracer.KILL if call == target else None)
        assert (run.said is None) == (run.calls[-1] == target)
        # Only when Python asks for memory is not the same in each run.
        assert run.said is None or target.name in tracer.MEMORY
        if run.said is None:
            yield target
    through()


def begin(scene: Scene, chain: str) -> tuple[Writer, Texts, Texts]:
    """Bring a scene to where the writer starts; returns the writer, and the files before and after it."""
    if chain == "first edit":
        return scene.edit(FIRST), OLD, NEW
    assert scene.edit(FIRST)() == "ok"
    if chain == "second edit":
        return scene.edit(SECOND), NEW, NEWER
    return (scene.rollback, NEW, OLD) if chain == "rollback" else (scene.confirm, NEW, NEW)


def check_recovery(scene: Scene, versions: list[Texts]) -> None:
    """The files become what the journal says, both old or both new; and if new, there is something to go back to."""
    pending = scene.transactions.pending()
    expected = pending.settled.texts if pending else scene.texts
    scene.transactions.recover()
    assert scene.texts == expected
    assert scene.texts in versions
    if scene.texts != OLD:
        recovered = scene.transactions.pending()
        assert recovered is not None
        assert (recovered.progress, recovered.original.texts) == ("done", OLD)


@pytest.mark.parametrize("layout", ["plain", "private", "link"])
@pytest.mark.parametrize("chain", ["first edit", "second edit", "rollback"])
def test_killed_at_any_call_it_leaves_whole_files_and_the_next_run_is_well(
    scene: Scene, layout: str, chain: str
) -> None:
    scene.arrange(layout)
    metadata = scene.metadata
    writer, before, after = begin(scene, chain)
    left: dict[str, Tree] = {}
    for call in killed_everywhere(scene, scene.capture(), writer, all_calls=not CHOSEN):
        check_whole(scene, [before, after], metadata)
        pending = scene.transactions.pending()
        assert pending is None or pending.progress in ("none", "half", "done"), call
        left[signature(scene.capture())] = scene.capture()
    check_whole(scene, [after], metadata)
    for tree in left.values():  # what is left is the same at many calls
        scene.restore(tree)
        check_recovery(scene, [before, after])
        for value in (FIRST, SECOND):
            scene.restore(tree)
            check_next_run(scene, value, metadata)
        scene.restore(tree)
        assert scene.rollback() == "ok"
        assert scene.texts == OLD
        assert scene.metadata == metadata


def test_a_confirmation_that_is_killed_is_one_or_none(scene: Scene) -> None:
    writer, _before, _after = begin(scene, "confirm")
    for _call in killed_everywhere(scene, scene.capture(), writer):
        confirmed = scene.transactions.pending() is None
        assert scene.rollback() == "ok"
        assert scene.texts == (NEW if confirmed else OLD)
        assert scene.leftovers == []


@pytest.mark.parametrize("chain", ["second edit", "rollback"])
def test_the_run_after_a_killed_one_may_be_killed_at_any_call_too(scene: Scene, chain: str) -> None:
    metadata = scene.metadata
    writer, before, after = begin(scene, chain)
    left = {}
    for _call in killed_everywhere(scene, scene.capture(), writer, all_calls=False):
        tree = scene.capture()
        left[signature(tree)] = tree
    again = {}
    for tree in some(list(left.values())):
        for _call in killed_everywhere(scene, tree, scene.edit(SECOND), all_calls=False):
            check_whole(scene, [before, after, NEWER], metadata)
            tree = scene.capture()
            again[signature(tree)] = tree
    for tree in again.values():
        scene.restore(tree)
        check_next_run(scene, SECOND, metadata)
