# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters as a playbook calls them: arguments, answers and errors. What is right is tested where the rules are."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.postfix.plugins.filter import (
    findings,
    fleet_source_addresses,
    listeners,
    own_addresses,
    select_addresses,
    source_addresses,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.tests.conformance.reader import Case, cases
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

ADDRESSES = ["127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64"]
FILES = (own_addresses, listeners, source_addresses, select_addresses, findings, fleet_source_addresses)
FILTERS = {name: function for file in FILES for name, function in file.FilterModule().filters().items()}
ABOUT_SETTINGS = [name for name in FILTERS if name not in ("select_addresses", "fleet_source_addresses")]


def call(name: str, *arguments: Any, **options: Any) -> Any:
    answer = FILTERS[name](*arguments, **options)
    assert json.loads(json.dumps(answer)) == answer
    return answer


def test_each_file_has_the_filter_that_it_is_named_after() -> None:
    assert list(FILTERS) == [file.__name__.rpartition(".")[2] for file in FILES]


def test_own_addresses() -> None:
    assert call("own_addresses", {"inet_interfaces": ["FD77:0::1", "10.77.0.2"]}, ADDRESSES) == ["10.77.0.2", "fd77::1"]
    assert call("own_addresses", {}, ADDRESSES) == ["127.0.0.1", "10.77.0.1", "10.77.0.2", "::1", "fd77::1"]


def test_version() -> None:
    settings = {"inet_interfaces": ["127.0.0.1", "10.77.0.2"]}
    assert call("own_addresses", settings, ADDRESSES, version="3.7.11") == ["127.0.0.1", "10.77.0.2"]
    assert call("own_addresses", settings, ADDRESSES, version="9.0") == ["10.77.0.2", "127.0.0.1"]


def test_resolve() -> None:
    settings = {"inet_interfaces": "$myhostname", "myhostname": "mx.example.org"}
    assert call("own_addresses", settings, ADDRESSES, resolve={"mx.example.org": ["10.77.0.1"]}) == ["10.77.0.1"]
    with pytest.raises(AnsibleFilterError, match="'mx.example.org' .*DNS is not asked"):
        call("own_addresses", settings, ADDRESSES)


def test_facts() -> None:
    facts = {
        "interfaces": ["lo", "eth0"],
        "nodename": "mx",
        "lo": {"ipv4": {"address": "127.0.0.1", "prefix": "8"}},
        "eth0": {"ipv4": {"address": "10.77.0.1", "prefix": "24"}, "ipv6": [{"address": "fd77::1", "prefix": "64"}]},
    }
    assert call("own_addresses", {}, facts) == ["127.0.0.1", "10.77.0.1", "fd77::1"]
    assert call("select_addresses", facts, ["interface:eth0"], family="ipv6") == ["fd77::1"]
    settings = {"inet_interfaces": "$myhostname"}
    assert call("own_addresses", settings, facts, resolve={"mx.localdomain": "10.77.0.1"}) == ["10.77.0.1"]


def test_listeners() -> None:
    assert call("listeners", {"inet_protocols": "ipv4"}, ADDRESSES) == [
        {
            "service": "smtp",
            "type": "inet",
            "address": "0.0.0.0",
            "port": 25,
            "family": "ipv4",
            "origin": "inet_interfaces",
        }
    ]


def test_source_addresses() -> None:
    free = {"address": None, "origin": "kernel", "enforced": False, "failure": None}
    bound = {"address": "10.77.0.1", "origin": "smtp_bind_address", "enforced": True, "failure": None}
    settings = {"smtp_bind_address": "10.77.0.1", "smtp_bind_address_enforce": True}
    assert call("source_addresses", settings, ADDRESSES) == [
        {"transport": "smtp/unix", "program": "smtp", "ipv4": bound, "ipv6": free},
        {"transport": "relay/unix", "program": "smtp", "ipv4": bound, "ipv6": free},
        {"transport": "lmtp/unix", "program": "lmtp", "ipv4": free, "ipv6": free},
    ]


def test_select_addresses() -> None:
    assert call("select_addresses", ADDRESSES, "10.0.0.0/8") == ["10.77.0.1", "10.77.0.2"]
    assert call("select_addresses", ADDRESSES, ["192.0.2.0/24"], missing_ok=True) == []
    with pytest.raises(AnsibleFilterError, match="selectors: '192.0.2.0/24' matches no usable address"):
        call("select_addresses", ADDRESSES, ["192.0.2.0/24"])


