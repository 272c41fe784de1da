# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real name server is asked, and what is made of its answers, its failures and its silence."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone

import pytest

pytest.importorskip("dns")
pytest.importorskip("spf")

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.ask import Question, ask, resolver_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import read_records
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.dns_server import serving

pytestmark = pytest.mark.one_python

NOW = datetime(2026, 11, 29, 22, 30, tzinfo=timezone.utc)
SIX = "2001:db8::10"
REVERSE6 = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
FILLER = " ".join(f'"ip4:198.51.100.{number} "' for number in range(40))
ZONE = {
    "10.2.0.192.in-addr.arpa": {"PTR": ["Out1.Example.net."]},
    "11.2.0.192.in-addr.arpa": {"PTR": ["b.example.net.", "a.example.net."]},
    REVERSE6: {"PTR": ["out1.example.net."]},
    "out1.example.net": {"A": ["192.0.2.10"], "AAAA": [SIX]},
    "a.example.net": {"CNAME": ["out1.example.net."]},
    "example.net": {"TXT": ['"unrelated"', '"v=spf1 ip4:192.0.2.10 " "ip6:2001:db8::/64 -all"'], "MX": ["10 mx."]},
    "two.example.net": {"TXT": ['"v=spf1 -all"', '"v=spf1 +all"']},
    "odd.example.net": {"TXT": ['"v=spf1 \\007\\010\\195 -all"']},
    "exp.example.net": {"TXT": ['"v=spf1 -all exp=why.example.net"']},
    "why.example.net": {"TXT": ['"two\\010lines, and they are not ours"']},
    "long.example.net": {"TXT": [f'"v=spf1 " {FILLER} "ip4:192.0.2.10 -all"']},
}
QUESTIONS = [
    Question("192.0.2.11", None),
    Question("192.0.2.10", "OUT1.example.net."),
    Question(SIX, "out1.example.net"),
]


def test_all_that_a_name_server_says() -> None:
    with serving(ZONE) as server:
        found = ask(
            [*QUESTIONS, *QUESTIONS], ["example.net", "EXAMPLE.net.", "none.example.net"], server.resolver(), NOW
        )
    nothing = {"result": "none", "why": "has no SPF record"}
    assert found == {
        "asked_at": "2026-11-29T22:30:00Z",
        "domains": ["example.net", "none.example.net"],
        "ptr": {
            "192.0.2.10": ["out1.example.net"],
            "192.0.2.11": ["a.example.net", "b.example.net"],
            SIX: ["out1.example.net"],
        },
        "addresses": {
            "a.example.net": ["192.0.2.10", SIX],
            "b.example.net": [],
            "out1.example.net": ["192.0.2.10", SIX],
        },
        "spf": {
            "example.net": {
                "record": "v=spf1 ip4:192.0.2.10 ip6:2001:db8::/64 -all",
                "results": {
                    "192.0.2.10": {"result": "pass", "why": "matches ip4:192.0.2.10"},
                    "192.0.2.11": {"result": "fail", "why": "matches -all"},
                    SIX: {"result": "pass", "why": "matches ip6:2001:db8::/64"},
                },
            },
            "none.example.net": {
                "record": None,
                "results": dict.fromkeys(("192.0.2.10", "192.0.2.11", SIX), nothing),
            },
            "out1.example.net": {"record": None, "results": dict.fromkeys(("192.0.2.10", SIX), nothing)},
        },
        "errors": [],
    }
    assert set(server.asked.values()) == {1}, "each question is asked once"
    assert read_records(json.loads(json.dumps(found))) == found
    assert list(found["ptr"]) == ["192.0.2.10", "192.0.2.11", SIX]


