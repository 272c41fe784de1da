# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our reading of generated files against that of the real postconf.

    python3 -m tests.differential --tree NAME=DIRECTORY [--tree ...] [--pairs 2000] [--seed 1]

Each directory is the root file system of a host with Postfix. Every other pair of files is edited by us before postconf
sees it, with a check that our own reading changes by nothing but what was asked; since postconf's reading equals ours,
neither does postconf's. Needs root, for a mount name space of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .compare import disagreements
from .edit import edited
from .generate import files
from .postconf import ask

_BATCH = 250


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", action="append", required=True, metavar="NAME=DIRECTORY")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    for tree in options.tree:
        name, _equals, directory = tree.partition("=")
        wrong = 0
        for first in range(options.first, options.first + options.pairs, _BATCH):
            numbers = range(first, min(first + _BATCH, options.first + options.pairs))
            pairs = {}
            for number in numbers:
                main, master = files(options.seed, number)
                if number % 2:
                    main, master, more = edited(options.seed, number, main, master)
                    wrong += len(more)
                    for difference in more:
                        print(f"{name}, seed {options.seed}, pair {number}: {difference}")
                pairs[f"{number:06}"] = main, master
            with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
                answers = ask(Path(directory), pairs, Path(scratch) / "postconf")
            for key, pair in pairs.items():
                for difference in disagreements(*pair, answers[key]):
                    wrong += 1
                    print(f"{name}, seed {options.seed}, pair {int(key)}: {difference}")
        print(f"{name}: {options.pairs} pairs, seed {options.seed}: {wrong} disagreements", flush=True)
        failed += wrong
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
