# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants of a source file: the same file with one thing changed, by the catalogue of mutmut.

Of mutmut that catalogue is all that is used here. What runs mutants there swaps functions in one process, and so leaves
out properties, tables and all else that is made while a module is imported; here each mutant is a whole file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

#: of these nothing is changed but what is in their arguments: without an argument they cannot be called at all
_NEVER_WITHOUT_ARGUMENTS = ("len", "isinstance")
#: texts for people, whose wording is no rule
_PROSE = re.compile(r"\w\W* \w")


class Mutant(NamedTuple):
    """A file with one change."""

    #: in plugins/module_utils
    file: str
    line: int
    #: the names of the function that it is in, and of those around it, with dots; empty outside of all
    scope: str
    #: the lines that differ, without indentation
    before: str
    after: str
    text: str

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when other lines change."""
        return self.file, self.scope, self.before, self.after

    def diff(self) -> str:
        """Show the change."""
        lines = [f"{self.file}:{self.line}: in {self.scope or 'the module'}"]
        lines += [f"    -{line}" for line in self.before.splitlines()]
        lines += [f"    +{line}" for line in self.after.splitlines()]
        return "\n".join(lines)


def mutants_of(file: str, text: str) -> list[Mutant]:
    """Return each mutant of a file once."""
    module = cst.parse_module(text)
    old, scopes = text.splitlines(), _scopes(text)
    pieces = [module.code_for_node(statement) for statement in module.body]
    start = text.index("".join(pieces))
    different: dict[str, Mutant] = {}
    for statement, piece in zip(module.body, pieces, strict=True):
        for changed in _changed(module, statement):
            whole = text[:start] + changed + text[start + len(piece) :]
            if changed != piece and whole not in different and _compiles(whole):
                line, before, after = _difference(old, whole.splitlines())
                different[whole] = Mutant(file, line, scopes.get(line, ""), before, after, whole)
        start += len(piece)
    return sorted(different.values(), key=lambda mutant: mutant.line)


def _changed(module: cst.Module, statement: cst.CSTNode) -> Iterator[str]:
    """Yield a statement with each of its changes. Not the module: a change costs as much as all that is around it."""
    visitor = _Visitor()
    statement.visit(visitor)
    for node, mutated in visitor.changes:
        yield module.code_for_node(cst.ensure_type(statement.deep_replace(node, mutated), cst.CSTNode))


class _Visitor(cst.CSTVisitor):
    """Collects what the catalogue makes of each node."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, (cst.Annotation, cst.Decorator)) or _is_alias(node):
            return False
        if isinstance(node, cst.Call) and getattr(node.func, "value", None) == "cast":
            node.args[1].visit(self)  # the first one is a type
            return False
        if isinstance(node, cst.SimpleString) and _PROSE.search(node.raw_value):
            return False
        if not (isinstance(node, cst.Call) and getattr(node.func, "value", None) in _NEVER_WITHOUT_ARGUMENTS):
            self.changes += [(node, mutated) for mutated in _mutations(node)]
        return True


def _is_alias(node: cst.CSTNode) -> bool:
    """Return whether a node gives a name to a type, as ``Resolver = Callable[[str], Address]`` does."""
    if not (isinstance(node, cst.Assign) and isinstance(node.value, cst.Subscript)):
        return False
    name = getattr(node.value.value, "value", "")
    return isinstance(name, str) and name[:1].isupper() and not name.isupper()


def _mutations(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _difference(old: Sequence[str], new: Sequence[str]) -> tuple[int, str, str]:
    """Return the first line that differs, and the lines of both files that do."""
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    rest = next((at for at in range(shorter - first) if old[-1 - at] != new[-1 - at]), shorter - first)
    before, after = old[first : len(old) - rest], new[first : len(new) - rest]
    return first + 1, "\n".join(map(str.strip, before)), "\n".join(map(str.strip, after))


def _scopes(text: str) -> dict[int, str]:
    """Return the scope of each line that is inside of a class or a function."""
    scopes: dict[int, str] = {}

    def enter(body: ast.AST, names: Sequence[str]) -> None:
        for node in ast.iter_child_nodes(body):
            inner = names
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                inner = [*names, node.name]
                scopes.update(dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), ".".join(inner)))
            enter(node, inner)

    enter(ast.parse(text), [])
    return scopes
