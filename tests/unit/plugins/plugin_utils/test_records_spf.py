# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SPF as RFC 7208 has it, with the answers of a real name server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

resolver = pytest.importorskip("dns.resolver")
pytest.importorskip("spf")

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.ask import Answers
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import RESULTS
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.spf import Spf
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.dns_server import Server, serving

pytestmark = pytest.mark.one_python

V4, V6, OTHER, OTHER6 = "192.0.2.10", "2001:db8::10", "203.0.113.9", "2001:db8:f::9"


def txt(text: str) -> dict[str, list[str]]:
    return {"TXT": [f'"{text}"']}


ZONE: dict[str, dict[str, list[str]]] = {
    "out1.example.net": {"A": [V4], "AAAA": [V6]},
    "out2.example.net": {"A": [OTHER]},
    "alias.example.net": {"CNAME": ["out1.example.net."]},
    "mail.example.net": {"MX": ["20 out2.example.net.", "10 out1.example.net."]},
    "mx4.example.net": {"MX": ["10 out2.example.net.", "20 out2b.example.net."]},
    "null.example.net": {"MX": ["0 ."]},
    "ten.example.net": {"MX": [f"{number} out1.example.net." for number in range(10)]},
    "eleven.example.net": {"MX": [f"{number} m{number}.example.net." for number in range(11)]},
    "_spf.example.net": txt("v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/64 -all"),
    "_soft.example.net": txt("v=spf1 ~all"),
    "_redirected.example.net": txt("v=spf1 redirect=_spf.example.net"),
    "_loop.example.net": txt("v=spf1 include:_loop.example.net -all"),
    "_circle.example.net": txt("v=spf1 redirect=_circle.example.net"),
    "_bad.example.net": txt("v=spf1 ip4:192.0.2.0/33 -all"),
    "_two.example.net": {"TXT": ['"v=spf1 -all"', '"v=spf1 +all"']},
    "_other.example.net": txt("hello"),
    "10.2.0.192.in-addr.arpa": {"PTR": ["out1.example.net."]},
    "9.113.0.203.in-addr.arpa": {"PTR": ["out1.example.net."]},
    "10.2.0.192.in-addr._i.example.net": {"A": ["127.0.0.2"]},
    "10.2.0.192._r.example.net": {"A": ["127.0.0.2"]},
    "out1.example.net._h.example.net": {"A": ["127.0.0.2"]},
    "postmaster._l.example.net": {"A": ["127.0.0.2"]},
    "case.test._o.example.net": {"A": ["127.0.0.2"]},
    "test._d1.example.net": {"A": ["127.0.0.2"]},
    ".".join(reversed("20010db8000000000000000000000010")) + ".ip6._i.example.net": {"A": ["127.0.0.2"]},
    **{f"e{number}.example.net": {"AAAA": [V6], "A": []} for number in range(12)},
    **{f"m{number}.example.net": {"A": [OTHER]} for number in range(12)},
    **{f"x{number}.example.net": txt(f"v=spf1 include:x{number + 1}.example.net -all") for number in range(12)},
    **{f"y{number}.example.net": txt("v=spf1 -all") for number in range(12)},
}

