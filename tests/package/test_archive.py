# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the archive."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
METADATA = {"MANIFEST.json", "FILES.json"}
REQUIRED = {
    "CHANGELOG.md",
    "LICENSE",
    "LICENSES",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "meta",
    "plugins",
    "roles",
}
ALLOWED = METADATA | REQUIRED | {"REUSE.toml", "playbooks"}
#: what is about a checkout
OF_A_CHECKOUT = ("docs/development.md", "docs/decisions/")
PLUGIN_FOLDERS = {"action", "doc_fragments", "filter", "lookup", "module_utils", "modules", "plugin_utils"}
SUFFIXES = {"", ".css", ".j2", ".js", ".json", ".md", ".png", ".py", ".rst", ".svg", ".toml", ".txt", ".yaml", ".yml"}


@pytest.fixture(scope="module")
def members(archive: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


@pytest.fixture(scope="module")
def files(members: list[tarfile.TarInfo]) -> list[PurePosixPath]:
    return [PurePosixPath(member.name) for member in members if not member.isdir()]


def test_it_is_named_after_its_version(archive: Path) -> None:
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))
    assert archive.name == "{namespace}-{name}-{version}.tar.gz".format(**galaxy)


def test_top_level_has_what_an_operator_uses_and_nothing_else(files: list[PurePosixPath]) -> None:
    top = {file.parts[0] for file in files}
    assert top - ALLOWED == set()
    assert REQUIRED - top == set()


def test_plugin_folders(files: list[PurePosixPath]) -> None:
    assert {file.parts[1] for file in files if file.parts[0] == "plugins"} - PLUGIN_FOLDERS == set()


def test_nothing_hidden_nothing_compiled_nothing_binary(files: list[PurePosixPath]) -> None:
    odd = [
        str(file)
        for file in files
        if any(part.startswith(".") or part == "__pycache__" for part in file.parts) or file.suffix not in SUFFIXES
    ]
    assert odd == []


def test_nothing_is_large(members: list[tarfile.TarInfo], archive: Path) -> None:
    assert {member.name: member.size for member in members if member.size > 200_000} == {}
    assert archive.stat().st_size < 1_000_000


def test_no_tracked_file_is_missing(files: list[PurePosixPath]) -> None:
    command = ["git", "ls-files", "-z", "--", "plugins", "roles", "playbooks", "meta", "docs"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode()
    tracked = {
        name
        for name in listed.split("\0")
        if name and os.path.lexists(CHECKOUT / name) and not name.startswith(OF_A_CHECKOUT)
    }
    assert tracked - {str(file) for file in files} == set()


def test_what_the_execution_environment_file_names_is_in_it(files: list[PurePosixPath]) -> None:
    environment = yaml.safe_load((CHECKOUT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    assert PurePosixPath(environment["dependencies"]["python"]) in files
