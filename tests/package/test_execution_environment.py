# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of an execution environment in the documentation, as far as it goes without building an image."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[2] / "docs" / "automation.md"


def test_what_ansible_builder_makes_of_it(run: Any, archive: Path, tmp_path: Path) -> None:
    """Its steps from the definition to the packages to install, each by the files that the step before has made."""
    (definition,) = re.findall(r"^```yaml\n(# execution-environment.yml\n.*?)^```", GUIDE.read_text(), re.M | re.S)
    (tmp_path / "execution-environment.yml").write_text(definition)
    shutil.copy(archive, tmp_path)
    run.ok("ansible-builder", "create", "--output-filename", "Containerfile", cwd=tmp_path)
    context = tmp_path / "context"
    steps = (context / "Containerfile").read_text()
    assert "FROM $EE_BASE_IMAGE" in steps
    assert 'ANSIBLE_INSTALL_REFS="ansible-core>=2.16 ansible-runner"' in steps
    assert (context / "_build" / "bindep.txt").read_text().split() == ["openssh-clients"]
    # the step with the collections works in a copy of _build
    assert re.search(r"^COPY _build /build\nWORKDIR /build$", steps, re.M)
    assert "ansible-galaxy collection install $ANSIBLE_GALAXY_CLI_COLLECTION_OPTS -r requirements.yml" in steps
    install = ("ansible-galaxy", "collection", "install", "-r", "requirements.yml", "--collections-path")
    run.ok(*install, str(tmp_path / "ansible"), cwd=context / "_build")
    # the next one finds what they need
    pip, bindep = tmp_path / "pip.txt", tmp_path / "bindep.txt"
    introspect = (
        "python",
        str(context / "_build" / "scripts" / "introspect.py"),
        "introspect",
        str(tmp_path / "ansible"),
    )
    run.ok(*introspect, f"--write-pip={pip}", f"--write-bindep={bindep}")
    needed = [line.partition("  # from collection mailfleet.postfix") for line in pip.read_text().splitlines()]
    assert sorted((package, after) for package, _words, after in needed) == [
        ("dnspython>=2.6", ""),
        ("netaddr", ""),
        ("pyspf>=2.0.14", ""),
    ]
    assert not bindep.exists()
