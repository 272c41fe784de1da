# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of what was tested where, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .runs import Record

DEBIAN = {"bullseye": "Debian 11", "bookworm": "Debian 12", "trixie": "Debian 13", "forky": "Debian testing"}
#: where a Postfix from source has its files
LAYOUTS = {"el": "as on Enterprise Linux", "local": "all below `/usr/local`"}
#: hosts on which not systemd runs Postfix, and what was no host at all: a name, and how it was there
SYSTEMS = {
    "openrc": ("OpenRC", "in namespaces of hosts with {}"),
    "runit": ("runit", "in namespaces of hosts with {}"),
    "s6": ("s6", "in namespaces of hosts with {}"),
    "supervisord": ("supervisord", "in namespaces of hosts with {}"),
    "none": ("no supervisor", "in namespaces of hosts with {}"),
    "container": ("Postfix as process 1 of a container", "in namespaces of hosts with {}, without a container engine"),
    "busybox": ("busybox as userland", "in namespaces of hosts with {}"),
    "read_only_root": ("a root that is read-only", "in namespaces of hosts with {}"),
    "selinux": ("SELinux", "simulated: contexts as mere extended attributes, a stub of `semanage`"),
    "bsd": ("FreeBSD and macOS, filters only", "simulated: facts as Ansible gathers them there"),
}
HEAD = ["managed host", "how it was there", "Postfix", "Python", "tests", "layouts with mail", "configurations"]


class Place(NamedTuple):
    """The hosts of one suite with one Postfix, which systemd runs, and what was proven there."""

    suite: str
    postfix: str
    records: list[Record]

    @property
    def release(self) -> str:
        return DEBIAN[self.suite.partition("_")[0]]

    @property
    def layout(self) -> str:
        """That of a Postfix from source."""
        return LAYOUTS.get(self.suite.partition("_")[2], "")

    def count(self, proof: str) -> str:
        return count(one for one in self.records if one.proof == proof)


def places(records: Iterable[Record]) -> list[Place]:
    """Releases of Debian by their age, then what was built on them."""
    here = [one for one in records if one.suite and one.system in ("", "systemd")]
    names = {(one.suite, one.postfix) for one in here}
    found = [Place(*name, [one for one in here if (one.suite, one.postfix) == name]) for name in names]
    releases = list(DEBIAN.values())
    return sorted(found, key=lambda one: (one.layout, releases.index(one.release), _number(one.postfix)))


def _number(version: str) -> list[int]:
    return [int(part) for part in version.replace("-", ".").split(".") if part.isdigit()]


def count(records: Iterable[Record]) -> str:
    """How many passed; and how many did not, if there are such."""
    records = list(records)
    passed, failed = sum(one.passed for one in records), sum(one.failed for one in records)
    return f"{passed:,}{f' (failed: {failed:,})' if failed else ''}" if records else ""


def words(values: Iterable[str]) -> str:
    """Words, each once."""
    return ", ".join(dict.fromkeys(filter(None, values)))


def markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("|".join(["", *(f" {cell} " if cell else " " for cell in line), "\n"]) for line in lines)


def hosts(records: list[Record]) -> str:
    """What was tested on which managed hosts."""
    rows = []
    for place in places(records):
        name = f"Postfix from source, {place.layout}" if place.layout else place.release
        how = f"simulated on {place.release}" if place.layout else "real"
        python = words(one.python for one in place.records)
        counts = [place.count(proof) for proof in ("hosts", "scenario", "rules")]
        rows.append([name, how, place.postfix, python, *counts])
    for system, (name, how) in SYSTEMS.items():
        here = [one for one in records if one.system == system]
        here.sort(key=lambda one: ([*DEBIAN].index(one.suite) if one.suite else 0, one.python))
        if here:
            how = how.format(words(DEBIAN.get(one.suite, "") for one in here))
            versions = [words(one.postfix for one in here), words(one.python for one in here)]
            rows.append([name, how, *versions, count(here), "", ""])
    return markdown(HEAD, rows)


def versions(records: list[Record]) -> str:
    """Which versions of Postfix the rules were held against, and by which generated configurations."""
    rows = []
    for place in places(records):
        rules = [one for one in place.records if one.proof == "rules"]
        seeds = words(str(seed) for one in rules for seed in one.seeds)
        source = "its authors' sources" if place.layout else place.release
        hosts_too = place.count("hosts")
        days = words(one.day for one in rules)
        rows.append([place.postfix, source, place.layout or "Debian", count(rules), seeds, days, hosts_too])
    rows.sort(key=lambda row: _number(row[0]))
    return markdown(["Postfix", "from", "laid out", "configurations", "seeds", "on", "tests on hosts"], rows)


def control_nodes(records: list[Record]) -> str:
    """By what."""
    cores = [one for one in records if one.ansible]
    pythons = [one for one in records if one.proof == "units" and not one.system]
    rows = [
        [f"ansible-core {ansible}", "plays and modules on these hosts", count(r for r in cores if r.ansible == ansible)]
        for ansible in sorted({one.ansible for one in cores}, key=_number)
    ]
    rows += [
        [f"Python {one.python}", "the core's unit tests", count([one])]
        for one in sorted(pythons, key=lambda one: _number(one.python))
    ]
    return markdown(["with", "what", "passed"], rows)
