# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a host whose Python cannot run a module."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._presented import why_not_run

pytestmark = pytest.mark.one_python

#: one that is older than this collection or ansible-core needs
OLD = next(map(str, Path("/root/.pyenv/versions").glob("3.6.*/bin/python3.6")), "")
NO_PYTHON = "There is no Python where Ansible looks"
TOO_OLD = "The Python of the host is too old: this collection with ansible-core "


@pytest.mark.parametrize(
    "keys, words",
    [
        ({"module_stderr": '  File "x.py"\n    ^\nSyntaxError: invalid syntax\n'}, TOO_OLD),
        ({"module_stderr": "/bin/sh: 1: /usr/bin/python3: not found\n", "rc": 127}, NO_PYTHON),
        ({"module_stderr": "bash: python3: command not found\n", "rc": 127}, NO_PYTHON),
    ],
)
def test_the_cause(keys: dict[str, object], words: str) -> None:
    assert str(why_not_run({"failed": True, **keys})).startswith(words)


def test_other_failures_are_told_as_they_are() -> None:
    assert why_not_run({"failed": True, "msg": "inet_interfaces: ..."}) is None
    assert why_not_run({"failed": True, "module_stderr": "Killed\n", "rc": 137}) is None
    assert why_not_run({"module_stderr": "\nSyntaxError: "}) is None


@pytest.mark.skipif(not OLD, reason="there is no Python 3.6 here")
def test_an_old_python() -> None:
    tree = next(path for path in sys.path if (Path(path) / "ansible_collections/mailfleet/postfix").is_dir())
    command = [Path(sys.executable).parent / "ansible", "localhost", "--connection=local"]
    options = ["-m", "mailfleet.postfix.postfix_interfaces_info", "-e", f"ansible_python_interpreter={OLD}"]
    done = subprocess.run(
        [*command, *options],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": tree},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert f'"msg": "{TOO_OLD}' in done.stdout, done.stdout + done.stderr
