# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Postfix has otherwise than the tables of the collection, and than the newest one that they were made for.

    python3 -m tests.tables --tree NAME=DIRECTORY [--tree ...]

Each directory is the root file system of a host with Postfix. First comes what the finding unfamiliar_postfix would
say there; then, of a newer Postfix, how ``postconf -d`` and the programs differ from what known.json has, which
--record writes anew from a tree of the newest one. Exits with 1 where the tables lack something. Needs root, for a
mount name space of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.unfamiliar import unfamiliar

from ..postfix_tree import PostfixTree, hide_mounts

KNOWN = Path(__file__).resolve().parent / "known.json"
#: these are about the build, or the host
_ITS_OWN = r"(.*_(directory|path|version|date|id)|myhostname|mydomain|mynetworks|default_(cache_db|database)_type)\Z"


def facts(tree: Path) -> dict[str, Any]:
    """The version of a tree's Postfix, its defaults, and its programs."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch, PostfixTree(tree, Path(scratch)) as entered:
        shown = entered.run("postconf", "-d", "-c", "/dev/null", check=True, capture_output=True, text=True).stdout
        defaults = {
            name: value.strip() for name, _equals, value in (line.partition(" =") for line in shown.splitlines())
        }
        listed = entered.root / defaults["meta_directory"].lstrip("/") / "postfix-files"
        programs = re.findall(r"(?m)^\$daemon_directory/([^:/]+):f:root:-:755\s*$", listed.read_text())
    return {"version": defaults["mail_version"], "defaults": defaults, "programs": sorted(programs)}


def _short(value: str) -> str:
    return value if 0 < len(value) < 80 else f"{value[:30]} ... ({len(value.split())} words)" if value else "empty"


def changes(known: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """What one Postfix has otherwise than another one."""
    old, new = known["defaults"], here["defaults"]
    said = [f"new parameter {name} = {new[name]}".rstrip() for name in sorted(new.keys() - old.keys())]
    said += [f"no parameter {name}" for name in sorted(old.keys() - new.keys())]
    said += [
        f"default of {name}: {_short(new[name])}, was {_short(old[name])}"
        for name in sorted(new.keys() & old.keys())
        if new[name] != old[name] and not re.match(_ITS_OWN, name)
    ]
    said += [f"new program {name}" for name in here["programs"] if name not in known["programs"]]
    said += [f"no program {name}" for name in known["programs"] if name not in here["programs"]]
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.tables", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tree", action="append", required=True, metavar="NAME=DIRECTORY")
    parser.add_argument("--record", action="store_true", help="write known.json from the (last) tree")
    options = parser.parse_args()
    hide_mounts()
    lacking = False
    for tree in options.tree:
        name, _equals, directory = tree.partition("=")
        here = facts(Path(directory))
        if options.record:
            kept = {key: value for key, value in here["defaults"].items() if not re.match(_ITS_OWN, key)}
            own = sorted(here["defaults"].keys() - kept.keys())
            here["defaults"] = {**kept, **dict.fromkeys(own, "")}
            KNOWN.write_text(json.dumps(here, indent=1, sort_keys=True) + "\n")
            continue
        lacks = unfamiliar(parse_version(here["version"]), here["defaults"], here["programs"])
        known = json.loads(KNOWN.read_text())
        print(
            f"{name} (Postfix {here['version']}): {len(lacks)} things that the tables do not know", *lacks, sep="\n  "
        )
        if parse_version(here["version"]) >= parse_version(known["version"]):
            others = changes(known, here)
            print(f"{name}: {len(others)} differences from Postfix {known['version']}", *others, sep="\n  ")
        sys.stdout.flush()
        lacking = lacking or bool(lacks)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
