# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image a build from source is made of, and when it is made again. The recipe takes no time here."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailfleet_lab import LabError, images, source_builds


@pytest.fixture(autouse=True)
def recipes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the test's own, and recipes that write down what they are told."""
    (tmp_path / "image").mkdir()
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    for name, to in (("recipe.sh", 4), ("el.sh", 2), ("local.sh", 2), ("build.sh", 2)):
        file = tmp_path / "image" / name
        file.write_text(f'#!/bin/sh -eu\nmkdir "${to}"\necho "$1" "$MAILFLEET_LAB_SOURCE" >"${to}/told"\n')
        file.chmod(0o755)
    monkeypatch.setattr(images, "RECIPE", tmp_path / "image" / "recipe.sh")
    monkeypatch.setattr(source_builds, "RECIPE", tmp_path / "image" / "build.sh")
    monkeypatch.setenv("MAILFLEET_LAB_SOURCE", "")
    return tmp_path / "image"


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory that looks like Postfix's sources, and is named."""
    directory = tmp_path / "postfix-3.9.1"
    directory.mkdir()
    (directory / "makedefs").write_text("3.9.1\n")
    monkeypatch.setenv("MAILFLEET_LAB_SOURCE", str(directory))
    return directory


def told(image: images.Image) -> list[str]:
    """What the recipe of an image was told."""
    return (image.root / "told").read_text().split()


def test_a_build_is_made_of_the_image_of_its_suite() -> None:
    image, base = images.ensure_images(["bookworm_el", "bookworm"])
    assert told(image) == [str(base.root)]
    assert told(base) == ["bookworm"]
    assert images.ensure_images(["bookworm_el"]) == [image]


def test_a_build_is_made_again_when_the_recipe_or_what_it_puts_on_the_host_changes(recipes: Path) -> None:
    (bookworm,) = images.ensure_images(["bookworm"])
    seen = {images.recipe_key("bookworm_local")}
    for name in ("build.sh", "local.sh"):
        (recipes / name).write_text("#!/bin/sh\n")
        seen.add(images.recipe_key("bookworm_local"))
    (recipes / "local").mkdir()
    (recipes / "local" / "postfix.service").write_text("[Unit]\n")
    seen.add(images.recipe_key("bookworm_local"))
    assert len(seen) == 4
    assert images.find_image("bookworm") == bookworm


def test_sources_that_the_user_names_are_built(sources: Path) -> None:
    (first,) = images.ensure_images(["trixie_local"])
    assert told(first)[1] == str(sources)
    (sources / "makedefs").write_text("3.9.2\n")
    (second,) = images.ensure_images(["trixie_local"])
    assert second.root != first.root
    (sources / "makedefs").write_text("3.9.1\n")
    assert images.ensure_images(["trixie_local"]) == [first]


def test_images_of_other_sources_stay_until_they_are_old(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (named,) = images.ensure_images(["trixie_local"])
    monkeypatch.setenv("MAILFLEET_LAB_SOURCE", "")
    (current,) = images.ensure_images(["trixie_local"])
    images.prune()
    assert set(images.all_images("trixie_local")) == {current, named}
    old = named.root.with_name(f"trixie_local.{named.key}.{named.built - int(images.MAX_AGE_DAYS * 86400) - 60}")
    named.root.rename(old)
    images.prune()
    assert images.all_images("trixie_local") == [current]


def test_a_directory_without_sources_is_refused(sources: Path) -> None:
    (sources / "makedefs").unlink()
    with pytest.raises(LabError, match="postfix-3.9.1 has no makedefs, so these are not the sources of Postfix"):
        images.ensure_images(["bookworm_el"])


def test_each_layout_has_files_for_the_host() -> None:
    own = Path(__file__).resolve().parents[1] / "image"
    assert {path.name for path in own.iterdir() if path.is_dir()} == set(source_builds.LAYOUTS)