def test_findings() -> None:
    answer = call("findings", {"smtp_bind_address": "fd77::1"}, ADDRESSES)
    assert [sorted(one) for one in answer] == [["code", "message", "parameter", "remedy", "severity"]]
    assert call("findings", {}, ADDRESSES) == []


def place(services: Any, **settings: Any) -> list:
    answer = call("listeners", {"inet_protocols": "ipv4", **settings}, ADDRESSES, services=services)
    return [(one["service"], one["address"], one["port"]) for one in answer]


@pytest.mark.parametrize(
    "services, expected",
    [
        ([], []),
        ("", []),
        ("# nothing\n", []),
        ("smtp inet n - n - - smtpd\n10.77.0.1:587 inet n - n - - smtpd\n", [("smtp", 25), ("10.77.0.1:587", 587)]),
        ([{"name": "smtp"}, {"name": "10.77.0.1:587", "type": "inet"}], [("smtp", 25), ("10.77.0.1:587", 587)]),
        ([{"name": 2525}], [("2525", 2525)]),
        ([{"name": "smtp", "state": "absent"}, {"name": "urd", "state": "disabled"}, {"name": "26"}], [("26", 26)]),
        ([{"name": "smtp"}, {"name": "25", "command": "postscreen"}], [("25", 25)]),
        ([{"name": "urd", "private": "n", "chroot": "y", "process_limit": 1}], [("urd", 465)]),
        ([{"name": "mail", "private": None, "options": None}], [("mail", 25)]),
    ],
)
def test_services(services: Any, expected: list) -> None:
    assert [(service, port) for service, _address, port in place(services)] == expected


def test_services_that_send() -> None:
    services = [
        {"name": "smtp", "type": "unix"},
        {"name": "lmtp", "type": "unix"},
        {"name": "pickup", "type": "unix"},
        {"name": "bulk", "type": "unix", "command": "smtp -v", "options": {"smtp_bind_address": "10.77.0.2"}},
        {"name": "b", "type": "unix", "command": "smtp", "options": {"x": "y"}, "unset_options": ["x"]},
        {"name": "c", "type": "unix", "command": "smtp", "options": {"smtp_bind_address_enforce": True}},
    ]
    answer = call("source_addresses", {"smtp_bind_address": "10.77.0.1"}, ADDRESSES, services=services)
    assert [(one["transport"], one["ipv4"]["address"], one["ipv4"]["enforced"]) for one in answer] == [
        ("smtp/unix", "10.77.0.1", False),
        ("lmtp/unix", None, False),
        ("bulk/unix", "10.77.0.2", False),
        ("b/unix", "10.77.0.1", False),
        ("c/unix", "10.77.0.1", True),
    ]


