# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our reading of generated files against that of the real postconf.

    python3 -m tests.differential --tree NAME=DIRECTORY [--tree ...] [--pairs 2000] [--seed 1 77]

Each directory is the root file system of a host with Postfix. Every other pair of files is edited by us before postconf
sees it, with a check that our own reading changes by nothing but what was asked; since postconf's reading equals ours,
neither does postconf's. The files that the tree comes with are read too. Needs root, for a mount name space of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import decode_config

from ..postfix_tree import PostfixTree, hide_mounts
from .compare import disagreements
from .edit import edited
from .generate import files
from .postconf import ask

_BATCH = 250


def stock(tree: Path) -> Tuple[str, str]:
    """The files that a tree comes with."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch, PostfixTree(tree, Path(scratch)) as entered:
        directory = entered.root / entered.default("config_directory").lstrip("/")
        main, master = [(directory / name).read_bytes() for name in ("main.cf", "master.cf")]
    return decode_config(main), decode_config(master)


def generated(seed: int, numbers: Sequence[int], wrong: List[str]) -> Dict[str, Tuple[str, str]]:
    """Pairs of files by number; what an edit of ours changed that it should not have goes to `wrong`."""
    pairs = {}
    for number in numbers:
        pair = files(seed, number)
        if number % 2:
            main, master, more = edited(seed, number, *pair)
            pair = main, master
            wrong += [f"pair {number}: {difference}" for difference in more]
        pairs[f"{number:06}"] = pair
    return pairs


def compared(tree: Path, seed: int, numbers: range) -> Iterator[str]:
    """Every disagreement about the files of a tree and those of some numbers."""
    for first in range(0, len(numbers), _BATCH):
        wrong: List[str] = []
        pairs = generated(seed, numbers[first : first + _BATCH], wrong)
        if not first:
            pairs["stock"] = stock(tree)
        with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
            answers = ask(tree, pairs, Path(scratch))
        for key, pair in pairs.items():
            wrong += [f"pair {key}: {difference}" for difference in disagreements(*pair, answers[key])]
        yield from wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", action="append", required=True, metavar="NAME=DIRECTORY")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first pair")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="what the pairs are generated from")
    options = parser.parse_args()
    hide_mounts()
    failed = False
    numbers = range(options.first, options.first + options.pairs)
    for tree in options.tree:
        name, _equals, directory = tree.partition("=")
        for seed in options.seed:
            count = 0
            for difference in compared(Path(directory), seed, numbers):
                count += 1
                print(f"{name}, seed {seed}, {difference}", flush=True)
            print(f"{name}: {options.pairs} pairs of files, seed {seed}: {count} disagreements", flush=True)
            failed = failed or count > 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
