# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images are built when needed, whole or not at all. These recipes take no time; test_hosts.py uses the real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest
from command_line import LAB
from mailfleet_lab import LabError, images

Recipe = Callable[[str], None]


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    """A cache of the test's own, and a function that sets what the recipe does ($1 suite, $4 directory)."""
    file = tmp_path / "recipe.sh"
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(images, "RECIPE", file)

    def write(script: str) -> None:
        file.write_text(f"#!/bin/sh -eu\n{script}\n")
        file.chmod(0o755)

    write('mkdir "$4"; echo "$1" >"$4/suite"')
    return write


def entries() -> list[str]:
    """What is in the cache, but for locks."""
    return sorted(entry.name for entry in images.CACHE.iterdir() if not entry.name.endswith(".lock"))


def test_images_are_built_once(recipe: Recipe) -> None:
    first = images.ensure_images(["trixie", "bookworm"])
    assert [(image.root / "suite").read_text() for image in first] == ["trixie\n", "bookworm\n"]
    recipe_time = (first[0].root / "suite").stat().st_mtime_ns
    assert images.ensure_images(["trixie", "bookworm"]) == first
    assert (first[0].root / "suite").stat().st_mtime_ns == recipe_time
    assert images.require_image("trixie") == first[0]


def test_another_recipe_gives_another_image_and_prune_removes_the_old(recipe: Recipe) -> None:
    (old,) = images.ensure_images(["trixie"])
    recipe('mkdir "$4"; echo new >"$4/suite"')
    with pytest.raises(LabError, match="no image of suite trixie: run `tests/lab/mailfleet-lab image trixie`"):
        images.require_image("trixie")
    images.prune()
    assert entries() == [old.root.name]  # better than none
    (new,) = images.ensure_images(["trixie"])
    assert (new.root / "suite").read_text() == "new\n"
    images.prune()
    assert entries() == [new.root.name]


def test_images_of_another_checkout_stay(recipe: Recipe) -> None:
    images.CACHE.mkdir()
    other = images.CACHE / "trixie_something.0123456789ab.1796009634"
    other.mkdir()
    images.prune()
    assert other.is_dir()
    with pytest.raises(LabError, match=r"There is no recipe \S+/something.sh for suite trixie_something"):
        images.ensure_images(["trixie_something"])


def test_an_old_image_is_built_anew(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = images.ensure_images(["trixie"])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + images.MAX_AGE_DAYS * 86400 + 60)
    (new,) = images.ensure_images(["trixie"])
    assert new.root != old.root
    images.prune()
    assert entries() == [new.root.name]


def test_a_build_that_fails_says_why_and_leaves_no_image(recipe: Recipe) -> None:
    recipe('mkdir "$4"; touch "$4/half"; echo "the mirror is gone" >&2; exit 3')
    with pytest.raises(LabError, match=r"Image trixie could not be built(.|\n)*the mirror is gone"):
        images.ensure_images(["trixie"])
    assert entries() == ["trixie.log"]
    recipe('mkdir "$4"')
    images.ensure_images(["trixie"])
    assert len(entries()) == 1


def test_a_build_that_is_killed_leaves_no_process_no_mount_and_no_image(recipe: Recipe, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    recipe(f'mkdir "$4"; mount -t tmpfs tmpfs "$4"; sleep 1000 & readlink /proc/self/ns/pid >{begun}; wait')
    code = f"""
import sys; sys.path.insert(0, {str(LAB)!r})
from pathlib import Path
from mailfleet_lab import images
images.CACHE, images.RECIPE = Path({str(images.CACHE)!r}), Path({str(images.RECIPE)!r})
images.ensure_images(["trixie"])
"""
    builder = subprocess.Popen([sys.executable, "-c", code])
    while not (begun.exists() and begun.read_text()):
        assert builder.poll() is None
        time.sleep(0.02)
    namespace = begun.read_text().strip()
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    end = time.monotonic() + 10
    while namespace in pid_namespaces():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert str(images.CACHE) not in Path("/proc/self/mountinfo").read_text()
    assert images.find_image("trixie") is None
    assert [path.name for path in images.stale_builds()] == [f"trixie.{images.recipe_key('trixie')}.partial"]
    images.prune()
    assert entries() == ["trixie.log"]


def pid_namespaces() -> set[str]:
    """Those of all processes."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found.add(os.readlink(entry / "ns" / "pid"))
        except OSError:
            continue
    return found


def test_two_builders_build_once(recipe: Recipe, tmp_path: Path) -> None:
    recipe(f'echo "$1" >>{tmp_path}/built; sleep 0.3; mkdir "$4"')
    code = f"""
import sys; sys.path.insert(0, {str(LAB)!r})
from pathlib import Path
from mailfleet_lab import images
images.CACHE, images.RECIPE = Path({str(images.CACHE)!r}), Path({str(images.RECIPE)!r})
print(images.ensure_images(sys.argv[1:]))
"""
    orders = (["trixie", "bookworm"], ["bookworm", "trixie"])
    builders = [subprocess.Popen([sys.executable, "-c", code, *order], stdout=subprocess.PIPE) for order in orders]
    assert [builder.wait(30) for builder in builders] == [0, 0]
    assert sorted((tmp_path / "built").read_text().split()) == ["bookworm", "trixie"]


def test_the_mirror_is_the_one_of_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MAILFLEET_LAB_MIRROR", "MAILFLEET_LAB_SECURITY_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    for listing, expected in (
        (
            "http://ppa/x/\nhttp://near/debian/\nhttp://sec/debian-security/",
            ("http://near/debian", "http://sec/debian-security"),
        ),
        ("http://near/debian", ("http://near/debian", "http://near/debian-security")),
        ("http://archive/ubuntu/", (images.DEFAULT_MIRROR, f"{images.DEFAULT_MIRROR}-security")),
    ):
        monkeypatch.setattr(images, "_ask", lambda *_argv, listing=listing: listing)
        assert images.mirrors() == expected
    monkeypatch.setenv("MAILFLEET_LAB_MIRROR", "http://mine/debian")
    assert images.mirrors()[0] == "http://mine/debian"


def test_proxies_of_apt_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    dump = (
        'APT "";\nAcquire::http "";\nAcquire::http::Proxy "http://proxy:3128/";\nAcquire::Check-Valid-Until "false";\n'
    )
    monkeypatch.setattr(images, "_ask", lambda *_argv: dump)
    assert images._apt_options() == ['Acquire::http::Proxy "http://proxy:3128/"']


def test_an_unknown_suite_is_refused_by_the_real_recipe(tmp_path: Path) -> None:
    recipe = [str(LAB / "image" / "recipe.sh"), "sarge", "http://mirror", "http://security", str(tmp_path / "x")]
    result = subprocess.run(recipe, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "no recipe for suite sarge" in result.stderr
