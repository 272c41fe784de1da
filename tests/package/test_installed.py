# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, installed offline, is a working collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
NAME = "mailfleet.postfix"
#: options that a module is not called without
REQUIRED = {"postfix_instance": {"name": "postfix-out"}}


def names(folder: str) -> list[str]:
    """The plugins of a folder of the checkout."""
    return sorted(path.stem for path in (CHECKOUT / "plugins" / folder).glob("[!_]*.py"))


@pytest.fixture(scope="module")
def root(installed: Path) -> Path:
    return installed / "ansible_collections" / "mailfleet" / "postfix"


@pytest.mark.parametrize("kind,folder", [("module", "modules"), ("filter", "filter")])
def test_every_plugin_documents_itself(run: Any, installed: Path, root: Path, kind: str, folder: str) -> None:
    here = names(folder)
    assert here == sorted(path.stem for path in (root / "plugins" / folder).glob("[!_]*.py"))
    plugins = [f"{NAME}.{name}" for name in here]
    assert plugins, "the collection has none of this kind"
    documented = json.loads(
        run.ok("ansible-doc", "--type", kind, "--json", *plugins, ANSIBLE_COLLECTIONS_PATH=str(installed))
    )
    lacking = [
        (name, part)
        for name in plugins
        for part in ("doc", "examples", "return")
        if not documented.get(name, {}).get(part)
    ]
    assert lacking == []


def test_every_role_documents_itself(run: Any, installed: Path, root: Path) -> None:
    roles = [f"{NAME}.{path.name}" for path in (root / "roles").iterdir()]
    documented = json.loads(
        run.ok("ansible-doc", "--type", "role", "--json", *roles, ANSIBLE_COLLECTIONS_PATH=str(installed))
    )
    assert [name for name in roles if not documented[name]["entry_points"]["main"]["short_description"]] == []


def test_every_playbook_is_found_by_its_name(run: Any, installed: Path, root: Path) -> None:
    for playbook in sorted((root / "playbooks").glob("*.yml")):
        name = f"{NAME}.{playbook.stem}"
        listed = run.ok(
            "ansible-playbook", "-i", "localhost,", "--syntax-check", name, ANSIBLE_COLLECTIONS_PATH=str(installed)
        )
        assert name in listed or playbook.name in listed


def test_the_action_group_is_of_all_modules(run: Any, installed: Path, tmp_path: Path) -> None:
    """module_defaults for the group reach each module: an option that none has is refused by each."""
    for module in names("modules"):
        play = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "module_defaults": {f"group/{NAME}.postfix": {"no_such_option": 1}},
                "tasks": [{f"{NAME}.{module}": REQUIRED.get(module, {})}],
            }
        ]
        (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
        done = run("ansible-playbook", str(tmp_path / "play.yml"), ANSIBLE_COLLECTIONS_PATH=str(installed))
        assert "no_such_option" in done.stdout + done.stderr, module
        assert done.returncode == 2, module


@pytest.mark.parametrize("module", names("modules"))
def test_the_short_ad_hoc_name_works_with_the_settings_of_the_readme(
    run: Any, installed: Path, root: Path, tmp_path: Path, module: str
) -> None:
    """With collections_path and library set, `-m postfix_interfaces` is our module and finds its module_utils.

    That it is ours shows in how it refuses an option that it does not have.
    """
    (tmp_path / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path = {installed}\nlibrary = {root / 'plugins' / 'modules'}\n", encoding="utf-8"
    )
    options = " ".join(f"{name}={value}" for name, value in {**REQUIRED.get(module, {}), "no_such_option": 1}.items())
    done = run("ansible", "localhost", "-c", "local", "-m", module, "-a", options, cwd=tmp_path)
    assert f"Unsupported parameters for ({module}) module: no_such_option" in done.stdout + done.stderr
