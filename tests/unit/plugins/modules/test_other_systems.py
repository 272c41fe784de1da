# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on FreeBSD and macOS, simulated: this Python says that it is there, and lacks what it lacks there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict

import pytest

SCRIPT = """import os, runpy, select, socket, sys, time
sys.platform = {system!r}
for module, names in (
    (os, ["getxattr", "listxattr", "setxattr", "removexattr", "memfd_create", "sched_getaffinity"]),
    (socket, ["AF_NETLINK", "NETLINK_ROUTE", "AF_PACKET", "SOCK_CLOEXEC"]),
    (time, ["CLOCK_BOOTTIME"]),
    (select, ["epoll"]),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
runpy.run_module("ansible_collections.mailfleet.postfix.plugins.modules." + {module!r}, run_name="__main__")
"""


def answer(module: str, system: str, **options: Any) -> Dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module=module, system=system)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": "/tmp", **options}}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )
    assert done.stdout.startswith("\n{"), done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.one_python
@pytest.mark.shows("bsd")
@pytest.mark.parametrize("system", ["freebsd14", "darwin"])
@pytest.mark.parametrize(
    "module, options",
    [
        ("postfix_interfaces", {"inet_interfaces": "all"}),
        ("postfix_apply", {"confirmed": "x"}),
        ("postfix_instance", {"name": "postfix-out"}),
        ("postfix_interfaces_info", {}),
    ],
)
def test_only_linux_is_managed(module: str, options: Dict[str, Any], system: str) -> None:
    failed = answer(module, system, **options)
    assert failed["failed"] is True
    assert failed["msg"].startswith(f"host: '{system}' is not managed: addresses, sockets and processes are read from")
    assert failed["msg"].endswith("and edit and restart Postfix otherwise.")
