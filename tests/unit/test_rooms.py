# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of the core: each imports only from itself and from those before it, and no modules import each other.

The imports are read from the source. One within a function or under TYPE_CHECKING counts for the order of the rooms
like any other, but makes no circle: it is not carried out while the module is imported.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set

import pytest

ROOMS = ["_base", "_files", "_rules", "_host", "_change", "_describe"]
PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.mailfleet.postfix"
CORE = f"{COLLECTION}.plugins.module_utils"


class Import(NamedTuple):
    """One imported module: its full name, and whether it is imported along with the one that names it."""

    name: str
    at_once: bool


def module_name(path: Path) -> str:
    """The full name of the module in a file below plugins/."""
    return ".".join([COLLECTION, "plugins", *path.relative_to(PLUGINS).with_suffix("").parts])


MODULES = {module_name(path): path for path in sorted(PLUGINS.rglob("*.py"))}


def statements(tree: ast.AST, at_once: bool = True) -> Iterator[tuple[ast.stmt, bool]]:
    """The import statements below a node, and whether the import of the module carries them out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, at_once
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from statements(node, False)
        elif isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for part in node.body:
                yield from statements(ast.Module([part], []), False)
            for part in node.orelse:
                yield from statements(ast.Module([part], []), at_once)
        else:
            yield from statements(node, at_once)


def imports(name: str, source: str) -> List[Import]:
    """What a module imports. ``from PACKAGE import MODULE`` imports the module."""
    found = []
    for node, at_once in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, at_once) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                found.append(Import(whole if whole in MODULES else base, at_once))
    return found


IMPORTS = {name: imports(name, path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def room(name: str) -> str:
    """The room of a module of the core."""
    return name[len(CORE) + 1 :].partition(".")[0]


def circles(arrows: Dict[str, List[str]]) -> List[List[str]]:
    """The circles among arrows, each once: what is left when all has been taken away that points at nothing left."""
    found: List[List[str]] = []
    done: Set[str] = set()

    def follow(name: str, way: List[str]) -> None:
        if name in way:
            found.append([*way[way.index(name) :], name])
        elif name not in done:
            for target in arrows.get(name, []):
                follow(target, [*way, name])
            done.add(name)

    for name in arrows:
        follow(name, [])
    return found


def test_each_module_of_the_core_is_in_a_room() -> None:
    core = PLUGINS / "module_utils"
    assert {path.relative_to(core).parts[0] for path in core.rglob("*.py")} == set(ROOMS)
    assert not list(core.rglob("__init__.py"))


def test_no_room_imports_from_a_later_one() -> None:
    downward = [
        f"{name} imports {imported.name}"
        for name, found in IMPORTS.items()
        for imported in found
        if name.startswith(CORE)
        if imported.name.startswith(COLLECTION)
        if not imported.name.startswith(CORE) or ROOMS.index(room(imported.name)) > ROOMS.index(room(name))
    ]
    assert downward == []


def test_no_modules_import_each_other() -> None:
    arrows = {name: [one.name for one in found if one.at_once] for name, found in IMPORTS.items()}
    assert [" -> ".join(circle) for circle in circles(arrows)] == []


def test_the_core_imports_nothing_but_the_standard_library() -> None:
    others = [
        f"{name} imports {imported.name}"
        for name, found in IMPORTS.items()
        for imported in found
        if name.startswith(CORE)
        if not imported.name.startswith(f"{CORE}.")
        if imported.name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert others == []


@pytest.mark.parametrize("face", ["modules", "filter", "plugin_utils"])
def test_others_import_modules_of_the_rooms(face: str) -> None:
    names = [name for name in MODULES if name.startswith(f"{COLLECTION}.plugins.{face}.")]
    used = {imported.name for name in names for imported in IMPORTS[name] if imported.name.startswith(CORE)}
    assert used
    assert {name for name in used if name not in MODULES or room(name) not in ROOMS} == set()


def test_how_imports_are_read() -> None:
    source = """
from . import plan
from .._files.main_cf import MainCf
import os.path, json
if TYPE_CHECKING:
    from typing import Literal
else:
    import ctypes
try:
    import netaddr
finally:
    pass
class Lazy:
    import stat
    def load(self):
        from ..._rules.findings import finding
"""
    assert imports(f"{CORE}._change.apply", source) == [
        Import(f"{CORE}._change.plan", True),
        Import(f"{CORE}._files.main_cf", True),
        Import("os.path", True),
        Import("json", True),
        Import("typing", False),
        Import("ctypes", True),
        Import("netaddr", True),
        Import("stat", True),
        Import(f"{COLLECTION}.plugins._rules.findings", False),
    ]
    assert circles({"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": ["b"], "e": ["a"]}) == [["b", "c", "d", "b"]]
    assert circles({"a": ["b", "c"], "b": ["c"], "c": []}) == []


def loaded_with(*roots: str) -> Set[str]:
    """The modules of the collection that are imported along with some."""
    found: Set[str] = set()
    left = [f"{CORE}.{root}" for root in roots]
    while left:
        name = left.pop()
        if name in MODULES and name not in found:
            found.add(name)
            left += [one.name for one in IMPORTS[name] if one.at_once]
    return found


#: what the views of a result and the edits need, and the keeper of a run makes none; what a module asks that begins
NOT_FOR_THE_KEEPER = {
    *("_base.keep_byte_code", "_rules.explicit_sources", "_rules.next_hops", "_rules.unfamiliar"),
    "_host.selinux",  # that is for findings
}
#: what a run keeps at its own end, what selections need, what is for sources by name, and what looks for settings that
#: nobody has asked for: none of that is done by who goes back
NOT_FOR_WHO_GOES_BACK = {
    "_base.keep_byte_code",
    "_change.unknown",
    "_rules.select_addresses",
    "_host.queue",
    "_host.selinux",
    "_rules.named_sources",
    "_rules.unfamiliar",
}
#: what a run with ``confirm`` has loaded before it has a keeper, and other runs need none of
OF_CONFIRMED_RUNS = {"_change.confirmation", "_change.window"}


def needed_later(*roots: str) -> Set[str]:
    """The modules that are imported within functions of what is loaded along with some, and not along with them."""
    loaded = loaded_with(*roots)
    later = {
        imported.name
        for name in loaded
        for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        for imported in imports(name, ast.unparse(node))
        if imported.name in MODULES
    }
    return {name[len(CORE) + 1 :] for name in later - loaded}


def test_the_keeper_of_a_run_has_to_find_no_module_later() -> None:
    later = needed_later("_change.guard", "_change.change", "_change.together")
    assert later == NOT_FOR_THE_KEEPER | OF_CONFIRMED_RUNS


def test_what_stays_behind_for_a_change_has_to_find_no_module_later() -> None:
    assert needed_later("_change.confirmation") == NOT_FOR_WHO_GOES_BACK
