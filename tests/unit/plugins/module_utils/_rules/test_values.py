# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST, PARAMETERS
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.values import equivalent, text_of, validate
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("inet_interfaces", "all", "all"),
        ("inet_interfaces", ["loopback-only"], "loopback-only"),
        ("inet_interfaces", ["127.0.0.1", "[::1]"], "127.0.0.1, [::1]"),
        ("inet_interfaces", " 127.0.0.1\t10.77.0.1 ", "127.0.0.1\t10.77.0.1"),
        ("inet_interfaces", "", ""),
        ("inet_interfaces", [], ""),
        ("inet_interfaces", ["$myhostname", "localhost"], "$myhostname, localhost"),
        ("inet_interfaces", "${my_ip?{$my_ip}:{all}}", "${my_ip?{$my_ip}:{all}}"),
        ("inet_interfaces", "fe80::1%eth0", "fe80::1%eth0"),
        ("inet_interfaces", "10.99.0.001", "10.99.0.001"),
        ("inet_protocols", ["ipv4", "ipv6"], "ipv4, ipv6"),
        ("inet_protocols", "", ""),
        ("proxy_interfaces", "198.51.100.1", "198.51.100.1"),
        ("smtp_bind_address", "10.77.0.1", "10.77.0.1"),
        ("smtp_bind_address", "[10.77.0.1]", "[10.77.0.1]"),
        ("smtp_bind_address", "0.0.0.0", "0.0.0.0"),
        ("smtp_bind_address", "$my_ip", "$my_ip"),
        ("smtp_bind_address6", "fd77::1", "fd77::1"),
        ("smtp_bind_address6", "::", "::"),
        ("lmtp_bind_address6", "", ""),
        ("smtp_bind_address_enforce", True, "yes"),
        ("smtp_bind_address_enforce", False, "no"),
        ("lmtp_bind_address_enforce", "YES", "YES"),
        ("master_service_disable", ["2525/inet", "!smtp/inet", "inet"], "2525/inet, !smtp/inet, inet"),
        ("master_service_disable", "smtp.inet", "smtp.inet"),
    ],
)
def test_good_values(name: str, value: Any, text: str) -> None:
    assert validate(name, value, NEWEST) == text


