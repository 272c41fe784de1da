# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users copy: the plays and tasks of all examples, in a project of theirs with the collection installed."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.append(str(Path(__file__).parents[1] / "examples"))

from pages import Example, all_examples

_PLAY = {"hosts", "import_playbook", "ansible.builtin.import_playbook"}


def playbook(example: Example) -> str | None:
    """The example as a playbook; None if it is neither plays nor tasks."""
    if example.kind not in ("yaml", "yml", "EXAMPLES"):
        return None
    text = example.text.removeprefix("---\n")
    content = yaml.safe_load(text)
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        return None
    if _PLAY & content[0].keys():
        return "---\n" + text
    if not any("." in key for key in content[0]):
        return None
    return "---\n- name: Do what the example does\n  hosts: all\n  tasks:\n" + textwrap.indent(text, "    ")


@pytest.mark.dear
def test_ansible_lint_finds_nothing_in_what_users_copy(run: Any, installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".ansible-lint").write_text("---\nprofile: production\noffline: true\n", encoding="utf-8")
    books = [(example, playbook(example)) for example in all_examples()]
    names = []
    for example, text in books:
        if text is not None:
            names.append(f"{example.page.lower().replace('/', '_').replace('.', '_')}_{example.line}.yml")
            (tmp_path / names[-1]).write_text(text, encoding="utf-8")
    assert len(names) > 30
    run.ok("ansible-lint", "--strict", "--nocolor", *names, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(installed))
