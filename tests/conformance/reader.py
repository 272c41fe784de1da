# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cases in cases/, ready to be put to the rules or to a real Postfix. What each file means stands at its top."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

CASES = Path(__file__).resolve().parent / "cases"
LINK_LOCAL = "fe80::5054:ff:fe12:3456"


class Case(NamedTuple):
    """One configuration on one host, with what was observed."""

    id: str
    versions: list[str]
    #: addresses with prefix length, IPv4 first, as the kernel lists them
    addresses: list[str]
    #: the hosts file: names with their addresses
    names: dict[str, list[str]]
    main: str
    master: str
    #: the case as its file has it
    observed: dict[str, Any]


def load(name: str, link_local: str = LINK_LOCAL) -> Any:
    """Return one file of cases, with an address for ``{link_local}``."""
    text = (CASES / f"{name}.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("{link_local}", link_local))


def cases(name: str, link_local: str = LINK_LOCAL) -> list[Case]:
    """Return the cases of a file that has configurations."""
    content, surroundings = load(name, link_local), load("hosts", link_local)
    return [_case(raw, content, surroundings) for raw in content["cases"]]


def _case(raw: dict[str, Any], content: dict[str, Any], surroundings: dict[str, Any]) -> Case:
    host = surroundings["hosts"][raw["host"]]
    addresses = [address for listed in host["interfaces"].values() for address in listed]
    lines = [f"{parameter} = {value}\n" for parameter, value in raw["main"].items()]
    return Case(
        raw["id"],
        raw.get("tried_on", content["tried_on"]),
        sorted(addresses, key=lambda address: ":" in address),
        surroundings["names"],
        "".join(lines) + raw.get("main_tail", ""),
        "".join(f"{line}\n" for line in raw.get("master", [])),
        raw,
    )
