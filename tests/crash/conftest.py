# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that nobody else sees and that go with the tests; and the counts, at their end."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

import ansible
import tracer
from mailfleet_lab import images
from mounts import mounted
from root import ANSIBLE, COLLECTIONS, Root
from scene import Scene

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 0x4000, 1 << 18


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in memory, in a mount namespace that ends with this process."""
    if os.geteuid() != 0:
        pytest.fail("these tests mount file systems: run them as root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) or libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
        pytest.fail(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    directory = tmp_path_factory.mktemp("room")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "room", str(directory)], check=True)
    return directory


@pytest.fixture
def scene(room: Path) -> Scene:
    """A new scene in memory."""
    return Scene(Path(tempfile.mkdtemp(dir=room)))


@pytest.fixture(params=["bookworm", "trixie"])
def root(room: Path, request: pytest.FixtureRequest) -> Iterator[Root]:
    """A root file system of each release, as it is after apt install postfix; nothing runs in it by itself."""
    image = images.require_image(request.param)
    place = Path(tempfile.mkdtemp(dir=room))
    with ExitStack() as stack:
        upper, work = place / "upper", place / "work"
        upper.mkdir()
        work.mkdir()
        layers = f"lowerdir={image.root},upperdir={upper},workdir={work}"
        path = stack.enter_context(mounted(place / "root", "-t", "overlay", "-o", layers, "overlay"))
        stack.enter_context(mounted(path / "proc", "-t", "proc", "proc"))
        collection = f"{COLLECTIONS}/ansible_collections/mailfleet/postfix"
        for source, target in ((Path(ansible.__file__).parents[1], ANSIBLE), (HERE.parents[1], collection)):
            stack.enter_context(mounted(path / target.lstrip("/"), "--bind", str(source)))
        # To the upper layer: a file of the lower one has attributes that Ansible could not give to a copy.
        for name in ("main.cf", "master.cf"):
            (path / "etc" / "postfix" / name).open("r+b").close()
        yield Root(path)


@pytest.fixture(autouse=True)
def _count(request: pytest.FixtureRequest) -> Iterator[None]:
    """Note with each test how many calls were interfered with: the summary may be made in another process."""
    tracer.killed.clear()
    tracer.failed.clear()
    yield
    request.node.user_properties += [("killed", dict(tracer.killed)), ("failed", dict(tracer.failed))]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    noted = [note for report in reports if getattr(report, "when", "") == "teardown" for note in report.user_properties]
    for name, what in (("killed", "kill points"), ("failed", "system calls made to fail")):
        total = sum((Counter(value) for key, value in noted if key == name), Counter[str]())
        calls = ", ".join(f"{call} {count}" for call, count in total.most_common())
        terminalreporter.write_line(f"{total.total()} {what}: {calls}")
