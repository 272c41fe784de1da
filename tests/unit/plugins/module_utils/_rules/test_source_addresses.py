# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.origin import KERNEL as KERNEL_CHOOSES
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.source_addresses import source_addresses
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    address_of,
    host_of,
    outlook_of,
)

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64", "fe80::1/64")
KERNEL = (None, "kernel", False)
SMTP = "smtp unix - - n - - smtp\n"
LMTP = "lmtp unix - - n - - lmtp\n"


def sources(settings: dict, master: str = SMTP, version: str = "3.12", host: Host = HOST, **more: Any) -> dict:
    """Return the answers by transport, with address, origin and enforced of each family, or its failure."""
    clients = outlook_of(settings, master, host, version, **more).clients
    return {client.transport: {"ipv4": shown(client.ipv4), "ipv6": shown(client.ipv6)} for client in clients}


def shown(source: Any) -> Any:
    if source is None:
        return None
    if source.failure:
        assert source.address is None
        return source.failure, str(source.origin), source.enforced
    return source.address, str(source.origin), source.enforced


def smtp(settings: dict, options: str = "", **more: Any) -> tuple:
    """Return both families of one SMTP client."""
    answer = sources(settings, f"smtp unix - - n - - smtp {options}\n", **more)["smtp/unix"]
    return answer["ipv4"], answer["ipv6"]


def test_stock_services() -> None:
    clients = outlook_of({}, STOCK_SERVICES, HOST).clients
    assert [client.transport for client in clients] == ["smtp/unix", "relay/unix", "lmtp/unix"]
    assert [client.program for client in clients] == ["smtp", "smtp", "lmtp"]
    for client in clients:
        assert [(name, *source) for name, source in client.sources()] == [
            (name, None, KERNEL_CHOOSES, False, None) for name in ("ipv4", "ipv6")
        ]


def test_own_addresses_are_those_that_are_given() -> None:
    """They are not worked out again, which asks DNS, unless a client has other values."""
    settings = Settings({"inet_interfaces": "mx"}, (3, 12))
    services = MasterCf(f"{SMTP}{LMTP}b unix - - n - - smtp -o inet_interfaces=other\n").services()
    own, names = [ip_address("10.77.0.2")], mapping_resolver({"other": "10.77.0.1"})
    found = source_addresses(settings, services, own, HOST, names, allow_absent=False)
    addresses = [client.ipv4.address if client.ipv4 else None for client in found]
    assert addresses == ["10.77.0.2", "10.77.0.2", "10.77.0.1"]


@pytest.mark.parametrize(
    "inet_interfaces, ipv4, ipv6",
    [
        ("all", None, None),
        ("loopback-only", None, None),
        ("", None, None),
        ("127.0.0.1", None, None),
        ("10.77.0.2", "10.77.0.2", None),
        ("10.77.0.2, 10.77.0.2", "10.77.0.2", None),
        ("10.77.0.2, 127.0.0.1", None, None),
        ("10.77.0.1, 10.77.0.2, fd77::1", None, "fd77::1"),
        ("10.77.0.2, ::1", "10.77.0.2", None),
        ("fe80::1", None, None),
    ],
)
def test_implicit_rule(inet_interfaces: str, ipv4: Any, ipv6: Any) -> None:
    expected = [(address, "inet_interfaces", False) if address else KERNEL for address in (ipv4, ipv6)]
    answer = sources({"inet_interfaces": inet_interfaces}, SMTP + LMTP)
    assert list(answer["smtp/unix"].values()) == list(answer["lmtp/unix"].values()) == expected


def test_all_with_a_single_address() -> None:
    assert smtp({}, host=host_of("10.77.0.1"))[0] == ("10.77.0.1", "inet_interfaces", False)


def test_explicit_rule() -> None:
    settings = {
        "inet_interfaces": "10.77.0.1, fd77::1",
        "smtp_bind_address": "[10.77.0.2]",
        "lmtp_bind_address6": "::1",
    }
    answer = sources(settings, SMTP + LMTP)
    assert answer["smtp/unix"]["ipv4"] == ("10.77.0.2", "smtp_bind_address", False)
    assert answer["smtp/unix"]["ipv6"] == ("fd77::1", "inet_interfaces", False)
    assert answer["lmtp/unix"]["ipv4"] == ("10.77.0.1", "inet_interfaces", False)
    assert answer["lmtp/unix"]["ipv6"] == ("::1", "lmtp_bind_address6", False)


