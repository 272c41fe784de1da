# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources by name, from the inventory to what the receiver sees: the address, and the name that it greets with."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.filter.source_maps import source_maps
from fleet import FILES, MailHost, Sink
from mailfleet_lab.system import wait_until

CHOOSING = "sender_dependent_default_transport_maps"
PATTERN_FILE = "/etc/postfix/any_domain"


def sources(host: MailHost, **states: str) -> dict[str, Any]:
    both = {"out1": (host.ipv4, host.ipv6), "out2": (host.ipv4_b, host.ipv6_b)}
    return {
        name: {
            "address": both[name][0],
            "address6": both[name][1],
            "helo": f"{name}.example.net",
            "state": state,
        }
        for name, state in states.items()
    }


def choose(host: MailHost, wanted: dict[str, Any], senders: dict[str, str] | None = None) -> None:
    """Have mail sent by the sources, as the documentation says."""
    host.shell(f"echo '/^(@|<>)/ any' > {PATTERN_FILE}")
    host.edit(CHOOSING, source_maps(wanted, senders, "" if host.has_tables_in_braces else PATTERN_FILE))


def queued(host: MailHost) -> bool:
    return "empty" not in host.run("postqueue", "-p").stdout


def test_each_source_sends_from_its_address_and_greets_with_its_name(host: MailHost, sink: Sink) -> None:
    wanted = sources(host, out1="active", out2="active")
    choose(host, wanted, {"a@one.example": "out1", "@two.example": "out2"})
    played = host.play(
        "role",
        postfix_interfaces_sources={"out1": wanted["out1"]},
        postfix_interfaces_sources_b={"out2": wanted["out2"]},
    )
    assert played.failed == 0, played.said
    for room, one, two in ((host.room[0], host.ipv4, host.ipv4_b), (f"IPv6:{host.room[1]}", host.ipv6, host.ipv6_b)):
        assert sink.source_of_mail(host, f"user@[{room}]", "a@one.example") == one
        assert sink.source_of_mail(host, f"user@[{room}]", "b@two.example") == two
    assert sink.greeted == ["out1.example.net", "out2.example.net"] * 2
    by_domain = [sink.source_of_mail(host, f"user@[{host.room[0]}]", f"c{n}+x@two.example") for n in range(5)]
    by_weight = [sink.source_of_mail(host, f"user@[{host.room[0]}]", sender) for sender in ["<>", "x@x.example"] * 10]
    assert (set(by_domain), set(by_weight)) == ({host.ipv4_b}, {host.ipv4, host.ipv4_b})
    again = host.play("role", postfix_interfaces_sources=wanted)
    assert (again.changed, again.failed) == (0, 0), again.said


def test_mail_is_spread_by_weight(host: MailHost, sink: Sink) -> None:
    wanted = sources(host, out1="active", out2="active")
    wanted["out1"]["weight"] = 3
    choose(host, wanted)
    assert "msg" not in host.bring({"sources": wanted})
    host.shell(f"for n in $(seq 60); do echo | sendmail -f a$n@example 'user@[{host.room[0]}]'; done")
    wait_until(lambda: len(sink.sources) == 60, 30, "mail arriving")
    counted = Counter(zip(sink.greeted, sink.sources, strict=True))
    assert set(counted) == {("out1.example.net", host.ipv4), ("out2.example.net", host.ipv4_b)}
    assert counted["out1.example.net", host.ipv4] > counted["out2.example.net", host.ipv4_b] > 0


def test_a_stock_client_that_a_source_covers_sends_from_it_too(host: MailHost, sink: Sink) -> None:
    wanted = sources(host, out2="active")
    wanted["out2"]["transports"] = ["smtp", "relay"]
    assert "msg" not in host.bring({"sources": wanted})
    assert sink.source_of_mail(host, f"user@[{host.room[0]}]") == host.ipv4_b
    assert sink.greeted == ["out2.example.net"]


