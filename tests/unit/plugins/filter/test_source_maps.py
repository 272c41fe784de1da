# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What chooses among sources; that Postfix chooses by it, tests/integration/test_sources.py shows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter.source_maps import FilterModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.next_hops import _inline_results

pytestmark = pytest.mark.one_python

source_maps = FilterModule().filters()["source_maps"]
OUT1, OUT2 = {"address": "192.0.2.10", "weight": 6}, {"address": "192.0.2.11", "weight": 3}
BULK = {"address": "192.0.2.12", "weight": 0}
OLD = {"address": "192.0.2.9", "state": "draining"}
NEWS = {"@news.example": "bulk"}
FIRST = "inline:{{@news.example=bulk:}}"


@pytest.mark.parametrize(
    "sources, senders, value",
    [
        ({}, {}, ""),
        ({"old": OLD}, {}, ""),
        ({"bulk": BULK}, {}, ""),
        ({"out1": OUT1, "old": OLD}, None, "static:{out1:}"),
        ({"out1": OUT1, "out2": OUT2}, None, "randmap:{out1:, out1:, out2:}"),
        ({"bulk": BULK}, NEWS, FIRST),
        ({"out1": OUT1, "bulk": BULK}, NEWS, f"{FIRST}, pipemap:{{regexp:{{{{/^(@|<>)/ any}}}}, static:{{out1:}}}}"),
    ],
)
def test_the_value(sources: dict[str, Any], senders: dict[str, str], value: str) -> None:
    assert source_maps(sources, senders) == value


def test_a_file_takes_the_place_of_a_table_in_braces() -> None:
    value = source_maps({"out1": OUT1, "out2": OUT2, "bulk": BULK}, NEWS, pattern_file="/etc/postfix/any")
    assert value == f"{FIRST}, pipemap:{{regexp:/etc/postfix/any, randmap:{{out1:, out1:, out2:}}}}"


def test_findings_see_the_transports_in_it() -> None:
    value = source_maps({"out1": OUT1, "out2": OUT2, "bulk": BULK}, NEWS)
    assert set(_inline_results(value)) == {"out1:", "out2:", "bulk:"}


@pytest.mark.parametrize("path", ["any", "/a b", "/a}", "/$x", "/a,b", "/a\nb"])
def test_a_path_adds_nothing_else_to_the_value(path: str) -> None:
    with pytest.raises(AnsibleFilterError, match="pattern_file"):
        source_maps({"out1": OUT1}, {}, pattern_file=path)


@pytest.mark.parametrize(
    "senders", [{"news.example": "out1"}, {"@a, b": "out1"}, {"@a.example": "old"}, ["@a.example"]]
)
def test_what_are_no_senders_of_active_sources_is_refused(senders: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="senders"):
        source_maps({"out1": OUT1, "old": OLD}, senders)
