# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found in records that are written by hand, and which records are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import (
    CODES,
    check_address,
    refuse_unready,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import RESULTS, read_records

pytestmark = pytest.mark.one_python

A, B, SIX = "192.0.2.10", "192.0.2.11", "2001:db8::10"
NAME = "out1.example.net"


def spf(result: str, why: str = "matches -all", domain: str = "example.net") -> dict[str, Any]:
    return {domain: {"record": "v=spf1 -all", "results": {A: {"result": result, "why": why}}}}


GOOD = {"ptr": {A: [NAME], SIX: [NAME]}, "addresses": {NAME: [A, SIX]}, "spf": spf("pass")}
#: what the records say otherwise, and what is found: code, severity, and words of the message
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, str, str]]]] = {
    "all is well": ({}, []),
    "no PTR": ({"ptr": {A: []}}, [("no_ptr", "error", "has no PTR record")]),
    "PTR not asked": ({"ptr": {}}, []),
    "PTR names a host with another address": (
        {"ptr": {A: ["x.example.net"]}, "addresses": {"x.example.net": [B], NAME: [A]}},
        [("ptr_mismatch", "error", f"names x.example.net, which has {B}")],
    ),
    "PTR names a host without an address": (
        {"ptr": {A: ["x.example.net"]}, "addresses": {"x.example.net": []}},
        [("ptr_mismatch", "error", "which has no address")],
    ),
    "PTR names a host of which nothing is known": (
        {"ptr": {A: ["x.example.net"]}, "addresses": {NAME: [A]}},
        [("ptr_mismatch", "warning", f"and it greets as {NAME}")],
    ),
    "PTR names the HELO name, of which nothing is known": ({"addresses": {}}, []),
    "PTR names another host of this address": (
        {"ptr": {A: ["x.example.net"]}, "addresses": {"x.example.net": [A], NAME: [A]}},
        [("ptr_mismatch", "warning", f"and it greets as {NAME}")],
    ),
    "one of two PTR records is right": (
        {"ptr": {A: ["x.example.net", NAME]}, "addresses": {"x.example.net": [B], NAME: [A]}},
        [],
    ),
    "HELO does not resolve": (
        {"ptr": {}, "addresses": {NAME: []}},
        [("helo_does_not_resolve", "error", "has no address")],
    ),
    "HELO is elsewhere": (
        {"ptr": {}, "addresses": {NAME: [B]}},
        [("helo_mismatch", "warning", f"has {B}, and not {A}")],
    ),
    "HELO not asked": ({"ptr": {}, "addresses": {}}, []),
    "SPF fails": ({"spf": spf("fail")}, [("not_in_spf", "error", "SPF of example.net says fail")]),
    "SPF is wrong": ({"spf": spf("permerror", "too much")}, [("not_in_spf", "error", "(too much)")]),
    "SPF softly fails": ({"spf": spf("softfail")}, [("not_in_spf", "warning", "says softfail")]),
    "SPF is neutral": ({"spf": spf("neutral")}, [("not_in_spf", "warning", "says neutral")]),
    "there is no SPF": ({"spf": spf("none", "")}, [("not_in_spf", "warning", "says none")]),
    "SPF is not known": ({"spf": spf("temperror")}, []),
    "SPF not asked": ({"spf": {}}, []),
    "SPF of a domain that nobody has named": ({"spf": spf("fail", domain="other.example")}, []),
    "SPF of the HELO name fails": (
        {"spf": spf("fail", domain=NAME)},
        [("not_in_spf", "error", f"SPF of {NAME}, which out1 greets with, says fail")],
    ),
    "there is no SPF of the HELO name": ({"spf": spf("none", domain=NAME)}, []),
    "nothing at all": ({"ptr": {}, "addresses": {}, "spf": {}}, []),
}


def check_records(source: NamedSource, records: Mapping[str, Any], domains: Sequence[str]) -> list[Finding]:
    """What is wrong with the records of all addresses of a source, each once."""
    found = (each for address in source.addresses for each in check_address(source, address, records, domains))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("case", CASES)
def test_what_is_found(case: str) -> None:
    more, expected = CASES[case]
    source = NamedSource("out1", address=A, helo="OUT1.example.net.")
    found = check_records(source, read_records({**GOOD, **more}), ["Example.net"])
    assert [(each.code, each.severity) for each in found] == [(code, severity) for code, severity, _words in expected]
    for finding, (_code, _severity, words) in zip(found, expected, strict=True):
        assert words in finding.message
        assert (finding.message[-1], finding.remedy[-1]) != (".", ".")


@pytest.mark.parametrize("case", CASES)
def test_an_active_source_is_refused_for_all_that_is_found(case: str) -> None:
    more, expected = CASES[case]
    source = NamedSource("out1", address=A, helo=NAME)
    records = read_records({**GOOD, **more, "domains": ["example.net"]})
    for state in ("planned", "draining", "retired"):
        refuse_unready(source._replace(state=state), records)
    if not expected:
        refuse_unready(source, records)
        return
    with pytest.raises(InputError) as caught:
        refuse_unready(source, records)
    assert str(caught.value).startswith("state of the source out1: 'active' needs other records in DNS: ")
    assert all(words in str(caught.value) for _code, _severity, words in expected)
    assert str(caught.value).endswith("; let the state be planned until then.")


