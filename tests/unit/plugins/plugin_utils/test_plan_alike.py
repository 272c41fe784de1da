# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that are alike: what was found on one of them counts for the others, and what they have apart is seen."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.assumed import MEMORY
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.alike import Alike
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

pytestmark = pytest.mark.one_python
MASTER = "smtp inet n - y - - smtpd\n{own}:2525 inet n - y - - smtpd -o syslog_name=postfix/{name}\n" + "".join(
    f"{name} unix - - y - - {name}\n" for name in ("smtp", "lmtp")
)
BULK = "bulk unix - - y - - smtp -o smtp_bind_address={other}\n"


class Counting(Alike):
    """One that tells how often it knew something."""

    def hits(self, asked: int) -> int:
        return asked - len(self._known)


def found(outlook: Outlook, alike: Alike | None = None, name: str = "mx1") -> list[tuple[str, ...]]:
    if alike:
        vars(outlook)[MEMORY] = alike.of_host(name)
    return [tuple(finding) for finding in findings(outlook, ask_for_hostname=False)]


def case(chance: random.Random) -> tuple[dict[str, str], list[str], str, str]:
    """Settings, addresses, and what master.cf has, with the places of the host's own addresses named."""
    settings = {}
    for name, values in (
        ("inet_interfaces", ["all", "loopback-only", "{own}", "127.0.0.1, {own}", "{own}, {six}", "{own}, {other}"]),
        ("inet_protocols", ["all", "ipv4", "ipv6"]),
        ("smtp_bind_address", ["{own}", "{other}", "127.0.0.1", "0.0.0.0"]),
        ("smtp_bind_address6", ["{six}", "::"]),
        ("mynetworks", ["127.0.0.0/8", "{own}/32"]),
        ("mynetworks_style", ["class", "host", "subnet"]),
        ("proxy_interfaces", ["203.0.113.9"]),
        ("smtp_bind_address_enforce", ["yes"]),
        ("relayhost", ["[{other}]:25", "[mail.example]"]),
    ):
        if chance.random() < 0.45:
            settings[name] = chance.choice(values)
    lengths = chance.choice(([24, 24, 64], [32, 8, 128], [25, 30, 64]))
    addresses = [f"eth0 {{own}}/{lengths[0]}", f"eth1 {{other}}/{lengths[1]}", f"eth0 {{six}}/{lengths[2]}"]
    kept = ["lo 127.0.0.1/8", "lo ::1/128", *(text for text in addresses if chance.random() < 0.8)]
    return settings, kept, MASTER + (BULK if chance.random() < 0.5 else ""), chance.choice(("3.5.20", "3.7.11", "3.12"))


def places(chance: random.Random, number: int) -> dict[str, str]:
    """The addresses of a host, of all kinds."""
    own = chance.choice((f"10.{number}.7.9", f"192.0.2.{number}", f"172.16.{number}.255", f"169.254.3.{number}"))
    other = chance.choice((f"10.{number}.7.0", f"198.51.100.{number}", f"192.168.{number}.1", f"100.64.0.{number}"))
    return {
        "own": own,
        "other": other,
        "six": chance.choice((f"fd77:{number:x}::1", f"2001:db8::{number:x}", f"fe80::{number:x}")),
    }


def built(about: tuple[dict[str, str], Sequence[str], str, str], at: dict[str, str], name: str) -> Outlook:
    settings, addresses, master, version = about
    values = {parameter: value.format(**at) for parameter, value in settings.items()}
    host = host_of(*(text.format(**at) for text in addresses))
    return outlook_of(values, master.format(**at, name=name), host, version)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_remembered_is_what_would_be_found(seed: int) -> None:
    chance = random.Random(seed)
    alike = Alike()
    for _turn in range(25):
        about = case(chance)
        for number in range(1, 7):
            at = places(chance, number)
            name = f"mx{number}.example.net"
            assert found(built(about, at, name), alike, name) == found(built(about, at, name)), (about, at)


def test_hosts_that_are_alike_are_tried_once() -> None:
    alike = Alike()
    about: Any = (
        {"inet_interfaces": "127.0.0.1, {own}", "smtp_bind_address": "{own}"},
        ["lo 127.0.0.1/8", "lo ::1/128", "eth0 {own}/24", "eth0 {six}/64"],
        MASTER,
        "3.12",
    )
    known = []
    for number in range(1, 41):
        name = f"mx{number}.example.net"
        at = {"own": f"10.0.{number}.7", "other": f"10.0.{number}.8", "six": f"2001:db8:{number:x}::7"}
        assert len(found(built(about, at, name), alike, name)) > 2
        known.append(len(alike._known))
    assert 0 < known[-1] == known[0]


@pytest.mark.parametrize(
    "one, other",
    [
        ("10.0.0.1", "192.0.2.1"),  # private, public
        ("10.0.0.1", "10.0.0.0"),  # that of the network
        ("10.0.0.1", "10.0.0.255"),  # that of all of it
        ("192.0.2.1", "127.0.0.2"),
        ("192.0.2.1", "169.254.1.1"),
        ("126.0.0.1", "129.0.0.1"),  # of two classes
        ("192.0.2.1", "198.51.100.7"),  # beside the same, and elsewhere
    ],
)
def test_hosts_that_are_not_alike_are_told_apart(one: str, other: str) -> None:
    about: Any = ({"smtp_bind_address": "{own}", "inet_interfaces": "127.0.0.1, {own}"},
                  ["lo 127.0.0.1/8", "eth0 {own}/24", "eth1 {other}/24", "eth0 {six}/64"], MASTER, "3.12")  # fmt: skip
    alike = Alike()
    numbers = []
    for own in (one, other):
        at = {"own": own, "other": "192.0.2.200", "six": "2001:db8::7"}
        assert found(built(about, at, "mx1"), alike) == found(built(about, at, "mx1"))
        numbers.append(len(alike._known))
    assert numbers[1] > numbers[0]


def test_what_depends_on_names_is_found_each_time() -> None:
    """Two hosts with one text, whose names stand for other addresses."""
    alike = Alike()
    settings = {"inet_interfaces": "127.0.0.1, mx1.example.net"}
    for address in ("192.0.2.1", "10.0.0.1"):
        host = host_of("lo 127.0.0.1/8", f"eth0 {address}/24", "eth0 2001:db8::1/64")
        names = {"mx1.example.net": [address]}
        one, two = (outlook_of(settings, MASTER.format(own=address, name="x"), host, names=names) for _turn in range(2))
        assert found(one, alike) == found(two)
    assert not alike._known


def test_a_name_that_could_be_something_else_is_no_name() -> None:
    """A host called smtp would otherwise be taken for another one whose service is called like that."""
    alike = Alike()
    for name in ("smtp", "lmtp"):
        host = host_of("lo 127.0.0.1/8", "eth0 192.0.2.1/24", "eth0 2001:db8::1/64")
        master = f"{name} inet n - y - - smtpd\nsmtp unix - - y - - {name}\n".replace("lmtp inet", "24 inet")
        settings = {"smtp_bind_address": "192.0.2.1", "inet_interfaces": "127.0.0.1"}
        assert found(outlook_of(settings, master, host), alike, name) == found(outlook_of(settings, master, host))