@pytest.mark.parametrize(
    "services, words",
    [
        ({"name": "smtp"}, "neither a list of services"),
        (5, "neither a list of services"),
        (["smtp"], "is not a mapping"),
        ([{"type": "inet"}], "has no name"),
        ([{"name": ""}], "has no name"),
        ([{"name": "smtp", "typ": "inet"}], "'typ' is not a key of a service"),
        ([{"name": "smtp", "state": "gone"}], "'gone' is not a state"),
        ([{"name": "smtp", "options": ["a=b"]}], "not a mapping of options"),
        ([{"name": "smtp", "options": {"a": {"b": "c"}}}], "a: .* is a dict"),
        ([{"name": "smtp", "private": "y"}], "is private"),
        ([{"name": "smtp", "type": "tcp"}], "has the type 'tcp'"),
        ([{"name": ["smtp", "x"]}], "smtp, x"),
        ("smtp inet n - n\n", "services: 'smtp ...' ends before the field wakeup"),
        ("smtp inet n - n - - smtpd -o { a = b\n", "missing '}'"),
        ("smtp inet - - n - - smtpd\n", "is private"),
    ],
)
def test_bad_services(services: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        place(services)


@pytest.mark.parametrize("unset", [5, True, {"a": 1}, b"smtp_bind_address"])
def test_bad_unset_options(unset: Any) -> None:
    service = {"name": "x", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": "10.77.0.1"}}
    with pytest.raises(AnsibleFilterError, match="services: .* is not a list of options to unset"):
        call("source_addresses", {}, ADDRESSES, services=[{**service, "unset_options": unset}])


def test_unset_options_as_text_are_names_and_not_a_part_of_one() -> None:
    service = {"name": "x", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": "10.77.0.1"}}
    for unset, expected in (("smtp_bind_address_enforce", "10.77.0.1"), ("a, smtp_bind_address", None)):
        [answer] = call("source_addresses", {}, ADDRESSES, services=[{**service, "unset_options": unset}])
        assert answer["ipv4"]["address"] == expected


@pytest.mark.parametrize("option", ["-o smtp_bind_address =10.77.0.2", "-o smtp_bind_address", "-o"])
def test_broken_options_only_break_their_service(option: str) -> None:
    text = f"smtp unix - - n - - smtp {option}\nrelay unix - - n - - smtp\n25 inet n - n - - smtpd\n"
    answer = call("source_addresses", {}, ADDRESSES, services=text)
    assert [bool(one["ipv4"]["failure"]) for one in answer] == [True, False]
    assert [port for _service, _address, port in place(text)] == [25]


@pytest.mark.parametrize("name", ABOUT_SETTINGS)
@pytest.mark.parametrize(
    "settings, addresses, options, words",
    [
        (None, ADDRESSES, {}, "settings: 'None' is not a mapping"),
        ("inet_interfaces=all", ADDRESSES, {}, "settings: .* is not a mapping"),
        ([], ADDRESSES, {}, "is not a mapping"),
        ({"inet_interfaces": None}, ADDRESSES, {}, "inet_interfaces: 'None' is null"),
        ({"inet_interfaces": {"a": 1}}, ADDRESSES, {}, "is a dict"),
        ({"anything": [[{}]]}, ADDRESSES, {}, "anything: .* is a dict"),
        ({"anything": "a\nb"}, ADDRESSES, {}, "line break"),
        ({}, "10.77.0.1", {}, "addresses: '10.77.0.1' is neither a list"),
        ({}, None, {}, "addresses: 'None' is neither a list"),
        ({}, ["eth0"], {}, "'eth0' is not an address"),
        ({}, {"distribution": "Debian"}, {}, "without network facts"),
        ({}, ADDRESSES, {"version": 3.1}, "version: '3.1' is not text, and 3.10 would be 3.1"),
        ({}, ADDRESSES, {"version": "new"}, "'new' is not a version"),
        ({}, ADDRESSES, {"resolve": "mx"}, "resolve: 'mx' is not a mapping"),
        ({}, ADDRESSES, {"resolve": {"mx": "my"}}, "resolve: 'my' is not an address of mx"),
        ({}, ADDRESSES, {"services": 5}, "services: '5' is neither a list"),
    ],
)
def test_wrong_types(name: str, settings: Any, addresses: Any, options: dict, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        call(name, settings, addresses, **options)


@pytest.mark.parametrize(
    "arguments, options, words",
    [
        (("10.77.0.1", ["loopback"]), {}, "addresses: '10.77.0.1' is neither a list"),
        ((ADDRESSES, None), {}, "selectors: 'None' is not a list"),
        ((ADDRESSES, {"a": 1}), {}, "selectors: .* is not a list"),
        ((ADDRESSES, [5]), {}, "selectors: '5' is not a selector"),
        ((ADDRESSES, ["eth0"]), {}, "'eth0' is not a selector"),
        ((ADDRESSES, ["loopback"]), {"family": "inet"}, "family: 'inet' is not an address family"),
        ((ADDRESSES, ["interface:eth0"]), {}, "without their interfaces"),
        ((ADDRESSES, ["loopback"]), {"family": 4}, "family: '4' is not an address family"),
        ((ADDRESSES, ["loopback"]), {"family": True}, "family: 'True' is not an address family"),
    ],
)
def test_wrong_types_of_select_addresses(arguments: tuple, options: dict, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        call("select_addresses", *arguments, **options)


@pytest.mark.parametrize("name", ["own_addresses", "listeners", "source_addresses"])
def test_errors_name_parameter_value_reason_and_remedy(name: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        call(name, {"inet_interfaces": "10.77.0.0/24"}, ADDRESSES)
    expected = "inet_interfaces: '10.77.0.0/24' is a network, but Postfix takes single addresses. List single addresses"
    assert expected in str(caught.value)


def test_a_number_that_python_does_not_write_is_an_error_like_any_other() -> None:
    huge = 10**5000  # what a template can compute, and str() refuses
    for name in ABOUT_SETTINGS:
        for arguments, options, words in (
            ((huge, ADDRESSES), {}, "settings: '<int>' is not a mapping"),
            (({"anything": huge}, ADDRESSES), {}, "anything: '<int>' is a number that"),
            (({}, [huge]), {}, "addresses: '<int>' is not an address"),
            (({}, ADDRESSES), {"services": [{"name": "x", "options": huge}]}, "services: '<int>' is not a mapping"),
            (({}, ADDRESSES), {"resolve": {"mx": huge}}, "resolve: '<int>' is not an address of mx"),
        ):
            with pytest.raises(AnsibleFilterError, match=words):
                call(name, *arguments, **options)
    with pytest.raises(AnsibleFilterError, match="selectors: '<int>' is not a selector"):
        call("select_addresses", ADDRESSES, [huge])


HOSTILE = ["\0", "\ud800", "é" * 100, "{{ x }}", "%s", "$" * 1000, "[" * 1000, "1" * 5000, "a" * 300 + ".b", "::" * 500]


@pytest.mark.parametrize("name", ABOUT_SETTINGS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(
    "parameter", ["inet_interfaces", "inet_protocols", "smtp_bind_address", "master_service_disable"]
)
def test_hostile_text_is_an_error_or_an_answer(name: str, text: str, parameter: str) -> None:
    for arguments, options in (
        (({parameter: text}, ADDRESSES), {}),
        (({}, [text]), {}),
        (({}, ADDRESSES), {"services": text}),
        (({}, ADDRESSES), {"services": [{"name": text}]}),
        (({}, ADDRESSES), {"services": [{"name": "x", "type": "unix", "command": text}]}),
        (({text: "x"}, ADDRESSES), {}),
        (({}, ADDRESSES), {"version": text}),
        (({}, ADDRESSES), {"resolve": {text: text}}),
    ):
        try:
            assert isinstance(FILTERS[name](*arguments, **options), list)
        except AnsibleFilterError as error:
            assert len(str(error)) < 20000  # noqa: PT017


@pytest.mark.duration
@pytest.mark.parametrize("name", ABOUT_SETTINGS)
def test_huge_input_is_answered_quickly(name: str) -> None:
    many = [f"10.{n >> 8}.{n & 255}.1/24" for n in range(10000)]

    def answered() -> None:
        call(name, {"inet_interfaces": [text[:-3] for text in many], "mynetworks": "x"}, many)
        for value in ("::1 " * 250000, "a" * 1000000, "$a" * 500000, "a, " * 333333):
            with contextlib.suppress(AnsibleFilterError):
                call(name, {"inet_interfaces": value, "mynetworks": "x"}, ADDRESSES)

    within(5, answered)


@pytest.mark.parametrize("case", cases("own_addresses") + cases("endpoints"), ids=lambda case: case.id)
def test_listeners_agree_with_postfix(case: Case) -> None:
    main = MainCf(case.main)
    if any(problem.severity == "error" for problem in main.problems()):
        assert case.observed["dies"]  # such a line never becomes a setting
        return
    for version in case.versions:
        options = {"services": case.master, "version": version, "resolve": case.names}
        arguments = ({"myhostname": "host.lab.test", **main.values()}, case.addresses)
        if "dies" in case.observed:
            with pytest.raises(AnsibleFilterError):
                call("listeners", *arguments, **options)
        else:
            found = call("listeners", *arguments, **options)
            places = [f"[{one['address']}]:{one['port']}".replace("[", "", ":" not in one["address"]) for one in found]
            shown = [text if text.startswith("[") else text.replace("]", "") for text in places]
            assert sorted(shown) == sorted(case.observed["sockets"])


@pytest.mark.parametrize("case", cases("sources"), ids=lambda case: case.id)
def test_source_addresses_agree_with_postfix(case: Case) -> None:
    stock = "smtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\n"
    for version in case.versions:
        options = {"services": stock + case.master, "version": version, "resolve": case.names}
        answer = call("source_addresses", MainCf(case.main).values(), case.addresses, **options)
        found = {one["transport"]: one for one in answer}
        for observed in case.observed["sources"]:
            source = found[f"{observed['transport']}/unix"]["ipv6" if ":" in observed["to"] else "ipv4"]
            assert (observed["from"] is None) == (source is None or source["failure"] is not None)
            if source and source["address"]:
                assert source["address"] == observed["from"]


def test_stock_services_are_those_of_the_text() -> None:
    text = (
        "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\n"
        "relay unix - - y - - smtp -o syslog_name=postfix/$service_name\nlmtp unix - - y - - lmtp\n"
    )
    assert len(MasterCfEditor(text).services()) == 4
    for name in ("listeners", "source_addresses", "findings"):
        assert call(name, {}, ADDRESSES) == call(name, {}, ADDRESSES, services=text)
