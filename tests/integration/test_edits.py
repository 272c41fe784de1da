# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random edits of random hosts: check mode against the run, and a second run that changes nothing; see tests/edits.

MAILFLEET_EDITS says how many on each release, MAILFLEET_SEED from what they are generated, and MAILFLEET_EDIT names
single ones, such as "1/17 77/3".
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.tests.edits.compare import Runs, differences
from ansible_collections.mailfleet.postfix.tests.edits.generate import case
from ansible_collections.mailfleet.postfix.tests.edits.host import TrialHost
from conftest import SUITES, suite_of
from fleet import MailHost

EDITS = int(os.environ.get("MAILFLEET_EDITS", "4"))
SEED = int(os.environ.get("MAILFLEET_SEED", "1"))
ONLY = os.environ.get("MAILFLEET_EDIT", "").split()


def outcome_of(one: dict[str, Any], runs: Runs) -> str:
    """In a few words what came of a case."""
    if runs.real.get("failed"):
        return "went back" if runs.real.get("changed") else "refused"
    how = "applied" if one["options"].get("apply") else "written"
    return f"{how}: {runs.real['action']}" if runs.real["changed"] else "unchanged"


def test_check_mode_foretells_what_a_run_does_and_a_second_run_changes_nothing(
    host: MailHost, request: pytest.FixtureRequest
) -> None:
    first = EDITS * SUITES.index(suite_of(request.node.nodeid))  # other ones on each release
    names = ONLY or [f"{SEED}/{number}" for number in range(first, first + EDITS)]
    wrong, outcomes = [], Counter[str]()
    with TrialHost(host.host.root, host.host.command(), host.unit) as trial:
        try:
            for name in names:
                one = case(*map(int, name.split("/")))
                runs = trial.try_out(one)
                outcomes[outcome_of(one, runs)] += 1
                found = [f"case {name}: {difference}" for difference in differences(one, runs)]
                wrong += found
                if found and os.environ.get("MAILFLEET_VERBOSE"):
                    found.append(json.dumps({"case": one, "runs": runs._asdict()}, indent=1))
                if found:
                    print(*found, sep="\n", flush=True)
        finally:
            host.give_addresses()
    print(f"seed {SEED}, {host.name}: {len(names)} edits: {dict(outcomes.most_common())}")
    assert not wrong, f"seed {SEED}: {len(wrong)} differences in {len(names)} edits:\n" + "\n".join(wrong)
