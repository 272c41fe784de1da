# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PTR records to order."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter.ptr_records import FilterModule

pytestmark = pytest.mark.one_python

ptr_records = FilterModule().filters()["ptr_records"]
SOURCES = {
    "b": {"address": "192.0.2.100", "address6": "2001:DB8::10", "helo": "B.example.net."[:-1]},
    "a": {"address": "192.0.2.9", "helo": "a.example.net", "state": "planned"},
    "old": {"address": "192.0.2.1", "helo": "old.example.net", "state": "retired"},
}
A = {"address": "192.0.2.9", "name": "a.example.net", "reverse": "9.2.0.192.in-addr.arpa"}
B = {"address": "192.0.2.100", "name": "b.example.net", "reverse": "100.2.0.192.in-addr.arpa"}
B6 = {
    "address": "2001:db8::10",
    "name": "b.example.net",
    "reverse": "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
}


def test_the_sources_of_a_host() -> None:
    assert ptr_records(SOURCES) == [A, B, B6]
    assert ptr_records(SOURCES, states=["planned"]) == [A]
    assert ptr_records(SOURCES, states="retired")[0]["reverse"] == "1.2.0.192.in-addr.arpa"
    assert ptr_records({}) == []


def test_the_sources_of_many_hosts() -> None:
    hostvars = {
        "mx1": {"postfix_interfaces_sources": {"b": SOURCES["b"]}},
        "mx2": {
            "postfix_interfaces_sources": {"a": {"address": "192.0.2.9"}},
            "postfix_interfaces_sources_names": {"a": {"helo": "a.example.net"}},
        },
        "mx3": {"inventory_hostname": "mx3"},
        "other": {"postfix_interfaces_sources": 7},
    }
    assert ptr_records(hostvars, ["mx2", "mx1", "mx3"]) == [A, B, B6]
    assert ptr_records([hostvars["mx1"], hostvars["mx2"], hostvars["mx3"]]) == [A, B, B6]
    instances = {
        "postfix_interfaces_instances": [{"instance": "-"}, {"instance": "out", "sources": {"b": SOURCES["b"]}}]
    }
    assert ptr_records([{**instances, "postfix_interfaces_sources": {"a": SOURCES["a"]}}]) == [A, B, B6]
    gone = {"postfix_interfaces_instances": [{"instance": "out", "state": "absent", "sources": SOURCES}]}
    assert ptr_records([gone]) == []


def test_addresses_that_are_selected_on_the_host() -> None:
    variables = {
        "postfix_interfaces_sources": {"a": {"select": ["192.0.2.0/24"], "helo": "a.example.net"}},
        "ansible_facts": {"interfaces": ["eth0"], "eth0": {"ipv4": {"address": "192.0.2.9", "prefix": "24"}}},
    }
    assert ptr_records([variables]) == [A]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([7],), "_input[0]: '7' is not a mapping"),
        ((7,), "sources: '7' is not a mapping"),
        (({"mx1": {}}, ["mx2"]), "hosts: 'mx2' is not a host of the inventory"),
        (([], ["mx2"]), "is not a list of hosts beside hostvars"),
        (
            ({"mx1": {"postfix_interfaces_sources": 7}}, ["mx1"]),
            "mx1: postfix_interfaces_sources: '7' is not a mapping",
        ),
        (
            ({"mx1": {"postfix_interfaces_instances": 7}}, ["mx1"]),
            "mx1: postfix_interfaces_instances: '7' is not a list",
        ),
        ((SOURCES, None, ["gone"]), "states: 'gone' is not a state of a source"),
        ((SOURCES, None, 7), "states: '7' is not a state of a source"),
        (({"a": {"address": "192.0.2.9"}},), "helo of a: '' is not a name that a PTR record can have"),
        (({"a": {"address": "192.0.2.9", "helo": "[192.0.2.9]"}},), "is not a name that a PTR record can have"),
        (
            ({**SOURCES, "c": {"address": "192.0.2.9", "helo": "c.example.net"}},),
            "address: '192.0.2.9' greets as c.example.net (c) and as a.example.net (a)",
        ),
        (([{"postfix_interfaces_sources": {"a": {"select": ["global"], "helo": "a.example.net"}}}],), "ansible_facts"),
    ],
)
def test_input_that_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as refused:
        ptr_records(*arguments)
    assert message in str(refused.value)
