# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text that chooses among sources, and what is found where it names one that master.cf does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter.source_maps import source_maps
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Plan, Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    read_sources,
    source_findings,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, plan_of

pytestmark = pytest.mark.one_python

PARAMETER = "sender_dependent_default_transport_maps"
HOST = host_of("lo 127.0.0.1/8", *(f"eth0 192.0.2.{number}/24" for number in range(9, 13)))
MASTER = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nlmtp unix - - y - - lmtp\n"
SOURCES = {
    "out1": {"address": "192.0.2.10", "weight": 6},
    "out2": {"address": "192.0.2.11", "weight": 2},
    "old": {"address": "192.0.2.9", "state": "draining"},
    "bulk": {"address": "192.0.2.12", "weight": 0},
    "new": {"address": "203.0.113.9", "state": "planned"},
}
SENDERS = {"@news.example": "bulk", "boss@example.net": "out2"}
FIRST = "inline:{{@news.example=bulk:}, {boss@example.net=out2:}}"
TEXT = f"{FIRST}, pipemap:{{regexp:{{{{/^(@|<>)/ any}}}}, randmap:{{out1:, out1:, out1:, out2:}}}}"


def test_each_state_has_its_share() -> None:
    assert source_maps(SOURCES, SENDERS) == TEXT
    assert source_maps(SOURCES) == "randmap:{out1:, out1:, out1:, out2:}"
    assert source_maps({"bulk": SOURCES["bulk"], "out2": SOURCES["out2"]}) == "static:{out2:}"
    assert source_maps({"old": SOURCES["old"]}) == source_maps({}) == ""
    assert source_maps({"bulk": SOURCES["bulk"]}, {"@news.example": "bulk"}) == "inline:{{@news.example=bulk:}}"


def test_a_file_takes_the_place_of_a_table_in_braces() -> None:
    value = source_maps(SOURCES, SENDERS, pattern_file="/etc/postfix/any")
    assert value == f"{FIRST}, pipemap:{{regexp:/etc/postfix/any, randmap:{{out1:, out1:, out1:, out2:}}}}"


@pytest.mark.parametrize("path", ["any", "/a b", "/a}", "/$x", "/a,b", "/a\nb"])
def test_a_path_adds_nothing_else_to_the_value(path: str) -> None:
    with pytest.raises(AnsibleFilterError, match="pattern_file"):
        source_maps(SOURCES, SENDERS, pattern_file=path)


@pytest.mark.parametrize(
    "senders, words",
    [
        ({"@a.example": "old"}, "senders of @a.example: 'old' is not an active source"),
        ({"@a.example": "nobody"}, "Use out1, out2, bulk"),
        ({"a.example": "out1"}, "'a.example' is not a sender"),
        ({"@a=b": "out1"}, "'@a=b' is not a sender"),
        (["out1"], "is not a mapping"),
    ],
)
def test_what_is_refused(senders: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        source_maps(SOURCES, senders)
    assert words in str(caught.value)


def planned(sources: Mapping[str, Any], text: str) -> Plan:
    wanted = Wanted({"inet_protocols": "ipv4"}, sources=read_sources(sources))
    return plan_of(wanted, f"mynetworks = 127.0.0.0/8\n{PARAMETER} = {text}\n", MASTER, HOST)


def missing(plan: Plan) -> list[str]:
    """The transports that main.cf names and master.cf lacks, as far as that is found."""
    found = [each for each in plan.findings if each.code == "unknown_transport"]
    assert {(each.severity, each.parameter) for each in found} <= {("error", PARAMETER)}
    return [each.message.partition(" names the transport ")[2].partition(",")[0] for each in found]


def test_master_cf_has_all_that_the_text_names() -> None:
    plan = planned(SOURCES, TEXT)
    assert missing(plan) == []
    assert source_findings(read_sources(SOURCES), plan.after) == []


@pytest.mark.parametrize("state", ["planned", "retired", None])
@pytest.mark.parametrize("name", ["out1", "out2", "bulk"])
def test_a_text_that_names_a_source_which_is_not_there(name: str, state: str | None) -> None:
    """As it does where nobody has renewed it."""
    others = {key: value for key, value in SOURCES.items() if key != name}
    sources = others if state is None else {**others, name: {**SOURCES[name], "state": state}}
    assert missing(planned(sources, TEXT)) == [name]
    assert missing(planned(sources, source_maps(sources))) == []


def test_one_that_drains_still_has_its_transport() -> None:
    assert missing(planned({**SOURCES, "out1": {**SOURCES["out1"], "state": "draining"}}, TEXT)) == []
