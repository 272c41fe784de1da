# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs scenarios of molecule on the hosts of one suite, in a room of the lab, and leaves their results as tests do.

    tests/lab/mailfleet-lab session python -m tests.compatibility.scenarios SUITE [--destroy never] [SCENARIO...]

Without a SCENARIO all of them, whatever fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from . import junit
from .ran_on import tree

HERE = Path(__file__).resolve().parents[2]
MOLECULE = HERE / "extensions" / "molecule"
sys.path.insert(0, str(HERE / "tests" / "lab"))

from mailfleet_lab.images import require_image


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.compatibility.scenarios", description=__doc__.split("\n", 1)[0])
    parser.add_argument("suite", metavar="SUITE")
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="*")
    parser.add_argument("--destroy", choices=["always", "never"], default="always", help="the hosts, afterwards")
    options = parser.parse_args()
    scenarios = options.scenarios or sorted(path.parent.name for path in MOLECULE.glob("*/molecule.yml"))
    ran_on = {
        "proof": "scenario",
        **tree(options.suite, require_image(options.suite).root),
        "ansible": version("ansible-core"),
    }
    results = []
    for scenario in scenarios:
        command = [
            "molecule",
            "test",
            "--no-command-borders",
            "--destroy",
            options.destroy,
            "--scenario-name",
            scenario,
        ]
        print(f"===== {scenario} on {options.suite}", flush=True)
        done = subprocess.run(command, check=False, env={**os.environ, "MAILFLEET_RELEASE": options.suite})
        results.append(junit.Result(scenario, {**ran_on, "scenario": scenario}, bool(done.returncode)))
    junit.write(junit.DIRECTORY / f"{'-'.join(['molecule', options.suite, *options.scenarios])}.xml", results)
    failed = [one.name for one in results if one.failed]
    print(f"{len(results)} scenarios on {options.suite}, {len(failed)} failed: {' '.join(failed)}".rstrip(": "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
