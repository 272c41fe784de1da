# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import replaceable
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.replaceable import obstacle


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "etc" / "main.cf"
    path.parent.mkdir()
    path.touch()
    yield path
    for place in (path.parent, path):
        subprocess.run(["chattr", "-ia", str(place)], check=False, stderr=subprocess.DEVNULL)


def test_a_file_that_can_be_replaced(file: Path) -> None:
    assert obstacle(str(file)) is None


@pytest.mark.parametrize("flag, name", [("i", "immutable"), ("a", "append-only")])
@pytest.mark.parametrize("what", ["file", "directory", "target of a link"])
def test_a_flag_of_chattr(tmp_path: Path, file: Path, flag: str, name: str, what: str) -> None:
    place = file.parent if what == "directory" else file
    asked = file
    if what == "target of a link":
        asked = tmp_path / "link"
        asked.symlink_to(file)
    if subprocess.run(["chattr", f"+{flag}", str(place)], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("not root, or a file system without these flags")
    reason = f"{asked} cannot be replaced: Operation not permitted, because {place} is {name}."
    assert obstacle(str(asked)) == f"{reason} Allow it with chattr -{flag} {place}."


def test_a_read_only_file_system(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = list(os.statvfs(str(file)))
    fields[8] |= os.ST_RDONLY
    monkeypatch.setattr(replaceable.os, "statvfs", lambda path: os.statvfs_result(fields))
    assert obstacle(str(file)) == f"{file} cannot be replaced: Read-only file system."


def test_a_file_that_is_not_there(file: Path) -> None:
    assert obstacle(f"{file}.other") is None  # reading it says so
