# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import (
    Plan,
    Wanted,
    edited_texts,
    make_plan,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.names import system_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import reload_or_restart
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    QUEUE,
    host_of,
    outlook_of,
    plan_of,
)

MAIN = """\
# See postconf(5).
myhostname = mail.example.com
inet_interfaces = all
inet_protocols = all
mynetworks = 127.0.0.0/8
"""
MASTER = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
pickup    unix  n       -       y       60      1       pickup
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
        -o syslog_name=postfix/$service_name
"""
HOST = host_of(
    "lo 127.0.0.1/8",
    "lo ::1/128",
    "in0 10.77.0.1/24",
    "in0 10.77.0.2/24 secondary",
    "in0 fd77::1/64",
    "out0 192.0.2.10/24",
)


def plan(values=None, main=MAIN, master=MASTER, version=(3, 7, 11), host=HOST, **others) -> Plan:
    return plan_of(Wanted(values or {}, **others), main, master, host, version)


def only(plan: Plan) -> tuple:
    assert len(plan.reasons) == 1, plan.reasons
    reason = plan.reasons[0]
    return reason.parameter, reason.before, reason.after, reason.action


def test_a_service_whose_name_is_no_text_is_left_alone() -> None:
    text = MASTER + "\udce4 inet n - n - - smtpd\n"
    disabled = Wanted({}, services=[ServiceChange("\udce4", state="disabled")])
    done = plan_of(disabled, MAIN, text, HOST, port_of=system_port)
    assert done.master == MASTER + "#" + text[len(MASTER) :]
    other = Wanted({}, services=[ServiceChange("smtp", chroot="n")])
    with pytest.raises(InputError, match="is not a known port"):  # of which the master dies
        plan_of(other, MAIN, text, HOST, port_of=system_port)


def test_nothing_wanted_is_no_change():
    done = plan()
    assert (done.main, done.master) == (MAIN, MASTER)
    assert done.action == "none"
    assert done.before == done.after
    assert effective_view(done.before)["error"] is None


def test_a_listener_that_moves_needs_a_restart():
    done = plan({"inet_interfaces": ["10.77.0.1", "fd77::1"]})
    assert done.main == MAIN.replace("inet_interfaces = all", "inet_interfaces = 10.77.0.1, fd77::1")
    assert only(done) == ("inet_interfaces", "all", "10.77.0.1, fd77::1", "restart")
    assert [(one["address"], one["port"]) for one in effective_view(done.after)["listeners"]] == [
        ("10.77.0.1", 25),
        ("fd77::1", 25),
    ]
    assert [(one["address"], one["port"]) for one in effective_view(done.before)["listeners"]] == [
        ("0.0.0.0", 25),
        ("::", 25),
    ]


def test_own_addresses_alone_need_a_reload_where_every_listener_has_a_host_part():
    master = MASTER.replace("smtp      inet", "127.0.0.1:smtp inet")
    done = plan({"inet_interfaces": "10.77.0.1"}, master=master)
    assert only(done) == ("inet_interfaces", "all", "10.77.0.1", "reload")


@pytest.mark.parametrize(
    "main, value",
    [
        ("inet_interfaces = 10.77.0.1 fd77::1", ["[fd77:0::1]", "10.77.0.1"]),
        ("inet_interfaces =\n  10.77.0.1\n# both\n  fd77::1", ["10.77.0.1", "fd77::1"]),
        ("inet_interfaces=all", "all"),
    ],
)
def test_another_spelling_is_no_change(main, value):
    main = MAIN.replace("inet_interfaces = all", main)
    assert plan({"inet_interfaces": value}, main=main).main == main


def test_a_duplicate_becomes_one_line_that_counts():
    done = plan({"inet_interfaces": "all"}, main="inet_interfaces = loopback-only\n" + MAIN)
    assert done.main == MAIN
    assert done.action == "none"


def test_families_need_a_restart():
    done = plan({"inet_protocols": "ipv4"})
    assert only(done) == ("inet_protocols", "all", "ipv4", "restart")


def test_source_addresses_need_a_reload():
    done = plan({"smtp_bind_address": "10.77.0.2", "smtp_bind_address_enforce": True})
    assert [(reason.parameter, reason.action) for reason in done.reasons] == [
        ("smtp_bind_address", "reload"),
        ("smtp_bind_address_enforce", "reload"),
    ]
    assert done.action == "reload"
    source = effective_view(done.after)["source_addresses"][0]["ipv4"]
    assert (source["address"], source["origin"], source["enforced"]) == ("10.77.0.2", "smtp_bind_address", True)


def test_a_source_address_that_an_old_client_dies_of_needs_a_reload_when_it_loses_its_brackets():
    done = plan({"smtp_bind_address": "10.77.0.1"}, MAIN + "smtp_bind_address = [10.77.0.1]\n", version=(3, 5, 25))
    assert done.main == MAIN + "smtp_bind_address = 10.77.0.1\n"
    assert only(done) == ("smtp_bind_address", "[10.77.0.1]", "10.77.0.1", "reload")


def test_unset_removes_the_parameter():
    done = plan(unset=["inet_interfaces"], main=MAIN.replace("= all\ninet_p", "= 10.77.0.1\ninet_p"))
    assert "inet_interfaces" not in done.main
    assert only(done) == ("inet_interfaces", "10.77.0.1", "all", "restart")


def test_an_empty_value_is_written_and_not_unset():
    done = plan({"smtp_bind_address": ""}, main=MAIN + "smtp_bind_address = 10.77.0.1\n")
    assert MainCf(done.main).get("smtp_bind_address") == ""


def test_select_picks_from_the_host_by_family():
    done = plan(select={"inet_interfaces": ["loopback", "10.0.0.0/8"], "smtp_bind_address": ["interface:out0"]})
    assert "inet_interfaces = 127.0.0.1, ::1, 10.77.0.1, 10.77.0.2\n" in done.main
    assert "smtp_bind_address = 192.0.2.10\n" in done.main


@pytest.mark.parametrize(
    "name, selectors, text",
    [
        ("proxy_interfaces", ["10.0.0.0/8", "fd77::/16"], "10.77.0.1, 10.77.0.2, fd77::1"),
        ("smtp_bind_address6", ["interface:in0"], "fd77::1"),
        ("lmtp_bind_address", ["192.0.2.0/24"], "192.0.2.10"),
        ("inet_interfaces", ("loopback",), "127.0.0.1, ::1"),
    ],
)
def test_select_gives_each_parameter_what_it_takes(name, selectors, text):
    assert MainCf(plan(select={name: selectors}).main).get(name) == text


def test_select_leaves_out_a_family_that_is_switched_off_in_the_same_edit():
    done = plan({"inet_protocols": "ipv4"}, select={"inet_interfaces": ["loopback"]})
    assert "inet_interfaces = 127.0.0.1\n" in done.main


@pytest.mark.parametrize(
    "others, parameter, part",
    [
        ({"values": {"inet_interfaces": "10.0.0.0/8"}}, "inet_interfaces", "10.0.0.0/8"),
        ({"values": {"inet_interfaces": "10.77.0.1:25"}}, "inet_interfaces", "10.77.0.1:25"),
        ({"values": {"inet_interfaces": ["all", "10.77.0.1"]}}, "inet_interfaces", "all"),
        ({"values": {"inet_interfaces": "10.77.0.1\nrelayhost = evil"}}, "inet_interfaces", "evil"),
        ({"values": {"inet_interfaces": "10.77.0.1 # mine"}}, "inet_interfaces", "#"),
        ({"values": {"inet_interfaces": "10.77.0.99"}}, "inet_interfaces", "10.77.0.99"),
        ({"values": {"inet_protocols": "IPv4"}}, "inet_protocols", "IPv4"),
        ({"values": {"smtp_bind_address": "fd77::1"}}, "smtp_bind_address", "fd77::1"),
        ({"values": {"smtp_bind_address": "10.77.0.99"}}, "smtp_bind_address", "10.77.0.99"),
        ({"values": {"smtp_bind_address_enforce": True}, "version": (3, 5, 25)}, "smtp_bind_address_enforce", "3.7"),
        ({"select": {"inet_interfaces": ["172.16.0.0/12"]}}, "inet_interfaces", "172.16.0.0/12"),
        ({"select": {"smtp_bind_address": ["interface:in0"]}}, "smtp_bind_address", "10.77.0.1, 10.77.0.2"),
        ({"select": {"inet_protocols": ["loopback"]}}, "select", "inet_protocols"),
        ({"unset": ["relayhost"]}, "unset", "relayhost"),
        ({"values": {"inet_interfaces": "all"}, "unset": ["inet_interfaces"]}, "inet_interfaces", "twice"),
        ({"services": [ServiceChange("10.77.0.99:25", command="smtpd")]}, "services", "10.77.0.99"),
        ({"services": [ServiceChange("smtp", state="absent")]}, "services", "no listener left"),
        (
            {"services": [ServiceChange("smtp", "unix", options={"smtp_bind_address": "10.77.0.99"})]},
            "smtp_bind_address",
            "10.77.0.99",
        ),
        (
            {"services": [ServiceChange("smtp", "unix", options={"smtp_bind_address": "::1"})]},
            "smtp_bind_address",
            "::1",
        ),
        ({"values": {"proxy_interfaces": "nat.example"}}, "proxy_interfaces", "nat.example"),
        ({"values": {"proxy_interfaces": "10.0.0.0/8"}}, "proxy_interfaces", "10.0.0.0/8"),
        ({"values": {"smtp_bind_address": "$relay"}, "main": MAIN + "relay = mx\n"}, "smtp_bind_address", "mx"),
        (
            {"services": [ServiceChange("smtp", "unix", options={"inet_interfaces": "10.77.0.99"})]},
            "inet_interfaces",
            "10.77.0.99",
        ),
        ({"services": [ServiceChange("smtp", "unix", command="smtp stray")]}, "master.cf", "does not take"),
        ({"values": {"inet_protocols": "ipv4"}, "main": MAIN + "stray\n"}, "main.cf", "is not a setting"),
        (
            {"values": {"inet_protocols": "ipv4"}, "master": MASTER + "stray unix\n"},
            "services",
            "ends before the field private",
        ),
        (
            {"values": {"inet_protocols": "ipv4"}, "master": MASTER + "x unix - - n - - smtp {a\n"},
            "services",
            "missing",
        ),
    ],
)
def test_a_bad_value_is_one_error_with_its_name_value_reason_and_remedy(others, parameter, part):
    with pytest.raises(InputError) as caught:
        plan(**others)
    assert parameter in caught.value.parameter
    assert part in str(caught.value)
    assert caught.value.reason
    assert caught.value.remedy


@pytest.mark.parametrize(
    "address, kind", [("fe80::1", "link-local"), ("ff02::1", "multicast"), ("ff05::1", "multicast")]
)
def test_what_cannot_be_a_source_is_refused_as_a_source(address, kind):
    host = host_of("10.77.0.1/24", "fe80::1/64")
    with pytest.raises(InputError, match=f"smtp_bind_address6: '{address}' is a {kind} address.* send") as caught:
        plan({"smtp_bind_address6": address}, host=host)
    assert "listen" not in str(caught.value)


def test_a_link_local_source_with_its_zone_is_taken():
    host = host_of("10.77.0.1/24", "in0 fe80::1/64")
    done = plan({"smtp_bind_address6": "fe80::1%in0"}, host=host)
    assert effective_view(done.after)["source_addresses"][0]["ipv6"]["address"] == "fe80::1"


def test_absent_addresses_are_written_where_they_are_allowed_by_name():
    done = plan({"inet_interfaces": "10.77.0.99", "smtp_bind_address": "10.77.0.99"}, allow_absent_addresses=True)
    assert "inet_interfaces = 10.77.0.99\n" in done.main
    assert "smtp_bind_address = 10.77.0.99\n" in done.main


def test_a_file_by_which_postfix_dies_is_repaired():
    broken = MAIN.replace("inet_interfaces = all", "inet_interfaces = 10.77.0.99")
    done = plan({"inet_interfaces": "10.77.0.1"}, main=broken)
    assert only(done) == ("inet_interfaces", "10.77.0.99", "10.77.0.1", "restart")
    assert "10.77.0.99" in effective_view(done.before)["error"]
    assert effective_view(done.after)["error"] is None


@pytest.mark.parametrize(
    "name, value, action",
    [
        ("inet_interfaces", "10.77.0.1", "restart"),
        ("inet_protocols", "ipv4", "restart"),
        ("proxy_interfaces", "", "restart"),
        ("master_service_disable", "", "restart"),
        ("smtp_bind_address", "10.77.0.1", "reload"),  # of which only the client dies
    ],
)
def test_a_value_that_does_not_expand_is_repaired(name, value, action):
    main = "".join(line for line in MAIN.splitlines(True) if not line.startswith(name)) + f"{name} = ${{\n"
    assert only(plan({name: value}, main=main)) == (name, "${", value, action)
    assert only(plan(unset=[name], main=main))[0] == name


def test_a_value_of_which_only_a_client_dies_stops_no_other_edit():
    done = plan({"inet_interfaces": "10.77.0.1"}, main=MAIN + "smtp_bind_address = ${\n")
    assert only(done) == ("inet_interfaces", "all", "10.77.0.1", "restart")
    assert "source_failure" in [one.code for one in done.findings]


def test_a_broken_file_is_no_success_even_where_nothing_changes():
    broken = MAIN.replace("inet_interfaces = all", "inet_interfaces = 10.77.0.99")
    with pytest.raises(InputError, match="10.77.0.99"):
        plan({"inet_interfaces": "10.77.0.99"}, main=broken)


def test_an_endpoint_that_is_added_needs_a_reload_and_from_a_bare_twin_before_3_6_a_restart():
    services = [ServiceChange("smtp", state="disabled"), ServiceChange("10.77.0.1:smtp", command="smtpd")]
    new = plan(services=services)
    assert [(reason.parameter, reason.action) for reason in new.reasons] == [
        ("smtp/inet", "reload"),
        ("10.77.0.1:smtp/inet", "reload"),
    ]
    old = plan(services=services, version=(3, 5, 25))
    assert [reason.action for reason in old.reasons] == ["reload", "restart"]
    assert old.action == "restart"


def test_a_single_option_needs_a_reload():
    done = plan(services=[ServiceChange("relay", "unix", options={"smtp_bind_address": "10.77.0.2"})])
    assert done.master == MASTER + "        -o smtp_bind_address=10.77.0.2\n"
    assert [(reason.parameter, reason.action) for reason in done.reasons] == [("relay/unix", "reload")]


def test_fields_that_mean_the_same_to_the_master_need_nothing():
    done = plan(services=[ServiceChange("relay", "unix", private="y", unprivileged="y", wakeup="0")])
    assert done.master == MASTER.replace(
        "relay     unix  -       -       y       -", "relay     unix  y       y       y       0"
    )
    assert (done.action, done.reasons) == ("none", [])


def test_a_reason_shows_the_fields_as_they_are_written():
    done = plan(services=[ServiceChange("relay", "unix", chroot="n")])
    assert only(done) == (
        "relay/unix",
        "- - y - - smtp -o { syslog_name = (not shown) }",
        "- - n - - smtp -o { syslog_name = (not shown) }",
        "reload",
    )


def test_a_public_and_a_private_service_of_one_name_are_two():
    master = "mine unix n - n - - public\nmine unix - - n - - private\n"
    states = [outlook_of({}, text, HOST, "3.7.11") for text in (master, master.replace("public", "changed"))]
    (reason,) = reload_or_restart(*states)
    assert reason.before.endswith("public")
    assert reason.after.endswith("changed")


def test_the_same_service_under_another_name_needs_nothing():
    master = MASTER.replace("smtp      inet", "25        inet")
    done = plan(services=[ServiceChange("smtp", chroot="y")], master=master)
    assert done.master == master


@pytest.mark.parametrize("what, left", [("report", True), ("disable", False), ("remove", False)])
def test_unlisted_services(what, left):
    done = plan(services=[ServiceChange("10.77.0.1:smtp", command="smtpd")], unlisted_services=what)
    assert done.unlisted == ["smtp"]
    assert ("\nsmtp      inet" in done.master) is left
    assert ("#smtp      inet" in done.master) is (what == "disable")


def test_unlisted_services_where_none_is_listed():
    assert plan(unlisted_services="report").unlisted == ["smtp"]
    assert plan(unlisted_services="keep").unlisted == []
    assert plan(services=[ServiceChange("2525", command="smtpd")]).unlisted == []
    done = plan(unlisted_services="disable", allow_no_listener=True)
    assert "#smtp      inet" in done.master


def test_other_files_can_be_edited_than_the_present_ones():
    """As what the present ones were without this collection: what Postfix needs is told by the present ones."""
    original = MAIN.replace("= all", "= loopback-only", 1), MASTER.replace("smtp      inet", "25        inet", 1)
    around = Surroundings(HOST, (3, 7, 11), mapping_resolver({}))
    done = make_plan(Wanted({"inet_protocols": "ipv4"}), MAIN, MASTER, around, original=original)
    assert done.main == original[0].replace("inet_protocols = all", "inet_protocols = ipv4")
    assert done.master == original[1]
    assert [(reason.parameter, reason.before, reason.after) for reason in done.reasons] == [
        ("inet_interfaces", "all", "loopback-only"),
        ("inet_protocols", "all", "ipv4"),
    ]
    same = make_plan(Wanted({}), MAIN, MASTER, around, original=(MAIN, MASTER))
    assert (same.main, same.master, same.reasons) == (MAIN, MASTER, [])


def test_an_absent_address_is_refused_whatever_else_is_asked():
    service = ServiceChange("smtp", "unix", options={"smtp_bind_address6": "fd77::1", "smtp_helo_name": "x.test"})
    with pytest.raises(InputError, match="smtp_bind_address: '10.77.0.99' is on no interface"):
        plan({"smtp_bind_address": "10.77.0.99"}, services=[service])
    assert plan({"smtp_bind_address": "10.77.0.1"}, services=[service]).action == "reload"
    options = {"smtp_helo_name": "x.test", "smtp_bind_address": "10.77.0.98"}
    with pytest.raises(InputError, match="10.77.0.98"):
        plan(services=[ServiceChange("smtp", "unix", options=options)])


def test_services_beside_sources():
    sources = [NamedSource("out1", address="192.0.2.10")]
    services = [ServiceChange("smtp", "unix", chroot="n"), ServiceChange("2525", command="smtpd")]
    done = plan(services=services, sources=sources)
    assert [line.split()[:2] for line in done.master.splitlines() if line.startswith(("out1", "2525"))] == [
        ["2525", "inet"],
        ["out1", "unix"],
    ]
    assert done.wanted.sources == ()  # they are services now
    assert [change.name for change in done.wanted.services] == ["out1", "smtp", "2525"]


def test_an_entry_is_refused_by_whatever_name_its_port_has():
    main = MAIN + "known_tcp_ports = tcpmail=2526\n"
    with pytest.raises(InputError, match="would not work by this entry"):
        plan(main=main, services=[ServiceChange("tcpmail", command="smtpd reject")])


def test_a_finding_that_is_an_error_is_refused_with_the_value_that_is_set():
    values = {"smtp_bind_address": "10.77.0.99", "smtp_bind_address_enforce": True}
    done = plan(values, allow_absent_addresses=True)
    with pytest.raises(InputError, match="smtp_bind_address: '10.77.0.99' has a finding: "):
        done.refuse_errors()


def test_a_transport_that_fails_and_was_not_asked_for_stays_as_it_is():
    done = plan({"inet_protocols": "ipv4"}, master=MASTER + "odd unix - - n - - smtp -o smtp_bind_address=mx\n")
    assert effective_view(done.after)["source_addresses"][2]["ipv4"]["failure"]
    assert [one.code for one in done.findings] == ["source_failure"]


LOOSE = "587 inet n - n - - smtpd\n  -o smtpd_recipient_restrictions=permit_mynetworks, reject\n  -o a=b\n"


@pytest.mark.parametrize(
    "master, change, remedy",
    [
        (MASTER, {"name": "587", "command": "smtpd reject"}, "or remove that text"),
        (MASTER, {"name": "2525", "command": "smtpd reject"}, "Remove it"),
        (MASTER, {"name": "smtp", "type": "unix", "command": "smtp x"}, "Remove it"),
        (MASTER, {"name": "x", "type": "unix", "command": "pipe flags=Z user=x argv=y"}, "Use flags among"),
        (MASTER, {"name": "x", "type": "unix", "command": "pipe user=x"}, "Add argv="),
        (MASTER, {"name": "smtp", "command": "smtpd -x"}, "Remove it"),
        (MASTER + LOOSE, {"name": "587", "options": {"c": "d"}}, "-o { smtpd_recipient_restrictions = ... }"),
        (MASTER + LOOSE, {"name": "587", "chroot": "y"}, "-o { smtpd_recipient_restrictions = ... }"),
        (
            MASTER + LOOSE,
            {"name": "587", "options": {"smtpd_recipient_restrictions": "reject"}},
            "-o { smtpd_recipient_restrictions = ... }",
        ),
        (MASTER + LOOSE, {"name": "587", "command": "smtpd"}, "-o { name = value }"),
    ],
)
def test_an_entry_of_which_the_program_dies_is_refused(master, change, remedy):
    with pytest.raises(InputError) as caught:
        plan(master=master, services=[ServiceChange(**change)])
    assert remedy in caught.value.remedy


def test_an_entry_of_which_the_program_dies_already_is_a_finding():
    found = plan(master=MASTER + LOOSE, services=[ServiceChange("587", process_limit="-"), ServiceChange("smtp")])
    assert found.master == MASTER + LOOSE
    assert [(one.code, one.severity) for one in found.findings] == [("bad_command_line", "error")]
    given = {"smtpd_recipient_restrictions": "permit_mynetworks, reject"}
    mended = plan(master=MASTER + LOOSE, services=[ServiceChange("587", command="smtpd", options=given)])
    assert "-o { smtpd_recipient_restrictions = permit_mynetworks, reject }\n  -o a=b\n" in mended.master
    assert mended.findings == []


def test_flags_of_a_client_are_taken_where_postfix_has_them():
    change = ServiceChange("x", "unix", command="lmtp flags=DORX", options={"lmtp_bind_address": "10.77.0.1"})
    assert "lmtp -o lmtp_bind_address" not in plan(services=[change]).master
    assert "  flags=DORX\n" in plan(services=[change], version=(3, 5, 25)).master
    with pytest.raises(InputError, match="flags="):
        plan(services=[change], version=(3, 4, 29))


@pytest.mark.parametrize(
    "level, chroot", [("", "y"), ("compatibility_level = 3.6\n", "n"), ("compatibility_level = ${\n", "n")]
)
def test_a_new_service_without_its_like_has_the_chroot_that_is_the_default(level, chroot):
    services = [ServiceChange("x", "unix", command="lmtp"), ServiceChange("2525", command="smtpd")]
    done = plan(main=MAIN + level, services=services)
    added = {line.split()[0]: line.split()[4] for line in done.master.split("\n") if line not in MASTER.split("\n")}
    assert added == {"x": chroot, "2525": "y"}


def test_an_enforced_address_that_comes_later_is_written_where_it_is_allowed_by_name():
    values = {"smtp_bind_address": "10.77.0.99", "smtp_bind_address_enforce": True}
    assert "10.77.0.99" in plan(values, allow_absent_addresses=True).main


def test_only_mail_that_waits_for_an_address_is_allowed_by_name():
    values = {"smtp_bind_address": "$x", "smtp_bind_address_enforce": True}
    with pytest.raises(InputError, match="is not an ipv4 address, and is enforced"):
        plan(values, main=MAIN + "x = fd77::1\n")
    with pytest.raises(InputError, match="is not a numeric address"):
        plan({"smtp_bind_address": "$x"}, main=MAIN + "x = mx\n", allow_absent_addresses=True)


def test_a_bad_proxy_interfaces_of_somebody_else_is_a_finding():
    done = plan({"inet_protocols": "ipv4"}, main=MAIN + "proxy_interfaces = 10.0.0.0/8\n")
    assert [one.code for one in done.findings] == ["bad_proxy_interfaces"]


def test_a_parameter_that_is_there_twice_is_a_finding():
    done = plan({"inet_protocols": "all"}, main=MAIN + "myhostname = other.example.com\n")
    assert [(one.code, one.parameter) for one in done.findings] == [("duplicate_parameter", "myhostname")]


def test_ports_by_name_are_those_of_main_cf_in_the_findings_too():
    main = MAIN + "known_tcp_ports = tcpmail=2526\n"
    done = plan(services=[ServiceChange("tcpmail", command="smtpd")], main=main)
    assert [one["port"] for one in effective_view(done.after)["listeners"]] == [25, 25, 2526, 2526]
    assert done.findings == []


def test_ports_by_name_are_those_of_main_cf_where_no_service_is_edited():
    main = MAIN + "known_tcp_ports = tcpmail=2526\n"
    done = plan({"inet_protocols": "ipv4"}, main=main, master=MASTER + "tcpmail inet n - y - - smtpd\n")
    assert [one["port"] for one in effective_view(done.after)["listeners"]] == [25, 2526]


def test_no_listener_left_is_a_finding_where_it_is_allowed_by_name():
    done = plan(services=[ServiceChange("smtp", state="disabled")], allow_no_listener=True)
    assert [one.code for one in done.findings] == ["no_listener"]


def test_a_broken_option_counts_where_the_module_reads_the_file():
    done = plan(master=MASTER + "odd unix - - n - - smtp -o smtp_bind_address\n")
    assert "dies" in effective_view(done.after)["source_addresses"][2]["ipv4"]["failure"]
    repaired = MASTER + "odd unix - - n - - smtp -o smtp_bind_address\n"
    change = ServiceChange("odd", "unix", options={"smtp_bind_address": "10.77.0.1"})
    with pytest.raises(InputError, match="dies"):
        plan(services=[change], master=repaired)


def test_an_edit_waits_for_no_dns():
    def resolve(name):
        raise AssertionError(name)

    inside = host_of("in0 10.77.0.1/24")
    done = plan_of(Wanted({"smtp_bind_address": ""}), MAIN, MASTER, inside, names=resolve)
    assert done.action == "none"
    assert "mail.example.com" in MAIN
    assert isinstance(done.findings, list)  # of myhostname neither


def test_a_service_given_by_the_number_that_known_tcp_ports_has_for_its_name_is_the_same():
    main = MAIN + "known_tcp_ports = tcpmail=2526\n"
    master = MASTER + "tcpmail inet n - y - - smtpd\n"
    renamed = [ServiceChange("tcpmail", state="absent"), ServiceChange("2526", command="smtpd", chroot="y")]
    done = plan(main=main, master=master, services=renamed)
    assert "2526" in done.master
    assert "tcpmail" not in done.master
    assert (done.action, done.reasons) == ("none", [])


@pytest.mark.parametrize("line", ["myhostname = mx.test # x", "default_process_limit = 0", "max_idle = 5x"])
def test_nothing_is_edited_where_postfix_would_not_start(line: str) -> None:
    with pytest.raises(InputError, match=line.split()[0]):
        plan({"inet_interfaces": "loopback-only"}, main=f"{MAIN}{line}\n")


@pytest.mark.parametrize(
    "options", [{"myhostname": "mx..test"}, {"smtpd_timeout": "x"}, {"inet_interfaces": "10.9.9.9"}]
)
def test_a_service_that_could_not_run_is_refused(options: dict) -> None:
    service = ServiceChange("submission", command="smtpd", options=options)
    with pytest.raises(InputError, match="could not run"):
        plan(services=[service])
    assert (
        plan(
            services=[ServiceChange("pickup", type="unix", wakeup="61")],
            master=MASTER.replace("smtpd\n", "smtpd -o myhostname=mx..test\n", 1),
        )
        .findings[0]
        .code
        == "program_failure"
    )


def test_a_plan_tells_who_may_relay_from_now_on() -> None:
    main = MAIN.replace("mynetworks = 127.0.0.0/8", "mynetworks_style = subnet").replace("= all", "= loopback-only", 1)
    found = {finding.code: finding for finding in plan({"inet_interfaces": "all"}, main=main).findings}
    assert found["mynetworks_grows"].severity == "error"
    assert "192.0.2.0/24" in found["mynetworks_grows"].message
    assert "mynetworks_grows" not in [finding.code for finding in plan({"inet_protocols": "ipv4"}, main=main).findings]


POSTSCREEN = [
    ServiceChange("smtp", command="postscreen", process_limit="1"),
    ServiceChange("smtpd", type="pass", command="smtpd"),
]


@pytest.mark.parametrize("state", ["disabled", "absent"])
@pytest.mark.parametrize("name", ["proxymap", "cleanup", "rewrite", "qmgr"])
def test_what_smtpd_needs_stays(name: str, state: str) -> None:
    master = MASTER + QUEUE
    gone = [ServiceChange(name, type="unix", state=state)]
    with pytest.raises(InputError, match=f"^services: '(smtp/inet|pickup/unix)' (takes|looks).* {name}/unix"):
        plan(services=gone, master=master)
    broken = master.replace(f"{name} unix", f"#{name} unix")
    assert plan({"inet_protocols": "ipv4"}, master=broken).master == broken  # it was so before
    plan(services=[ServiceChange("pickup", type="unix", state=state)], master=master)


def test_postscreen_is_refused_without_what_it_needs() -> None:
    done = plan(services=POSTSCREEN)
    assert [one.severity for one in done.findings if one.code == "postscreen_lacks_service"] == ["info", "info"]
    with pytest.raises(InputError, match="passes each client to smtpd/pass"):
        plan(services=POSTSCREEN[:1])
    with pytest.raises(InputError, match="leaves TLS to tlsproxy"):
        plan(services=POSTSCREEN, main=f"{MAIN}smtpd_tls_security_level = may\n")
    with pytest.raises(InputError, match="process limit 100"):
        plan(services=[ServiceChange("smtp", command="postscreen"), POSTSCREEN[1]])
    with pytest.raises(InputError, match="only one postscreen"):
        plan(services=[*POSTSCREEN, ServiceChange("10.77.0.1:2525", command="postscreen", process_limit="1")])
    with pytest.raises(InputError, match="passes each client"):  # what is removed is needed
        plan(services=[ServiceChange("smtpd", type="pass", state="absent")], master=done.master)
    kept = plan({"inet_protocols": "ipv4"}, main=f"{MAIN}smtpd_tls_security_level = may\n", master=done.master)
    assert "postscreen_lacks_service" in [one.code for one in kept.findings]  # it was so before


def test_an_edit_alone_does_not_ask_whether_postfix_could_run() -> None:
    around = Surroundings(HOST, (3, 7, 11), mapping_resolver({}))
    sources = [NamedSource("out1", address="192.0.2.10", state="planned"), NamedSource("gone", state="retired")]
    services = [ServiceChange("2525", command="smtpd", chroot="n")]
    wanted = Wanted({"inet_interfaces": "10.77.0.99"}, services=services, sources=sources)
    main, master = edited_texts(wanted, (MAIN, MASTER), around)
    assert main == MAIN.replace("= all\n", "= 10.77.0.99\n", 1)
    added = [line for line in master.splitlines() if line not in MASTER.splitlines()]
    assert added == ["2525      inet  n       -       n       -       -       smtpd"]
    with pytest.raises(InputError, match="10.77.0.99"):
        make_plan(wanted, MAIN, MASTER, around)


def test_the_name_of_the_host_counts_where_main_cf_has_none() -> None:
    host = Host(HOST.addresses, hostname="mx1.test")
    wanted = Wanted({"inet_interfaces": "$myhostname"})
    done = plan_of(wanted, "inet_protocols = ipv4\n", MASTER, host, names={"mx1.test": "10.77.0.1"})
    assert effective_view(done.after)["own_addresses"] == ["10.77.0.1"]


def test_a_plan_keeps_what_was_wanted() -> None:
    change = ServiceChange("smtp", chroot="n")
    assert plan(services=[change]).wanted == Wanted({}, services=[change])
    outlook = plan().after
    assert Plan(MAIN, MASTER, [], outlook, outlook, []).wanted == Wanted({})


def test_what_is_not_named_is_left_alone() -> None:
    assert Wanted({})._asdict() == {
        "values": {},
        "unset": (),
        "select": {},
        "services": (),
        "sources": (),
        "unlisted_services": "keep",
        "allow_absent_addresses": False,
        "allow_no_listener": False,
        "abandoned": "report",
        "unknown": "ignore",
    }
