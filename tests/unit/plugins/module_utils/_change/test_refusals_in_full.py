# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read where an edit is refused, to the last word."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Plan, Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import PARAMETERS
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import BOOKWORM, host_of, plan_of

MAIN = "myhostname = mail.example.com\nmynetworks = 127.0.0.0/8\n"
MASTER = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\n"
HOST = host_of("lo 127.0.0.1/8", "in0 10.77.0.1/24", "in0 10.77.0.2/24", "lo ::1/128", "in0 fd77::1/64")
ABSENT = "is on no interface of the host, which has 127.0.0.1, 10.77.0.1, 10.77.0.2"
LATER = "Use an address of the host, or allow_absent_addresses if it comes later."
NOT_OURS = f"'relayhost' is not a parameter of this family. Use one of {', '.join(PARAMETERS)}."
A_LIST = "is not a list of selectors. Give a list such as [loopback, 10.0.0.0/8]."
NO_SEND = "leaves the transport smtp/unix without a way to send"


def plan(main: str = MAIN, values: Any = None, host: Host = HOST, **wanted: Any) -> Plan:
    return plan_of(Wanted(values or {}, **wanted), main, MASTER, host, BOOKWORM)


def client(**options: str) -> list:
    return [ServiceChange("smtp", "unix", options=options)]


@pytest.mark.parametrize(
    "wanted, words",
    [
        (
            {"services": [ServiceChange("smtp", state="absent")]},
            (
                "services: 'inet' has no listener left after this edit. "
                "Keep a service of type inet, or set allow_no_listener=true."
            ),
        ),
        ({"values": {"relayhost": "x"}}, f"values: {NOT_OURS}"),
        ({"select": {"relayhost": ["all"]}}, f"select: {NOT_OURS}"),
        ({"unset": ["relayhost"]}, f"unset: {NOT_OURS}"),
        (
            {"values": {"inet_interfaces": "all"}, "unset": ["inet_interfaces"]},
            (
                "inet_interfaces: 'inet_interfaces' is given twice. "
                "Give it by value, in select or in unset, not in several."
            ),
        ),
        ({"select": {"inet_protocols": ["loopback"]}}, "select: 'inet_protocols' takes no addresses. Give its value."),
        ({"select": {"inet_interfaces": "loopback"}}, f"inet_interfaces: 'loopback' {A_LIST}"),
        ({"select": {"inet_interfaces": ["loopback", 5]}}, f"inet_interfaces: \"['loopback', 5]\" {A_LIST}"),
        (
            {"select": {"smtp_bind_address": ["interface:in0"]}},
            (
                "smtp_bind_address: '10.77.0.1, 10.77.0.2' is what interface:in0 selects, and it takes one address. "
                "Select one address."
            ),
        ),
        (
            {"select": {"smtp_bind_address6": ["fd77::1", "::1"]}},
            (
                "smtp_bind_address6: 'fd77::1, ::1' is what fd77::1, ::1 selects, and it takes one address. "
                "Select one address."
            ),
        ),
        ({"values": {"smtp_bind_address": "10.77.0.9"}}, f"smtp_bind_address: '10.77.0.9' {ABSENT}. {LATER}"),
        ({"services": client(smtp_bind_address="10.77.0.9")}, f"smtp_bind_address: '10.77.0.9' {ABSENT}. {LATER}"),
        (
            {"services": [ServiceChange("submission", command="smtpd", options={"myhostname": "mx..test"})]},
            (
                "myhostname: 'mx..test' has a dot with nothing on one side of it, and so the service submission/inet "
                "could not run. Write a host name such as mx.example.org."
            ),
        ),
        (
            {"services": [ServiceChange("smtp", command="postscreen", process_limit="1")]},
            (
                "services: 'smtp/inet' runs postscreen, which passes each client to smtpd/pass, and there is no such "
                "private service. Add smtpd pass - - n - - smtpd."
            ),
        ),
        (
            {"values": {"smtp_bind_address": "$relay"}, "main": f"{MAIN}relay = mx\n"},
            (
                f"smtp_bind_address: '$relay' {NO_SEND}: smtp_bind_address is not a numeric address: mx; the client "
                "dies of it. Correct the value."
            ),
        ),
        (
            {"services": client(smtp_bind_address="$relay"), "main": f"{MAIN}relay = mx\n"},
            (
                f"smtp_bind_address: '$relay' {NO_SEND}: smtp_bind_address is not a numeric address: mx; the client "
                "dies of it. Correct the value."
            ),
        ),
        (  # what is told is the value of the service, not that of main.cf
            {"services": client(inet_interfaces="10.77.0.9")},
            (
                f"inet_interfaces: '10.77.0.9' {NO_SEND}: inet_interfaces: '10.77.0.9' is on no interface of the host. "
                "Add it to the host, or list another address; the host has 127.0.0.1, 10.77.0.1, 10.77.0.2. Correct "
                "the value."
            ),
        ),
        (
            {"services": [ServiceChange("smtp", "unix", command="smtp stray")]},
            (
                "master.cf: 'smtp/unix' would not work by this entry: smtp has an argument that it does not take, and "
                "dies of it. Remove it."
            ),
        ),
        (
            {"sources": [NamedSource("out1", address="10.77.0.2")], "services": [ServiceChange("out1", "unix")]},
            "services: 'out1' is also a source. Say in sources all that is wanted of it.",
        ),
    ],
)
def test_refused(wanted: dict, words: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(**wanted)
    assert str(caught.value) == words


def test_a_finding_that_is_an_error_is_refused_where_that_is_wanted() -> None:
    main = "myhostname = mail.example.com\ninet_interfaces = loopback-only\nmynetworks_style = subnet\n"
    done = plan(main, {"inet_interfaces": "all"}, host_of("127.0.0.1/8", "192.0.2.10/24"))
    with pytest.raises(InputError) as caught:
        done.refuse_errors()
    assert str(caught.value) == (
        "mynetworks: '' has a finding: mynetworks is not set, and by mynetworks_style = subnet all hosts in "
        "192.0.2.0/24 may now relay. Set mynetworks to the clients that may relay, or mynetworks_style to host."
    )
    warned = plan(values={"smtp_bind_address": "10.77.0.1"})
    assert {finding.severity for finding in warned.findings} & {"info", "warning"}
    warned.refuse_errors()
