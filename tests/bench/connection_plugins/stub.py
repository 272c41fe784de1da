# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that answer at once, without ssh and without a process: what is left is the cost of the control node.

The environment says what they answer: ANSWER is a file of JSON, in which HOST stands for the name and NUMBER for the
digits of it. FAILING and UNREACHABLE are names of hosts, or all. TOUCHED is a file to which each host adds name and
time. NAP is how many seconds a host takes.
"""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: stub
short_description: Hosts that answer at once
description: For tests.
options:
  host:
    description: The name of the host.
    vars:
      - name: inventory_hostname
"""


@lru_cache
def _answer() -> str:
    return Path(os.environ["ANSWER"]).read_text(encoding="utf-8")


def _is_among(host: str, variable: str) -> bool:
    names = os.environ.get(variable, "").split()
    return host in names or names == ["all"]


class Connection(ConnectionBase):
    transport = "stub"
    has_pipelining = True
    always_pipeline_modules = True

    def _connect(self) -> Connection:
        if _is_among(self.get_option("host"), "UNREACHABLE"):
            raise AnsibleConnectionFailure("nobody answers")
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        self._connect()
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        host: str = self.get_option("host")
        if "TOUCHED" in os.environ:
            with open(os.environ["TOUCHED"], "a", encoding="utf-8") as stream:
                stream.write(f"{host} {time.time()}\n")
        time.sleep(float(os.environ.get("NAP", "0")))
        if _is_among(host, "FAILING"):
            return 1, b'{"failed": true, "msg": "cannot be applied"}', b""
        number = int("".join(re.findall("[0-9]", host)) or 0)
        text = _answer().replace("HOST", host).replace("NUMBER", f"{number // 250 % 250}.{number % 250 + 1}")
        return 0, text.encode(), b""

    def put_file(self, in_path: str, out_path: str) -> Any:
        raise NotImplementedError

    fetch_file = put_file

    def close(self) -> None:
        pass
