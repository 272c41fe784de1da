# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings of random configurations: each fact is told once, and no remedy leads to another fault."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Dict, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.assumed import ABOUT_SOURCES, Assumed
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import REGISTRY, findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import QUEUE, host_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.remedies import (
    NOT_MECHANICAL,
    WAYS,
    applied,
)

NUMBERS = range(120)
STEP = 20
LOOPBACK = ["127.0.0.1/8", "::1/128"]
FOUR = ["10.77.0.1/24", "10.77.0.2/24", "198.51.100.7/26", "10.77.0.3/24 dynamic", "10.77.0.4/24 deprecated dynamic"]
SIX = ["fd77::1/64", "fd77::2/64", "2001:db8::7/64", "2001:db8::8/64 temporary", "fd77::4/64 deprecated"]
NAMES = {"localhost": ["127.0.0.1", "::1"], "mx.test": ["10.77.0.1", "fd77::1"], "nat.test": ["203.0.113.9"]}
ABSENT = ["10.77.0.9", "fd77::9"]
WRONG = ["ALL", "0.0.0.0", "10.77.0.1/32", "IPv6:fd77::1", "[10.77.0.1", "all"]
HOPS = ["[127.0.0.1]:10025", "[::1]:10025", "localhost:10025", "[10.77.0.9]", "[fd77::9]:25", "[mx.example.org]"]
MISSPELT = [
    "smtpd_bind_address", "smtp_bind_adress", "inet_interface", "inet_protocol", "proxy_interface",
    "lmtpd_bind_address6",
]  # fmt: skip
BINDINGS = ["smtp_bind_address", "smtp_bind_address6", "lmtp_bind_address", "lmtp_bind_address6"]
ENFORCE = ["smtp_bind_address_enforce", "lmtp_bind_address_enforce"]