def test_a_source_of_one_family_beside_a_list_of_both(host: MailHost, sink: Sink) -> None:
    listed = {"inet_interfaces": ["127.0.0.1", "::1", host.ipv4, host.ipv6]}
    wanted = {"out1": {"address": host.ipv4_b}, "out2": {"address6": host.ipv6_b}}
    done = host.bring({"sources": wanted, **listed})
    assert "msg" not in done, done
    for source, room, address in (("out1", host.room[0], host.ipv4_b), ("out2", f"IPv6:{host.room[1]}", host.ipv6_b)):
        choose(host, {source: wanted[source]})
        host.run("postfix", "reload")
        time.sleep(1)
        assert sink.source_of_mail(host, f"user@[{room}]", f"{source}@a.example") == address
    assert not host.bring({"sources": wanted, **listed})["changed"]
    assert "inet_interfaces" in host.run("cat", FILES[1]).stdout
    assert host.bring({"sources": wanted, "inet_interfaces": "all"})["changed"]
    assert "inet_interfaces" not in host.run("cat", FILES[1]).stdout


def test_a_source_is_retired_when_its_mail_is_gone(host: MailHost) -> None:
    before = host.run("cat", FILES[1]).stdout
    wanted = sources(host, out1="active")
    choose(host, wanted)
    assert "msg" not in host.bring({"sources": wanted})
    host.run("sendmail", "-f", "a@example", f"user@[{host.room[0]}]", input="Subject: x\n\nx\n", stdin=None)
    wait_until(lambda: "refused" in host.run("postqueue", "-p").stdout, 20, "mail being deferred")
    refused = host.bring({"sources": sources(host, out1="retired")})
    assert "state of the source out1: 'retired' still has 1 message in the queue" in refused["msg"]
    assert "draining" in refused["msg"]
    with Sink(*host.room) as sink:
        host.run("postqueue", "-f")
        wait_until(lambda: sink.sources == [host.ipv4] and not queued(host), 30, "mail leaving")
    host.run("postconf", "-X", CHOOSING)
    done = host.bring({"sources": sources(host, out1="retired")})
    assert "msg" not in done, done
    assert host.run("cat", FILES[1]).stdout == before
    assert not host.bring({"sources": sources(host, out1="retired")})["changed"]


def test_a_source_is_not_retired_while_it_delivers(host: MailHost, sink: Sink) -> None:
    """The master that a service is taken from would wait for its processes, and accept no mail meanwhile."""
    for state in ("active", "draining"):
        wanted = sources(host, out1=state, out2="active")
        choose(host, {"out1": wanted["out1"]} if state == "active" else wanted)
        assert "msg" not in host.bring({"sources": wanted})
        if state == "active":
            sink.answers.clear()
            host.run("sendmail", "-f", "a@example", f"user@[{host.room[0]}]", input="Subject: x\n\nx\n", stdin=None)
            wait_until(lambda: sink.sources == [host.ipv4], 20, "mail arriving")
    gone = {"sources": sources(host, out1="retired", out2="active")}
    refused = host.bring(gone)
    assert "state of the source out1: 'retired' still has 1 message in the queue" in refused.get("msg", ""), refused
    sink.answers.set()
    wait_until(lambda: "msg" not in host.bring(gone), 20, "the source being retired")
    host.run("postqueue", "-f")  # the new qmgr(8) has not heard of the end of what the old one began
    wait_until(lambda: not queued(host), 20, "the message going")
    assert sink.sources == [host.ipv4]


def test_a_source_that_is_planned_may_be_absent_and_an_active_one_may_not(host: MailHost) -> None:
    wanted = {"new": {"address": "203.0.113.9", "state": "planned"}}
    assert not host.bring({"sources": wanted})["changed"]
    wanted["new"]["state"] = "active"
    refused = host.bring({"sources": wanted})
    assert "address of the source new: '203.0.113.9' is on no interface" in refused["msg"]