def test_failures_and_silence_are_errors_in_the_answer() -> None:
    failing = ["10.2.0.192.in-addr.arpa", "example.net"]
    with serving(ZONE, servfail=failing, silent=["11.2.0.192.in-addr.arpa", "out1.example.net"]) as server:
        found = ask(QUESTIONS, ["example.net", "two.example.net"], server.resolver(), NOW)
    assert found["ptr"] == {SIX: ["out1.example.net"]}
    assert found["addresses"] == {}
    assert list(found["spf"]) == ["two.example.net"]
    assert {each["result"] for each in found["spf"]["two.example.net"]["results"].values()} == {"permerror"}
    assert found["errors"] == [
        "10.2.0.192.in-addr.arpa (PTR): SERVFAIL",
        "11.2.0.192.in-addr.arpa (PTR): no answer",
        "example.net (TXT): SERVFAIL",
        "out1.example.net (A): no answer",
        "out1.example.net (AAAA): no answer",
        "out1.example.net (TXT): no answer",
    ]


def test_nobody_there() -> None:
    found = ask(QUESTIONS[:1], ["example.net"], resolver_of(["127.0.0.1:1"], 0.4), NOW)
    assert (found["ptr"], found["spf"]) == ({}, {})
    assert [error.partition(":")[0] for error in found["errors"]] == [
        "11.2.0.192.in-addr.arpa (PTR)",
        "example.net (TXT)",
    ]


def test_many_questions_where_nobody_answers() -> None:
    """As long as nobody has answered anything, not each question has to wait."""
    names = [f"n{number}.example.net" for number in range(200)]
    with serving({}, silent=names) as server:
        found = ask([], names, server.resolver(), NOW)
        assert 16 <= len(server.asked) <= 48
    assert len(found["errors"]) == 200
    assert {error.partition(": ")[2] for error in found["errors"]} == {
        "no answer",
        "not asked, as no name server answers",
    }
    with serving({"n0.example.net": {}}, silent=names[1:40]) as server:
        found = ask([], names[:60], server.resolver(), NOW)
    assert [error.partition(": ")[2] for error in found["errors"]] == ["no answer"] * 39


def test_what_a_record_says_stays_in_its_line() -> None:
    with serving(ZONE) as server:
        found = ask(QUESTIONS[1:2], ["odd.example.net", "exp.example.net"], server.resolver(), NOW)
    assert found["spf"]["odd.example.net"]["record"] == "v=spf1 \\x07\\x0a\\xc3 -all"
    assert found["spf"]["odd.example.net"]["results"]["192.0.2.10"]["result"] == "permerror"
    assert found["spf"]["exp.example.net"]["results"]["192.0.2.10"] == {"result": "fail", "why": "matches -all"}
    assert read_records(found) == found


def test_an_answer_that_is_too_long_for_udp() -> None:
    with serving(ZONE) as server:
        found = ask(QUESTIONS[1:2], ["long.example.net"], server.resolver(), NOW)
    assert server.over_tcp == 1
    assert found["spf"]["long.example.net"]["results"]["192.0.2.10"]["result"] == "pass"


def test_name_servers_as_an_operator_names_them() -> None:
    with serving(ZONE) as server:
        found = ask(QUESTIONS[1:2], [], resolver_of([f"127.0.0.1:{server.port}"], 5), NOW)
    assert found["ptr"] == {"192.0.2.10": ["out1.example.net"]}
    for good in ("192.0.2.53", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353", "192.0.2.53:5353"):
        assert len(resolver_of([good], 5).nameservers) == 1
    for bad in (
        "",
        "ns.example.net",
        "192.0.2.53:",
        "192.0.2.53:0",
        "192.0.2.53:65536",
        "[2001:db8::53]x",
        "1:2:3",
        "[::1",
    ):
        with pytest.raises(InputError, match="is not the address of a name server"):
            resolver_of([bad], 5)
    with pytest.raises(InputError, match="is not a time to wait"):
        resolver_of([], 0)


@pytest.mark.parametrize("package", ["dns", "spf"])
def test_without_the_packages(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    resolver = resolver_of(["127.0.0.1"], 1)
    for name in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    pip = {"dns": "dnspython", "spf": "pyspf"}[package]
    with pytest.raises(InputError, match=f"'{pip}' cannot be imported .*-m pip install {pip}"):
        ask([], [], resolver) if package == "spf" else resolver_of([], 1)
