# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two inventories by number: one that hosts go by, and a change of it, as people make them in git.

Each host has variables of a group and its own. Its addresses are in the variables four, four_b, six and six_b, which
the variables of the role name as templates.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

PREFIX = "postfix_interfaces_"
OUT = "postfix-out"
FOUR, FOUR_B, SIX, SIX_B = ("{{ %s }}" % name for name in ("four", "four_b", "six", "six_b"))
ABSENT = "192.0.2.77"

Variables = dict[str, Any]

# fmt: off
_INTERFACES = [
    "all", "loopback-only", ["127.0.0.1", FOUR], ["127.0.0.1", "::1", FOUR, SIX], f"{FOUR}, {FOUR_B}", [FOUR_B],
    [f"[{SIX}]", "127.0.0.1"], f"127.0.0.1, [{SIX_B}]", [FOUR, SIX], "localhost", "all",
    "loopback-only", [FOUR, "127.0.0.1"],
    ["127.0.0.1", ABSENT],
]
_SELECTIONS = [
    ["loopback", "10.0.0.0/8"], ["primary"], ["loopback", "fd00::/16"], ["interface:eth0"], ["global", "!10.0.0.0/8"],
    ["loopback", "!::1"], ["203.0.113.0/24"],
]
_SERVICES: list[dict[str, Any]] = [
    {"name": "submission", "command": "smtpd", "options": {"syslog_name": "postfix/submission"}},
    {"name": "submission", "command": "smtpd", "process_limit": 5},
    {"name": "2525", "command": "smtpd"}, {"name": f"{FOUR}:2525", "command": "smtpd"},
    {"name": f"[{SIX}]:2526", "command": "smtpd"}, {"name": f"{FOUR_B}:smtp", "command": "smtpd"},
    {"name": f"{FOUR}:smtp", "command": "smtpd"}, {"name": "127.0.0.1:10025", "command": "smtpd"},
    {"name": "smtp", "state": "absent"}, {"name": "smtp", "state": "disabled"},
    {"name": "smtp", "command": "smtpd", "options": {"smtpd_banner": "$myhostname ESMTP"}},
    {"name": "smtp", "command": "smtpd", "unset_options": ["smtpd_banner"]}, {"name": "2525", "state": "absent"},
    {"name": "out", "type": "unix", "command": "smtp", "options": {"smtp_bind_address": FOUR_B}},
    {"name": "out", "type": "unix", "command": "smtp", "options": {"smtp_bind_address6": SIX}},
    {"name": "smtp", "type": "unix", "options": {"smtp_bind_address": FOUR_B}},
    {"name": "smtp", "type": "unix", "unset_options": ["smtp_bind_address"]},
    {"name": "out", "type": "unix", "state": "absent"},
    {"name": "relay", "type": "unix", "options": {"smtp_bind_address6": SIX_B}},
    {"name": f"{ABSENT}:2527", "command": "smtpd"}, {"name": "nonsense"},
]
_SOURCES: list[Any] = [
    {"one": {"address": FOUR, "address6": SIX, "helo": "one.example.net"}},
    {"one": {"address": FOUR, "helo": "one.example.net", "transports": ["smtp", "relay"]}},
    {"one": {"address": FOUR_B, "state": "draining"}, "two": {"address": FOUR, "weight": 0}},
    {"one": {"address": FOUR_B, "state": "retired"}, "two": {"address6": SIX_B, "enforce": False}},
    {"one": {"address": ABSENT, "state": "planned"}, "two": {"address": FOUR}},
    {"two": {"select": ["10.0.0.0/8", f"!{FOUR_B}"], "transports": ["lmtp"]}, "one": {"address": FOUR}},
    {"one": {"address": ABSENT}},
]
_VALUES: list[tuple[str, float, list[Any]]] = [
    ("inet_protocols", 0.3, ["all", "all", "ipv4", "ipv4", "ipv6", ["ipv4", "ipv6"], "ipv4, ipv6"]),
    ("smtp_bind_address", 0.35, [*(FOUR, FOUR_B, "0.0.0.0", "", FOUR, "127.0.0.1") * 2, ABSENT]),
    ("smtp_bind_address6", 0.25, [SIX, SIX_B, "::", ""]),
    ("lmtp_bind_address", 0.1, [FOUR, "127.0.0.1"]),
    ("smtp_bind_address_enforce", 0.15, [True, False, "yes"]),
    ("proxy_interfaces", 0.15, ["203.0.113.5", ["203.0.113.5"], []]),
    ("master_service_disable", 0.08, [[], "2525/inet", ["submission.inet"]]),
    ("unset", 0.1, [["lmtp_bind_address"], "proxy_interfaces"]),
    ("unlisted_services", 0.15, ["report", "disable", "remove", "keep"]),
    ("sources", 0.2, _SOURCES), ("abandoned", 0.3, ["restore", "restore", "report", "keep"]),
    ("allow_no_listener", 0.8, [True]),
    ("allow_absent_addresses", 0.1, [True]),
    ("findings", 0.15, ["ignore", "show", "fail"]),
    ("timeout", 0.1, [60]),
]
# fmt: on


