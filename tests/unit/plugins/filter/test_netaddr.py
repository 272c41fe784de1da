# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netaddr takes longer to import than all else together: no filter about one host imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILTERS = ("own_addresses", "listeners", "source_addresses", "select_addresses", "findings")
SCRIPT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "netaddr":
            raise SystemExit(f"imports {name}")

sys.meta_path.insert(0, Refuse())
from importlib import import_module
name = sys.argv[1]
module = import_module(f"ansible_collections.mailfleet.postfix.plugins.filter.{name}")
call = module.FilterModule().filters()[name]
addresses = ["127.0.0.1/8", "10.77.0.1/24", "fd77::1/64"]
print(call(addresses, ["global"]) if name == "select_addresses" else call({"inet_interfaces": "all"}, addresses))
"""


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_about_one_host_imports_netaddr(name: str) -> None:
    tree = next(path for path in sys.path if (Path(path) / "ansible_collections/mailfleet/postfix").is_dir())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name], env={"PYTHONPATH": tree}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
