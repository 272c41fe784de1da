# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that Ansible has packed for a host are kept, so that the next Ansible of .venv need not pack them again.

Ansible packs a module with all that it imports once a run, which takes a second or more, and puts it into a directory
that ends with the run. The tests run it hundreds of times over one source. The bootstrap has each Python of .venv
import this file as it starts. In Ansible's commands, and where the collection is the checkout, the run begins with what
earlier runs have packed from just these files, and leaves what it has packed itself. ``MAILFLEET_KEPT_ARCHIVES=no``
packs anew: so do benchmarks. An installed collection, as in tests/package, and another ansible-core, as in
tests/toolchain/core.sh, never see what is kept.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
from pathlib import Path

COMMANDS = {"ansible", "ansible-playbook"}
CHECKOUT = Path(__file__).resolve().parents[2]
KEPT = Path(sys.prefix, "kept_archives")
#: Ansible's name for the directory, and the beginning of the file's name of a module of ours
ARCHIVES = "ansiballz_cache"
OURS = "ansible_collections.mailfleet.postfix.plugins.modules."
#: what can be in an archive
SOURCES = ("plugins/modules", "plugins/module_utils", "meta", "galaxy.yml")


def state(collection: Path) -> str:
    """What the archives are made from: the names, sizes and times of the files."""
    found = hashlib.sha256()
    for top in SOURCES:
        for path in sorted([collection / top, *(collection / top).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc":
                status = path.stat()
                found.update(repr((str(path), status.st_size, status.st_mtime_ns)).encode())
    return found.hexdigest()[:16]


def is_known(archive: Path, modules: Path) -> bool:
    """Whether it is of a module of ours, or of Ansible's own; others may have the name of one that is not the same."""
    module = archive.name.partition("-")[0]
    own = Path(modules, f"{module.removeprefix('ansible.modules.')}.py")
    return module.startswith(OURS) or module.startswith("ansible.modules.") and own.exists()


def keep(own: Path, kept: Path, modules: Path) -> None:
    """Leave what this run has packed to those that come. Two that leave the same at once leave it whole."""
    for archive in own.glob("*"):
        is_whole = archive.suffix not in (".lock", ".tmp")
        if is_whole and is_known(archive, modules) and not (kept / archive.name).exists():
            whole = kept / f".{archive.name}.{os.getpid()}"
            shutil.copyfile(archive, whole)
            whole.replace(kept / archive.name)


def begin() -> None:
    """Put what is kept where this run of Ansible looks for it."""
    import ansible  # only here: each Python of .venv imports this file
    from ansible import constants
    from ansible.release import __version__

    places = [Path(path, "ansible_collections", "mailfleet", "postfix") for path in constants.COLLECTIONS_PATHS or ()]
    if next((place.resolve() for place in places if place.exists()), None) != CHECKOUT:
        return
    kept = KEPT / f"{__version__}-{state(CHECKOUT)}"
    kept.mkdir(parents=True, exist_ok=True)
    for other in KEPT.iterdir():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)
    own = Path(constants.DEFAULT_LOCAL_TMP, ARCHIVES)
    own.mkdir()
    for archive in kept.glob("[!.]*"):
        (own / archive.name).symlink_to(archive)
    atexit.register(keep, own, kept, Path(ansible.__path__[0], "modules"))


if Path(*sys.orig_argv[1:2]).name in COMMANDS and os.environ.get("MAILFLEET_KEPT_ARCHIVES") != "no":
    begin()