@pytest.mark.parametrize("value", ["0.0.0.0", "255.255.255.255", "10.77.0.255", "224.0.0.1"])
def test_addresses_that_leave_the_choice_to_the_kernel(value: str) -> None:
    answer, _ipv6 = smtp({"inet_interfaces": "10.77.0.1", "smtp_bind_address": value})
    assert answer == (None, "smtp_bind_address", False)


def test_a_broadcast_address_that_the_host_has_is_a_source() -> None:
    host = host_of("10.77.0.1/24", "10.77.0.255/32")
    answer, _ipv6 = smtp({"smtp_bind_address": "10.77.0.255"}, host=host)
    assert answer == ("10.77.0.255", "smtp_bind_address", False)


def test_wildcard_of_ipv6() -> None:
    assert smtp({"inet_interfaces": "fd77::1", "smtp_bind_address6": "::"})[1] == (None, "smtp_bind_address6", False)


def test_empty_value_is_none() -> None:
    answer, _ipv6 = smtp({"inet_interfaces": "10.77.0.1", "smtp_bind_address": ""})
    assert answer == ("10.77.0.1", "inet_interfaces", False)


@pytest.mark.parametrize("value", ["10.77.0.9", "fd77::1", "192.0.2.1"])
def test_addresses_that_postfix_goes_on_without(value: str) -> None:
    assert smtp({"inet_interfaces": "10.77.0.1", "smtp_bind_address": value})[0] == KERNEL


@pytest.mark.parametrize(
    "value, words", [("10.77.0.9", "no interface of the host"), ("fd77::1", "not an ipv4 address")]
)
def test_enforced_addresses_that_are_absent(value: str, words: str) -> None:
    settings = {"smtp_bind_address": value, "smtp_bind_address_enforce": "yes"}
    failure, origin, enforced = smtp(settings)[0]
    assert words in failure
    assert (origin, enforced) == ("smtp_bind_address", True)
    assert smtp(settings)[1] == KERNEL
    assert smtp(settings, version="3.6")[0] == KERNEL


def test_enforced_address() -> None:
    settings = {"smtp_bind_address": "10.77.0.2", "smtp_bind_address_enforce": "yes", "inet_interfaces": "fd77::1"}
    assert smtp(settings) == (("10.77.0.2", "smtp_bind_address", True), ("fd77::1", "inet_interfaces", False))
    assert smtp(settings, version="3.5")[0] == ("10.77.0.2", "smtp_bind_address", False)


@pytest.mark.parametrize(
    "value, version",
    [
        ("mail.example.org", "3.12"),
        ("10.77.0.1, 10.77.0.2", "3.12"),
        ("10.77.0.1:25", "3.12"),
        ("[10.77.0.1", "3.12"),
        ("[10.77.0.1]x", "3.12"),
        ("[10.77.0.1]]", "3.12"),
        ("10.77.0.1]", "3.12"),
        ("all", "3.12"),
        ("[10.77.0.1]", "3.6"),
    ],
)
def test_values_that_the_client_dies_of(value: str, version: str) -> None:
    ipv4, ipv6 = smtp({"smtp_bind_address": value}, version=version)
    assert "smtp_bind_address" in ipv4[0]
    assert value in ipv4[0]
    assert ipv4[1:] == ("smtp_bind_address", False)
    assert ipv6 == KERNEL
    assert ("is malformed" in ipv4[0]) == (value[0] == "[" and version == "3.12")


def test_brackets_are_taken_from_3_7_on() -> None:
    assert smtp({"smtp_bind_address": "[10.77.0.2]"}, version="3.7")[0] == ("10.77.0.2", "smtp_bind_address", False)