class Case:
    """The host and the files of a number."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(f"remedies/{number}")
        four, six = self.some(FOUR, 3), self.some(SIX, 3)
        self.addresses = [text.partition("/")[0] for text in (*four, *six, *LOOPBACK)]
        kernel = {f"ipv{ip_address(text).version}": ip_address(text) for text in self.addresses[:-2]}
        host = host_of(*LOOPBACK, *four, *six)
        self.host = Host(host.addresses, kernel_source=kernel.get if self.likely(0.5) else None)
        self.version = self.chance.choice(("3.5.25", "3.7.11", "3.10.13", "3.12"))
        self.main = self.settings()
        servers = self.servers()
        self.master = "".join(f"{line}\n" for line in (*servers, *self.clients(), *self.queue(servers)))
        self.twice = self.likely(0.1)

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def some(self, texts: List[str], most: int) -> List[str]:
        return self.chance.sample(texts, self.chance.randint(0, most))

    def address(self) -> str:
        return self.chance.choice(ABSENT if self.likely(0.1) else self.addresses)

    def of_family(self, name: str) -> str:
        fitting = [text for text in self.addresses if (":" in text) == name.endswith("6")]
        return self.address() if self.likely(0.15) else self.chance.choice([*fitting, "127.0.0.1", *ABSENT[:1]][:3])

    def settings(self) -> Dict[str, str]:
        chance = self.chance
        main = {"compatibility_level": chance.choice(("3.6", "3.6", "2", "0")), "myhostname": "mx.test"}
        if self.likely(0.7):
            listed = [self.address() for _word in range(chance.choice((1, 1, 2, 2, 3, 4)))]
            listed += ["localhost"] if self.likely(0.1) else [chance.choice(WRONG)] if self.likely(0.05) else []
            keyword = chance.choice(("all", "loopback-only", ""))
            main["inet_interfaces"] = keyword if self.likely(0.25) else ", ".join(listed)
        if self.likely(0.4):
            main["inet_protocols"] = chance.choice(("all", "ipv4", "ipv4", "ipv6", ""))
        for name in BINDINGS:
            if self.likely(0.2):
                main[name] = self.of_family(name)
        for name in (*ENFORCE, *MISSPELT):
            if self.likely(0.08):
                main[name] = chance.choice(("yes", "no")) if name in ENFORCE else self.address()
        if self.likely(0.3):
            main["mynetworks"] = "127.0.0.0/8"
        elif self.likely(0.3):
            main["mynetworks_style"] = chance.choice(("host", "subnet", "class"))
        for name in ("content_filter", "default_transport", "virtual_transport", "relay_transport"):
            if self.likely(0.12):
                main[name] = f"{chance.choice(('smtp', 'relay', 'scan', 'lmtp', 'nosuch'))}:{chance.choice(HOPS)}"
        for name in ("relayhost", "smtp_fallback_relay"):
            if self.likely(0.12):
                main[name] = chance.choice(HOPS)
        for name in ("smtpd_milters", "non_smtpd_milters"):
            if self.likely(0.12):
                main[name] = f"inet:{chance.choice(HOPS[:3])}"
        for name in ("smtpd_upstream_proxy_protocol", "postscreen_upstream_proxy_protocol"):
            if self.likely(0.12):
                main[name] = "haproxy"
        if self.likely(0.3):
            main["myhostname"] = "nat.test"
        if self.likely(0.1):
            main["proxy_interfaces"] = chance.choice(("203.0.113.9", "203.0.113.5, [2001:db8::5]"))
        if self.likely(0.1):
            main["relay_domains"] = "example.org"
        return main

    def servers(self) -> List[str]:
        chance, lines = self.chance, []
        for _service in range(chance.choice((0, 1, 1, 2, 3, 4))):
            port = chance.choice(("smtp", "25", "587", "587", "10025", "70000"))
            host = chance.choice(("", "", "", f"[{self.address()}]:", "localhost:", "mx.test:", "0.0.0.0:"))
            options = [f"-o {name}={self.address()}" for name in (*BINDINGS, "smtpd_bind_address") if self.likely(0.06)]
            options += ["-o inet_interfaces=" + self.address()] if self.likely(0.1) else []
            options += ["-o inet_protocols=ipv4"] if self.likely(0.06) else []
            options += ["-o content_filter=scan:" + chance.choice(HOPS)] if self.likely(0.1) else []
            options += ["-o smtpd_milters=inet:" + chance.choice(HOPS[:3])] if self.likely(0.1) else []
            limit, program = chance.choice((("-", "smtpd"), ("-", "smtpd"), ("1", "postscreen"), ("-", "postscreen")))
            lines.append(" ".join((f"{host}{port}", "inet n - n -", limit, program, *options)))
        return lines

    def clients(self) -> List[str]:
        lines = []
        for name, program in (("smtp", "smtp"), ("relay", "smtp"), ("scan", "smtp"), ("lmtp", "lmtp")):
            options = [f"-o {option}={self.of_family(option)}" for option in BINDINGS if self.likely(0.12)]
            options += [f"-o {option}=yes" for option in ENFORCE if self.likely(0.06)]
            options += [f"-o {option}={self.address()}" for option in MISSPELT if self.likely(0.04)]
            options += ["-o inet_protocols=ipv4"] if self.likely(0.05) else []
            lines.append(" ".join((f"{name} unix - - n - -", program, *options)))
        return [line for line in lines if self.likely(0.95)]

    def queue(self, servers: List[str]) -> List[str]:
        """Return what all that takes mail needs, or some of it; proxymap is for smtpd only, which remedies may add."""
        lines = QUEUE.splitlines() if self.likely(0.5) else []
        has_smtpd = any(" smtpd" in line for line in servers)
        needed = "pickup " if has_smtpd else ("pickup ", "proxymap ")
        return [line for line in lines if line.startswith(needed) or self.likely(0.9)]

    @property
    def outlook(self) -> Outlook:
        main = "".join(f"{name} = {value}\n" for name, value in self.main.items())
        main += f"myhostname = {self.main['myhostname']}\n" * self.twice
        configuration = Configuration.from_texts(main, self.master, parse_version(self.version), "mx.test")
        return Outlook(configuration, self.host, mapping_resolver(NAMES))


def graver(after: List[Finding], before: List[Finding], severity: str) -> List[Any]:
    """Return the errors, and for what is no error the warnings too, that have come."""
    grave = ("error",) if severity == "error" else ("error", "warning")
    counts = [Counter(key[:2] for key in {one[:3] for one in answer}) for answer in (after, before)]
    return [key for key in counts[0] - counts[1] if key[1] in grave]


@lru_cache(maxsize=None)
def told(number: int) -> Tuple[Outlook, List[Finding], List[Tuple[Finding, List[Outlook]]]]:
    """Return the outlook of a number, its findings without remedies, and those with them, with each remedy applied."""
    outlook = Case(number).outlook
    bare = findings(Assumed(outlook.configuration, outlook.host, outlook.resolve))
    return outlook, bare, [(finding, list(applied(finding, outlook))) for finding in findings(outlook)]


@pytest.mark.parametrize("start", range(0, len(NUMBERS), STEP))
def test_a_remedy_leads_to_no_other_fault(start: int) -> None:
    for number in NUMBERS[start : start + STEP]:
        outlook, before, answer = told(number)
        for finding, applications in answer:
            for then in applications:
                after = findings(Assumed(then.configuration, then.host, then.resolve))
                assert finding[:4] not in [one[:4] for one in after], (number, finding)
                if finding.code != "fatal" and outlook.failure is None:  # else there was more than could be seen
                    severity = "error" if finding.code == "no_listener" else finding.severity  # nobody was heard
                    assert graver(after, before, severity) == [], (number, finding, after)


def test_each_fact_is_told_once() -> None:
    for number in NUMBERS:
        answer = [finding for finding, _applications in told(number)[2]]
        answer = [one for one in answer if one.code != "duplicate_service"]  # of which the name is all that differs
        facts = [(*one[:3], re.sub(r"\S+/(unix|inet|pass)\b,?|, ", "", one.message), one.remedy) for one in answer]
        assert len(set(facts)) == len(facts), (number, [fact for fact in facts if facts.count(fact) > 1])


def test_each_code_is_generated_and_each_remedy_is_followed_or_not_mechanical() -> None:
    codes = {rule.code for rule in REGISTRY}
    assert WAYS.keys() | set(NOT_MECHANICAL) == codes
    assert {*NOT_MECHANICAL} & WAYS.keys() == {"deprecated_address"}
    answers = [pair for number in NUMBERS for pair in told(number)[2]]
    found = {finding.code for finding, _applications in answers}
    followed = {finding.code for finding, applications in answers if applications}
    assert found >= codes - {*NOT_MECHANICAL, "mynetworks_grows"}, codes - found
    assert followed >= found & WAYS.keys(), found & WAYS.keys() - followed


def test_what_may_change_with_source_addresses_is_found() -> None:
    assert {rule.code for rule in REGISTRY} >= ABOUT_SOURCES
