# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts that nobody else sees and that go with the tests; and the counts, at their end."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "lab")]

import ansible
import tracer
from mailfleet_lab import images
from postfix_tree import PostfixTree, hide_mounts, mounted
from root import ANSIBLE, COLLECTIONS, Root
from scene import Scene


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory in memory, in a mount namespace that ends with this process."""
    if os.geteuid() != 0:
        pytest.fail("these tests mount file systems: run them as root")
    hide_mounts()
    with mounted(tmp_path_factory.mktemp("room"), "-t", "tmpfs", "-o", "mode=755", "room") as directory:
        yield directory


@pytest.fixture
def scene(room: Path) -> Scene:
    """A new scene in memory."""
    return Scene(Path(tempfile.mkdtemp(dir=room)))


@pytest.fixture(params=["bookworm", "trixie"])
def root(room: Path, request: pytest.FixtureRequest) -> Iterator[Root]:
    """A root file system of each release, as it is after apt install postfix; nothing runs in it by itself."""
    image = images.require_image(request.param)
    with PostfixTree(image.root, Path(tempfile.mkdtemp(dir=room))) as tree:
        tree.mount("proc", "-t", "proc", "proc")
        tree.mount(ANSIBLE, "--bind", str(Path(ansible.__file__).parents[1]))
        tree.mount(f"{COLLECTIONS}/ansible_collections/mailfleet/postfix", "--bind", str(HERE.parents[1]))
        # To the upper layer: a file of the lower one has attributes that Ansible could not give to a copy.
        for name in ("main.cf", "master.cf"):
            (tree.root / "etc" / "postfix" / name).open("r+b").close()
        yield Root(tree)


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
