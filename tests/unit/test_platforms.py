# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a system has Postfix, and how it runs it, is in the tables; no other code of the core names such paths."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator

CORE = Path(__file__).parents[2] / "plugins" / "module_utils"
TABLES = {"_host/platform.py", "_host/openrc.py"}
PATHS = r"usr/(local/)?lib(exec)?/postfix|etc/(postfix|init\.d)|var/(spool|lib)/postfix|main\.cf\.debian|postfix@"


def texts(path: Path) -> Iterator[str]:
    """The strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def named(path: Path) -> list[str]:
    return [text for text in texts(path) if re.search(PATHS, text)]


def test_only_the_tables_name_paths_of_a_system() -> None:
    found = {str(path.relative_to(CORE)): named(path) for path in sorted(CORE.rglob("*.py"))}
    assert {name: texts for name, texts in found.items() if texts and name not in TABLES} == {}
    assert {name for name in TABLES if found[name]} == TABLES
