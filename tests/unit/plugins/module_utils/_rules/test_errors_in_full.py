# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read where Postfix would die of inet_interfaces, of proxy_interfaces or of an endpoint, to the last word.

A remedy depends on what else is in the value: of the only word it does not say that it be taken out.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

HOST = host_of(
    "lo 127.0.0.1/8",
    "eth0 10.77.0.1/24",
    "eth0 10.77.0.2/24",
    "lo ::1/128",
    "eth0 fd77::1/64",
    "eth0 fe80::1/64",
    "eth1 10.88.0.1/24 down",
    "10.99.0.1/24 down",
)
NAMES = {"mx": "10.77.0.1", "away": "192.0.2.1", "none": [], "eth1": []}
SET = {"mine": "away", "gone": "10.77.0.9", "pair": "10.77.0.1 10.77.0.9"}
IPV4 = "the host has 127.0.0.1, 10.77.0.1, 10.77.0.2"
NO_NAME = "is a host name whose addresses are not given, and DNS is not asked here. Give its addresses in resolve, or"
NOWHERE = "is on no interface of the host"
CORRECT = "Write an address instead of the name, or correct what the name resolves to"
NONE_IN_USE = "has no address of a family in use"
WIDEN = "Write an address, or widen inet_protocols"
INTERFACE = "is the name of an interface, and Postfix takes addresses. List its addresses, or use select with interface"
SMTP = "smtp inet n - n - - smtpd\n"
NO_ADDRESS = "is no address at all, and the service smtp has no host part"
HOST_PART = "or give each service of type inet a host part"
LINK_LOCAL = "is a link-local address, on which Postfix cannot listen since its sockets have no zone"


def told(settings: dict, master: str = "", version: str = "3.12", host: Host = HOST) -> str:
    outlook = outlook_of({**SET, **settings}, master, host, version, NAMES)
    if outlook.error is not None:
        return str(outlook.error)
    with pytest.raises(InputError) as caught:
        outlook.proxy_addresses  # noqa: B018
    return str(caught.value)


@pytest.mark.parametrize(
    "value, words",
    [
        ("10.77.0.9", f"{NOWHERE}. Add it to the host, or list another address; {IPV4}."),
        ("10.77.0.9, 10.77.0.1", f"{NOWHERE}. Add it to the host, or take it out; {IPV4}."),
        ("10.77.0.9, 10.77.0.9", f"{NOWHERE}. Add it to the host, or list another address; {IPV4}."),
        ("fd77::9, mx", f"{NOWHERE}. Add it to the host, or take it out; the host has ::1, fd77::1, fe80::1."),
        ("away", f"has the address 192.0.2.1, which {NOWHERE}. {CORRECT}; {IPV4}."),
        ("$mine, mx", f"is away, which has the address 192.0.2.1, which {NOWHERE}. {CORRECT}; {IPV4}."),
        ("${gone}, mx", f"is 10.77.0.9, which {NOWHERE}. Add it to the host, or take it out; {IPV4}."),
        ("none, mx", f"{NONE_IN_USE} (ipv4 and ipv6). {WIDEN}."),
        ("nosuch", f"{NO_NAME} write them instead of the name."),
        ("nosuch, mx", f"{NO_NAME} write them instead of the name."),
        ("0.0.0.0", "is a wildcard that no interface has. Write all."),
        ("10.077.0.1", "is 10.63.0.1 for Postfix, since leading zeros mean octal. Drop the zeros."),
        ("10.1", f"is 10.0.0.1 for Postfix, which {NOWHERE}. Write all four numbers of the address."),
        ("10.88.0.1", "belongs to interface eth1, which is down. Set the interface up, or list another address."),
        ("10.99.0.1", "belongs to an interface, which is down. Set the interface up, or list another address."),
        ("10.88.0.1, mx", "belongs to interface eth1, which is down. Set the interface up, or take it out."),
        ("eth0", f"{INTERFACE}:eth0."),
        ("eth1, mx", f"{INTERFACE}:eth1."),
    ],
)
def test_inet_interfaces(value: str, words: str) -> None:
    assert told({"inet_interfaces": value}) == f"inet_interfaces: '{value.split(',')[0]}' {words}"


def test_a_reference_that_comes_to_several_words() -> None:
    assert told({"inet_interfaces": "$pair"}).startswith(
        f"inet_interfaces: '10.77.0.9' {NOWHERE}. Add it to the host, or"
    )