def test_ipv4_in_an_ipv6_spelling() -> None:
    _ipv4, ipv6 = smtp({"smtp_bind_address6": "::ffff:10.77.0.1"})  # bind(2) takes it, connect(2) does not
    assert "no IPv6 connection" in ipv6[0]
    assert ipv6[1:] == ("smtp_bind_address6", False)
    enforced = {"smtp_bind_address6": "::ffff:10.77.0.1", "smtp_bind_address_enforce": "yes"}
    assert smtp(enforced)[1][1:] == ("smtp_bind_address6", True)
    assert smtp({"smtp_bind_address6": "::ffff:10.77.0.9"})[1] == KERNEL


def test_references_that_the_client_dies_of() -> None:
    answer = sources({"smtp_bind_address6": "${x"}, SMTP + LMTP)
    assert all("not closed" in source[0] for source in answer["smtp/unix"].values())
    assert answer["lmtp/unix"]["ipv4"] == KERNEL


def test_wrong_family_kills_where_only_one_is_in_use() -> None:
    ipv4, ipv6 = smtp({"smtp_bind_address": "fd77::1", "inet_protocols": "ipv4"})
    assert "inet_protocols switches off" in ipv4[0]
    assert ipv6 is None
    assert "is not a numeric address" in smtp({"smtp_bind_address": "mx", "inet_protocols": "ipv4"})[0][0]


def test_a_failure_is_part_of_a_sentence() -> None:
    failure = smtp({}, "-o inet_interfaces=10.77.0.9")[0][0]
    assert failure.endswith("; the host has 127.0.0.1, 10.77.0.1, 10.77.0.2")


def test_tentative_source() -> None:
    host = Host([*HOST.addresses, address_of("eth0 fd77::2/64 tentative")])
    assert smtp({"smtp_bind_address6": "fd77::2"}, host=host)[1] == KERNEL
    assert smtp({"inet_interfaces": "fd77::2"}, host=host)[1] == KERNEL


def test_link_local_source_needs_a_zone() -> None:
    assert smtp({"smtp_bind_address6": "fe80::1"})[1] == KERNEL
    assert smtp({"smtp_bind_address6": "fe80::1%eth0"})[1] == ("fe80::1", "smtp_bind_address6", False)
    assert smtp({"smtp_bind_address6": "fe80::2%eth0"})[1] == KERNEL


@pytest.mark.parametrize(
    "protocols, used", [("ipv4", ["ipv4"]), ("ipv6", ["ipv6"]), ("all", ["ipv4", "ipv6"]), ("", [])]
)
def test_families_in_use(protocols: str, used: list) -> None:
    answer = sources({"inet_protocols": protocols})["smtp/unix"]
    assert [name for name, source in answer.items() if source is not None] == used


@pytest.mark.parametrize(
    "options, ipv4",
    [
        ("-o smtp_bind_address=10.77.0.2", ("10.77.0.2", "-o smtp_bind_address", False)),
        ("-o smtp_bind_address=", ("10.77.0.1", "inet_interfaces", False)),
        ("-o smtp_bind_address=0.0.0.0", (None, "-o smtp_bind_address", False)),
        ("-o smtp_bind_address=10.77.0.9", KERNEL),
        ("-o smtp_bind_address=10.77.0.1 -o smtp_bind_address=10.77.0.2", ("10.77.0.2", "-o smtp_bind_address", False)),
        ("-o smtp_bind_address=$my_ip -o my_ip=10.77.0.1", ("10.77.0.1", "-o smtp_bind_address", False)),
        ("-o smtp_bind_address_enforce=yes", ("10.77.0.2", "smtp_bind_address", True)),
        ("-o lmtp_bind_address=10.77.0.1", ("10.77.0.2", "smtp_bind_address", False)),
        ("-o { smtp_bind_address = 10.77.0.1 }", ("10.77.0.1", "-o smtp_bind_address", False)),
        ("-v", ("10.77.0.2", "smtp_bind_address", False)),
        ("-o smtp_bind_address=10.77.0.1 flags=DORX", ("10.77.0.1", "-o smtp_bind_address", False)),
        ("-m 5 -o smtp_bind_address=10.77.0.1", ("10.77.0.1", "-o smtp_bind_address", False)),
        ("Flags=", ("10.77.0.2", "smtp_bind_address", False)),
    ],
)
def test_options(options: str, ipv4: tuple) -> None:
    settings = {"inet_interfaces": "10.77.0.1", "smtp_bind_address": "$my_ip", "my_ip": "10.77.0.2"}
    assert smtp(settings, options)[0] == ipv4