CASES = {
    "all": ("v=spf1 +all", V4, "pass"),
    "nothing matches": ("v=spf1", V4, "neutral"),
    "neutral all": ("v=spf1 ?all", V4, "neutral"),
    "soft": ("v=spf1 ~all", V4, "softfail"),
    "hard": ("v=spf1 -all", V4, "fail"),
    "upper case": ("V=SPF1 IP4:192.0.2.10 -ALL", V4, "pass"),
    "not that version": ("v=spf10 +all", V4, "none"),
    "spaces": ("v=spf1  ip4:192.0.2.10   -all ", V4, "pass"),
    "ip4": ("v=spf1 ip4:192.0.2.10 -all", V4, "pass"),
    "ip4 network": ("v=spf1 ip4:192.0.2.77/25 -all", V4, "pass"),
    "ip4 beside": ("v=spf1 ip4:192.0.2.11 -all", V4, "fail"),
    "ip4 without qualifier before all": ("v=spf1 -ip4:192.0.2.10 +all", V4, "fail"),
    "ip4 for IPv6": ("v=spf1 ip4:0.0.0.0/0 -all", V6, "fail"),
    "ip6": ("v=spf1 ip6:2001:db8::10 -all", V6, "pass"),
    "ip6 network": ("v=spf1 ip6:2001:db8::/32 -all", OTHER6, "pass"),
    "ip6 beside": ("v=spf1 ip6:2001:db8::/127 -all", V6, "fail"),
    "ip6 for IPv4": ("v=spf1 ip6:::/0 -all", V4, "fail"),
    "a of itself": ("v=spf1 a -all", V4, "fail"),
    "a": ("v=spf1 a:out1.example.net -all", V4, "pass"),
    "a for IPv6": ("v=spf1 a:out1.example.net -all", V6, "pass"),
    "a beside": ("v=spf1 a:out1.example.net -all", OTHER, "fail"),
    "a with a length": ("v=spf1 a:out2.example.net/24 -all", "203.0.113.77", "pass"),
    "a with both lengths": ("v=spf1 a:out1.example.net/30//112 -all", "2001:db8::99", "pass"),
    "a by an alias": ("v=spf1 a:alias.example.net -all", V4, "pass"),
    "mx": ("v=spf1 mx:mail.example.net -all", V4, "pass"),
    "mx, the second": ("v=spf1 mx:mail.example.net -all", OTHER, "pass"),
    "mx for IPv6": ("v=spf1 mx:mail.example.net -all", V6, "pass"),
    "mx beside": ("v=spf1 mx:mail.example.net -all", "192.0.2.11", "fail"),
    "mx that takes no mail": ("v=spf1 mx:null.example.net -all", V4, "fail"),
    "mx with ten names": ("v=spf1 mx:ten.example.net -all", V4, "pass"),
    "mx with eleven names": ("v=spf1 mx:eleven.example.net +all", V4, "permerror"),
    "ptr": ("v=spf1 ptr:example.net -all", V4, "pass"),
    "ptr that lies": ("v=spf1 ptr:example.net -all", OTHER, "fail"),
    "include passes": ("v=spf1 include:_spf.example.net -all", V4, "pass"),
    "include passes for IPv6": ("v=spf1 include:_spf.example.net -all", V6, "pass"),
    "include fails, and that is not the end": ("v=spf1 include:_spf.example.net ~all", OTHER, "softfail"),
    "include with a qualifier": ("v=spf1 -include:_spf.example.net +all", V4, "fail"),
    "include softly fails": ("v=spf1 include:_soft.example.net +all", V4, "pass"),
    "include redirects": ("v=spf1 include:_redirected.example.net -all", V4, "pass"),
    "include without a record": ("v=spf1 include:_other.example.net +all", V4, "permerror"),
    "include of nothing": ("v=spf1 include:nowhere.example.net +all", V4, "permerror"),
    "include that is wrong": ("v=spf1 include:_bad.example.net +all", V4, "permerror"),
    "include of two records": ("v=spf1 include:_two.example.net +all", V4, "permerror"),
    "include of itself": ("v=spf1 include:_loop.example.net +all", V4, "permerror"),
    "include behind a match": ("v=spf1 ip4:192.0.2.10 include:nowhere.example.net", V4, "pass"),
    "redirect": ("v=spf1 redirect=_spf.example.net", V4, "pass"),
    "redirect, no": ("v=spf1 redirect=_spf.example.net", OTHER, "fail"),
    "redirect first": ("v=spf1 redirect=_soft.example.net ip4:192.0.2.10", V4, "pass"),
    "redirect beside all": ("v=spf1 redirect=_spf.example.net ?all", V4, "neutral"),
    "redirect to nothing": ("v=spf1 redirect=nowhere.example.net", V4, "permerror"),
    "redirect in a circle": ("v=spf1 redirect=_circle.example.net", V4, "permerror"),
    "redirect twice": ("v=spf1 redirect=_spf.example.net redirect=_spf.example.net", V4, "permerror"),
    "exists": ("v=spf1 exists:out2.example.net -all", V4, "pass"),
    "exists asks for IPv4 always": ("v=spf1 exists:out2.example.net -all", V6, "pass"),
    "exists not": ("v=spf1 exists:nowhere.example.net -all", V4, "fail"),
    "macro i, v": ("v=spf1 exists:%{ir}.%{v}._i.example.net -all", V4, "pass"),
    "macro i, v for IPv6": ("v=spf1 exists:%{ir}.%{v}._i.example.net -all", V6, "pass"),
    "macro i reversed": ("v=spf1 exists:%{ir}._r.example.net -all", V4, "pass"),
    "macro i, no": ("v=spf1 exists:%{ir}._r.example.net -all", OTHER, "fail"),
    "macro h": ("v=spf1 exists:%{h}._h.example.net -all", V4, "pass"),
    "macro l": ("v=spf1 exists:%{l}._l.example.net -all", V4, "pass"),
    "macro o": ("v=spf1 exists:%{o}._o.example.net -all", V4, "pass"),
    "macro d, the last label": ("v=spf1 exists:%{d1}._d1.example.net -all", V4, "pass"),
    "macro d in include": ("v=spf1 include:%{d}._nowhere.example.net -all", V4, "permerror"),
    "macro that does not exist": ("v=spf1 exists:%{k}.example.net +all", V4, "permerror"),
    "macro only for exp": ("v=spf1 exists:%{c}.example.net +all", V4, "permerror"),
    "macro without its end": ("v=spf1 exists:%{d.example.net +all", V4, "permerror"),
    "two void lookups": ("v=spf1 a:n1.example.net a:n2.example.net ip4:192.0.2.10 -all", V4, "pass"),
    "three void lookups": ("v=spf1 a:n1.example.net a:n2.example.net a:n3.example.net +all", V4, "permerror"),
    "void for one family": (f"v=spf1 {' '.join(f'a:m{n}.example.net' for n in range(3))} +all", V6, "permerror"),
    "ten lookups": (f"v=spf1 {' '.join(f'include:y{n}.example.net' for n in range(10))} +all", V4, "pass"),
    "eleven lookups": (f"v=spf1 {' '.join(f'include:y{n}.example.net' for n in range(11))} +all", V4, "permerror"),
    "a match before the eleventh": (
        f"v=spf1 {' '.join(f'include:y{n}.example.net' for n in range(9))} a:out1.example.net mx:mail.example.net",
        V4,
        "pass",
    ),
    "eleven lookups within each other": ("v=spf1 include:x0.example.net +all", V4, "permerror"),
    "unknown mechanism": ("v=spf1 ip4:192.0.2.10 moo -all", V4, "permerror"),
    "unknown modifier": ("v=spf1 moo=x ip4:192.0.2.10 -all", V4, "pass"),
    "not an address": ("v=spf1 ip4:192.0.2 +all", V4, "permerror"),
    "length beyond": ("v=spf1 a:out1.example.net/33 +all", V4, "permerror"),
    "explanation that nobody has": ("v=spf1 exp=nowhere.example.net -all", V4, "fail"),
    "server that fails": ("v=spf1 a:broken.example.net +all", V4, "temperror"),
    "server that is silent": ("v=spf1 include:silent.example.net +all", V4, "temperror"),
    "server that fails behind a match": ("v=spf1 ip4:192.0.2.10 a:broken.example.net", V4, "pass"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    zone = {**ZONE}
    with serving(zone, servfail=["broken.example.net"], silent=["silent.example.net"]) as found:
        yield found


def verdict(server: Server, record: list[str], address: str) -> dict[str, Any]:
    """What comes of a record; it may have several parts."""
    parts = " ".join(f'"{part}"' for part in record)
    server.zone = {**server.zone, "case.test": {"TXT": [parts]}}
    answers = Answers(server.resolver())
    found = Spf().verdicts(answers, "case.test", {address: "out1.example.net"})
    assert found is not None
    return {**found["results"].get(address, {"result": "not evaluated", "why": ""}), "errors": answers.errors}


@pytest.mark.parametrize("case", CASES)
def test_what_rfc_7208_says(server: Server, case: str) -> None:
    record, address, result = CASES[case]
    parts = [record[start : start + 200] for start in range(0, len(record), 200)]
    found = verdict(server, parts, address)
    assert (found["result"], "\n" in found["why"]) == (result, False), found
    assert bool(found["errors"]) == (result == "temperror")


WORDS = ("a", "mx", "ptr", "include", "exists", "ip4", "ip6", "all", "redirect", "exp", "moo", "")
TARGETS = (
    "",
    "out1.example.net",
    "%{i}._spf.%{d2}",
    "%{",
    "%{p}",
    "..",
    "x" * 70,
    "192.0.2.10",
    "::/0",
    "\u00e9",
    "\x07",
)
TERMS = st.tuples(
    st.sampled_from(("", "+", "-", "~", "?", "=")),
    st.sampled_from(WORDS),
    st.sampled_from((":", "=", "/", "")),
    st.sampled_from(TARGETS) | st.text(max_size=12),
    st.sampled_from(("", "/24", "//64", "/24//64", "/999", "/x")),
)


class Kept(Answers):
    """The answers that the name server above would give."""

    def _ask(self, name: str, kind: str) -> list[Any]:
        if kind == "TXT" and name == "case.test":
            return [(self.record.encode("utf-8", "replace"),)]
        found = ZONE.get(name, {}).get(kind, [])
        if kind == "TXT":
            return [(text.strip('"').encode(),) for text in found]
        if kind == "MX":
            return [(int(text.split()[0]), text.split()[1].rstrip(".")) for text in found]
        return [text.rstrip(".") for text in found]

    record = ""


@given(st.lists(TERMS, max_size=6), st.sampled_from((V4, V6)))
def test_whatever_a_record_says_there_is_a_result(terms: list[tuple[str, ...]], address: str) -> None:
    answers = Kept(resolver.Resolver(configure=False))
    answers.record = " ".join(["v=spf1", *("".join(term) for term in terms)])
    found = Spf().verdicts(answers, "case.test", {address: "out1.example.net"})
    assert found is not None
    for verdict in found["results"].values():
        assert verdict["result"] in RESULTS
        assert verdict["why"].isprintable()
    assert found["record"] is None or found["record"].isprintable()
    assert all(error.isprintable() for error in answers.errors)
    assert bool(found["results"]) != bool(answers.errors)
