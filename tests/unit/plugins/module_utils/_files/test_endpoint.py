# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import (
    identity,
    known_port,
    place_of,
    port_number,
    split_endpoint,
)


@pytest.mark.parametrize(
    "name, host, port",
    [
        ("2525", "", "2525"),
        ("smtp", "", "smtp"),
        (":2525", "", "2525"),
        ("10.77.0.1:2525", "10.77.0.1", "2525"),
        ("[10.77.0.1]:smtp", "10.77.0.1", "smtp"),
        ("[fd77::1]:2525", "fd77::1", "2525"),
        ("fd77::1:2525", "fd77::1", "2525"),
        ("[IPv6:fd77::1]:2525", "fd77::1", "2525"),
        ("[ipv6:fd77::1]:2525", "fd77::1", "2525"),
        (":::2525", "::", "2525"),
        ("[::ffff:10.77.0.1]:25", "::ffff:10.77.0.1", "25"),
        ("0.0.0.0:25", "0.0.0.0", "25"),
        ("all:2525", "all", "2525"),
        ("mail-1_x.lab.test:smtp", "mail-1_x.lab.test", "smtp"),
        ("[mail.lab.test]:smtp", "mail.lab.test", "smtp"),
        ("münchen.example:25", "münchen.example", "25"),
        ("0x0a4d0001:25", "0x0a4d0001", "25"),
        ("10.77.0.1:025", "10.77.0.1", "025"),
    ],
)
def test_the_grammar_of_the_first_field(name: str, host: str, port: str) -> None:
    assert split_endpoint(name) == (host, port)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("*:2525", "valid hostname or network address required"),
        ("10.77.1:2525", "valid hostname or network address required"),
        ("10.77.0.256:2525", "valid hostname or network address required"),
        ("10.77.0." + "1" * 5000 + ":25", "valid hostname or network address required"),
        ("0.1.2.3:25", "valid hostname or network address required"),
        ("x/24:2525", "valid hostname or network address required"),
        ("$var:2525", "valid hostname or network address required"),
        ("[]:2525", "valid hostname or network address required"),
        ("[fe80::1%vA]:2525", "valid hostname or network address required"),
        ("-x.test:25", "valid hostname or network address required"),
        ("x-.test:25", "valid hostname or network address required"),
        ("x..test:25", "valid hostname or network address required"),
        ("x.test.:25", "valid hostname or network address required"),
        ("[ipv6:10.0.0.1]:25", "malformed IPv6 address"),
        ("10.77.0.1", "garbage after numerical service"),
        ("2525x", "garbage after numerical service"),
        ("25,26", "garbage after numerical service"),
        ("2525/tcp", "garbage after numerical service"),
        ("10.77.0.1:2525-2526", "garbage after numerical service"),
        ("10.77.0.1:", "missing service information"),
        ("[10.77.0.1]", "missing service information"),
        ("[10.77.0.1]:", "missing service information"),
        ("", "missing service information"),
        ("[10.77.0.1:2525", 'missing "]"'),
        ("[fd77::1]2525", 'garbage after "]"'),
    ],
)
def test_what_the_master_refuses_is_refused_for_its_reason(name: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        split_endpoint(name, "services")
    assert (caught.value.parameter, caught.value.value) == ("services", name)
    assert caught.value.reason == f"is not an endpoint: {reason}"


@pytest.mark.parametrize(
    "text, port",
    [
        ("smtp", 25), ("smtps", 465), ("submission", 587), ("submissions", 465), ("lmtp", 24),
        ("25", 25), ("025", 25), ("65535", 65535), ("65536", 0), ("70000", 4464), ("0", 0), ("4294967321", 25),
    ],
)  # fmt: skip
def test_port_numbers_are_those_that_the_system_makes_of_them(text: str, port: int) -> None:
    assert port_number(text) == port


def test_a_service_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(InputError, match="Servname not supported") as caught:
        port_number("SMTP")
    assert caught.value.value == "SMTP"


@pytest.mark.parametrize("text", ["4294967295", "9" * 20, "9" * 40])
def test_numbers_that_the_system_takes_for_names(text: str) -> None:
    with pytest.raises(InputError, match="Servname not supported"):
        port_number(text)


def test_names_beyond_those_of_postfix_are_for_the_lookup_to_know() -> None:
    assert known_port("ssh") is None
    assert port_number("ssh", {"ssh": 22}.get) == 22


@pytest.mark.parametrize(
    "same",
    [
        ["smtp", "25", ":25", ":smtp", "025"],
        ["10.77.0.1:smtp", "[10.77.0.1]:25", "10.77.0.1:25"],
        ["[fd77::1]:25", "fd77::1:25", "[IPv6:FD77:0::1]:smtp"],
        ["mail.lab.test:25", "[mail.lab.test]:smtp"],
        ["submissions", "smtps", "465"],
    ],
)
def test_spellings_of_one_endpoint_are_one_service(same: list) -> None:
    assert len({identity(name, "inet") for name in same}) == 1


def test_services_that_differ_are_not_one() -> None:
    names = ["25", "26", "10.77.0.1:25", "mail.lab.test:25", "MAIL.lab.test:25", "[::]:25", "0.0.0.0:25", "x[", "*:25"]
    services = [(name, "inet") for name in names] + [("25", "unix"), ("smtp", "unix"), ("smtp", "pass")]
    assert len({identity(*service) for service in services}) == len(services)


@pytest.mark.parametrize(
    "name, place",
    [
        ("smtp", ("", 25)),
        ("[FD77::0001]:submission", ("fd77::1", 587)),
        ("0x0a4d0001:025", ("10.77.0.1", 25)),
        ("Mail.lab.test:70000", ("Mail.lab.test", 4464)),
    ],
)
def test_a_field_comes_to_one_place(name: str, place: tuple[str, int]) -> None:
    assert place_of(name) == place


@pytest.mark.parametrize("name", ["10.77.0.1", "10.77.0.1:nobody-knows"])
def test_a_field_that_comes_to_no_place(name: str) -> None:
    with pytest.raises(InputError):
        place_of(name)