@pytest.mark.parametrize(
    "options, ipv4, ipv6",
    [
        (
            "-o inet_interfaces=10.77.0.2,[fd77::1]",
            ("10.77.0.2", "-o inet_interfaces", False),
            ("fd77::1", "-o inet_interfaces", False),
        ),
        ("-o inet_interfaces=all", KERNEL, KERNEL),
        ("-o inet_protocols=ipv4", ("10.77.0.1", "inet_interfaces", False), None),
    ],
)
def test_interfaces_of_one_client(options: str, ipv4: Any, ipv6: Any) -> None:
    assert smtp({"inet_interfaces": "10.77.0.1"}, options) == (ipv4, ipv6)


@pytest.mark.parametrize(
    "options, origin, words, families",
    [
        ("-o inet_interfaces=10.77.0.9", "-o inet_interfaces", "no interface", ["ipv4", "ipv6"]),
        ("-o inet_protocols=ipv6", "inet_interfaces", "switches off", ["ipv6"]),
        ("-o inet_protocols=ipv5", "-o inet_protocols", "not a protocol", ["ipv4", "ipv6"]),
        ("-o smtp_bind_address_enforce=maybe", "-o smtp_bind_address_enforce", "neither yes nor no", ["ipv4", "ipv6"]),
        ("-o smtp_bind_address =10.77.0.1", "master.cf", "-o smtp_bind_address =", ["ipv4", "ipv6"]),
        ("# comment", "master.cf", "#", ["ipv4", "ipv6"]),
        ("flags=Z", "master.cf", "flag 'Z'", ["ipv4", "ipv6"]),
        ("flags=R -o smtp_bind_address=10.77.0.1", "master.cf", "option behind", ["ipv4", "ipv6"]),
        ("word", "master.cf", "an argument that it does not take", ["ipv4", "ipv6"]),
        ("-o smtp_helo_name=a, b", "master.cf", "behind -o smtp_helo_name", ["ipv4", "ipv6"]),
        ("-x", "master.cf", "-x", ["ipv4", "ipv6"]),
    ],
)
def test_options_that_one_client_dies_of(options: str, origin: str, words: str, families: list) -> None:
    answer = sources({"inet_interfaces": "10.77.0.1"}, f"smtp unix - - n - - smtp {options}\n{LMTP}")
    for name, source in answer["smtp/unix"].items():
        if name in families:
            assert words in source[0]
            assert source[1:] == (origin, False)
        else:
            assert source is None
    assert answer["lmtp/unix"]["ipv4"][0] == "10.77.0.1"


@pytest.mark.parametrize(
    "settings", [{"inet_interfaces": "10.77.0.9"}, {"inet_protocols": "x"}, {"inet_interfaces": "${"}]
)
def test_settings_that_postfix_dies_of(settings: dict) -> None:
    with pytest.raises(InputError):
        sources(settings)


def test_absent_addresses_can_be_allowed() -> None:
    answer = sources({"inet_interfaces": "10.77.0.9"}, allow_absent=True)
    assert answer["smtp/unix"]["ipv4"] == KERNEL
    assert smtp({}, "-o inet_interfaces=10.77.0.9", allow_absent=True)[0] == KERNEL


def test_which_services_are_clients() -> None:
    master = (
        SMTP
        + "smtp inet n - n - - smtpd\nslow unix - - n - - smtp\nx unix - - n - - /usr/lib/postfix/sbin/lmtp\n"
        + "pickup unix n - n 60 1 pickup\nslow unix - - n - 2 smtp -o smtp_bind_address=10.77.0.2\n"
        + "off unix - - n - - smtp\n"
    )
    answer = sources({"master_service_disable": "off/unix"}, master)
    assert list(answer) == ["smtp/unix", "slow/unix", "x/unix"]
    assert answer["slow/unix"]["ipv4"][0] == "10.77.0.2"
