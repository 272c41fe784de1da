# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import Listener, overlapping
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import IN_MASTER_CF, Origin
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    address_of,
    host_of,
    outlook_of,
    socket_at,
)
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64")
NAMES = {"localhost": ["127.0.0.1", "::1"], "dual": ["fd77::1", "10.77.0.2"], "four": "10.77.0.1", "away": "192.0.2.1"}
SMTP = "smtp inet n - n - - smtpd\n"


def opened(master: str, version: str = "3.12", host: Host = HOST, absent: bool = False, **settings: Any) -> list:
    """Return the sockets as people write them, with the service and its origin."""
    found = outlook_of(settings, master, host, version, NAMES, allow_absent=absent).listeners
    return [(one.service, f"{one.socket.address} {one.socket.port}", str(one.origin)) for one in found]


def places(master: str, **settings: Any) -> list:
    return [place for _service, place, _origin in opened(master, **settings)]


def test_stock_services() -> None:
    assert outlook_of({}, STOCK_SERVICES, HOST).listeners == [
        Listener("smtp", "inet", socket_at("0.0.0.0"), Origin("inet_interfaces")),
        Listener("smtp", "inet", socket_at("::"), Origin("inet_interfaces")),
    ]


def test_order_is_that_of_master_cf() -> None:
    master = "[::1]:2525 inet n - n - - smtpd\nsubmission inet n - n - - smtpd\ndual:smtp inet n - n - - smtpd\n"
    assert opened(master, inet_interfaces="fd77::1, 10.77.0.2, 127.0.0.1") == [
        ("[::1]:2525", "::1 2525", "master.cf"),
        ("submission", "10.77.0.2 587", "inet_interfaces"),
        ("submission", "127.0.0.1 587", "inet_interfaces"),
        ("submission", "fd77::1 587", "inet_interfaces"),
        ("dual:smtp", "10.77.0.2 25", "master.cf"),
        ("dual:smtp", "fd77::1 25", "master.cf"),
    ]


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"inet_protocols": "ipv4"}, ["0.0.0.0 25"]),
        ({"inet_protocols": "ipv6"}, [":: 25"]),
        ({"inet_protocols": ""}, []),
        ({"inet_interfaces": "loopback-only"}, ["127.0.0.1 25", "::1 25"]),
        ({"inet_interfaces": "dual"}, ["10.77.0.2 25", "fd77::1 25"]),
        ({"inet_interfaces": "dual", "inet_protocols": "ipv4"}, ["10.77.0.2 25"]),
    ],
)
def test_services_without_a_host_part(settings: dict, expected: list) -> None:
    assert places(SMTP, **settings) == expected


def test_services_of_other_types_open_none() -> None:
    assert places(f"pickup unix n - n 60 1 pickup\n{SMTP}", inet_protocols="ipv4") == ["0.0.0.0 25"]


def test_wildcards_need_no_address_of_the_family() -> None:
    assert opened(SMTP, host=host_of("127.0.0.1/8")) == [
        ("smtp", "0.0.0.0 25", "inet_interfaces"),
        ("smtp", ":: 25", "inet_interfaces"),
    ]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("10.77.0.1:2525", ["10.77.0.1 2525"]),
        ("[IPv6:FD77::1]:2525", ["fd77::1 2525"]),
        ("0.0.0.0:2525", ["0.0.0.0 2525"]),
        ("[::]:2525", [":: 2525"]),
        ("127.0.0.2:2525", ["127.0.0.2 2525"]),
        ("10.77.0.255:2525", ["10.77.0.255 2525"]),
        ("localhost:smtps", ["127.0.0.1 465", "::1 465"]),
        ("LOCALHOST:24", ["127.0.0.1 24", "::1 24"]),
        ("10.77.0.001:025", ["10.77.0.1 25"]),
        ("four:65536", ["10.77.0.1 0"]),
        ("four:70000", ["10.77.0.1 4464"]),
        ("four:0", ["10.77.0.1 0"]),
    ],
)
@pytest.mark.parametrize("inet_interfaces", ["all", "loopback-only", ""])
def test_services_with_a_host_part_ignore_inet_interfaces(name: str, expected: list, inet_interfaces: str) -> None:
    assert places(f"{name} inet n - n - - smtpd\n", inet_interfaces=inet_interfaces) == expected


