# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make release, in a clone. What galaxy-importer says there is told by a stand-in; `make galaxy` asks the real one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
WHO = {f"GIT_{role}_{what}": "me@mail.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
CHANGELOG = CHECKOUT / "changelogs" / "changelog.yaml"
RELEASED = list(yaml.safe_load(CHANGELOG.read_text(encoding="utf-8"))["releases"]) if CHANGELOG.exists() else []


def next_version() -> str:
    """The first one, or the one after the newest."""
    if not RELEASED:
        return "1.0.0"
    major, minor, patch = max(tuple(map(int, version.split("."))) for version in RELEASED)
    return f"{major}.{minor}.{patch + 1}"


NEXT = next_version()
STAND_IN = """#!/bin/sh
[ -e "$1" ] && [ "$REQUIRE_V1" = true ] && [ ! -e ../galaxy-refuses ]
"""


class Clone:
    """A clone in which a release can be made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run(["git", "clone", "--quiet", CHECKOUT, root], check=True)
        for name in subprocess.run(
            ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0"):
            if name and (CHECKOUT / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes((CHECKOUT / name).read_bytes())
        (root / "tests" / "toolchain" / "galaxy.sh").write_text(STAND_IN, encoding="utf-8")
        fragments = root / "changelogs" / "fragments"
        if not list(fragments.glob("*.yml")):  # right after a release
            fragments.mkdir(exist_ok=True)
            (fragments / "something.yml").write_text("---\nbugfixes:\n  - Something is mended.\n", encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "What is to be released")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env={**os.environ, **WHO}, capture_output=True, text=True, check=True
        )
        return done.stdout

    def release(self, *version: str) -> subprocess.CompletedProcess[str]:
        """Do what make release does once there is a .venv."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "tests/toolchain/release.py", *version]
        environment = {**os.environ, **WHO, "PATH": path}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def state(self) -> tuple[str, str, str]:
        """What a release that is refused must not change."""
        return self.git("rev-parse", "HEAD"), self.git("tag", "--list"), self.git("status", "--porcelain")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return Clone(tmp_path_factory.mktemp("release") / "clone")


@pytest.mark.parametrize(
    "version,why", [((), "say which"), (("1.0",), "not a version"), (("0.0.0",), "does not come after")]
)
def test_no_release_of_no_version(clone: Clone, version: tuple[str, ...], why: str) -> None:
    before = clone.state()
    done = clone.release(*version)
    assert done.returncode != 0
    assert why in done.stderr
    assert clone.state() == before


def test_no_release_of_what_is_not_committed(clone: Clone) -> None:
    stray = clone.root / "stray"
    stray.touch()
    before = clone.state()
    done = clone.release(NEXT)
    stray.unlink()
    assert (done.returncode, "not committed" in done.stderr) == (1, True)
    assert clone.state()[:2] == before[:2]


def test_all_is_as_before_if_galaxy_refuses(clone: Clone) -> None:
    before = clone.state()
    refuses = clone.root.parent / "galaxy-refuses"
    refuses.touch()
    done = clone.release(NEXT)
    refuses.unlink()
    assert (done.returncode, "galaxy.sh" in done.stdout) == (1, True), done.stdout + done.stderr
    assert clone.state() == before


@pytest.fixture(scope="module")
def released(clone: Clone) -> Path:
    """A clone of the release's tag, after the release was made."""
    done = clone.release(NEXT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"git push origin HEAD {NEXT}" in done.stdout
    assert NEXT in clone.git("tag", "--list").split()
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("cat-file", "-t", NEXT) == "tag\n"
    assert clone.git("rev-parse", f"{NEXT}^{{commit}}") == clone.git("rev-parse", "HEAD")
    return clone.root


def test_the_version_is_everywhere(released: Path) -> None:
    assert yaml.safe_load((released / "galaxy.yml").read_text(encoding="utf-8"))["version"] == NEXT
    assert f"mailfleet-postfix-{NEXT}.tar.gz" in (released / "README.md").read_text(encoding="utf-8")
    for plugin in (released / "plugins" / "modules").glob("[!_]*.py"):
        (added,) = re.findall(r"(?m)^version_added: (\S+)$", plugin.read_text(encoding="utf-8"))
        assert added in (*RELEASED, NEXT), plugin


def test_the_changelog_has_the_version(released: Path) -> None:
    changelog = (released / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## v{NEXT}" in changelog.replace("\\.", ".").splitlines()
    assert "New Modules" in changelog
    assert list((released / "changelogs" / "fragments").glob("*.yml")) == []


def test_there_is_no_second_release_of_a_version(clone: Clone, released: Path) -> None:
    done = clone.release(NEXT)
    assert (done.returncode, "there is a tag" in done.stderr) == (1, True)


@pytest.fixture(scope="module")
def shown(released: Path) -> dict[str, str]:
    """The pages of the archive that Galaxy shows."""
    with tarfile.open(released / "build" / f"mailfleet-postfix-{NEXT}.tar.gz") as tar:
        names = [name for name in tar.getnames() if re.fullmatch(r"README\.md|roles/\w+/README\.md|docs/\w+\.md", name)]
        return {name: tar.extractfile(name).read().decode() for name in names}  # type: ignore[union-attr]


def test_galaxy_shows_the_layouts(shown: dict[str, str]) -> None:
    layouts = {page.stem for page in (CHECKOUT / "docs" / "layouts").glob("*.md")} - {"README"}
    assert {f"docs/layout_{name}.md" for name in layouts} | {"docs/layouts.md"} <= shown.keys()


def test_what_galaxy_shows_has_no_dead_link_or_picture(shown: dict[str, str], released: Path) -> None:
    """Each is absolute, and leads to a file of this version in the repository."""
    repository = yaml.safe_load((released / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
    for name, text in shown.items():
        for picture, target in re.findall(r"(!?)\[[^\]\n]*\]\((?!#)([^)\s]+)\)", text):
            assert re.match(r"https://|mailto:", target), (name, target)
            if target.startswith(f"{repository}/") and "/issues" not in target:
                kind, version, path = target.removeprefix(f"{repository}/").split("#")[0].split("/", 2)
                assert kind == ("raw" if picture else "blob"), (name, target)
                assert version in (NEXT, "main"), (name, target)
                assert (released / path).exists(), (name, target)


def test_no_page_in_the_archive_needs_a_checkout(shown: dict[str, str]) -> None:
    """A command of make is for those who have one."""
    assert "docs/development.md" not in shown
    for name, text in shown.items():
        assert re.findall(r"(?m)^ {4}make .*$", text) == [], name
    assert PurePosixPath("docs/first_ten_minutes.md").name in {PurePosixPath(name).name for name in shown}
