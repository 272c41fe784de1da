# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images: the root file systems that hosts start from, built by ``image/recipe.sh`` and kept between runs.

An image is a directory CACHE/SUITE.KEY.TIME with the unpacked tree in it; hosts only read it, each with an overlay of
its own, so that none has to copy or import anything. KEY is the recipe's checksum, TIME when it was built (Unix time).

Beside a plain SUITE there are suites with something added, SUITE_ADDITION: ``image/ADDITION.sh`` adds it to a copy of
the suite's image, when somebody first asks for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Sequence

from . import needs, source_builds
from .system import LAB, SEALED, LabError, Lock, children

CACHE = Path(os.environ.get("MAILFLEET_LAB_CACHE", "/var/cache/mailfleet-lab"))
RECIPE = LAB / "image" / "recipe.sh"
#: An image older than this (days) is built anew, so that the hosts have the suite's newest packages.
MAX_AGE_DAYS = float(os.environ.get("MAILFLEET_LAB_IMAGE_DAYS", "30"))
DEFAULT_MIRROR = "http://deb.debian.org/debian"


class Image(NamedTuple):
    """A root file system in the cache."""

    suite: str
    key: str
    built: int
    root: Path


def recipe_key(suite: str) -> str:
    """What an image of `suite` is looked up by: another recipe gives another key."""
    recipes = [RECIPE, addition_to(suite)] if "_" in suite else [RECIPE]
    known = hashlib.sha256(b"".join(recipe.read_bytes() for recipe in recipes))
    if source_builds.is_one(suite):
        known.update(source_builds.checksum(suite))
    return known.hexdigest()[:12]


def addition_to(suite: str) -> Path:
    """The recipe of what is added to a suite, such as that of bookworm_supervisors to bookworm."""
    recipe = RECIPE.parent / f"{suite.partition('_')[2]}.sh"
    if not recipe.is_file():
        raise LabError(f"There is no recipe {recipe} for suite {suite}.")
    return recipe


def all_images(suite: str) -> list[Image]:
    """The suite's finished images, whatever their recipe and age, the newest first."""
    found = []
    for entry in CACHE.glob(f"{suite}.*"):
        match = re.fullmatch(rf"{re.escape(suite)}\.([0-9a-f]{{12}})\.(\d+)", entry.name)
        if match:
            found.append(Image(suite, match[1], int(match[2]), entry))
    return sorted(found, key=lambda image: image.built, reverse=True)


def find_image(suite: str) -> Image | None:
    """The image that the present recipe gave for `suite` and that is not too old, if there is one."""
    oldest = time.time() - MAX_AGE_DAYS * 86400
    fitting = (image for image in all_images(suite) if image.key == recipe_key(suite) and image.built >= oldest)
    return next(fitting, None)


def mirrors() -> tuple[str, str]:
    """The Debian mirror that this machine's apt uses, and the one for security updates beside it."""
    mirror = os.environ.get("MAILFLEET_LAB_MIRROR", "")
    security = os.environ.get("MAILFLEET_LAB_SECURITY_MIRROR", "")
    for uri in _ask("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").split():
        name = uri.rstrip("/").rpartition("/")[2]
        if name == "debian" and not mirror:
            mirror = uri.rstrip("/")
        elif name == "debian-security" and not security:
            security = uri.rstrip("/")
    mirror = mirror or DEFAULT_MIRROR  # on Ubuntu, apt knows no Debian mirror
    return mirror, security or f"{mirror}-security"


def _ask(*argv: str) -> str:
    """What a program says, whether it likes the question or not."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout


def _apt_options() -> list[str]:
    """How this machine's apt reaches the mirror (proxies and such), which mmdebstrap does not read by itself."""
    settings = _ask("apt-config", "dump").splitlines()
    return [line.rstrip(";") for line in settings if re.match(r'(?i)Acquire::https?:.*[^:]+ "[^"]', line)]