def test_names_lose_the_family_that_is_off() -> None:
    assert places("dual:25 inet n - n - - smtpd\n", inet_protocols="ipv6") == ["fd77::1 25"]


@pytest.mark.parametrize(
    "master, settings, value, words",
    [
        (SMTP, {"inet_interfaces": ""}, "", "no address at all"),
        (SMTP, {"inet_interfaces": "$nosuch"}, "$nosuch", "no address at all"),
        (SMTP, {"inet_interfaces": "10.77.0.9"}, "10.77.0.9", "no interface"),
        ("127.0.0.1:25 inet n - n - - smtpd\n", {"inet_interfaces": "10.77.0.9"}, "10.77.0.9", "no interface"),
        ("10.77.0.9:25 inet n - n - - smtpd\n", {}, "10.77.0.9:25/inet", "no interface of the host, which has 127"),
        ("away:25 inet n - n - - smtpd\n", {}, "away:25/inet", "away has the address 192.0.2.1, which is on"),
        ("nosuch:25 inet n - n - - smtpd\n", {}, "nosuch:25/inet", "DNS is not asked"),
        ("four:25 inet n - n - - smtpd\n", {"inet_protocols": "ipv6"}, "four:25/inet", "family in use"),
        ("[fd77::1]:25 inet n - n - - smtpd\n", {"inet_protocols": "ipv4"}, "[fd77::1]:25/inet", "switches off"),
        ("[::]:25 inet n - n - - smtpd\n", {"inet_protocols": "ipv4"}, "[::]:25/inet", "switches off"),
        ("all:25 inet n - n - - smtpd\n", {}, "all:25/inet", "word all of inet_interfaces"),
        ("[fe80::1]:25 inet n - n - - smtpd\n", {}, "[fe80::1]:25/inet", "link-local"),
        ("[::ffff:10.77.0.1]:25 inet n - n - - smtpd\n", {}, "[::ffff:10.77.0.1]:25/inet", "IPv6 spelling"),
        ("10.77.0.1:nosuch inet n - n - - smtpd\n", {}, "nosuch", "Servname"),
        ("10.77.0.1 inet n - n - - smtpd\n", {}, "10.77.0.1", "garbage after numerical service"),
        ("smtp inet - - n - - smtpd\n", {}, "smtp/inet", "private"),
        ("smtp inet y - n - - smtpd\n", {}, "smtp/inet", "private"),
        ("smtp INET n - n - - smtpd\n", {}, "smtp/INET", "type 'INET'"),
        ("smtp inet n x n - - smtpd\n", {}, "smtp/inet", "'x' in the column unprivileged"),
        ("smtp inet n - n - x smtpd\n", {}, "smtp/inet", "'x' in the column process_limit"),
        ("x unix n - n 5! - smtpd\n", {}, "x/unix", "'5!' in the column wakeup"),
    ],
)
def test_what_the_master_dies_of(master: str, settings: dict, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        places(master, **settings)
    assert caught.value.value == value
    assert caught.value.remedy


@pytest.mark.parametrize("address, words", [("fe80::1", "link-local"), ("fd77::2", "tentative")])
def test_own_addresses_that_nobody_can_listen_on(address: str, words: str) -> None:
    host = Host(
        [
            *HOST.addresses,
            address_of("eth0 fe80::1/64"),
            address_of("eth0 fd77::2/64 tentative"),
        ]
    )
    with pytest.raises(InputError, match=words) as caught:
        opened(SMTP, host=host, inet_interfaces=["127.0.0.1", address])
    assert (caught.value.parameter, caught.value.value) == ("inet_interfaces", address)
    endpoint = "127.0.0.1:25 inet n - n - - smtpd\n"
    assert len(opened(endpoint, host=host, inet_interfaces=address)) == 1
    assert len(opened(SMTP, host=host)) == 2


def test_loopback_only_without_loopback() -> None:
    host = host_of("10.77.0.1/24")
    with pytest.raises(InputError, match="no address at all"):
        opened(SMTP, host=host, inet_interfaces="loopback-only")


def test_absent_addresses_can_be_allowed() -> None:
    master = "10.77.0.9:25 inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n"
    assert opened(master, absent=True, inet_interfaces="192.0.2.1") == [
        ("10.77.0.9:25", "10.77.0.9 25", "master.cf"),
        ("submission", "192.0.2.1 587", "inet_interfaces"),
    ]


def test_of_duplicates_the_last_one_serves() -> None:
    master = SMTP + "587 inet n - n - - smtpd\n:25 inet n - n - - postscreen\n"
    assert [(service, place) for service, place, _origin in opened(master, inet_protocols="ipv4")] == [
        (":25", "0.0.0.0 25"),
        ("587", "0.0.0.0 587"),
    ]


def test_names_are_other_services_than_addresses() -> None:
    master = "four:25 inet n - n - - smtpd\nFOUR:25 inet n - n - - smtpd\n[10.77.0.1]:smtp inet n - n - - smtpd\n"
    assert [service for service, _place, _origin in opened(master)] == ["four:25", "FOUR:25", "[10.77.0.1]:smtp"]


@pytest.mark.parametrize(
    "other", ["10.77.0.1:25", "0.0.0.0:25", "[::]:25", "localhost:smtp"], ids=["one", "ipv4", "ipv6", "name"]
)
def test_overlaps(other: str) -> None:
    master = SMTP + f"{other} inet n - n - - smtpd\n"
    assert len(opened(master, "3.6")) > 2
    with pytest.raises(InputError, match="which the service smtp has already"):
        opened(master, "3.5.25")


@pytest.mark.parametrize("other", ["10.77.0.1:26", "[fd77::1]:25", "10.77.0.2:25"])
def test_no_overlap(other: str) -> None:
    master = SMTP + f"{other} inet n - n - - smtpd\n"
    assert len(opened(master, "3.5.25", inet_interfaces="10.77.0.1")) == 2


def test_overlap_of_the_same_name_in_two_spellings_before_3_6() -> None:
    with pytest.raises(InputError, match="claims 10.77.0.1 port 25"):
        opened("four:25 inet n - n - - smtpd\n10.77.0.1:25 inet n - n - - smtpd\n", "3.5.25")


def at(address: str, port: int = 25) -> Listener:
    return Listener("x", "inet", socket_at(address, port), IN_MASTER_CF)


@pytest.mark.parametrize(
    "first, second, expected",
    [
        (at("10.77.0.1"), at("10.77.0.1"), True),
        (at("10.77.0.1"), at("0.0.0.0"), True),
        (at("::"), at("fd77::1"), True),
        (at("::"), at("10.77.0.1"), False),
        (at("::"), at("0.0.0.0"), False),
        (at("10.77.0.1"), at("10.77.0.2"), False),
        (at("10.77.0.1"), at("10.77.0.1", 26), False),
        (at("0.0.0.0", 0), at("0.0.0.0", 0), False),
    ],
)
def test_overlap(first: Listener, second: Listener, expected: bool) -> None:
    assert first.socket.overlaps(second.socket) is second.socket.overlaps(first.socket) is expected
    assert bool(list(overlapping([first, second]))) is bool(list(overlapping([second, first]))) is expected


def test_overlapping_are_all_pairs() -> None:
    sockets = [
        at("10.77.0.1"),
        at("::", 0),
        at("0.0.0.0"),
        at("10.77.0.2"),
        at("::"),
        at("fd77::1"),
        at("0.0.0.0"),
        at("10.77.0.1"),
    ]
    expected = [(a, b) for n, b in enumerate(sockets) for a in sockets[:n] if a.socket.overlaps(b.socket)]
    assert sorted(map(repr, overlapping(sockets))) == sorted(map(repr, expected))


@pytest.mark.parametrize(
    "patterns, left",
    [
        ("", ["smtp/inet", "10.77.0.1:25/inet", "smtp/unix"]),
        ("inet", ["smtp/unix"]),
        ("INET", ["smtp/unix"]),
        ("smtp/inet", ["10.77.0.1:25/inet", "smtp/unix"]),
        ("SMTP/Inet", ["10.77.0.1:25/inet", "smtp/unix"]),
        ("!smtp/inet, inet", ["smtp/inet", "smtp/unix"]),
        ("inet, !smtp/inet", ["smtp/unix"]),
        ("!!smtp/inet", ["10.77.0.1:25/inet", "smtp/unix"]),
        ("smtp.inet", ["10.77.0.1:25/inet", "smtp/unix"]),
        ("10.77.0.1:25.inet", ["smtp/inet", "smtp/unix"]),
        ("10.77.0.1:25/inet unix", ["smtp/inet"]),
        ("25/inet", ["smtp/inet", "10.77.0.1:25/inet", "smtp/unix"]),
        ("$x", ["smtp/unix"]),
    ],
)
def test_master_service_disable(patterns: str, left: list) -> None:
    master = SMTP + "10.77.0.1:25 inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
    settings = {"master_service_disable": patterns, "x": "inet"}
    services = outlook_of(settings, master, HOST).services
    assert [f"{service.name}/{service.type}" for service in services] == left


def test_disabled_services_cannot_be_wrong() -> None:
    assert places("10.77.0.9:25 inet - - n - - smtpd\n", master_service_disable="inet") == []
    with pytest.raises(InputError, match="type 'tcp'"):  # but columns are read before
        places("x tcp n - n - - smtpd\n", master_service_disable="tcp")


@pytest.mark.parametrize(
    "version, known_tcp_ports, port",
    [
        ("3.6", "lmtp=24, smtp = 2500 , a=b=2600", 2500),
        ("3.6", "smtps=465", 25),
        ("3.6", "smtp=99999", 25),
        ("3.6", "smtp", 25),
        ("3.5", "smtp=2500", 25),
    ],
)
def test_known_tcp_ports(version: str, known_tcp_ports: str, port: int) -> None:
    found = opened(SMTP, version, inet_protocols="ipv4", known_tcp_ports=known_tcp_ports)
    assert found == [("smtp", f"0.0.0.0 {port}", "inet_interfaces")]


def test_ports_by_several_names() -> None:
    found = places("b inet n - n - - smtpd\n", inet_protocols="ipv4", known_tcp_ports="a=b=2600")
    assert found == ["0.0.0.0 2600"]


def test_lookup() -> None:
    def lookup(name: str) -> Optional[int]:
        return {"mail": 25}.get(name)

    master = "mail inet n - n - - smtpd\n"
    found = outlook_of({"inet_protocols": "ipv4"}, master, HOST, port_of=lookup).listeners
    assert [one.socket.port for one in found] == [25]


@pytest.mark.duration
@pytest.mark.parametrize("version", ["3.5.25", "3.12"])
def test_many_sockets_are_answered_quickly(version: str) -> None:
    texts = [f"10.{n >> 8}.{n & 255}.1" for n in range(2500)]
    master = "".join(f"{port} inet n - n - - smtpd\n" for port in range(2500, 2504))
    found = within(2, lambda: opened(master, version, host=host_of(*texts), inet_interfaces=texts))
    assert len(found) == 10000


def test_an_error_names_what_is_written_and_where_its_address_is_from() -> None:
    def source(name: str, address: Any) -> str:
        return f"line 7 of hosts, {name}, {address}"

    host = host_of("127.0.0.1/8", "10.77.0.1/24", "eth0 fe80::1/64", name_source=source)
    names = {"localhost": "fe80::1", "mx": "127.0.1.1", "away": "10.77.0.9"}
    told = {
        "localhost": "inet_interfaces: 'localhost' has the address fe80::1 (line 7 of hosts, localhost, fe80::1)",
        "$name": "inet_interfaces: '$name' is localhost, which has the address fe80::1 (line 7",
        "$address": "inet_interfaces: '$address' is fe80::1, which is a link-local address",
        "fe80::1": "inet_interfaces: 'fe80::1' is a link-local address",
        "mx": "inet_interfaces: 'mx' has the address 127.0.1.1 (line 7 of hosts, mx, 127.0.1.1), which is on",
        "$host": "inet_interfaces: '$host' is mx, which has the address 127.0.1.1 (line 7",
    }
    for value, words in told.items():
        settings = {"inet_interfaces": value, "name": "localhost", "host": "mx", "address": "fe80::1"}
        error = outlook_of(settings, "smtp inet n - n - - smtpd\n", host, names=names).error
        assert str(error).startswith(words)
    error = outlook_of({}, "away:587 inet n - n - - smtpd\n", host, names=names).error
    assert "cannot listen: away has the address 10.77.0.9 (line 7 of hosts, away, 10.77.0.9), which is on no" in str(
        error
    )
