# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.member import Member
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.run import Run
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.outcome import diff_of, result_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import read_sources
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    BOOKWORM,
    ConfigDir,
    host_of,
    instance_of,
)

HOST = host_of("lo 127.0.0.1/8", *("eth0 10.9.%d.%d/16" % divmod(number, 250) for number in range(1, 302)))
MASTER = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nlmtp unix - - y - - lmtp\n"


def sources(count: int, **others: Any) -> Dict[str, Any]:
    made = {
        "out%d" % number: {"address": "10.9.%d.%d" % divmod(number, 250), "helo": "out%d.example.net" % number}
        for number in range(1, count + 1)
    }
    return {**made, **others}


class Host(ConfigDir):
    """A configuration directory that sources are asked for in check mode, or written to."""

    def asked(self, mapping: Dict[str, Any], write: bool = False) -> Dict[str, List[str]]:
        """The lines of each part of the difference that are added or removed."""
        instance = instance_of(str(self.config))
        run = Run(instance, 60, str(self.state))
        around = Surroundings(HOST, BOOKWORM, lambda name: [])
        edit = Edit(instance, Wanted({}, sources=read_sources(mapping)), run.transactions, around)
        edit.around = around  # nothing is queued
        member = Member(run, edit)
        member.plan(check_mode=True)
        if write and member.edited:
            self.write(member.edited.plan.main, member.edited.plan.master)
        parts = diff_of(member, result_of(member, apply=False, report_unlisted=False))
        return {each["after_header"]: changes(each) for each in parts}


def changes(part: Dict[str, str]) -> List[str]:
    lines = difflib.unified_diff(part["before"].splitlines(), part["after"].splitlines(), lineterm="", n=0)
    return [line for line in lines if line[:2] not in ("--", "++", "@@")]


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    return Host(tmp_path, "mynetworks = 127.0.0.0/8\n", MASTER)


def test_a_source_is_one_line_of_the_difference_however_many_there_are(host: Host) -> None:
    added = host.asked(sources(300), write=True)["sources"]
    assert len(added) == 300
    assert added[0] == "+out1: sends from 10.9.0.1, greets as out1.example.net"
    moved = {"out7": {"address": "10.9.1.51", "helo": "new.example.net"}}
    assert host.asked(sources(300, **moved))["sources"] == [
        "-out7: sends from 10.9.0.7, greets as out7.example.net",
        "+out7: sends from 10.9.1.51, greets as new.example.net",
    ]


def test_each_state_of_a_source_in_the_difference(host: Host) -> None:
    host.asked(sources(3), write=True)
    line = "out2: sends from 10.9.0.2, greets as out2.example.net"
    entry = sources(2)["out2"]
    assert host.asked(sources(3, out2={**entry, "state": "retired"}))["sources"] == [f"-{line}"]
    host.write("mynetworks = 127.0.0.0/8\n", MASTER)
    assert host.asked({"out2": {**entry, "state": "draining"}})["sources"] == [f"+{line}"]


def test_what_does_not_change_is_no_part_of_the_difference(host: Host) -> None:
    host.asked(sources(3), write=True)
    assert host.asked(sources(3)) == {}
    assert host.asked(sources(3, new={"address": "10.9.1.51", "state": "planned"})) == {}
    unrelated = host.asked(sources(3, out4={"address": "10.9.0.4"}))
    assert unrelated["sources"] == ["+out4: sends from 10.9.0.4"]
