# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netaddr takes longer to import than all else together: only the filter about a fleet imports it, when it runs.

What asks DNS is imported by no filter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ADDRESSES = ["127.0.0.1/8", "10.77.0.1/24", "fd77::1/64"]
SETTINGS = {"inet_interfaces": "all"}
CALLS = {
    "own_addresses": (SETTINGS, ADDRESSES),
    "listeners": (SETTINGS, ADDRESSES),
    "source_addresses": (SETTINGS, ADDRESSES),
    "select_addresses": (ADDRESSES, ["global"]),
    "findings": (SETTINGS, ADDRESSES),
    "ptr_records": ({"out1": {"address": "10.77.0.1", "helo": "out1.example.net"}},),
    "fleet_source_addresses": ([{"settings": SETTINGS, "addresses": ADDRESSES}],),
}
SCRIPT = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("netaddr", "dns", "spf"):
            raise SystemExit(f"imports {name}")

sys.meta_path.insert(0, Refuse())
from importlib import import_module
name, arguments = sys.argv[1], json.loads(sys.argv[2])
module = import_module(f"ansible_collections.mailfleet.postfix.plugins.filter.{name}")
call = module.FilterModule().filters()[name]
print("loaded", flush=True)
print(call(*arguments))
"""


@pytest.mark.parametrize("name", CALLS)
def test_only_the_filter_about_a_fleet_imports_netaddr_when_it_runs(name: str) -> None:
    tree = next(path for path in sys.path if (Path(path) / "ansible_collections/mailfleet/postfix").is_dir())
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, name, json.dumps(CALLS[name])],
        env={"PYTHONPATH": tree},
        capture_output=True,
        text=True,
        check=False,
    )
    first, *answer = done.stdout.splitlines()
    assert first == "loaded"
    if name == "fleet_source_addresses":
        assert (answer, done.stderr) == ([], "imports netaddr\n")
    else:
        assert (done.returncode, done.stderr, len(answer)) == (0, "", 1)
