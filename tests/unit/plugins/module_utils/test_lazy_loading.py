# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run that changes nothing does not load, nor make while it loads: that costs time on each host."""

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
            {
                "_change.atomic_replace",
                "_change.in_sync",
                "_host.unit",
                "_host.platform",
                "_host.master_process",
                "_host.routes",
            },
        ),
        (
            ("_change.apply", "_host.installed", "_host.instance"),
            {
                "_change.atomic_replace",
                "_change.restart",
                "_change.plan",
                "_host.banner",
                "_host.log",
                "_host.routes",
            },
        ),
    ],
)
def test_what_is_not_needed_in_sync_is_not_loaded(modules: tuple, unneeded: Set[str]) -> None:
    loaded = loaded_with(*modules)
    assert loaded.issuperset(modules)
    assert not loaded & unneeded


def test_hardly_a_regular_expression_is_compiled_while_modules_are_loaded() -> None:
    modules = ("_change.edit_files", "_change.apply", "_describe.info", "_describe.effective_view")
    script = "import sys, re, typing, ipaddress, socket, subprocess, json, select, string\n"
    script += f"sys.path.insert(0, {TREE!r})\ncompiled = []\noriginal = re.compile\n"
    script += "there = set(sys.modules)\n"  # what measures coverage has loaded more
    script += "re.compile = lambda pattern, flags=0: compiled.append(pattern) or original(pattern, flags)\n"
    script += "\n".join(f"import {CORE}{module}" for module in modules)
    script += "\nprint(len(compiled), 'dataclasses' in set(sys.modules) - there)"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, universal_newlines=True, check=True)
    assert done.stdout == "2 False\n"  # those that split each entry of master.cf into its words
