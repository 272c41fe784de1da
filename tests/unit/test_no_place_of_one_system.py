# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Postfix has its files on one kind of system stands in the table of platforms, and nowhere else in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
TABLE = PLUGINS / "module_utils" / "_host" / "platform.py"
#: directories that are compiled in, names of units, and all that only the packages of one system have
OF_ONE_SYSTEM = (
    r"\b(usr/lib(64|exec)?|usr/local/\w+|etc|var/spool|var/lib|usr/share)/postfix\b|postfix@"
    r"|(?i:debian|ubuntu|red ?hat|configure-instance|/mailname|alternatives/)"
)
#: what Ansible shows as documentation
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")
FILES = sorted(path for path in PLUGINS.rglob("*.py") if path != TABLE and path.parent.name != "doc_fragments")


def texts(source: str) -> Iterator[Tuple[int, str]]:
    """Each text that the code uses, with its line: neither docstrings nor documentation."""
    tree = ast.parse(source)
    told = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            told.add(node.value)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in DOCUMENTATION:
            told.update(part for part in ast.walk(node.value) if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
            yield node.lineno, node.value


def found(source: str) -> List[Tuple[int, str]]:
    """The texts that are about one system, with their lines."""
    return [(line, text) for line, text in texts(source) if re.search(OF_ONE_SYSTEM, text)]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PLUGINS)) for path in FILES])
def test_no_place_of_one_system_is_outside_of_the_table(path: Path) -> None:
    assert found(path.read_text(encoding="utf-8")) == []


def test_such_places_are_found() -> None:
    assert found(TABLE.read_text(encoding="utf-8"))
    source = """'/usr/lib/postfix/sbin in a docstring'
DOCUMENTATION = r'''It is in /etc/postfix.'''
PROGRAMS = "/usr/lib/postfix/sbin"
def unit(name: str) -> str:
    return f"postfix@{name}.service"
"""
    assert [line for line, _text in found(source)] == [3, 5]