@pytest.mark.parametrize(
    "parameter, value, protocols, words",
    [
        ("inet_interfaces", "mx", "ipv6", f"{NONE_IN_USE} (ipv6). {WIDEN}."),
        ("inet_interfaces", "10.77.0.1", "ipv6", "ipv4, which inet_protocols switches off. List another address"),
        ("inet_interfaces", "10.77.0.1, ::1", "ipv6", "ipv4, which inet_protocols switches off. Take it out"),
        ("inet_interfaces", "[fd77::1]", "ipv4", "ipv6, which inet_protocols switches off. List another address"),
        ("proxy_interfaces", "::1", "ipv4", "ipv6, which inet_protocols switches off. Take it out"),
        ("proxy_interfaces", "none", "all", f"{NONE_IN_USE} (ipv4 and ipv6). {WIDEN}."),
        ("proxy_interfaces", "none", "", f"{NONE_IN_USE} (none). {WIDEN}."),
        ("proxy_interfaces", "nosuch", "all", f"{NO_NAME} write them instead of the name."),
        ("proxy_interfaces", "eth0", "all", f"{INTERFACE}:eth0."),
    ],
)
def test_families_and_proxy_interfaces(parameter: str, value: str, protocols: str, words: str) -> None:
    if "switches off" in words:
        words = f"is of the family {words}, or add {words[:4]} to inet_protocols."
    settings = {parameter: value, "inet_protocols": protocols}
    assert told(settings) == f"{parameter}: '{value.split(',')[0]}' {words}"


@pytest.mark.parametrize(
    "master, settings, version, words",
    [
        (
            SMTP,
            {"inet_interfaces": "$no"},
            "3.12",
            f"inet_interfaces: '$no' {NO_ADDRESS}. List an address, {HOST_PART}.",
        ),
        ("10.77.0.9:25 inet n - n - - smtpd\n", {}, "3.12", f"cannot listen: its address {NOWHERE}, which has 127.0"),
        (
            "away:25 inet n - n - - smtpd\n",
            {},
            "3.12",
            f"cannot listen: away has the address 192.0.2.1, which {NOWHERE}",
        ),
        ("nosuch:25 inet n - n - - smtpd\n", {}, "3.12", f"services: 'nosuch:25/inet' {NO_NAME}"),
        ("all:25 inet n - n - - smtpd\n", {}, "3.12", "Write the port alone, or an address before it."),
        (
            "smtp inet - - n - - smtpd\n",
            {},
            "3.12",
            "services: 'smtp/inet' is private, which a service of type inet cannot be. Write n",
        ),
        ("smtp INET n - n - - smtpd\n", {}, "3.12", "'INET'. Write one of inet, unix, unix-dgram, fifo, pass."),
        ("smtp inet n x n - - smtpd\n", {}, "3.12", "unprivileged. Write y, n or -, or a number where one belongs."),
        (
            SMTP,
            {"inet_interfaces": "fe80::1"},
            "3.12",
            (
                f"inet_interfaces: 'fe80::1' {LINK_LOCAL}, and the service smtp would listen on it. "
                "List another address, or give the service a host part."
            ),
        ),
        (
            SMTP,
            {"inet_interfaces": "fe80::1, mx"},
            "3.12",
            "listen on it. Take it out, or give the service a host part.",
        ),
        (
            f"{SMTP}10.77.0.1:25 inet n - n - - smtpd\n",
            {},
            "3.5.25",
            (
                "services: '10.77.0.1:25/inet' claims 10.77.0.1 port 25, which the service smtp has already. "
                "Keep one of them, or upgrade to Postfix 3.6, where both share the connections."
            ),
        ),
        (f"[::]:25 inet n - n - - smtpd\n{SMTP}", {}, "3.5.25", "services: 'smtp/inet' claims :: port 25, which"),
    ],
)
def test_listeners(master: str, settings: dict, version: str, words: str) -> None:
    assert words in told(settings, master, version)


@pytest.mark.parametrize(
    "protocols, host, families",
    [
        ("ipv4", ["fd77::1/64"], ["ipv4"]),
        ("ipv6", ["10.77.0.1/24"], ["ipv6"]),
        ("all", ["eth0 10.77.0.1/24 down"], ["ipv4", "ipv6"]),
    ],
)
def test_a_host_without_an_address_of_any_family_in_use(protocols: str, host: list, families: list) -> None:
    remedy = "Set an interface up" if len(families) == 2 else "Enable the family that the host has"
    names, reason = ", ".join(families), f"the host has no {' or '.join(families)} address"
    error = f"inet_protocols: '{names}' leaves no address, since {reason}. {remedy}."
    assert told({"inet_protocols": protocols}, host=host_of(*host)) == error


def test_a_keyword_is_no_name_to_ask_for() -> None:
    host = host_of("lo 127.0.0.1/8", "lo ::1/128 tentative")
    words = told({"inet_interfaces": "loopback-only"}, SMTP, host=host)
    assert words.startswith("inet_interfaces: 'loopback-only' comes to ::1, which is tentative")
    assert words.endswith("listen on it. List the other addresses, or give the service a host part.")
    words = told({"inet_interfaces": "$which", "which": "loopback-only"}, SMTP, host=host)
    assert words.startswith("inet_interfaces: '$which' comes to ::1, which is tentative")


def test_a_name_that_comes_to_something_else_meanwhile() -> None:
    """The address is told as it is, where nobody can say any more by which word it came."""
    answers = [["fe80::1"], ["10.77.0.1"], ["10.77.0.1"]]
    outlook = outlook_of({"inet_interfaces": "mx"}, SMTP, HOST, names=lambda name: [ip_address(answers.pop(0)[0])])
    assert str(outlook.error).startswith(f"inet_interfaces: 'fe80::1' {LINK_LOCAL}, and the service smtp would listen")
