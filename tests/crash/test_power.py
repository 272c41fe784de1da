# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The power fails at each call that writes: what the disk has by then, and nothing else, is what the next boot finds.

The disk is a file with an ext4 on it. A copy of that file is the disk after the power failed: of what was written and
not synced it has only what the kernel happened to write.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import tracer
from mounts import empty_disk
from postfix_tree import mounted
from scene import SECOND, Scene, check_next_run, check_whole
from test_kills import begin

# Without noauto_da_alloc ext4 itself makes up for programs that rename a file before they sync it.
_OPTIONS = "loop,noauto_da_alloc"


class Disk:
    """A disk with an ext4 on it, mounted."""

    def __init__(self, image: Path, place: Path) -> None:
        self.image = image
        self.place = place

    @contextmanager
    def after_power_failure(self) -> Iterator[None]:
        """The same place with what is on the disk now."""
        copy = self.image.with_name("copy")
        shutil.copyfile(self.image, copy)
        with mounted(self.place, "-o", _OPTIONS, str(copy)):
            yield


@pytest.fixture
def disk(room: Path) -> Iterator[Disk]:
    directory = Path(tempfile.mkdtemp(dir=room))
    image = empty_disk(directory, megabytes=8)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard", str(image)], check=True)
    with mounted(directory / "mnt", "-o", _OPTIONS, str(image)) as place:
        yield Disk(image, place)


@pytest.mark.parametrize("chain", ["first edit", "second edit", "rollback"])
def test_the_power_may_fail_at_any_call(disk: Disk, chain: str) -> None:
    directory = disk.place / "host"
    directory.mkdir()
    scene = Scene(directory)
    metadata = scene.metadata
    subprocess.run(["sync", "--file-system", str(directory)], check=True)
    writer, before, after = begin(scene, chain)
    with disk.after_power_failure():
        assert scene.texts == before  # it was told to be done, so it is on the disk
    points = []

    def plan(call: tracer.Call) -> None:
        if call.writes:
            points.append(call)
            with disk.after_power_failure():
                check_whole(scene, [before, after], metadata)
                check_next_run(scene, SECOND, metadata)

    assert tracer.run(writer, plan).said == "ok"
    assert len(points) > 20
    with disk.after_power_failure():
        assert scene.texts == after
        assert scene.metadata == metadata
