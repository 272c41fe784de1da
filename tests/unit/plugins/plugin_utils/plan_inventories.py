# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories in a directory, and the plans that come of two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.fleet import (
    NAMES,
    Settings,
    read_inventory,
    report_of_plan,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.foresee import Foreseer, Stock
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.known import Audited, Known, Records
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.side import Side
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report

PREFIX = "postfix_interfaces_"


def write(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files by their paths below a directory, as YAML unless they are text."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (root / name).write_text(text, encoding="utf-8")
    return root


def inventory(root: Path, hosts: Mapping[str, Any], group: Mapping[str, Any] | None = None) -> Path:
    """Write an inventory: the options of the role for each host of the group mail, and those for all of them.

    An option whose name has an underscore in front is a variable without it; each host has addresses if none are given.
    """
    files: dict[str, Any] = {"hosts.yml": {"mail": {"hosts": dict.fromkeys(hosts)}}}
    files["group_vars/mail.yml"] = _variables(group or {})
    for number, (name, options) in enumerate(hosts.items(), 1):
        own = {"_own": f"192.0.2.{number}", "_addresses": addresses_of(number), **(options or {})}
        files[f"host_vars/{name}.yml"] = _variables(own)
    return write(root, files)


def addresses_of(number: int) -> list[str]:
    """The addresses of host number N: 192.0.2.N, 10.0.0.N and 2001:db8::N."""
    return ["127.0.0.1/8", "::1/128", f"192.0.2.{number}/24", f"10.0.0.{number}/24", f"2001:db8::{number}/64"]


def _variables(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name[1:] if name.startswith("_") else PREFIX + name: value for name, value in options.items()}


def plan(
    base: Path,
    proposal: Path,
    groups: Sequence[str] = ("mail",),
    *,
    audit: Mapping[str, Audited] | None = None,
    addresses: str | None = "addresses",
    version: str | None = None,
    names: Mapping[str, Any] | None = None,
    stock: Stock | None = None,
    **more: Any,
) -> Report:
    """The plan that comes of two inventories."""
    known = Known(addresses, version, audit or {})
    settings = Settings(groups, known, Foreseer(mapping_resolver(names or {}, NAMES), stock), **more)
    sides = [
        read_inventory(Side(f"mailfleet_{name}", str(path)), groups, known, records)
        for name, path, records in (("base", base, None), ("proposal", proposal, Records()))
    ]
    return report_of_plan(*sides, settings)


def only(report: Report, host: str = "mx1", instance: str | None = "-") -> dict[str, Any]:
    """The record of an instance."""
    (record,) = (each for each in report.records if (each["host"], each["instance"]) == (host, instance))
    return record