@pytest.mark.parametrize(
    "value, offending, reason",
    [
        ("all, 10.77.0.1", "all", "must stand alone"),
        (["all", "loopback-only"], "all", "must stand alone"),
        ("ALL", "ALL", "not in lower case"),
        ("Loopback-Only", "Loopback-Only", "not in lower case"),
        ("all # everything", "#", "comment"),
        ("10.77.0.1 #x", "#x", "comment"),
        ("10.77.0.0/24", "10.77.0.0/24", "is a network"),
        ("[fd77::]/64", "[fd77::]/64", "is a network"),
        ("/etc/addresses", "/etc/addresses", "file or a table"),
        ("hash:/etc/addresses", "hash:/etc/addresses", "file or a table"),
        ("10.77.0.1:25", "10.77.0.1:25", "belongs to master.cf"),
        ("[fd77::1]:smtp", "[fd77::1]:smtp", "belongs to master.cf"),
        ("mail.example.org:25", "mail.example.org:25", "belongs to master.cf"),
        ("10.77.0.1;10.77.0.2", "10.77.0.1;10.77.0.2", "semicolon"),
        ("!10.77.0.1", "!10.77.0.1", "excludes"),
        ("*", "*", "pattern"),
        ("0.0.0.0", "0.0.0.0", "wildcard"),
        ("[::]", "[::]", "wildcard"),
        ("IPv6:fd77::1", "IPv6:fd77::1", "IPv6:"),
        ("[ipv6:fd77::1]", "[ipv6:fd77::1]", "IPv6:"),
        ("010.077.000.001", "010.077.000.001", "8.63.0.1 for Postfix"),
        ("[10.77.0.1", "[10.77.0.1", "partner"),
        ("10.77.0.1]", "10.77.0.1]", "partner"),
        ('"10.77.0.1"', '"10.77.0.1"', "quotes or braces"),
        ("{10.77.0.1}", "{10.77.0.1}", "quotes or braces"),
        ("fd77::1%eth0", "fd77::1%eth0", "zone"),
        ("10.77.0.256", "10.77.0.256", "not an IPv4 address"),
        ("fd77::1::2", "fd77::1::2", "not an IPv6 address"),
        ("a@b", "a@b", "neither an address nor a host name"),
        ("10.77.0.1\n", None, None),
        ("10.77.0.1\nmydestination = x", "10.77.0.1\nmydestination = x", "line break"),
        ("10.77.0.1\n  mydestination = x", "10.77.0.1\n  mydestination = x", "line break"),
        (["10.77.0.1", "x\r\ny"], "x\r\ny", "line break"),
        ("10.77.0.1\x00", "10.77.0.1\x00", "control character"),
        ("10.77.0.1\x0b::1", "10.77.0.1\x0b::1", "control character"),
        ("10.77.0.1\u2028::1", "10.77.0.1\u2028::1", "line break"),
        ("$", "$", "without a name"),
        ("${x", "${x", "not closed"),
        (None, "None", "null"),
        ({"a": 1}, "{'a': 1}", "a dict"),
        ([["10.77.0.1", None]], "None", "null"),
        (1.5, "1.5", "a float"),
    ],
)
def test_bad_interfaces(value: Any, offending: Any, reason: Any) -> None:
    if reason is None:
        assert validate("inet_interfaces", value, NEWEST) == "10.77.0.1"
        return
    with pytest.raises(InputError, match=reason) as caught:
        validate("inet_interfaces", value, NEWEST)
    assert (caught.value.parameter, caught.value.value) == ("inet_interfaces", offending)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name, value, offending, reason",
    [
        ("inet_protocols", "IPv4", "IPv4", "not a protocol"),
        ("inet_protocols", ["ipv4", "ipv5"], "ipv5", "not a protocol"),
        ("inet_protocols", "none", "none", "not a protocol"),
        ("proxy_interfaces", "all", "all", "inet_interfaces only"),
        ("proxy_interfaces", "198.51.100.0/24", "198.51.100.0/24", "is a network"),
        ("smtp_bind_address", "fd77::1", "fd77::1", "family ipv6"),
        ("smtp_bind_address6", "10.77.0.1", "10.77.0.1", "family ipv4"),
        ("lmtp_bind_address6", "[10.77.0.1]", "[10.77.0.1]", "family ipv4"),
        ("smtp_bind_address", "mail.example.org", "mail.example.org", "host name"),
        ("smtp_bind_address", "10.77.0.1, 10.77.0.2", "10.77.0.1, 10.77.0.2", "is a list"),
        ("smtp_bind_address", ["10.77.0.1", "10.77.0.2"], "10.77.0.1, 10.77.0.2", "is a list"),
        ("smtp_bind_address", "10.77.0.0/24", "10.77.0.0/24", "is a network"),
        ("smtp_bind_address", "10.77.0.1:25", "10.77.0.1:25", "belongs to master.cf"),
        ("smtp_bind_address", "[10.77.0.1", "[10.77.0.1", "partner"),
        ("smtp_bind_address", "all", "all", "inet_interfaces only"),
        ("smtp_bind_address", "010.0.0.1", "010.0.0.1", "8.0.0.1 for Postfix"),
        ("smtp_bind_address", "10.77.0.1 # x", "10.77.0.1 # x", "is a list"),
        ("smtp_bind_address_enforce", "true", "true", "neither yes nor no"),
        ("smtp_bind_address_enforce", "", "", "neither yes nor no"),
        ("master_service_disable", "2525", "2525", "neither a service type"),
        ("master_service_disable", "2525/tcp", "2525/tcp", "neither a service type"),
    ],
)
def test_bad_values(name: str, value: Any, offending: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        validate(name, value, NEWEST)
    assert (caught.value.parameter, caught.value.value) == (name, offending)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("smtp_bind_address_enforce", True, "needs Postfix 3.7; this host has 3.5.25"),
        ("lmtp_bind_address_enforce", False, "needs Postfix 3.7"),
        ("smtp_bind_address", "[10.77.0.1]", "brackets, which Postfix understands since 3.7"),
    ],
)
def test_values_for_an_older_postfix(name: str, value: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        validate(name, value, (3, 5, 25))
    assert validate(name, value, (3, 7))


@pytest.mark.parametrize(
    "name, one, other",
    [
        ("inet_interfaces", "10.77.0.1, 127.0.0.1", "127.0.0.1 10.77.0.1"),
        ("inet_interfaces", "127.0.0.1", "127.0.0.1,,127.0.0.1"),
        ("inet_interfaces", "[FD77:0::1]", "fd77::1"),
        ("inet_interfaces", "10.77.1", "10.77.0.1"),
        ("inet_interfaces", "[Mail.Example.org]", "mail.example.org"),
        ("inet_interfaces", " all ", "all"),
        ("inet_interfaces", "", " , "),
        ("inet_protocols", "all", "ipv6, ipv4"),
        ("inet_protocols", "all, ipv4", "all"),
        ("smtp_bind_address", "[10.77.0.1]", "10.77.0.1"),
        ("smtp_bind_address6", "fe80::1%eth0", "FE80::1%eth0"),
        ("smtp_bind_address_enforce", "Yes", "yes"),
        ("master_service_disable", "SMTP/inet, inet", "smtp/inet inet"),
        ("inet_interfaces", "$x", " $x"),
        ("unknown_parameter", "x", "x "),
    ],
)
def test_equivalent(name: str, one: str, other: str) -> None:
    assert equivalent(name, one, other, NEWEST)
    assert equivalent(name, other, one, NEWEST)


@pytest.mark.parametrize(
    "name, one, other",
    [
        ("inet_interfaces", "10.77.0.1", "10.77.0.2"),
        ("inet_interfaces", "all", "ALL"),
        ("inet_interfaces", "all", "all, all"),
        ("inet_interfaces", "all", "[all]"),
        ("inet_interfaces", "all", ""),
        ("inet_interfaces", "$x", "$x, $x"),
        ("inet_interfaces", "127.0.0.1", "localhost"),
        ("inet_protocols", "ipv4", "all"),
        ("inet_protocols", "ipv4", "IPv4"),
        ("smtp_bind_address6", "fe80::1%eth0", "fe80::1%eth1"),
        ("smtp_bind_address", "10.77.0.1", "10.77.0.1:25"),
        ("smtp_bind_address_enforce", "yes", "no"),
        ("master_service_disable", "!smtp/inet inet", "inet !smtp/inet"),
        ("unknown_parameter", "x, y", "x y"),
    ],
)
def test_not_equivalent(name: str, one: str, other: str) -> None:
    assert not equivalent(name, one, other, NEWEST)
    assert not equivalent(name, other, one, NEWEST)


def test_brackets_are_no_spelling_before_3_7() -> None:
    assert equivalent("smtp_bind_address", "[10.77.0.1]", "10.77.0.1", (3, 7))
    assert not equivalent("smtp_bind_address", "[10.77.0.1]", "10.77.0.1", (3, 5))
    assert equivalent("inet_interfaces", "[10.77.0.1]", "10.77.0.1", (3, 5))


@pytest.mark.parametrize("name", PARAMETERS)
def test_default_is_a_value(name: str) -> None:
    assert validate(name, PARAMETERS[name].default, NEWEST) == PARAMETERS[name].default


def test_text_of() -> None:
    assert text_of("x", [" a ", "", True, 5, ["b", "c"]]) == "a, yes, 5, b, c"


def test_text_of_what_python_cannot_write() -> None:
    nested: Any = "a"
    for _level in range(5000):
        nested = [nested]
    for value, reason in ((nested, "nested too deeply"), (10**5000, "a number that"), ({"a": nested}, "is a dict")):
        with pytest.raises(InputError, match=reason):
            text_of("x", value)


@pytest.mark.duration
@pytest.mark.parametrize(
    "text", ["a" * 1000000, "a." * 500000, "a, " * 333333, "[" * 1000000, "1." * 500000, "::1 " * 250000]
)
def test_huge_values_are_answered_quickly(text: str) -> None:
    def answered() -> str:
        try:
            answer = validate("inet_interfaces", text, NEWEST)
        except InputError as error:
            answer = str(error)
        equivalent("inet_interfaces", text, text + " ::2", NEWEST)
        return answer

    answer = within(1, answered)
    assert len(answer) <= len(text) + 1000


@pytest.mark.duration
def test_huge_values_with_references_are_compared_quickly() -> None:
    one, other = "$a" + "{}" * 100000, "$b" + "{}" * 100000
    assert not within(1, lambda: equivalent("inet_interfaces", one, other, NEWEST))
