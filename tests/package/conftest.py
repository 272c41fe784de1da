# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, built as a release is, and a place where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
# What work in a checkout leaves behind. It is planted before the build, so that a gap in build_ignore shows.
LEFTOVERS = (
    ".ansible/collections/x.yml",
    ".ci/x",
    ".hypothesis/examples/x",
    ".mypy_cache/3.11/x.json",
    ".nox/sanity-2-19/bin/python",
    ".pytest_cache/README.md",
    ".ruff_cache/x",
    ".venv/bin/python",
    ".venv.lock",
    "build/mailfleet-postfix-1.0.0.tar.gz",
    "changelogs/.plugin-cache.yaml",
    "extensions/molecule/default/.molecule/x.yml",
    "mailfleet-postfix-1.0.0.tar.gz",
    "plugins/module_utils/_base/__pycache__/errors.cpython-311.pyc",
    "tests/lab/images/trixie.tar.zst",
    "tests/output/junit/unit.xml",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "dear: takes a minute of the processors; left out in make test")


class Runner:
    """Runs Ansible's commands with a home and settings of their own, and a Galaxy that is not there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9/",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
        }

    def __call__(self, *command: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd or self.home,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,  # ansible-lint on a busy machine
            check=False,
        )

    def ok(self, *command: str, cwd: Path | None = None, **env: str) -> str:
        """Run a command that has to succeed; its standard output."""
        done = self(*command, cwd=cwd, **env)
        assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def archive(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, built from a copy of the files that git tracks, with leftovers among them."""
    source = tmp_path_factory.mktemp("source")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if os.path.lexists(CHECKOUT / name):  # deleted, but not yet in git
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, source / name, follow_symlinks=False)
    for name in LEFTOVERS:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("leftover\n", encoding="utf-8")
    target = tmp_path_factory.mktemp("archive")
    run.ok("ansible-galaxy", "collection", "build", "--output-path", str(target), cwd=source)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="session")
def installed(run: Runner, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with nothing but the installed archive on it."""
    path = tmp_path_factory.mktemp("collections")
    run.ok("ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(path), str(archive))
    return path
