# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Plan, Wanted, make_plan
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    read_sources,
    source_findings,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

HOST = host_of("lo 127.0.0.1/8", "eth0 192.0.2.10/24", "eth0 192.0.2.11/24", "eth0 2001:db8::10/64")
MASTER = """\
smtp inet n - y - - smtpd
smtp unix - - y - - smtp
relay unix - - y - - smtp
  -o syslog_name=postfix/relay
lmtp unix - - y - - lmtp
"""


def planned(
    mapping: Dict[str, Any],
    master: str = MASTER,
    host: Any = HOST,
    version: Any = (3, 7, 11),
    in_use: Optional[str] = None,
    values: Optional[Dict[str, str]] = None,
    **more: Any,
) -> Plan:
    around = Surroundings(host, version, lambda name: [], why_in_use=lambda transport: in_use)
    return make_plan(Wanted(values or {}, sources=read_sources(mapping), **more), "", master, around)


def entry(plan: Plan, name: str) -> List[str]:
    """The lines of an entry of the planned master.cf."""
    lines = plan.master.splitlines()
    start = next(number for number, line in enumerate(lines) if line.split()[:2] == [name, "unix"])
    return [" ".join(line.split()) for line in [lines[start], *_options(lines[start + 1 :])]]


def _options(lines: List[str]) -> List[str]:
    return lines[: next((number for number, line in enumerate(lines) if line[:1] not in " \t"), len(lines))]


OUT1 = {"address": "192.0.2.10", "address6": "2001:db8::10", "helo": "out1.example.net"}


def test_a_source_becomes_a_transport_of_its_name() -> None:
    assert entry(planned({"out1": OUT1}), "out1") == [
        "out1 unix - - y - - smtp",
        "-o smtp_bind_address=192.0.2.10",
        "-o smtp_bind_address6=2001:db8::10",
        "-o smtp_bind_address_enforce=yes",
        "-o smtp_helo_name=out1.example.net",
        "-o syslog_name=postfix/out1",
    ]


def test_a_second_run_changes_nothing() -> None:
    mapping = {"out1": {**OUT1, "transports": ["smtp", "relay"]}, "out2": {"address": "192.0.2.11"}}
    first = planned(mapping)
    assert planned(mapping, first.master).master == first.master


def test_a_source_of_one_family_sends_by_no_other() -> None:
    assert "-o inet_protocols=ipv4" in entry(planned({"out2": {"address": "192.0.2.11"}}), "out2")
    assert "-o inet_protocols=ipv6" in entry(planned({"out2": {"address6": "2001:db8::10"}}), "out2")
    both = planned({"out2": OUT1}, planned({"out2": {"address": "192.0.2.11"}}).master)
    assert "inet_protocols" not in both.master


def test_a_client_of_one_family_is_not_given_addresses_of_the_other_one() -> None:
    def own(listed: str, address: str) -> str:
        edited = planned({"out2": {"address": address}}, values={"inet_interfaces": listed})
        return "".join(line for line in entry(edited, "out2") if "inet_interfaces" in line)

    without = "-o { inet_interfaces = 127.0.0.1, 192.0.2.11 }"
    assert own("127.0.0.1, [2001:db8::10], 192.0.2.11", "192.0.2.11") == without
    assert own("127.0.0.1, 192.0.2.11", "192.0.2.11") == own("all", "192.0.2.11") == ""


def test_before_postfix_3_7_nothing_is_enforced() -> None:
    assert "enforce" not in planned({"out1": OUT1}, version=(3, 5, 25)).master
    assert "enforce" not in planned({"out1": {**OUT1, "enforce": False}}).master


def test_the_stock_clients_that_it_covers_send_from_it_too_and_keep_what_else_they_have() -> None:
    plan = planned({"out1": {**OUT1, "transports": ["smtp", "relay", "lmtp"]}})
    assert "-o smtp_helo_name=out1.example.net" in entry(plan, "smtp")
    assert {"-o syslog_name=postfix/relay", "-o smtp_bind_address=192.0.2.10"} <= {*entry(plan, "relay")}
    assert {"-o lmtp_bind_address=192.0.2.10", "-o lmtp_lhlo_name=out1.example.net"} <= {*entry(plan, "lmtp")}


def test_addresses_can_be_selected_on_the_host() -> None:
    plan = planned({"out1": {"select": ["192.0.2.11", "2001:db8::/32"]}})
    assert {"-o smtp_bind_address=192.0.2.11", "-o smtp_bind_address6=2001:db8::10"} <= {*entry(plan, "out1")}


def test_a_planned_source_is_not_there_yet_and_may_be_absent_from_the_host() -> None:
    assert planned({"new": {"address": "203.0.113.9", "state": "planned"}}).master == MASTER


def test_a_draining_source_stays_as_it_is() -> None:
    active = planned({"out1": OUT1}).master
    assert planned({"out1": {**OUT1, "state": "draining"}}, active).master == active


def test_a_retired_source_is_removed_and_what_it_covered_is_free_again() -> None:
    active = planned({"out1": {**OUT1, "transports": ["relay"]}}).master
    assert planned({"out1": {**OUT1, "state": "retired", "transports": ["relay"]}}, active).master == MASTER


def test_a_retired_source_with_mail_is_refused() -> None:
    active = planned({"out1": OUT1}).master
    with pytest.raises(InputError, match="state of the source out1: 'retired' still has 3 messages in the queue"):
        planned({"out1": {**OUT1, "state": "retired"}}, active, in_use="still has 3 messages in the queue")
    planned({"out1": {**OUT1, "state": "retired"}}, in_use="is not asked")  # where it is gone already


