# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view, in_words
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    outlook_of,
    outlook_of_texts,
)

HOST = host_of("127.0.0.1/8", "10.77.0.1/24")
KEYS = ["own_addresses", "listeners", "source_addresses", "mynetworks", "error"]


def view(values: dict, services: Any = STOCK_SERVICES, host: Host = HOST, **more: Any) -> dict:
    answer = effective_view(outlook_of(values, services, host, **more))
    assert json.loads(json.dumps(answer)) == answer
    assert list(answer) == KEYS
    return answer


def test_view() -> None:
    answer = view({"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4"})
    assert answer["own_addresses"] == ["10.77.0.1"]
    assert answer["listeners"] == [
        {
            "service": "smtp",
            "type": "inet",
            "address": "10.77.0.1",
            "port": 25,
            "family": "ipv4",
            "origin": "inet_interfaces",
        }
    ]
    assert [source["transport"] for source in answer["source_addresses"]] == ["smtp/unix", "relay/unix", "lmtp/unix"]
    assert answer["mynetworks"] == ["10.77.0.0/24"]
    assert answer["error"] is None


def test_explicit_mynetworks() -> None:
    assert view({"mynetworks": "127.0.0.0/8"})["mynetworks"] is None


@pytest.mark.parametrize(
    "values, services, known, words",
    [
        ({"inet_interfaces": "10.77.0.9"}, STOCK_SERVICES, [], "10.77.0.9"),
        ({"inet_interfaces": "nosuch"}, STOCK_SERVICES, [], "DNS"),
        ({"inet_interfaces": "$"}, STOCK_SERVICES, [], "without a name"),
        ({"mynetworks_style": "x"}, STOCK_SERVICES, [], "not a style"),
        ({"myhostname": "mx.test # the outside"}, STOCK_SERVICES, [], "looks like a comment"),
        (
            {"inet_interfaces": ""},
            STOCK_SERVICES,
            ["own_addresses", "mynetworks", "source_addresses"],
            "no address at all",
        ),
        (
            {},
            MasterCfEditor("10.77.0.9:25 inet n - n - - smtpd\n").services(),
            ["own_addresses", "mynetworks", "source_addresses"],
            "10.77.0.9:25/inet",
        ),
    ],
)
def test_what_postfix_dies_of(values: dict, services: Any, known: list, words: str) -> None:
    answer = view(values, services)
    assert words in answer.pop("error")
    assert {name for name, value in answer.items() if value is not None} == set(known)


def test_absent_addresses_can_be_allowed() -> None:
    answer = view({"inet_interfaces": "10.77.0.9"}, allow_absent=True)
    assert answer["own_addresses"] == ["10.77.0.9"]
    assert answer["error"] is None


def test_host_name_comes_from_the_host() -> None:
    host = Host(HOST.addresses, hostname="mx1.example.org")
    settings, names = {"inet_interfaces": "$myhostname"}, {"mx1.example.org": "10.77.0.1"}
    answer = effective_view(outlook_of(settings, STOCK_SERVICES, host, names=names))
    assert answer["own_addresses"] == ["10.77.0.1"]


def test_a_view_in_words_is_one_fact_a_line() -> None:
    settings = {
        "inet_interfaces": "10.77.0.1",
        "inet_protocols": "ipv4",
        "smtp_bind_address": "10.77.0.1",
        "smtp_bind_address_enforce": "yes",
        "lmtp_bind_address": "mx",
    }
    services = MasterCfEditor(
        "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\n"
        "b unix - - n - - smtp -o smtp_bind_address=0.0.0.0\n"
    ).services()
    assert in_words(view(settings, services)) == (
        "own address 10.77.0.1\n"
        "listener 10.77.0.1:25 of smtp/inet, by inet_interfaces\n"
        "source address of smtp/unix by ipv4: 10.77.0.1, by smtp_bind_address, enforced\n"
        "source address of smtp/unix by ipv6: the family is not used\n"
        "source address of lmtp/unix by ipv4: no mail leaves, lmtp_bind_address is not a numeric address: mx; "
        "the client dies of it\n"
        "source address of lmtp/unix by ipv6: the family is not used\n"
        "source address of b/unix by ipv4: chosen by the kernel\n"
        "source address of b/unix by ipv6: the family is not used\n"
        "default mynetworks 10.77.0.0/24\n"
    )
    error = in_words(view({"inet_interfaces": "10.77.0.9"}))
    assert error.startswith("Postfix does not run by these files: inet_interfaces: '10.77.0.9' is on no interface")


def test_what_is_wrong_with_a_file_as_a_whole_comes_first() -> None:
    answer = effective_view(outlook_of_texts("stray\n", "", HOST))
    assert "is not a setting" in answer["error"]
    assert answer["own_addresses"] is None
