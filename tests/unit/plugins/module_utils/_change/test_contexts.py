# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contexts of a new instance. No kernel here has SELinux: they are attributes that nothing looks at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.contexts import CONTEXT, take_over_contexts
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of

pytestmark = [
    pytest.mark.shows("selinux"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may set a context"),
]
#: by the policy of Enterprise Linux
CONTEXTS = {
    "etc": "postfix_etc_t",
    "etc/main.cf": "postfix_etc_t",
    "etc/master.cf": "postfix_etc_t",
    "spool": "postfix_spool_t",
    "spool/maildrop": "postfix_spool_maildrop_t",
    "spool/pid": "postfix_var_run_t",
    "spool/private": "postfix_private_t",
    "lib": "postfix_data_t",
}


def instance_at(root: Path) -> Instance:
    directories = {"queue_directory": str(root / "spool"), "data_directory": str(root / "lib")}
    return instance_of(str(root / "etc"), root.name, **directories)


def made(root: Path) -> Instance:
    """An instance with its directories and files."""
    for name in CONTEXTS:
        if name.endswith(".cf"):
            (root / name).touch()
        else:
            (root / name).mkdir(parents=True)
    return instance_at(root)


def contexts(root: Path) -> Dict[str, str]:
    return {
        str(path.relative_to(root)): os.getxattr(path, CONTEXT).decode()
        for path in root.rglob("*")
        if CONTEXT in os.listxattr(path)
    }


def test_what_is_made_has_the_contexts_of_the_default_instance(tmp_path: Path) -> None:
    default, new = made(tmp_path / "default"), made(tmp_path / "new")
    for name, kind in CONTEXTS.items():
        os.setxattr(tmp_path / "default" / name, CONTEXT, kind.encode())
    os.setxattr(tmp_path / "new/spool", CONTEXT, b"var_spool_t")
    (tmp_path / "new/spool/other").mkdir()
    take_over_contexts(default, new)
    assert contexts(tmp_path / "new") == CONTEXTS


def test_without_contexts_nothing_is_done(tmp_path: Path) -> None:
    take_over_contexts(made(tmp_path / "default"), made(tmp_path / "new"))
    assert contexts(tmp_path / "new") == {}