class Change(NamedTuple):
    """Two inventories: the variables of the group, and those of each host."""

    base: Variables
    base_hosts: list[Variables]
    proposal: Variables
    proposal_hosts: list[Variables]


def change(seed: int, number: int, hosts: int) -> Change:
    """The change of a number, for so many hosts."""
    chance = random.Random(f"plans/{seed}/{number}")
    base = wishes(chance, share=0.7)
    base_hosts = [wishes(chance, share=0.35, instances=True) for _host in range(hosts)]
    proposal = edited(chance, base, share=0.7) if chance.random() < 0.6 else base
    proposal_hosts = [edited(chance, own, share=0.35) if chance.random() < 0.8 else {**own} for own in base_hosts]
    for own in proposal_hosts:
        if "instances" not in own and chance.random() < 0.1:
            own["instances"] = [{}, _out(chance)]
    for group, own in ((base, base_hosts), (proposal, proposal_hosts)):
        for host in own:
            _settle(chance, group, host)
    return Change(base, base_hosts, proposal, proposal_hosts)


def _settle(chance: random.Random, group: Variables, own: Variables) -> None:
    """Have a host say most things only once, which people learn soon."""
    both = {**group, **own}
    if chance.random() < 0.9:
        if both.keys() & both.get("select", {}).keys():
            own["select"] = {}
        if any(name in both for name in both.get("unset", ())) or "proxy_interfaces" in both:
            own["unset"] = []


def wishes(chance: random.Random, share: float, *, instances: bool = False) -> Variables:
    """Some variables of the role, by the names of its options.

    :param share: how many of those that could be there
    """
    found: Variables = {}
    if chance.random() < share:
        found["inet_interfaces"] = chance.choice(_INTERFACES)
    elif chance.random() < share / 2:
        found["select"] = {"inet_interfaces": chance.choice(_SELECTIONS)}
    for name, often, values in _VALUES:
        if chance.random() < often * share * 1.3:
            found[name] = chance.choice(values)
    if chance.random() < share:
        found["services"] = _services(chance)
    if instances and chance.random() < 0.25:
        found["instances"] = [{}, _out(chance)]
    return found


def edited(chance: random.Random, variables: Variables, share: float) -> Variables:
    """The same after somebody has worked on it."""
    if chance.random() < 0.15:
        return wishes(chance, share, instances="instances" in variables)
    found = copy.deepcopy(variables)
    fresh = wishes(chance, 0.9, instances=chance.random() < 0.3)
    for _turn in range(chance.choice((1, 1, 2, 3))):
        if found and chance.random() < 0.35:
            del found[chance.choice(sorted(found))]
        elif "services" in found and chance.random() < 0.5:
            services = found["services"]
            if len(services) > 1 and chance.random() < 0.5:
                services.remove(chance.choice(services))
            else:
                services.append(copy.deepcopy(chance.choice(_SERVICES)))
        elif "instances" in found and chance.random() < 0.5:
            found["instances"] = chance.choice(
                ([{}, {"instance": OUT, "state": "absent"}], [{}, _out(chance)], [{}, {"instance": OUT}], [{}])
            )
        elif fresh:
            name = chance.choice(sorted(fresh))
            found[name] = fresh[name]
    return found


def _services(chance: random.Random) -> list[dict[str, Any]]:
    """Some services; seldom one that nobody can mean."""
    usual = _SERVICES[:-2]
    few = chance.sample(usual, chance.choice((1, 1, 2, 3)))
    if chance.random() < 0.04:
        few.append(chance.choice(_SERVICES[-2:]))
    return copy.deepcopy(few)


def _out(chance: random.Random) -> dict[str, Any]:
    """A second instance; mostly one whose sockets are not those of the first."""
    found: dict[str, Any] = {"instance": OUT, "state": "present", "select": None, "unset": []}
    found["services"] = chance.choice(
        (
            [{"name": "smtp", "state": "absent"}, {"name": "10026", "command": "smtpd"}],
            [{"name": "smtp", "state": "absent"}, {"name": f"{FOUR_B}:10027", "command": "smtpd"}],
            [{"name": "smtp", "state": "absent"}],
            [],
        )
    )
    found["inet_interfaces"] = chance.choice((["127.0.0.1"], [FOUR_B], "loopback-only", "all"))
    if chance.random() < 0.5:
        found["smtp_bind_address"] = chance.choice((FOUR, FOUR_B, None))
    found["allow_no_listener"] = True
    return found


def as_variables(options: Variables) -> Variables:
    """Options of the role as its variables."""
    return {PREFIX + name: value for name, value in options.items()}


def of_addresses(addresses: Sequence[str]) -> Variables:
    """The variables of a host that the templates name."""
    return dict(zip(("four", "four_b", "six", "six_b"), addresses, strict=True))