@pytest.mark.parametrize(
    "host,reason",
    [
        (host_of("lo 127.0.0.1/8"), "is on no interface of the host"),
        (host_of("eth0 2001:db8::10/64 tentative", "eth0 192.0.2.10/24"), "is tentative"),
        (host_of("eth0 2001:db8::10/64 temporary", "eth0 192.0.2.10/24"), "is a temporary address"),
        (host_of("eth0 2001:db8::10/64 deprecated", "eth0 192.0.2.10/24"), "is deprecated"),
    ],
)
def test_an_active_source_needs_a_usable_address(host: Any, reason: str) -> None:
    with pytest.raises(InputError, match=f"address of the source out1: .*{reason}.*let the state be planned"):
        planned({"out1": OUT1}, host=host)


@pytest.mark.parametrize(
    "mapping,said",
    [
        ([], "sources: '[]' is not a mapping"),
        ({"out1": "192.0.2.1"}, "'out1' is not described by a mapping"),
        ({"out 1": OUT1}, "'out 1' is not a name for a transport"),
        ({"o\nsmtp unix": OUT1}, "is not a name for a transport"),
        ({"relay": OUT1}, "'relay' is the name of a service of Postfix"),
        ({"out1": {}}, "Give address, address6 or both, or select"),
        ({"out1": {**OUT1, "select": ["loopback"]}}, "Give address, address6 or both, or select"),
        ({"out1": {"addr": "192.0.2.1"}}, "a key of the source out1: 'addr' is not known"),
        ({"out1": {"address": "2001:db8::1"}}, "address of the source out1: '2001:db8::1' is not an IPv4 address"),
        ({"out1": {"address6": "192.0.2.1"}}, "'192.0.2.1' is not an IPv6 address"),
        ({"out1": {"address": "0.0.0.0"}}, "'0.0.0.0' is not an IPv4 address"),
        ({"out1": {"address": "010.0.0.1"}}, "is not an IPv4 address"),
        ({"out1": {**OUT1, "helo": "a b"}}, "helo of the source out1: 'a b' is not a host name"),
        ({"out1": {**OUT1, "helo": "a\n-o b=c"}}, "is not a host name"),
        ({"out1": {**OUT1, "transports": ["local"]}}, "'local' is not a client of the stock files"),
        ({"out1": {**OUT1, "enforce": "maybe"}}, "'maybe' is neither true nor false"),
        ({"out1": {**OUT1, "state": "old"}}, "'old' is not a state"),
        ({"out1": {**OUT1, "weight": -1}}, "'-1' is not a weight"),
        ({"out1": {**OUT1, "weight": True}}, "'True' is not a weight"),
        (
            {"a1": {**OUT1, "transports": ["smtp"]}, "a2": {**OUT1, "transports": ["smtp"]}},
            "transports of a2: 'smtp' is also among the transports of a1",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(mapping: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        planned(mapping)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_service_and_a_source_of_one_name_are_refused() -> None:
    from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange

    with pytest.raises(InputError, match="'out1' is also a source"):
        planned({"out1": OUT1}, services=[ServiceChange("out1", "unix", command="smtp")])


def found(mapping: Dict[str, Any], **settings: Any) -> Dict[str, str]:
    read = source_findings(read_sources(mapping), outlook_of(settings, MASTER, HOST))
    return {finding.code: finding.message for finding in read}


CHOSEN = {"sender_dependent_default_transport_maps": "randmap:{out1:, out2:}"}


def test_what_is_odd_about_sources_is_told() -> None:
    other = {"address": "192.0.2.11", "helo": "out2.example.net"}
    assert found({"out1": OUT1, "out2": other}, **CHOSEN) == {}
    assert set(found({"out1": OUT1, "out2": {**other, "address": "192.0.2.10"}}, **CHOSEN)) == {
        "address_of_two_sources"
    }
    assert set(found({"out1": OUT1, "out2": {**other, "helo": OUT1["helo"]}}, **CHOSEN)) == {"helo_of_two_addresses"}
    assert set(found({"out1": {**OUT1, "weight": 0}}, **CHOSEN)) == {"sources_without_weight"}
    assert set(found({"out1": OUT1, "out3": other}, **CHOSEN)) == {"unchosen_source"}
    assert set(found({"out1": OUT1})) == {"unchosen_source"}
    assert found({"out1": OUT1}, transport_maps="hash:/etc/postfix/transport") == {}
    assert found({"out1": OUT1}, default_transport="out1") == {}
    for value in ("$mine", "inline:{{@a.example=out1:}}", "pcre:{{/@a/ out1:}}", "regexp:{{!/@a,b/ out1:}, {/./ x:}}"):
        assert found({"out1": OUT1}, sender_dependent_default_transport_maps=value, mine="static:out1:") == {}
    for value in ("static:out10:", "inline:{{out1:=out10:}}", "pcre:{{/out1:/ x:}}", "$nothing"):
        assert set(found({"out1": OUT1}, sender_dependent_default_transport_maps=value)) == {"unchosen_source"}
    for value in ("pcre:/etc/postfix/x", "pipemap:{hash:/x, hash:/y}", "$transport_maps"):
        assert (
            found({"out1": OUT1}, sender_dependent_default_transport_maps=value, transport_maps="$transport_maps") == {}
        )


def test_one_address_of_each_family_is_selected() -> None:
    with pytest.raises(InputError, match="selects several ipv4 addresses, and a source has one of each family"):
        planned({"out1": {"select": "192.0.2.0/24"}})
    with pytest.raises(InputError, match="is not a list of texts"):
        planned({"out1": {"select": [5]}})
