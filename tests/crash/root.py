# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file system of a real Debian with Postfix, in which a test runs single programs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import Transactions, read_files
from postfix_tree import PostfixTree

ANSIBLE, COLLECTIONS = "/mnt/ansible", "/mnt/collections"
_MODULE = """
import sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
from ansible_collections.mailfleet.postfix.plugins.modules.postfix_interfaces import main
main()
"""


class Root:
    """The root of a real Debian with Postfix, to write to; nothing runs there by itself."""

    def __init__(self, tree: PostfixTree) -> None:
        self.tree = tree
        self.path = tree.root
        self.config = self.path / "etc" / "postfix"
        self.main = self.config / "main.cf"

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.tree.run(*command, capture_output=True, text=True, **options)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        return self.tree.start(*command)

    def get(self, name: str) -> str:
        return self.run("postconf", "-h", name).stdout.strip()

    def become(self, *command: str) -> Callable[[], str]:
        """Turn the process into a program of this root."""

        def work() -> str:
            os.chroot(self.path)
            os.chdir("/")
            os.execvp(command[0], command)

        return work

    def transactions(self, time_limit: float) -> Transactions:
        return Transactions(str(self.config), str(self.path / "var" / "lib" / "mailfleet.postfix"), time_limit)

    def commit(self, name: str, value: str, time_limit: float = 10) -> None:
        """Append a parameter, in a transaction."""
        found = read_files(str(self.config))
        self.transactions(time_limit).commit(found, found.main + f"{name} = {value}\n", found.master)

    def module(self, **arguments: Any) -> dict[str, Any]:
        """Run postfix_interfaces as Ansible does on a host."""
        done = self.run(
            "python3",
            "-c",
            _MODULE,
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env={**os.environ, "PYTHONPATH": f"{ANSIBLE}:{COLLECTIONS}", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result