class _Build:
    """One image being built: under its suite's lock, in a directory that no one takes for an image."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.lock = Lock(CACHE / f"{suite}.lock")
        self.log = CACHE / f"{suite}.log"
        self.key = recipe_key(suite)
        self.partial = CACHE / f"{suite}.{self.key}.partial"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the recipe, unless somebody else built the image while we waited for the lock."""
        self.lock.take()
        if find_image(self.suite):
            return
        clear_partial(self.suite)
        print(f"building image {self.suite} (takes a minute or some; log: {self.log})", file=sys.stderr, flush=True)
        self.began = int(time.time())
        command = [str(RECIPE), self.suite, *mirrors(), str(self.partial), *_apt_options()]
        if "_" in self.suite:
            base = require_image(self.suite.partition("_")[0])
            command = [str(addition_to(self.suite)), str(base.root), str(self.partial), *_apt_options()]
        # Sealed: the mounts and processes of a build that is killed are gone at once.
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*SEALED, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, "TMPDIR": "/tmp", "LC_ALL": "C.UTF-8"},
            )

    def finish(self) -> None:
        """Wait for the recipe and make its result an image, by one rename."""
        if not self.process:
            return
        if self.process.wait():
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
            raise LabError(f"Image {self.suite} could not be built, {self.log} ends with:\n{last}")
        self.partial.rename(CACHE / f"{self.suite}.{self.key}.{self.began}")
        self.log.unlink()
        print(f"built image {self.suite} in {time.time() - self.began:.0f} s", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the recipe, if it still runs, remove what is no image, and let others build."""
        if self.process:
            if self.process.poll() is None:
                for recipe in children(self.process.pid):  # the first process of its namespace takes all others along
                    os.kill(recipe, signal.SIGKILL)
                self.process.wait()
            clear_partial(self.suite)
        self.lock.release()


def clear_partial(suite: str) -> None:
    """Remove what a build left that did not come to its end. Only to be called with the suite's lock."""
    for partial in CACHE.glob(f"{suite}.*.partial"):
        shutil.rmtree(partial)


def stale_builds() -> list[Path]:
    """What builds left behind that were killed."""
    return [path for path in CACHE.glob("*.partial") if not Lock(CACHE / f"{path.name.partition('.')[0]}.lock").held()]


def ensure_images(suites: Sequence[str], at_once: int = 2) -> list[Image]:
    """The images of these suites, building those that are missing or outdated, `at_once` at the same time."""
    bases = [suite.partition("_")[0] for suite in suites if "_" in suite and not find_image(suite)]
    if bases:
        ensure_images(bases, at_once)
    waiting = [suite for suite in dict.fromkeys(suites) if not find_image(suite)]
    if waiting:
        needs.require()
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    while waiting:
        batch = [_Build(suite) for suite in sorted(waiting[:at_once])]  # sorted: two callers never wait for each other
        del waiting[:at_once]
        try:
            for build in batch:
                build.start()
            for build in batch:
                build.finish()
        finally:
            for build in batch:
                build.close()
    return [require_image(suite) for suite in suites]


def require_image(suite: str) -> Image:
    """The suite's image, which must be there already: a room has no way to a mirror."""
    image = find_image(suite)
    if not image:
        build = f"tests/lab/mailfleet-lab image {suite}"
        raise LabError(f"There is no image of suite {suite}: run `{build}` first, outside of the room.")
    return image


def prune() -> None:
    """Delete images that no new host starts from, and what killed builds left. Only while no room is up."""
    for suite in {entry.name.partition(".")[0] for entry in CACHE.glob("*.*.*")}:
        lock = Lock(CACHE / f"{suite}.lock")
        if not lock.take(wait=False):
            continue  # a build goes on
        clear_partial(suite)
        lock.release()
        try:
            current = find_image(suite)
        except LabError:  # of another checkout, which has a recipe for it
            continue
        if not current:
            continue  # an outdated image is better than none, while nobody asks for a new one
        oldest = time.time() - MAX_AGE_DAYS * 86400
        for image in all_images(suite):
            # Of other sources there may be one that somebody else's conformance runs on, which has no room.
            if image != current and not (source_builds.is_one(suite) and image.built >= oldest):
                shutil.rmtree(image.root)
