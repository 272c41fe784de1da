# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run that changes nothing does not load: each kB of source costs time on every managed host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Set

import pytest

TREE = next(str(path) for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())
CORE = "ansible_collections.mailfleet.postfix.plugins.module_utils."


def loaded_with(*modules: str) -> Set[str]:
    """Import modules of the core in a process of its own, and return which others come along."""
    imports = "; ".join(f"import {CORE}{module}" for module in modules)
    script = f"import sys; sys.path.insert(0, {TREE!r}); {imports}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, universal_newlines=True, check=True)
    return {name[len(CORE) :] for name in done.stdout.split() if name.startswith(CORE)}


@pytest.mark.parametrize(
    "modules, unneeded",
    [
        (
            ("_change.edit_files", "_host.instance"),
            {"_change.in_sync", "_host.unit", "_host.platform", "_host.master_process", "_host.routes"},
        ),
        (
            ("_change.apply", "_host.installed", "_host.instance"),
            {"_change.restart", "_change.plan", "_host.banner", "_host.log", "_host.routes"},
        ),
    ],
)
def test_what_is_not_needed_in_sync_is_not_loaded(modules: tuple, unneeded: Set[str]) -> None:
    loaded = loaded_with(*modules)
    assert loaded.issuperset(modules)
    assert not loaded & unneeded
