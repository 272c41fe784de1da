# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of tests, written and read as JUnit's XML; each says what it ran on by properties."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

#: where tests leave their results
DIRECTORY = Path("tests", "output", "junit")


class Result(NamedTuple):
    """What became of one test, or of whatever else was tried."""

    name: str
    #: such as the suite of the lab that it ran on (README.md)
    ran_on: Mapping[str, str]
    failed: bool = False
    #: when, if it is read: year, month, day
    day: str = ""


def write(path: Path, results: Iterable[Result]) -> None:
    """Write the results of something that pytest does not run."""
    results = list(results)
    counts = {"tests": str(len(results)), "failures": str(sum(one.failed for one in results)), "errors": "0"}
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=path.stem, skipped="0", timestamp=now, **counts)
    for one in results:
        case = ElementTree.SubElement(suite, "testcase", classname=path.stem, name=one.name)
        properties = ElementTree.SubElement(case, "properties")
        for name, value in one.ran_on.items():
            ElementTree.SubElement(properties, "property", name=name, value=value)
        if one.failed:
            ElementTree.SubElement(case, "failure")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def read(path: Path) -> Iterator[Result]:
    """The results in a file; what was skipped is none."""
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        whole = _properties(suite)
        day = (suite.get("timestamp") or "").partition("T")[0]
        for case in suite.iter("testcase"):
            if case.find("skipped") is None:
                failed = case.find("failure") is not None or case.find("error") is not None
                name = f"{case.get('classname')}::{case.get('name')}"
                yield Result(name, {**whole, **_properties(case)}, failed, day)


def _properties(element: ElementTree.Element) -> dict[str, str]:
    found = element.findall("properties/property")
    return {one.get("name") or "": one.get("value") or "" for one in found}
