# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five hosts of each release, between which the tests are shared out; each test gets its own as it was installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.tests.compatibility.ran_on import tree

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lab")]

from fleet import MailHost, Sink
from mailfleet_lab import hosts, images, networks
from supervised import SYSTEMS
from xdist.scheduler import LoadScopeScheduling

SUITES = os.environ.get("MAILFLEET_SUITES", "bookworm trixie").split()
CHOSEN = "MAILFLEET_CHOSEN" in os.environ
#: what runs on another host of a release than the rest, at the same time
OTHERS = {
    2: (
        "test_failures.py",
        "test_automation.py",
        "test_byte_code.py",
        "test_gather.py",
        "test_ledger.py",
        "test_sources.py",
    ),
    3: ("test_together.py", "test_a_run_that_ends_early.py", "test_actions.py", "test_files.py", "test_secrets.py"),
    4: (
        *("test_edits.py", "test_hostile_surroundings.py", "test_slow.py", "test_trouble.py", "test_unit.py"),
        *("test_instances.py", "test_instance_files.py"),
    ),
    5: ("test_confirm.py", "test_versions.py", "test_mistakes.py", "test_ad_hoc.py"),
    6: ("test_supervisors.py",),  # on a host of its own
}
HOSTS = 5  # of each release
#: of which make test's share has every second case, third, and so on; make integration and make nightly have all
SHARES = {
    "test_trouble.py": 10,
    "test_versions.py": 9,
    **dict.fromkeys(("test_supervisors.py", "test_together.py"), 7),
    **dict.fromkeys(("test_confirm.py", "test_converge.py", "test_failures.py", "test_files.py"), 6),
    **dict.fromkeys(("test_actions.py", "test_byte_code.py", "test_hostile_surroundings.py", "test_ledger.py"), 5),
    **dict.fromkeys(("test_a_run_that_ends_early.py", "test_ad_hoc.py", "test_automation.py", "test_mistakes.py"), 4),
    **dict.fromkeys(("test_report.py", "test_rollouts.py"), 4),
    **dict.fromkeys(("test_instances.py", "test_slow.py"), 3),
    **dict.fromkeys(("test_gather.py", "test_instance_files.py", "test_unit.py"), 2),
}


@pytest.fixture(scope="session")
def fleet() -> dict[str, MailHost]:
    """The hosts that are up, by name."""
    return {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In make test's share each test runs on one of the releases, in turns."""
    for item in items:
        item.user_properties += ran_on(item).items()
    if not CHOSEN:
        return
    count = len(SUITES)  # with systemd on one, the same without on the next
    chosen = set()
    for first, (file, tests) in enumerate(groupby(items, lambda item: item.path)):
        cases = list(dict.fromkeys(item.nodeid.replace(suite_of(item.nodeid), "") for item in tests))
        cases = cases[:: SHARES.get(file.name, 1)]
        for number, case in enumerate(cases):
            chosen.add(case.replace("[", f"[{SUITES[(first + number + number // count) % count]}", 1))
    left_out = [item for item in items if item.nodeid not in chosen]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def ran_on(item: pytest.Item) -> dict[str, str]:
    """What the result of a test says of its host (tests/compatibility)."""
    values = item.callspec.params
    if "core" in values:  # hosts of all suites, by an ansible-core of its own
        return {"proof": "hosts", "scenario": "twelve hosts", "ansible": Path(values["core"]).parent.name}
    suite, system = suite_of(item.nodeid), "systemd"
    if item.path.name == "test_supervisors.py":
        suite = suite.partition("_")[0]
        named = [SYSTEMS[value] for value in values.values() if value in SYSTEMS]
        system = named[0].supervisor or "none" if named else ""
    return {"proof": "hosts", **versions(suite), "system": system, "ansible": version("ansible-core")}


@cache
def versions(suite: str) -> dict[str, str]:
    """What the hosts of a suite have."""
    image = images.find_image(suite)
    return tree(suite, image.root) if image else {"suite": suite}


def suite_of(nodeid: str) -> str:
    """The release that a test is for."""
    parameters = nodeid.rpartition("[")[2].rstrip("]").split("-")
    return next(suite for suite in SUITES if suite in parameters)


def name_of_host(suite: str, nodeid: str) -> str:
    """The host that a test of a release runs on."""
    file, name = nodeid.partition("::")[0].rpartition("/")[2], suite.replace("_", "-")
    return next((f"{name}{number}" for number, files in OTHERS.items() if file in files), name)


class ByHost(LoadScopeScheduling):
    """All tests of a host go to the process that has it."""

    def _split_scope(self, nodeid: str) -> str:
        return name_of_host(suite_of(nodeid), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByHost:
    """With --numprocesses=8 the hosts of two releases are tested at the same time."""
    return ByHost(config, log)


@pytest.fixture(params=SUITES)
def host(fleet: dict[str, MailHost], request: pytest.FixtureRequest) -> MailHost:
    """A host of each release, on a network of its own with the room, as its package had set it up."""
    suite = request.param
    name = name_of_host(suite, request.node.nodeid)
    if name not in fleet:
        number = HOSTS * SUITES.index(suite) + int(name[len(suite) :] or 1)
        networks.add_network(f"mail{number}", f"10.1.{number}.0/24", f"fd00:{number}::/64")
        addresses = [f"{prefix}{last}" for prefix in (f"10.1.{number}.", f"fd00:{number}::") for last in (10, 11)]
        (lab_host,) = hosts.add_hosts((name, suite, [networks.Attachment(f"mail{number}", tuple(addresses))]))
        fleet[name] = MailHost(lab_host, f"10.1.{number}.1", f"fd00:{number}::1")
    fleet[name].reset()
    return fleet[name]


@pytest.fixture
def sink(host: MailHost) -> Iterator[Sink]:
    """A receiver in the room that accepts all mail, and knows from which address it came."""
    with Sink(*host.room) as receiver:
        yield receiver
