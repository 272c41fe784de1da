# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test in virtual environments of its own, one for each release of ansible-core; `make sanity` starts it.

nox                     the sanity tests on the oldest release, and on the newest that there is a Python for
nox -e sanity-2.19      on any other release; MAILFLEET_EVERY_CORE=yes nox does all of them
nox -e pylint-2.21      only pylint, of the plugins
nox -e units-2.21       the unit tests by ansible-test, on every Python that it finds
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional

import antsibull_nox
import antsibull_nox.sessions.ansible_test

HERE = Path(__file__).parent


class Core(NamedTuple):
    """A release of ansible-core: the minor versions of Python 3 it runs on, and the pip that its ansible-test wants."""

    oldest_python: int
    newest_python: int
    pip: str


# From the oldest that meta/runtime.yml allows to the newest.
CORES = {
    "2.16": Core(10, 12, "23.1.2"),
    "2.17": Core(10, 12, "23.1.2"),
    "2.18": Core(11, 13, "24.2"),
    "2.19": Core(11, 13, "24.2"),
    "2.20": Core(12, 14, "25.2"),
    "2.21": Core(12, 14, "25.2"),
}


def find_python(core: Core) -> Optional[str]:
    """The newest interpreter for `core` that works (a shim can be there and not work), or None."""
    for minor in range(core.newest_python, core.oldest_python - 1, -1):
        python = shutil.which(f"python3.{minor}")
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


def leave_out(what: str) -> None:
    """Make `make test` say in its closing lines what did not run."""
    print(f"LEFT OUT: {what}")
    if "LEFT_OUT" in os.environ:
        with Path(os.environ["LEFT_OUT"]).open("a", encoding="utf-8") as stream:
            stream.write(f"{what}\n")


def seed_get_pip() -> None:
    """Give ansible-test its get-pip.py, which it would fetch from a host that is no package index."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for pip in {core.pip for core in CORES.values()}:
        shutil.copyfile(HERE / "tests" / "get_pip.py", cache / f"get_pip_{pip.replace('.', '_')}.py")


def drop_tmp() -> None:
    """Remove what antsibull-nox 1.10.0 cannot copy back: folders within folders below tests/output."""
    shutil.rmtree(Path("tests", "output", ".tmp"), ignore_errors=True)


antsibull_nox.load_antsibull_nox_toml()

CHOSEN = "MAILFLEET_CHOSEN" in os.environ
# What takes most of the time: `make test` leaves it to the newest ansible-core, and has pylint of the plugins only.
DEAR = ("pylint", "import", "compile")
OLDEST, NEWEST = min(CORES), max(CORES)
PYTHONS = {release: find_python(core) for release, core in CORES.items()}
# Debian 12's Python does not run the newest.
COVERED = {OLDEST, max((release for release, python in PYTHONS.items() if python), default=NEWEST)}
if os.environ.get("MAILFLEET_EVERY_CORE"):
    COVERED = set(CORES)


def add_session(kind: str, release: str, arguments: list[str], default: bool) -> None:
    """Add one that calls ansible-test of an ansible-core with these arguments."""
    antsibull_nox.sessions.ansible_test.add_ansible_test_session(
        name=f"{kind}-{release}",
        description=f"ansible-test {kind} of ansible-core {release}, from the package index, without containers",
        ansible_test_params=[arguments[0], "--color", "no", *arguments[1:]],
        default=default and PYTHONS[release] is not None,
        ansible_core_version=release,
        ansible_core_source="pypi",
        callback_before=seed_get_pip,
        callback_after=drop_tmp,
    )


for release, core in CORES.items():
    newest = release == max(COVERED)
    if release in (OLDEST, NEWEST) and PYTHONS[release] is None:
        leave_out(
            f"ansible-test sanity on ansible-core {release}: "
            f"no Python 3.{core.oldest_python} to 3.{core.newest_python} here"
        )
    without = [f"--skip-test={test}" for test in DEAR if CHOSEN and (test == "pylint" or not newest)]
    add_session("sanity", release, ["sanity", "--local", *without], default=release in COVERED)
    add_session("pylint", release, ["sanity", "--local", "--test=pylint", "plugins/"], default=CHOSEN and newest)
    add_session("units", release, ["units", "--venv"], default=False)