def test_what_a_refusal_does_not_look_at() -> None:
    """Addresses that only the own hosts see, or that are picked on the host, and domains that nobody has named."""
    refuse_unready(NamedSource("in", address="10.1.1.1"), read_records({"ptr": {"10.1.1.1": []}}))
    refuse_unready(NamedSource("out1", select=["global"]), read_records({"ptr": {A: []}}))
    refuse_unready(NamedSource("out1", address=A), read_records({"spf": spf("fail"), "domains": []}))


def test_each_code_is_found_in_a_case() -> None:
    assert {code for _more, expected in CASES.values() for code, _severity, _words in expected} == set(CODES)


def test_each_address_of_a_source_by_itself() -> None:
    source = NamedSource("out1", address=A, address6=SIX, helo=NAME)
    records = read_records({**GOOD, "ptr": {A: [NAME], "2001:DB8:0::10": []}, "addresses": {NAME: [A]}})
    found = check_records(source, records, [])
    assert [(each.code, SIX in each.message) for each in found] == [("no_ptr", True), ("helo_mismatch", True)]


def test_what_is_not_known_of_the_source() -> None:
    assert check_records(NamedSource("out1", select=["global"], helo=NAME), read_records(GOOD), ["example.net"]) == []
    no_name = NamedSource("out1", address=A)
    assert check_records(no_name, read_records({**GOOD, "ptr": {A: ["x.example.net"]}}), []) == []
    literal = NamedSource("out1", address=A, helo=f"[{A}]")
    assert check_records(literal, read_records(GOOD), []) == []


def test_nothing_is_an_error_within_a_site() -> None:
    found = check_records(NamedSource("in", address="10.1.1.1"), read_records({"ptr": {"10.1.1.1": []}}), [])
    assert [(each.code, each.severity) for each in found] == [("no_ptr", "warning")]


def test_records_as_they_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(
        json.dumps({"ptr": {"2001:DB8::0:10": ["Out1.Example.NET."]}, "spf": {"example.net": {"results": {A: "pass"}}}})
    )
    assert read_records(str(path)) == {
        "asked_at": None,
        "domains": ["example.net"],
        "ptr": {SIX: [NAME]},
        "addresses": {},
        "spf": {"example.net": {"record": None, "results": {A: {"result": "pass", "why": ""}}}},
        "errors": [],
    }
    for result in RESULTS:
        read_records({"spf": spf(result)})


@pytest.mark.parametrize(
    "value, message",
    [
        ("/nowhere/records.json", "mailfleet_records: '/nowhere/records.json' cannot be read: No such file"),
        ("/", "cannot be read: Is a directory"),
        ([], "is not a mapping"),
        (None, "is not a mapping"),
        ({"prt": {}}, "'prt' is not a key of records. Use asked_at, domains, ptr, addresses, spf, errors."),
        ({"asked_at": "yesterday"}, "asked_at: 'yesterday' is not a time"),
        ({"asked_at": "2026-11-29T22:30:00Z\nx"}, "is not a time"),
        ({"ptr": []}, "mailfleet_records: ptr: '[]' is not a mapping"),
        ({"ptr": {"out1": []}}, "'out1' is not an address"),
        ({"ptr": {"192.0.2.0/24": []}}, "is not an address"),
        ({"ptr": {A: NAME}}, f"ptr[{A}]: '{NAME}' is not a list"),
        ({"ptr": {A: ["a b"]}}, "'a b' is not a name in DNS"),
        ({"ptr": {A: ["a\nb"]}}, "is not a name in DNS"),
        ({"ptr": {A: [1]}}, "'1' is not a name in DNS"),
        ({"ptr": {SIX: [], "2001:db8:0::10": []}}, "is there twice, in two spellings"),
        ({"addresses": {NAME: ["x"]}}, f"addresses[{NAME}]: 'x' is not an address"),
        ({"addresses": {"": []}}, "'' is not a name in DNS"),
        ({"spf": {"example.net": "v=spf1"}}, "spf[example.net]: 'v=spf1' is not a mapping"),
        ({"spf": {"example.net": {"rekord": ""}}}, "is not a key of a domain"),
        ({"spf": {"example.net": {"record": "a\nb"}}}, "is not one line of text"),
        ({"spf": {"example.net": {"results": {A: "ok"}}}}, "'ok' is not a result of SPF"),
        ({"spf": {"example.net": {"results": {A: {"result": "pass", "who": 1}}}}}, "is not a key of a result"),
        ({"spf": {"example.net": {"results": {A: {"result": "pass", "why": "a\nb"}}}}}, "is not one line of text"),
        ({"errors": "none"}, "errors: 'none' is not a list"),
        ({"domains": "example.net"}, "domains: 'example.net' is not a list"),
    ],
)
def test_records_that_are_refused(value: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_records(value)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'"text"'])
def test_files_that_are_no_records(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not JSON|is not a mapping"):
        read_records(str(path))
