# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""release.py VERSION: make a release in this checkout, without network: `make release VERSION=1.0.0`.

The version goes where it is written, the fragments become the changelog, and both are committed; the archive of that
commit is built and shown to galaxy-importer; then the commit gets its tag. Whatever fails, the checkout is as before.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml
from archive import CHECKOUT, build

_SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
#: where the version that comes stands, besides in galaxy.yml; the changelog says what was when
_WRITTEN = (":!changelogs", ":!CHANGELOG.md", ":!tests/*.txt", ":!tests/unit", ":!tests/toolchain")


class ReleaseError(Exception):
    """Why there is no release."""


def git(*arguments: str) -> str:
    """What a command of git says; it has to succeed."""
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def step(*command: str) -> None:
    """Carry out a step, which shows what it has to say."""
    print(f"release: {' '.join(command)}", flush=True)
    if subprocess.run(command, cwd=CHECKOUT, check=False).returncode:
        raise ReleaseError(f"{command[0]} failed")


def present_version() -> str:
    """The version in galaxy.yml."""
    return str(yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["version"])


def released() -> list[str]:
    """The versions in the changelog."""
    changelog = CHECKOUT / "changelogs" / "changelog.yaml"
    return list(yaml.safe_load(changelog.read_text(encoding="utf-8"))["releases"]) if changelog.exists() else []


def as_numbers(version: str) -> tuple[int, ...]:
    """A version to compare."""
    return tuple(map(int, version.split(".")))


def check(version: str) -> None:
    """Say what is in the way before anything is touched."""
    if not _SEMANTIC.fullmatch(version):
        raise ReleaseError(f"VERSION={version} is not a version like 1.0.0")
    if git("status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed")
    if version in git("tag", "--list").split():
        raise ReleaseError(f"there is a tag {version} already")
    newest = max(released(), key=as_numbers, default="0.0.0")
    if as_numbers(version) <= as_numbers(newest):
        raise ReleaseError(f"{version} does not come after {newest}")
    if not list((CHECKOUT / "changelogs" / "fragments").glob("*.yml")):
        raise ReleaseError("no fragment in changelogs/fragments says what is new")


def write_version(old: str, version: str) -> None:
    """Put the version where the one that was to come stands, which nobody has ever got."""
    names = ["galaxy.yml"]
    if old not in released():
        names = git(
            "grep", "--files-with-matches", "--fixed-strings", "--word-regexp", old, "--", *_WRITTEN
        ).splitlines()
    else:
        pattern = f"mailfleet-postfix-{old}.tar.gz"
        names += git("grep", "--files-with-matches", "--fixed-strings", pattern, "--", *_WRITTEN).splitlines()
    for name in names:
        path = CHECKOUT / name
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(rf"(?<![\d.]){re.escape(old)}(?![\d]|\.\d)", version, text), encoding="utf-8")


def release(version: str) -> Path:
    """Make the release, and return its archive."""
    check(version)
    before = git("rev-parse", "HEAD")
    try:
        write_version(present_version(), version)
        step("antsibull-changelog", "lint")
        step("antsibull-changelog", "release", "--version", version)
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Release {version}")
        (CHECKOUT / "build").mkdir(exist_ok=True)
        archive = build(CHECKOUT / "build", CHECKOUT)
        step("env", "REQUIRE_V1=true", "tests/toolchain/galaxy.sh", str(archive))
        git("tag", "--annotate", "--message", f"Release {version}", version)
    except (ReleaseError, subprocess.CalledProcessError):
        git("reset", "--quiet", "--hard", before)
        git("clean", "--quiet", "-fd", "changelogs")
        raise
    return archive


def main(arguments: list[str]) -> int:
    """Make the release that is asked for."""
    if len(arguments) != 1:
        print("release: say which: make release VERSION=1.0.0", file=sys.stderr)
        return 2
    try:
        archive = release(arguments[0])
    except ReleaseError as error:
        print(f"release: {error}. Nothing was changed.", file=sys.stderr)
        return 1
    print(f"release: {arguments[0]} is committed and tagged here, and is in {archive}. To let others have it:")
    print(f"  git push origin HEAD {arguments[0]}")
    print(f"  ansible-galaxy collection publish {archive}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
