# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the documentation: all blocks of the pages, and EXAMPLES of all plugins."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
#: a block between fences, with the comment above it that says which lines of an output it shows
_FENCED = re.compile(r"(?ms)^(?P<comment><!-- [^\n]* -->\n)?(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$")
#: a block that is only indented
_INDENTED = re.compile(r"(?m)(?<=\n\n)(?:    +\S.*\n|\n(?=    +\S))+")


class Example(NamedTuple):
    """A block of a page, or the EXAMPLES of a plugin."""

    page: str
    line: int
    #: what its fence says, ``indented``, or ``EXAMPLES``
    kind: str
    text: str
    comment: str = ""

    @property
    def title(self) -> str:
        """How it begins: a comment with the name of a file, the name of a play or a task, a command."""
        first = self.text.strip().split("\n", 1)[0].strip()
        return re.sub(r"^(- name: |- |# |\$ )", "", first)


def pages() -> list[Path]:
    """All pages whose examples count."""
    roles = sorted(CHECKOUT.glob("roles/*/README.md"))
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md")), *roles]


def of_page(page: Path) -> list[Example]:
    """The blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(CHECKOUT))
    found = []
    for match in _FENCED.finditer(text):
        indent = match["indent"]
        body = "".join(line.removeprefix(indent) for line in match["text"].splitlines(keepends=True))
        line = text.count("\n", 0, match.start("text")) + 1
        found.append(Example(name, line, match["kind"] or "plain", body, match["comment"] or ""))
    rest = _FENCED.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in _INDENTED.finditer(rest):
        body = re.sub(r"(?m)^ +(?=\S)", "", match[0])
        found.append(Example(name, rest.count("\n", 0, match.start()) + 1, "indented", body))
    return sorted(found, key=lambda example: example.line)


def of_plugins() -> list[Example]:
    """The EXAMPLES of each plugin."""
    found = []
    for folder in ("modules", "filter", "lookup"):
        for file in sorted((CHECKOUT / "plugins" / folder).glob("[!_]*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
                    name = str(file.relative_to(CHECKOUT))
                    found.append(Example(name, node.lineno, "EXAMPLES", ast.literal_eval(node.value)))
    return found


def all_examples() -> list[Example]:
    """The examples of all pages and plugins."""
    return [example for page in pages() for example in of_page(page)] + of_plugins()
