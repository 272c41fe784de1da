# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real disks that are full, read-only or over quota, and files and directories that are not what they should be."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from mounts import empty_disk
from postfix_tree import mounted
from scene import FIRST, OLD, Scene, check_next_run
from test_kills import begin

PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def filled(directory: Path, free: int = 0) -> Iterator[None]:
    """A file system in memory with room for `free` pages."""
    filler = directory / "filler"
    space = os.statvfs(directory)
    filler.write_bytes(bytes((space.f_bavail - free) * space.f_bsize))
    yield
    filler.unlink()


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """The same directory, but no more to be written to."""
    with mounted(directory, "--bind", str(directory)):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(directory)], check=True)
        yield


@contextmanager
def over_quota(subvolume: Path) -> Iterator[None]:
    """A subvolume that may hold no more than the least that any takes."""
    limit = ["btrfs", "qgroup", "limit"]
    subprocess.run([*limit, "16k", str(subvolume)], check=True)
    yield
    subprocess.run([*limit, "none", str(subvolume)], check=True)


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """A file after chattr +i."""
    subprocess.run(["chattr", "+i", str(path)], check=True)
    yield
    subprocess.run(["chattr", "-i", str(path)], check=True)


@contextmanager
def replaced(path: Path, make: Callable[[Path], object]) -> Iterator[None]:
    """Something else, or nothing, in the place of a file or directory."""
    aside = path.with_name("aside")
    there = path.exists()
    if there:
        path.rename(aside)
    make(path)
    yield
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    if there:
        aside.rename(path)


def nothing(path: Path) -> None:
    """For :func:`replaced`."""


@pytest.fixture
def small(room: Path) -> Iterator[Scene]:
    """A scene whose two directories are small file systems of their own."""
    directory = Path(tempfile.mkdtemp(dir=room))
    with ExitStack() as stack:
        for name in ("etc", "state"):
            options = f"mode=700,size={12 * PAGE},nr_inodes=30"
            stack.enter_context(mounted(directory / name, "-t", "tmpfs", "-o", options, name))
        yield Scene(directory)


@pytest.fixture
def allotted(room: Path) -> Iterator[Scene]:
    """A scene whose two directories can be given quotas that root has to respect too: subvolumes of a btrfs."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "btrfs"], check=False)
    if "btrfs" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        pytest.skip("the kernel has no btrfs, the file system whose quotas bind root too")
    directory = Path(tempfile.mkdtemp(dir=room))
    image = empty_disk(directory, megabytes=128)
    subprocess.run(["mkfs.btrfs", "--quiet", "--mixed", str(image)], check=True, stderr=subprocess.DEVNULL)
    with mounted(directory / "mnt", "-o", "loop", str(image)) as place:
        subprocess.run(["btrfs", "quota", "enable", str(place)], check=True)
        for name in ("etc", "state"):
            subprocess.run(["btrfs", "--quiet", "subvolume", "create", str(place / name)], check=True)
        yield Scene(place)


def check_obstacle(scene: Scene, chain: str, reason: str, obstacle: Callable[[], object]) -> None:
    """The writer says why it cannot, and changes nothing; when the obstacle is gone, all is well."""
    writer, before, _after = begin(scene, chain)
    metadata, leftovers = scene.metadata, scene.leftovers
    with ExitStack() as stack:
        stack.enter_context(obstacle())  # type: ignore[arg-type]
        said = writer()
        assert said.startswith("error: ")
        assert reason in said
    assert scene.texts == before
    assert scene.metadata == metadata
    assert scene.leftovers == leftovers
    check_next_run(scene, FIRST, metadata)


CHAINS = ["first edit", "second edit", "rollback"]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("free", [0, 1])
def test_no_space_for_the_files(small: Scene, chain: str, free: int) -> None:
    check_obstacle(small, chain, "No space left on device", lambda: filled(small.config, free))


@pytest.mark.parametrize("chain", CHAINS)
def test_no_space_for_the_journal(small: Scene, chain: str) -> None:
    check_obstacle(small, chain, "ledger.json cannot be written: No space left", lambda: filled(small.state))


@pytest.mark.parametrize("place", ["config", "state"])
@pytest.mark.parametrize("chain", CHAINS)
def test_no_inode_is_free(small: Scene, place: str, chain: str) -> None:
    directory: Path = getattr(small, place)

    @contextmanager
    def obstacle() -> Iterator[None]:
        names = [directory / f"filler{number}" for number in range(os.statvfs(directory).f_ffree)]
        for name in names:
            name.touch()
        yield
        for name in names:
            name.unlink()

    check_obstacle(small, chain, "No space left on device", obstacle)


@pytest.mark.parametrize("place", ["config", "state"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_quota(allotted: Scene, place: str, chain: str) -> None:
    check_obstacle(allotted, chain, "Disk quota exceeded", lambda: over_quota(getattr(allotted, place)))


@pytest.mark.parametrize("place", ["config", "state"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_read_only_file_system(scene: Scene, place: str, chain: str) -> None:
    scene.state.mkdir(mode=0o700)
    check_obstacle(scene, chain, "Read-only file system", lambda: read_only(getattr(scene, place)))


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_file_that_root_made_immutable(tmp_path: Path, name: str, chain: str) -> None:
    scene = Scene(tmp_path)  # not in memory, where older kernels have no such thing
    check_obstacle(scene, chain, f"{name} cannot be replaced: Operation not", lambda: immutable(scene.config / name))


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
@pytest.mark.parametrize(
    "make, reason", [(nothing, "No such file"), (Path.mkdir, "Is a directory")], ids=["missing", "a directory"]
)
def test_a_file_that_is_none(scene: Scene, name: str, make: Callable[[Path], object], reason: str) -> None:
    metadata = scene.metadata
    with replaced(scene.config / name, make):
        said = scene.edit(FIRST)()
        assert said.startswith(f"error: {scene.config / name} cannot be read: {reason}")
    assert scene.texts == OLD
    assert not scene.state.exists()
    check_next_run(scene, FIRST, metadata)


@pytest.mark.parametrize("obstacle", ["read-only", "a file", "a link", "everybody's"])
def test_a_state_directory_that_cannot_be_made(scene: Scene, obstacle: str) -> None:
    metadata = scene.metadata
    parent = scene.directory / "var"
    parent.mkdir()
    scene.state = parent / "state"
    makers: dict[str, Callable[[Path], object]] = {
        "a file": Path.touch,
        "a link": lambda path: path.symlink_to(scene.directory / "shared"),
        "everybody's": lambda path: (path.mkdir(), path.chmod(0o777)),
    }
    with replaced(scene.state, makers[obstacle]) if obstacle in makers else read_only(parent):
        said = scene.edit(FIRST)()
        assert said.startswith(f"error: {scene.state} ")
        assert said.endswith(
            ("Read-only file system.", "is not a directory that only its owner may write to. Remove it.")
        )
        assert scene.texts == OLD
    assert scene.metadata == metadata
    assert scene.edit(FIRST)() == "ok"
