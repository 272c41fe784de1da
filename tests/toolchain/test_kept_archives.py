# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.tests.toolchain.kept_archives import (
    CHECKOUT,
    KEPT,
    OURS,
    is_known,
    keep,
    state,
)

TREE = CHECKOUT / ".venv" / "collections"
PROBE = "mailfleet.postfix.postfix_probe"
bootstrapped = pytest.mark.skipif(not TREE.exists(), reason="not the .venv that make has made")


def probe(directory: Path, **environment: str) -> dict[str, Any]:
    """Run a module of ours ad hoc, here, and return its answer."""
    answer = directory / "localhost"
    answer.unlink(missing_ok=True)
    done = subprocess.run(
        ["ansible", "localhost", "-c", "local", "-m", PROBE, "-a", "endpoints=127.0.0.1:1", "-t", str(directory)],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(TREE), "HOME": str(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.exists(), done.stdout + done.stderr
    return json.loads(answer.read_text(encoding="utf-8"))


def archives() -> dict[Path, int]:
    """What is kept of that module, and when it was written."""
    return {path: path.stat().st_mtime_ns for path in KEPT.glob(f"*/{OURS}postfix_probe-*")}


@bootstrapped
def test_what_is_kept_is_what_would_be_packed(tmp_path: Path) -> None:
    usual = probe(tmp_path, MAILFLEET_KEPT_ARCHIVES="no")
    assert probe(tmp_path) == usual
    kept = archives()
    assert probe(tmp_path) == usual
    assert archives() == kept
    (archive,) = kept
    (packed,) = re.findall(rb"UEsDB[A-Za-z0-9+/=]+", archive.read_bytes())  # base64 of PK\3\4
    zipped = zipfile.ZipFile(io.BytesIO(base64.b64decode(packed)))
    ours = [name for name in zipped.namelist() if re.search("postfix/plugins/module_utils/_.*/[a-z]", name)]
    assert len(ours) > 5
    for name in ours:
        assert zipped.read(name) == (TREE / name).read_bytes(), name


@pytest.mark.parametrize("name", ["plugins/module_utils/_base/words.py", "plugins/modules/postfix_apply.py"])
def test_another_source_is_another_state(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.parent.mkdir(parents=True)
    source.write_text("first\n", encoding="utf-8")
    first = state(tmp_path)
    source.with_suffix(".pyc").write_bytes(b"what Python leaves")
    assert state(tmp_path) == first
    source.write_text("other\n", encoding="utf-8")
    os.utime(source, ns=(1, 1))
    second = state(tmp_path)
    (source.parent / "more.py").write_text("", encoding="utf-8")
    assert len({first, second, state(tmp_path)}) == 3


def test_a_module_of_the_name_of_another_is_not_kept(tmp_path: Path) -> None:
    own, kept, modules = (tmp_path / name for name in ("own", "kept", "modules"))
    for directory in (own, kept, modules):
        directory.mkdir()
    (modules / "copy.py").write_text("", encoding="utf-8")
    names = [f"{OURS}postfix_apply-ZIP_DEFLATED-none", "ansible.modules.copy-ZIP_DEFLATED-none"]
    others = ["ansible.modules.of_a_play-ZIP_DEFLATED-none", f"{names[0]}.lock", "ansible_collections.a.b.c-none"]
    for name in (*names, *others):
        (own / name).write_bytes(name.encode())
    keep(own, kept, modules)
    assert sorted(path.name for path in kept.iterdir()) == sorted(names)
    assert not is_known(own / others[0], modules)
    (own / names[0]).write_bytes(b"what a second run has packed")
    keep(own, kept, modules)
    assert (kept / names[0]).read_bytes() == names[0].encode()
