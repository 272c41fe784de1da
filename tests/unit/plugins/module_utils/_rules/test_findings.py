# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    QUEUE,
    address_of,
    host_of,
    outlook_of,
    outlook_of_texts,
)
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

ONE = host_of("127.0.0.1/8", "10.77.0.1/24", "::1/128", "fd77::1/64")
TWO = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64", "fd77::2/64")
FOUR = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24")
MASTER = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\n"


def found(settings: dict, master: str = MASTER, host: Host = TWO, version: str = "3.12", **more: Any) -> list:
    given = {"mynetworks": "127.0.0.0/8", **settings}
    outlook = outlook_of(given, master, host, version, {"mx": "10.77.0.1", "localhost": "127.0.0.1"})
    configuration = outlook.configuration._replace(**more)
    answer = findings(Outlook(configuration, host, outlook.resolve))
    order = ["error", "warning", "info"]
    assert [one.severity for one in answer] == sorted((one.severity for one in answer), key=order.index)
    assert all(all(one) for one in answer)
    return answer


def only(*arguments: Any, **more: Any) -> Finding:
    answer = found(*arguments, **more)
    assert len(answer) == 1, answer
    return answer[0]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"inet_interfaces": "all", "inet_protocols": "ipv4"},
        {"inet_interfaces": "loopback-only"},
        {"inet_interfaces": "127.0.0.1, ::1"},
        {"inet_interfaces": "10.77.0.1, 10.77.0.2, fd77::1, fd77::2"},
        {"inet_interfaces": "10.77.0.1, 10.77.0.2", "inet_protocols": "ipv4"},
        {"smtp_bind_address": "0.0.0.0", "smtp_bind_address6": "::"},
        {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "fd77::1", "smtp_bind_address_enforce": "yes"},
        {"lmtp_bind_address": "127.0.0.1"},
        {"proxy_interfaces": "198.51.100.1, mx"},
        {"inet_interfacez_of_mine": "x", "my_inet_interfaces": "10.77.0.1"},
    ],
)
def test_nothing(settings: dict) -> None:
    assert found(settings) == []


@pytest.mark.parametrize("host", [ONE, TWO, host_of("127.0.0.1/8")])
def test_nothing_about_the_defaults_of_postfix(host: Host) -> None:
    assert findings(outlook_of({}, STOCK_SERVICES, host)) == []


@pytest.mark.parametrize("host, severity", [(ONE, "info"), (TWO, "warning")])
def test_implicit_source_address(host: Host, severity: str) -> None:
    one, _loopback = found({"inet_interfaces": "127.0.0.1, 10.77.0.1, fd77::1"}, host=host)
    assert one[:3] == ("implicit_source_address", severity, "inet_interfaces")
    assert "fd77::1" in one.message
    assert "smtp/unix, lmtp/unix" in one.message
    assert "loopback" not in one.message
    assert "Set smtp_bind_address6 and lmtp_bind_address6 to it" in one.remedy


def test_implicit_source_address_names_what_is_on_loopback() -> None:
    settings = {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4"}
    master = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
    for value, is_named in (
        ("smtp:[127.0.0.1]:10025", True),
        ("smtp:localhost:10025", True),
        ("smtp:[10.77.0.9]", False),
        ("", False),
    ):
        one = only({**settings, "content_filter": value}, master)
        assert ("on loopback too: content_filter" in one.message) == is_named
        assert "lmtp" not in one.remedy


def test_implicit_source_address_of_one_client() -> None:
    master = "smtp inet n - n - - smtpd\nout unix - - n - - smtp -o inet_interfaces=10.77.0.2\n"
    assert "out/unix" in only({}, master).message


@pytest.mark.parametrize(
    "line, parameter, words",
    [
        ("smtp inet n - n - - smtpd -o smtp_bind_address=10.77.0.1", "smtp_bind_address", "smtpd does not read it"),
        ("lmtp unix - - n - - lmtp -o smtp_bind_address=10.77.0.1", "smtp_bind_address", "lmtp does not read it"),
        (
            "smtp unix - - n - - smtp -o lmtp_bind_address_enforce=yes",
            "lmtp_bind_address_enforce",
            "smtp does not read it",
        ),
        (
            "x unix - n n - - pipe -o smtp_bind_address6=fd77::1 user=x argv=/bin/x",
            "smtp_bind_address6",
            "pipe does not read it",
        ),
    ],
)
def test_bind_address_where_nobody_looks(line: str, parameter: str, words: str) -> None:
    one = only({}, f"587 inet n - n - - smtpd\n{line}\n")
    assert one[:3] == ("ignored_bind_address", "warning", parameter)
    assert words in one.message


@pytest.mark.parametrize(
    "line, severity, message, remedy",
    [
        (
            "587 inet n - n - - smtpd\n  -o smtpd_recipient_restrictions=permit_sasl_authenticated, reject\n  -o a=b",
            "error",
            "587/inet: smtpd has text behind -o smtpd_recipient_restrictions that is not part of the value",
            "-o { smtpd_recipient_restrictions = ... }",
        ),
        ("cleanup unix n - n - 0 cleanup -o a=b c", "error", "cleanup/unix: cleanup has text", "-o { a = ... }"),
        ("587 inet n - n - - smtpd # x", "error", "takes no argument '#'", "Remove it"),
        ("587 inet n - n - - smtpd -o a = b", "error", "dies of -o a =", "-o { name = value }"),
        ("25 inet n - n - 1 postscreen -o a=b, c -o d=e", "warning", "ignores it and what follows", "-o { a = ... }"),
        ("x unix - n n - - pipe flags=Z user=x argv=y", "error", "does not know the flag 'Z'", "Use flags among"),
        ("x unix - n n - - pipe user=x", "error", "has no argv=", "Add argv="),
        ("587 inet n - n - - smtpd -x", "error", "dies of the option -x", "Remove it"),
    ],
)
def test_words_that_a_program_does_not_take(line: str, severity: str, message: str, remedy: str) -> None:
    answer = found({}, f"{MASTER}{line}\n".replace("smtp inet n - n - - smtpd\n", "2525 inet n - n - - smtpd\n", 1))
    (one,) = [each for each in answer if not each.code.startswith("postscreen_")]
    assert one[:3] == ("bad_command_line", severity, "services")
    assert message in one.message
    assert remedy in one.remedy


def test_words_that_a_client_does_not_take() -> None:
    words = "smtp -o smtp_helo_name=a, b"
    answer = found({}, f"{MASTER}out unix - - n - - {words}\n")
    assert {(one.code, one.severity) for one in answer} == {("source_failure", "error")}
    assert all("-o { smtp_helo_name = ... }" in one.remedy for one in answer)
    assert found({}, f"{MASTER}out unix - - n - - smtp flags=DORX\n") == []
    assert found({}, f"{MASTER}out unix - - n - - smtp flags=DORX\n", version="3.4") != []


@pytest.mark.parametrize("parameter, value", [("inet_interfaces", "10.77.0.1"), ("inet_protocols", "ipv4")])
def test_interfaces_of_a_server(parameter: str, value: str) -> None:
    one = only({}, f"587 inet n - n - - smtpd -o {parameter}={value}\n")
    assert one[:3] == ("ignored_on_server", "warning", parameter)
    assert ":587" in one.remedy
    assert found({}, f"{MASTER}pickup unix n - n 60 1 pickup -o {parameter}={value}\n") == []


def test_endpoint_that_takes_connections_away() -> None:
    one = only({}, MASTER + "10.77.0.1:smtp inet n - n - - smtpd\n")
    assert one[:3] == ("endpoint_shadows_inet_interfaces", "warning", "services")
    assert "10.77.0.1:smtp" in one.message
    assert found({}, MASTER + "10.77.0.1:2525 inet n - n - - smtpd\n") == []


def test_endpoint_beside_inet_interfaces() -> None:
    settings = {"inet_interfaces": "loopback-only"}
    one = only(settings, "10.77.0.1:25 inet n - n - - smtpd\n10.77.0.1:587 inet n - n - - smtpd\n")
    assert one[:2] == ("endpoint_outside_inet_interfaces", "info")
    assert "the services 10.77.0.1:25, 10.77.0.1:587 listen on 10.77.0.1" in one.message
    assert one.remedy.startswith("Take their host parts away")  # without them there is no listener
    assert "add" not in one.remedy  # loopback-only stands alone
    beside = {"inet_interfaces": "10.77.0.2, fd77::1, fd77::2"}
    answer = found(beside, f"{MASTER}10.77.0.1:587 inet n - n - - smtpd\n")
    (one,) = [one for one in answer if one.code == "endpoint_outside_inet_interfaces"]
    assert one.remedy.startswith("Remove the service")
    assert "add" not in one.remedy  # mail would not leave from 10.77.0.2 any more
    one = only({"inet_interfaces": "127.0.0.1, ::1"}, "10.77.0.1:587 inet n - n - - smtpd\n")
    assert "or add 10.77.0.1" in one.remedy
    everywhere = only(settings, "[::]:25 inet n - n - - smtpd\n")
    assert "everywhere" in everywhere.message
    assert "inet_interfaces to all" in everywhere.remedy
    assert found(settings, "127.0.0.1:10025 inet n - n - - smtpd\n") == []
    assert found({"inet_interfaces": ""}, "10.77.0.1:25 inet n - n - - smtpd\n") == []


def test_socket_of_two_services() -> None:
    master = "10.77.0.1:25 inet n - n - - smtpd\nmx:smtp inet n - n - - qmqpd\n"
    one = only({}, master)
    assert one[:3] == ("shared_socket", "error", "services")
    assert "10.77.0.1:25 and mx:smtp both listen on 10.77.0.1 port 25" in one.message
    assert only({}, master, version="3.5").code == "fatal"


def test_duplicate_service() -> None:
    one = only({}, MASTER + "25 inet n - n - - qmqpd -o smtpd_banner=x\n")
    assert one[:3] == ("duplicate_service", "warning", "services")
    assert "smtp/inet" in one.message
    assert found({}, "x unix - - n - - smtp\nx unix n - n - - smtp\n" + MASTER) == []  # public and private


def test_an_entry_that_does_not_count_is_not_looked_at() -> None:
    master = "smtp inet n - n - - smtpd -o inet_protocols=ipv4\n" + MASTER
    assert only({}, master).code == "duplicate_service"


def test_duplicate_parameter() -> None:
    for name, overridden, severity in (
        ("inet_interfaces", True, "warning"),
        ("inet_interfaces", False, "info"),
        ("smtpd_banner", True, "info"),
        ("smtpd_banner", False, "info"),
    ):
        one = only({}, repeated=[name], overridden=[name] * overridden)
        assert one[:3] == ("duplicate_parameter", severity, name)
        assert ("only the last line counts" in one.message) == overridden
    text = "inet_interfaces = 10.77.0.1 10.77.0.2\n"
    (one,) = findings(outlook_of_texts(text + "inet_interfaces = [10.77.0.2], 10.77.0.1\nmynetworks=\n", MASTER, FOUR))
    assert one[:2] == ("duplicate_parameter", "info")  # another spelling of the same
    (one,) = findings(outlook_of_texts(text + "inet_interfaces = 10.77.0.2, 127.0.0.1\nmynetworks=\n", MASTER, FOUR))
    assert one[:2] == ("duplicate_parameter", "warning")
    text = "mynetworks = 127.0.0.0/8\ninet_interfaces = all\nx = 1\nx = 2\ninet_interfaces = all\n"
    answer = findings(outlook_of_texts(text, MASTER, TWO))
    assert [(one.severity, one.parameter) for one in answer] == [("info", "inet_interfaces"), ("info", "x")]


@pytest.mark.parametrize("port", ["0", "65536", "10.77.0.1:70000"])
def test_odd_port(port: str) -> None:
    one = only({}, f"{port} inet n - n - - smtpd\n")
    assert one[:3] == ("odd_port", "error", "services")


@pytest.mark.parametrize(
    "settings, master, code, parameter, words",
    [
        (
            {"inet_interfaces": "10.77.0.9"},
            MASTER,
            "absent_address",
            "inet_interfaces",
            "'10.77.0.9' is on no interface",
        ),
        (
            {"inet_interfaces": "127.0.1.1"},
            MASTER,
            "absent_address",
            "inet_interfaces",
            "'127.0.1.1' is on no interface",
        ),
        ({}, MASTER + "10.77.0.9:587 inet n - n - - smtpd\n", "absent_address", "services", "10.77.0.9:587/inet"),
        ({"inet_interfaces": "0.0.0.0"}, MASTER, "fatal", "inet_interfaces", "wildcard"),
        ({"inet_interfaces": "10.77.0.0/24"}, MASTER, "fatal", "inet_interfaces", "is a network"),
        ({"inet_interfaces": "${"}, MASTER, "fatal", "inet_interfaces", "not closed"),
        ({"inet_interfaces": ""}, MASTER, "fatal", "inet_interfaces", "no address at all"),
        ({"inet_protocols": "ipv5"}, MASTER, "fatal", "inet_protocols", "not a protocol"),
        ({}, "smtp inet - - n - - smtpd\n", "fatal", "services", "private"),
    ],
)
def test_what_postfix_dies_of(settings: dict, master: str, code: str, parameter: str, words: str) -> None:
    one = next(one for one in found(settings, master) if one.severity == "error")
    assert (one.code, one.parameter) == (code, parameter)
    assert words in one.message


@pytest.mark.parametrize(
    "word, settings",
    [("10.77.0.9", {}), ("fd77::1", {"inet_protocols": "ipv4"}), ("fe80::1", {}), ("10.77.0.8", {})],
)
def test_the_only_address_cannot_be_taken_out(word: str, settings: dict) -> None:
    host = Host([*TWO.addresses, address_of("eth0 fe80::1/64"), address_of("eth1 10.77.0.8/24 down")])
    for value, is_only in ((word, True), (f"{word}, 10.77.0.1, 10.77.0.2", False)):
        one = found({"inet_interfaces": value, **settings}, host=host)[0]
        assert one[1:3] == ("error", "inet_interfaces")
        assert ("take it out" in one.remedy.lower()) != is_only
        assert ("ist another address" in one.remedy) == is_only  # codespell:ignore ist


def test_unusable_addresses_are_not_absent() -> None:
    host = Host([*TWO.addresses, address_of("eth0 fd77::9/64 tentative")])
    one = found({"inet_interfaces": "127.0.0.1, fd77::9"}, host=host)[0]
    assert one.code == "fatal"
    assert "tentative" in one.message


@pytest.mark.parametrize(
    "settings, code, severity, words",
    [
        ({"smtp_bind_address": "fd77::1"}, "wrong_family", "error", "sends from another address"),
        ({"smtp_bind_address6": "10.77.0.1"}, "wrong_family", "error", "sends from another address"),
        ({"smtp_bind_address": "10.77.0.9"}, "absent_address", "warning", "sends from another address"),
        ({"lmtp_bind_address6": "fd77::9"}, "absent_address", "warning", "sends from another address"),
        ({"smtp_bind_address": "127.0.0.1"}, "loopback_source", "error", "cannot leave"),
        (
            {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "::"},
            "bind_address_not_enforced",
            "info",
            "not enforced",
        ),
        ({"smtp_bind_address": "mail.example.org"}, "source_failure", "error", "not a numeric address"),
        ({"smtp_bind_address_enforce": "maybe"}, "source_failure", "error", "neither yes nor no"),
        ({"smtp_bind_address6": "${"}, "source_failure", "error", "not closed"),
    ],
)
def test_bind_addresses(settings: dict, code: str, severity: str, words: str) -> None:
    one = only(settings)
    assert (one.code, one.severity, one.parameter) == (code, severity, next(iter(settings)))
    assert words in one.message


def test_enforced_address_that_is_absent() -> None:
    answer = found({"smtp_bind_address": "10.77.0.9", "smtp_bind_address_enforce": "yes"})
    assert [(one.code, one.severity) for one in answer] == [("absent_address", "error")]
    assert "stays in the queue" in answer[0].message
    answer = found({"smtp_bind_address": "fd77::1", "smtp_bind_address_enforce": "yes"})
    assert [(one.code, one.severity) for one in answer] == [("wrong_family", "error")]


def test_not_enforced_is_said_once() -> None:
    settings = {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "fd77::1", "lmtp_bind_address": "10.77.0.2"}
    answer = found(settings, MASTER + "out unix - - n - - smtp -o smtp_bind_address=10.77.0.2\n")
    (one,) = [one for one in answer if one.code == "bind_address_not_enforced"]
    assert one[:3] == ("bind_address_not_enforced", "info", "smtp_bind_address")
    assert "smtp_bind_address6 = fd77::1 in main.cf" in one.message
    assert "in out/unix" in one.message
    assert "smtp_bind_address_enforce = yes and lmtp_bind_address_enforce = yes" in one.remedy


def test_not_enforced_where_it_makes_no_difference() -> None:
    assert found({"smtp_bind_address": "10.77.0.1"}, host=ONE) == []
    assert found({"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "::"}, version="3.6") == []


def test_source_address_of_a_family_that_is_off() -> None:
    def told(settings: dict, line: str = "") -> list:
        answer = found({"inet_protocols": "ipv4", **settings}, f"{MASTER}{line}\n")
        return [(one.severity, one.message) for one in answer if one.code == "stranded_source_address"]

    ((severity, message),) = told({"smtp_bind_address6": "fd77::1"})
    assert (severity, "smtp_bind_address6 in main.cf has no effect: ipv6" in message) == ("info", True)
    six = "six unix - - n - - smtp -o smtp_bind_address6=fd77::1"
    ((severity, message),) = told({}, six)
    assert (severity, "in six/unix has no effect" in message) == ("warning", True)
    assert told({}, f"{six} -o inet_protocols=all") == []
    assert told({"inet_protocols": "all"}, f"{six} -o inet_protocols=ipv4")[0][0] == "warning"
    for settings in ({"smtp_bind_address6": "::"}, {"smtp_bind_address6": ""}, {"inet_protocols": "all"}):
        assert told(settings) == []


def test_bind_address_of_one_client() -> None:
    one = only({}, MASTER + "out unix - - n - - smtp -o smtp_bind_address=10.77.0.9\n")
    assert one.code == "absent_address"
    assert "in out/unix" in one.message


def test_broken_line_of_one_client() -> None:
    one = only({}, MASTER + "out unix - - n - - smtp # comment\n")
    assert one[:3] == ("source_failure", "error", "services")
    assert "out/unix cannot send" in one.message


@pytest.mark.parametrize(
    "settings, severity, lost",
    [
        ({"inet_interfaces": "10.77.0.1, 10.77.0.2, fd77::1, fd77::2"}, "warning", "127.0.0.0/8"),
        ({"inet_interfaces": "127.0.0.1, ::1, 10.77.0.1, fd77::1", "mynetworks_style": "host"}, "info", "10.77.0.2/32"),
    ],
)
def test_default_mynetworks(settings: dict, severity: str, lost: str) -> None:
    answer = findings(outlook_of(settings, MASTER, TWO))
    assert [one[:3] for one in answer if one.parameter == "mynetworks"] == [
        ("mynetworks_default", severity, "mynetworks")
    ]
    assert lost in answer[0].message


@pytest.mark.parametrize("inet_interfaces", ["loopback-only", "127.0.0.1", "127.0.0.1, ::1"])
def test_a_host_that_hears_itself_alone_misses_no_networks(inet_interfaces: str) -> None:
    answer = findings(outlook_of({"inet_interfaces": inet_interfaces}, MASTER, TWO))
    assert "mynetworks_default" not in [one.code for one in answer]
    beside = MASTER + "10.77.0.1:587 inet n - n - - smtpd\n"
    answer = findings(outlook_of({"inet_interfaces": inet_interfaces}, beside, TWO))
    assert "mynetworks_default" in [one.code for one in answer]


OUTSIDE = host_of("127.0.0.1/8", "10.77.0.1/24", "198.51.100.7/26", "::1/128", "fd77::1/64", "fe80::7/64")


def grown(before: dict, after: dict, host: Host = OUTSIDE) -> list:
    old, new = outlook_of(before, MASTER, host), outlook_of(after, MASTER, host)
    return [one for one in findings(new, before=old) if one.code == "mynetworks_grows"]


@pytest.mark.parametrize(
    "shared, before, after, severity, gained, kept",
    [
        (
            {"mynetworks_style": "subnet"},
            "10.77.0.1, fd77::1",
            "10.77.0.1, 198.51.100.7",
            "error",
            "198.51.100.0/26",
            "127.",
        ),
        ({}, "loopback-only", "all", "error", "10.77.0.0/24, 198.51.100.0/26, [fd77::]/64, [fe80::]/64", "127."),
        ({"compatibility_level": "1"}, "127.0.0.1", "127.0.0.1, 198.51.100.7", "error", "198.51.100.0/26", "127."),
        ({"mynetworks_style": "class"}, "127.0.0.1", "10.77.0.1", "warning", "10.0.0.0/8", "127."),
        ({"mynetworks_style": "class"}, "10.77.0.1", "198.51.100.7", "error", "198.51.100.0/24", "10."),
        ({"mynetworks_style": "subnet"}, "10.77.0.1", "10.77.0.1, fd77::1", "warning", "[fd77::]/64", "10."),
    ],
)
def test_more_may_relay(shared: dict, before: str, after: str, severity: str, gained: str, kept: str) -> None:
    (one,) = grown({**shared, "inet_interfaces": before}, {**shared, "inet_interfaces": after})
    assert one[:3] == ("mynetworks_grows", severity, "mynetworks")
    assert f"in {gained} may" in one.message
    assert kept not in one.message
    assert grown({**shared, "inet_interfaces": after}, {**shared, "inet_interfaces": after}) == []
    assert grown({"mynetworks": "", "inet_interfaces": before}, {"mynetworks": "", "inet_interfaces": after}) == []


def test_a_family_more_may_relay() -> None:
    settings = {"inet_interfaces": "all", "mynetworks_style": "subnet"}
    (one,) = grown({**settings, "inet_protocols": "ipv4"}, {**settings, "inet_protocols": "all"})
    assert (one.severity, "[fd77::]/64" in one.message) == ("warning", True)


def test_what_was_there_already_or_is_the_host_itself_is_not_gained() -> None:
    style = {"compatibility_level": "3.6"}
    assert grown({**style, "inet_interfaces": "loopback-only"}, {**style, "inet_interfaces": "all"}) == []
    subnet = {"mynetworks_style": "subnet"}
    assert grown({**subnet, "inet_interfaces": "all"}, {**subnet, "inet_interfaces": "10.77.0.1"}) == []
    assert grown({"inet_interfaces": "10.77.0.1"}, {**subnet, "inet_interfaces": "10.77.0.1, 127.0.0.1"}) == []
    wide = host_of("127.0.0.1/8", "eth0 10.77.0.1/8", "eth1 10.77.5.1/24")
    assert grown({**subnet, "inet_interfaces": "10.77.0.1"}, {**subnet, "inet_interfaces": "all"}, wide) == []
    broken = {**subnet, "inet_interfaces": "nosuch$"}  # so nobody could relay
    (one,) = grown(broken, {**subnet, "inet_interfaces": "all"})
    assert "10.77.0.0/24, 198.51.100.0/26" in one.message
    assert grown({**broken, "mynetworks": ""}, {**subnet, "inet_interfaces": "all"}) == []
    assert grown(broken, {**subnet, "inet_interfaces": "loopback-only"}) == []


@pytest.mark.parametrize(
    "name, meant",
    [
        ("smtp_bind_adress", "smtp_bind_address"),
        ("smtpd_bind_address", "smtp_bind_address"),
        ("smtp_bind_address4", "smtp_bind_address"),
        ("inet_interface", "inet_interfaces"),
        ("inet_intefraces", "inet_interfaces"),
        ("Inet-Protocols", "inet_protocols"),
        ("proxy_interface", "proxy_interfaces"),
    ],
)
def test_misspelt_parameter(name: str, meant: str) -> None:
    one = only({name: "all" if meant == "inet_protocols" else "10.77.0.1"}, host=ONE)
    assert one[:3] == ("misspelt_parameter", "warning", name)
    assert one.remedy == f"Write {meant}"
    assert found({name: "all", "x": f"${{{name}}}"}) == []  # a parameter of the user's own


def test_misspelt_option() -> None:
    one = only({}, MASTER + "out unix - - n - - smtp -o smtp_bind_adress=10.77.0.1\n")
    assert "in out/unix" in one.message


def test_parameter_that_an_older_postfix_ignores() -> None:
    one = only({"smtp_bind_address_enforce": "yes"}, version="3.5")
    assert one[:3] == ("unknown_to_version", "warning", "smtp_bind_address_enforce")


@pytest.mark.parametrize(
    "settings, master, words",
    [
        ({}, "#smtp inet n - n - - smtpd\n", "no active service"),
        ({"master_service_disable": "inet"}, MASTER, "no active service"),
        ({"inet_protocols": ""}, MASTER, "inet_protocols is empty"),
    ],
)
def test_no_listener(settings: dict, master: str, words: str) -> None:
    one = only(settings, master)
    assert one[:3] == ("no_listener", "warning", "services")
    assert words in one.message


def test_bad_proxy_interfaces() -> None:
    one = only({"proxy_interfaces": "198.51.100.0/24"})
    assert one[:3] == ("bad_proxy_interfaces", "error", "proxy_interfaces")


@pytest.mark.parametrize("settings", [{"inet_interfaces": "nosuch"}, {"proxy_interfaces": "nosuch"}])
def test_names_whose_addresses_are_not_given(settings: dict) -> None:
    with pytest.raises(InputError, match="DNS is not asked"):
        found(settings)


def test_names_that_the_system_does_not_know() -> None:
    def resolve(name: str) -> Any:
        raise InputError("getaddrinfo", name, "host not found", "Fix it")

    outlook = outlook_of({"inet_interfaces": "nosuch"}, MASTER, TWO)
    answer = findings(Outlook(outlook.configuration, TWO, resolve))
    assert answer[0].code == "fatal"
    assert "host not found" in answer[0].message


@pytest.mark.duration
def test_large_configurations_are_answered_quickly() -> None:
    texts = [f"10.{n >> 8}.{n & 255}.1" for n in range(2500)]
    master = MASTER + "".join(f"{port} inet n - n - - smtpd\n" for port in range(2500, 2504))
    settings = {"inet_interfaces": texts, **{f"parameter_number_{n}": "x" for n in range(5000)}}
    assert within(2, lambda: found(settings, master, host=host_of(*texts))) == []


PUBLIC = host_of("127.0.0.1/8", "10.77.0.1/24", "198.51.100.7/24", "::1/128", "fd77::1/64", "2001:db8::7/64")


def test_half_dual_stack_of_listeners() -> None:
    one = only({"inet_interfaces": "10.77.0.1, 10.77.0.2"})
    assert one[:3] == ("half_dual_stack", "info", "inet_interfaces")
    assert "no ipv6 address" in one.message
    master = MASTER + "[fd77::1]:smtp inet n - n - - smtpd\n"
    assert "half_dual_stack" not in [one.code for one in found({"inet_interfaces": "10.77.0.1, 10.77.0.2"}, master)]
    settings = {"inet_interfaces": "10.77.0.1, 127.0.0.1", "smtp_bind_address": "10.77.0.1"}
    assert "half_dual_stack" not in [one.code for one in found(settings, host=host_of("127.0.0.1", "10.77.0.1", "::1"))]


@pytest.mark.parametrize(
    "settings, master, missing",
    [
        ({"inet_interfaces": "127.0.0.1"}, MASTER, "::1"),
        ({"inet_interfaces": "127.0.0.1, 10.77.0.1, 10.77.0.2, fd77::1, fd77::2"}, MASTER, "::1"),
        ({"inet_interfaces": "::1"}, MASTER, "127.0.0.1"),
        ({"inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4"}, MASTER, None),
        ({"inet_interfaces": "127.0.0.1, ::1"}, MASTER, None),
        ({"inet_interfaces": "10.77.0.1, 10.77.0.2, fd77::1, fd77::2"}, MASTER, None),
        ({"inet_interfaces": "localhost"}, MASTER, None),  # which has no other address on this host
        ({"inet_interfaces": "all"}, MASTER + "127.0.0.1:10025 inet n - n - - smtpd\n", None),
    ],
)
def test_loopback_of_one_family(settings: dict, master: str, missing: str) -> None:
    answer = [one for one in found(settings, master) if one.code == "loopback_of_one_family"]
    assert [one[1:3] for one in answer] == [("info", "inet_interfaces")] * bool(missing)
    assert all(f"not {missing}" in one.message for one in answer)
    four = host_of("127.0.0.1/8", "10.77.0.1/24")
    if missing == "::1":
        assert "loopback_of_one_family" not in [one.code for one in found({"inet_interfaces": "127.0.0.1"}, host=four)]


def test_half_dual_stack_of_a_client() -> None:
    settings = {"smtp_bind_address": "10.77.0.1", "smtp_bind_address_enforce": "yes"}
    one = only(settings)
    assert one[:3] == ("half_dual_stack", "info", "smtp_bind_address6")
    assert "smtp/unix" in one.message
    master = MASTER + "out unix - - n - - smtp -o smtp_bind_address6=fd77::1 -o smtp_bind_address_enforce=yes\n"
    assert only({}, master).parameter == "smtp_bind_address"
    assert found(settings, host=ONE) == []


def test_a_client_of_one_family_is_not_half_a_dual_stack() -> None:
    options = "-o inet_protocols=ipv4 -o smtp_bind_address=10.77.0.1 -o smtp_bind_address_enforce=yes"
    assert found({}, f"{MASTER}out unix - - n - - smtp {options}\n") == []


@pytest.mark.parametrize(
    "settings, parameter, remedy",
    [
        ({"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "::"}, "smtp_bind_address", "198.51.100.7"),
        ({"smtp_bind_address6": "fd77::1", "smtp_bind_address": "0.0.0.0"}, "smtp_bind_address6", "2001:db8::7"),
        ({"inet_interfaces": "10.77.0.1, fd77::1, ::1"}, "inet_interfaces", "198.51.100.7"),
    ],
)
def test_private_source(settings: dict, parameter: str, remedy: str) -> None:
    answer = [one for one in found(settings, host=PUBLIC) if one.code == "private_source_address"]
    assert [one[1:3] for one in answer] == [("warning", parameter)]
    assert remedy in answer[0].remedy
    assert "private_source_address" not in [one.code for one in found(settings, host=TWO, version="3.6")]


def test_a_transport_of_its_own_may_have_a_private_source() -> None:
    master = MASTER + "in unix - - n - - smtp -o smtp_bind_address=10.77.0.1 -o smtp_bind_address6=fd77::1\n"
    assert "private_source_address" not in [one.code for one in found({}, master, host=PUBLIC)]


def test_nat_without_proxy_interfaces() -> None:
    def told(names: dict, **settings: str) -> list:
        given = {"mynetworks": "127.0.0.0/8", "myhostname": "mx.example.org", **settings}
        return findings(outlook_of(given, MASTER, ONE, names=names))

    world = {"mx.example.org": ["203.0.113.25"]}
    (one,) = told(world)
    assert one[:3] == ("nat_without_proxy_interfaces", "info", "proxy_interfaces")
    assert "203.0.113.25" in one.remedy
    (one,) = told({"mx.example.org": ["203.0.113.25", "2001:db8::25"]}, relay_domains="example.net")
    assert one[:3] == ("nat_without_proxy_interfaces", "warning", "proxy_interfaces")
    assert "Add 203.0.113.25 and 2001:db8::25 to" in one.remedy
    assert told(world, proxy_interfaces="203.0.113.25") == []
    for loopback in ("loopback-only", "127.0.0.1", "127.0.0.1, ::1", "localhost", "[::1] localhost"):
        answer = told({**world, "localhost": ["127.0.0.1", "::1"]}, inet_interfaces=loopback)
        assert "nat_without_proxy_interfaces" not in [one.code for one in answer]
    for harmless in (
        {},
        {"mx.example.org": "10.77.0.1"},
        {"mx.example.org": "127.0.1.1"},
        {"mx.example.org": "10.1.1.1"},
    ):
        assert told(harmless) == []


def test_several_instances_have_both_remedies() -> None:
    settings = {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4"}
    assert "instances" not in only(settings).remedy
    for name in ("multi_instance_name", "multi_instance_directories"):
        remedy = only({**settings, name: "postfix-out"}).remedy
        assert "let the kernel choose" in remedy
        assert "inet_interfaces = all" in remedy


def test_each_value_that_postfix_dies_of_is_named() -> None:
    answer = found({"myhostname": "mx.test # x", "default_process_limit": "0", "smtp_bind_address": "10.77.0.9"})
    assert [one[:3] for one in answer] == [
        ("fatal", "error", "default_process_limit"),
        ("fatal", "error", "myhostname"),
    ]


@pytest.mark.parametrize(
    "settings, line, parameter, words",
    [
        (
            {"smtpd_client_connection_count_limit": "x"},
            "",
            "smtpd_client_connection_count_limit",
            "smtp/inet cannot run",
        ),
        ({"smtp_address_preference": "ipv5"}, "", "smtp_address_preference", "smtp/unix cannot run"),
        ({}, "587 inet n - n - - smtpd -o myhostname=mx..test", "myhostname", "587/inet cannot run"),
        ({}, "587 inet n - n - - smtpd -o soft_bounce=maybe", "soft_bounce", "neither yes nor no"),
        ({}, "587 inet n - n - - smtpd -o smtpd_timeout=ten", "smtpd_timeout", "not a time"),
        ({}, "pickup unix n - n 60 1 pickup -o inet_protocols=ipv5", "inet_protocols", "not a protocol"),
        ({}, "pickup unix n - n 60 1 pickup -o inet_interfaces=10.77.0.9", "inet_interfaces", "on no interface"),
        ({"smtpd_upstream_proxy_protocol": "HAProxy"}, "", "smtpd_upstream_proxy_protocol", "has 'HAProxy'"),
        ({"smtpd_tls_security_level": "dane"}, "", "smtpd_tls_security_level", "smtp/inet cannot run"),
        ({"smtp_host_lookup": "dns, nativ"}, "", "smtp_host_lookup", "has 'nativ'"),
        ({"smtp_host_lookup": ""}, "", "smtp_host_lookup", "is empty"),
        ({"notify_classes": "bounce resources"}, "", "notify_classes", "has 'resources'"),
        ({}, "587 inet n - n - - smtpd -o receive_override_options=no_milter", "receive_override_options", "587/inet"),
        ({"mailbox_delivery_lock": "fcntl, dot"}, "local unix - n n - - local", "mailbox_delivery_lock", "'dot'"),
        ({"smtp_sasl_auth_enable": "yes"}, "", "smtp_sasl_auth_enable", "needs smtp_sasl_password_maps"),
        ({"mailbox_size_limit": "1000"}, "local unix - n n - - local", "mailbox_size_limit", "less than message_size"),
        ({"message_size_limit": "0"}, "local unix - n n - - local", "mailbox_size_limit", "unlimited"),
        ({"message_size_limit": "60000000"}, "virtual unix - n n - - virtual", "virtual_mailbox_limit", "60000000"),
    ],
)
def test_program_failure(settings: dict, line: str, parameter: str, words: str) -> None:
    one = only(settings, f"{MASTER}{line}\n")
    assert one[:3] == ("program_failure", "error", parameter)
    assert words in one.message


def test_services_that_can_run() -> None:
    assert found({"mailbox_size_limit": "0", "message_size_limit": "0"}, f"{MASTER}local unix - n n - - local\n") == []
    assert found({"smtpd_timeout": "${stress?{10}:{300}}s"}) == []
    wrapped = MASTER.replace("smtpd\n", "smtpd -o smtpd_tls_wrappermode=yes\n")
    assert found({"smtpd_tls_security_level": "dane"}, wrapped) == []
    assert found({"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": "hash:/x"}) == []
    for without in ({"smtp_dns_support_level": "disabled"}, {"disable_dns_lookups": "yes"}):
        assert found({"smtp_host_lookup": "nativ", **without}) == []
    assert found({"smtp_host_lookup": "native, dns", "notify_classes": "", "smtpd_upstream_proxy_protocol": ""}) == []
    assert found({"qmgr_message_active_limit": "0"}) == []  # nothing here runs qmgr


PASSING = host_of(
    "127.0.0.1/8",
    "10.77.0.1/24 dynamic",
    "10.77.0.2/24",
    "10.77.0.3/24 deprecated dynamic",
    "::1/128",
    "fd77::1/64",
    "fd77::2/64 temporary",
    "fd77::3/64 deprecated",
)


@pytest.mark.parametrize(
    "settings, master, code, severity, parameter, words",
    [
        (
            {"inet_interfaces": "10.77.0.2, fd77::2"},
            MASTER,
            "temporary_address",
            "error",
            "inet_interfaces",
            "RFC 4941",
        ),
        (
            {"inet_interfaces": "10.77.0.3, fd77::1"},
            MASTER,
            "temporary_address",
            "error",
            "inet_interfaces",
            "lifetime",
        ),
        ({"inet_interfaces": "here, fd77::1"}, MASTER, "temporary_address", "error", "inet_interfaces", "a name in"),
        ({}, "[fd77::2]:25 inet n - n - - smtpd\n", "temporary_address", "error", "services", "[fd77::2]:25"),
        ({"smtp_bind_address6": "fd77::2"}, MASTER, "temporary_address", "warning", "smtp_bind_address6", "main.cf is"),
        (
            {"smtp_bind_address6": "fd77::2", "smtp_bind_address_enforce": "yes"},
            MASTER,
            "temporary_address",
            "error",
            "smtp_bind_address6",
            "stays in the queue",
        ),
        (
            {"inet_interfaces": "10.77.0.2, fd77::3"},
            MASTER,
            "deprecated_address",
            "info",
            "inet_interfaces",
            "lists fd77",
        ),
        ({"smtp_bind_address6": "fd77::3"}, MASTER, "deprecated_address", "info", "smtp_bind_address6", "give it up"),
        ({"inet_interfaces": "10.77.0.1, fd77::1"}, MASTER, "dynamic_address", "info", "inet_interfaces", "DHCP"),
        ({"smtp_bind_address": "10.77.0.1"}, MASTER, "dynamic_address", "info", "smtp_bind_address", "DHCP"),
        ({}, "10.77.0.1:25 inet n - n - - smtpd\n", "dynamic_address", "info", "services", "10.77.0.1:25"),
    ],
)
def test_addresses_that_the_host_may_lose(
    settings: dict, master: str, code: str, severity: str, parameter: str, words: str
) -> None:
    outlook = outlook_of({"mynetworks": "", **settings}, master, PASSING, names={"here": ["10.77.0.3"]})
    codes = ("temporary_address", "deprecated_address", "dynamic_address")
    (one,) = [one for one in findings(outlook) if one.code in codes]
    assert one[:3] == (code, severity, parameter)
    assert words in one.message


def test_addresses_that_are_not_written_down_may_pass() -> None:
    for settings in ({}, {"inet_interfaces": "all"}, {"inet_interfaces": "10.77.0.2, fd77::1"}):
        assert not [
            one for one in found(settings, host=PASSING) if one.code.endswith("_address") and "implicit" not in one.code
        ]
    outlook = outlook_of({"inet_interfaces": "dhcp, fd77::1"}, MASTER, PASSING, names={"dhcp": ["10.77.0.1"]})
    assert "dynamic_address" not in [one.code for one in findings(outlook)]


def test_what_the_kernel_sends_from() -> None:
    def told(settings: dict, **sources: str) -> list:
        addresses = {family: ip_address(text) for family, text in sources.items()}
        host = Host(PASSING.addresses, kernel_source=addresses.get)
        return [one for one in found(settings, host=host) if one.code == "temporary_address"]

    (one,) = told({}, ipv6="fd77::2", ipv4="10.77.0.1")
    assert one[1:3] == ("warning", "smtp_bind_address6")
    assert "smtp/unix send by the kernel's choice from fd77::2" in one.message
    assert one.remedy.endswith("such as fd77::1")
    assert told({}, ipv6="fd77::1") == []
    assert told({}) == []
    assert told({"smtp_bind_address6": "fd77::1"}, ipv6="fd77::2") == []
    assert len(told({"smtp_bind_address6": "::"}, ipv6="fd77::2")) == 1
    assert told({"inet_protocols": "ipv4"}, ipv6="fd77::2") == []


POSTSCREEN = """\
smtp inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
proxywrite unix - - n - 1 proxymap
"""


def test_postscreen_with_all_that_it_needs() -> None:
    settings = {"postscreen_dnsbl_sites": "zen.example.org", "smtpd_tls_security_level": "may"}
    assert found(settings, POSTSCREEN) == []
    limited = POSTSCREEN.replace(" 1 postscreen", " - postscreen").replace("pass - - n - -", "pass - - n - 5")
    assert found({"default_process_limit": "1", **settings}, limited) == []


@pytest.mark.parametrize(
    "gone, settings, severity, words",
    [
        ("smtpd", {}, "error", "passes each client to smtpd/pass"),
        ("dnsblog", {"postscreen_dnsbl_sites": "zen.example.org"}, "error", "asks dnsblog/unix"),
        ("dnsblog", {}, "info", "asks dnsblog/unix"),
        ("tlsproxy", {"smtpd_tls_security_level": "may"}, "error", "leaves TLS to tlsproxy/unix"),
        ("tlsproxy", {"smtpd_use_tls": "yes"}, "error", "leaves TLS to tlsproxy/unix"),
        ("tlsproxy", {"postscreen_tls_security_level": "encrypt"}, "error", "leaves TLS to tlsproxy/unix"),
        ("tlsproxy", {}, "info", "leaves TLS to tlsproxy/unix"),
        ("proxywrite", {"postscreen_cache_map": "proxy:btree:/x"}, "error", "has its cache from proxywrite/unix"),
        (
            "tlsproxy",
            {"smtpd_tls_security_level": "may", "postscreen_tls_security_level": "none"},
            "info",
            "leaves TLS to tlsproxy/unix",
        ),
    ],
)
def test_postscreen_that_lacks_a_service(gone: str, settings: dict, severity: str, words: str) -> None:
    master = "".join(line for line in POSTSCREEN.splitlines(True) if not line.startswith(f"{gone} "))
    one = only(settings, master)
    assert one[:3] == ("postscreen_lacks_service", severity, "services")
    assert words in one.message
    assert found(settings, master + one.remedy[len("Add ") :] + "\n") == []


@pytest.mark.parametrize(
    "gone, settings, words",
    [
        ("cleanup", {}, "which it gives to cleanup/unix"),
        ("rewrite", {}, "whose addresses rewrite/unix rewrites"),
        ("qmgr", {}, "which qmgr/unix delivers"),
        ("proxymap", {}, "looks up local_recipient_maps by proxymap/unix"),
        ("proxymap", {"local_recipient_maps": "", "relay_domains": "proxy:mysql:/x"}, "looks up relay_domains by"),
        (
            "proxymap",
            {
                "local_recipient_maps": "",
                "by": "proxy",
                "smtpd_sender_restrictions": "check_sender_access {$by:pgsql:/x}",
            },
            "looks up smtpd_sender_restrictions by",
        ),
    ],
)
def test_what_takes_mail_lacks_a_service(gone: str, settings: dict, words: str) -> None:
    whole = MASTER + QUEUE
    assert found(settings, whole) == []
    for broken in (
        "".join(line for line in whole.splitlines(True) if not line.startswith(f"{gone} ")),
        whole.replace(f"{gone} unix", f"other_{gone} unix"),
    ):
        one = only(settings, broken)
        assert one[:3] == ("intake_lacks_service", "error", "services")
        assert words in one.message
        assert found(settings, broken + one.remedy[len("Add ") :] + "\n") == []


@pytest.mark.parametrize(
    "settings, master",
    [
        ({"local_recipient_maps": ""}, MASTER + QUEUE.replace("proxymap ", "#proxymap ")),
        (
            {"local_recipient_maps": "", "smtp_tls_policy_maps": "proxy:x:y"},
            MASTER + QUEUE.replace("proxym", "#proxym"),
        ),
        ({"local_recipient_maps": "", "unused": "proxy:x:y"}, MASTER + QUEUE.replace("proxymap ", "#proxymap ")),
        ({"cleanup_service_name": "before"}, MASTER + QUEUE.replace("cleanup unix", "before unix")),
        ({"smtpd_proxy_filter": "127.0.0.1:10026"}, MASTER + QUEUE.replace("cleanup ", "#cleanup ")),
        (
            {},
            MASTER.replace("smtpd", "discard") + QUEUE.replace("pickup ", "#").replace("rewrite ", "#"),
        ),
        ({}, MASTER + QUEUE.replace("qmgr unix", "qmgr fifo")),
    ],
    ids=["no proxy", "of a client", "of nobody", "renamed", "a filter takes it", "no smtpd", "fifo"],
)
def test_what_takes_mail_needs_no_more(settings: dict, master: str) -> None:
    assert "intake_lacks_service" not in [one.code for one in found(settings, master)]


def test_a_service_that_what_takes_mail_cannot_find() -> None:
    for line in ("cleanup unix n", "rewrite unix -", "proxymap unix -"):
        other = line[:-1] + ("n" if line[-1] == "-" else "-")
        assert only({}, (MASTER + QUEUE).replace(line, other)).code == "intake_lacks_service"


@pytest.mark.parametrize(
    "old, new",
    [("pass - -", "pass n -"), ("pass", "unix"), ("smtpd pass", "screened pass")],
    ids=["public", "type", "name"],
)
def test_a_service_that_postscreen_cannot_find(old: str, new: str) -> None:
    assert only({}, POSTSCREEN.replace(old, new)).code == "postscreen_lacks_service"
    renamed = POSTSCREEN.replace("postscreen", "postscreen -o smtpd_service_name=screened").replace(
        "smtpd pass", "screened pass"
    )
    assert found({}, renamed) == []


@pytest.mark.parametrize("limit", ["-", "0", "2"])
def test_process_limit_of_postscreen(limit: str) -> None:
    one = only({}, POSTSCREEN.replace("1 postscreen", f"{limit} postscreen"))
    assert one[:3] == ("program_failure", "error", "services")
    assert f"smtp/inet cannot run: it has the process limit {limit.replace('-', '100')}" in one.message


@pytest.mark.parametrize(
    "line, words",
    [
        ("cleanup unix n - n - - cleanup", "starts with 0 only"),
        ("qmgr unix n - n 300 - qmgr", "starts with 1 only"),
        ("local unix - - n - - local", "rights of root"),
    ],
)
def test_columns_with_which_a_program_does_not_start(line: str, words: str) -> None:
    one = only({}, f"{MASTER}{line}\n")
    assert one[:3] == ("program_failure", "error", "services")
    assert words in one.message


SECOND = POSTSCREEN + "10.77.0.1:2525 inet n - n - 1 postscreen\n"


@pytest.mark.parametrize(
    "settings, master, version, is_shared",
    [
        ({}, SECOND, "3.10", False),
        ({"postscreen_cache_map": "btree:$data_directory/cache"}, SECOND, "3.12", False),
        ({"default_cache_db_type": "btree"}, SECOND, "3.12", False),
        ({"default_cache_db_type": "lmdb"}, SECOND, "3.12", True),
        ({}, SECOND, "3.12", True),  # nobody knows
        ({"postscreen_cache_map": "proxy:btree:$data_directory/cache"}, SECOND, "3.10", True),
        ({"postscreen_cache_map": "lmdb:$data_directory/cache"}, SECOND, "3.10", True),
        ({"postscreen_cache_map": ""}, SECOND, "3.10", True),
        ({}, SECOND.rstrip() + " -o postscreen_cache_map=btree:/var/lib/postfix/second\n", "3.10", True),
    ],
)
def test_cache_of_postscreen(settings: dict, master: str, version: str, is_shared: bool) -> None:
    answer = [one for one in found(settings, master, version=version) if one.code == "program_failure"]
    assert len(answer) == (not is_shared)
    for one in answer:
        assert one.parameter == "postscreen_cache_map"
        assert "10.77.0.1:2525/inet cannot run" in one.message


@pytest.mark.parametrize(
    "settings, line, severity, parameter, words",
    [
        ({"relayhost": "[fd77::9]:587"}, "", "error", "relayhost", "[fd77::9]:587"),
        ({"relayhost": "[IPv6:fd77::9]"}, "", "error", "relayhost", "IPv6"),
        ({"content_filter": "smtp:[::1]:10025"}, "", "error", "content_filter", "smtp:[::1]:10025"),
        ({"virtual_transport": "lmtp:inet:[::1]:24"}, "", "error", "virtual_transport", "lmtp:inet:[::1]:24"),
        ({"smtpd_milters": "unix:/run/x, inet:[::1]:8891"}, "", "error", "smtpd_milters", "inet:[::1]:8891"),
        (
            {"non_smtpd_milters": "{ inet:[::1]:8891, connect_timeout=5s }"},
            "",
            "error",
            "non_smtpd_milters",
            "in main.cf",
        ),
        (
            {"smtpd_recipient_restrictions": "permit_mynetworks, check_policy_service inet:[fd77::9]:10023"},
            "",
            "error",
            "smtpd_recipient_restrictions",
            "inet:[fd77::9]:10023",
        ),
        ({"smtpd_proxy_filter": "[::1]:10025"}, "", "error", "smtpd_proxy_filter", "nothing can connect"),
        ({"default_filter_nexthop": "[::1]:10025"}, "", "error", "default_filter_nexthop", "nothing can connect"),
        ({"greylisting": "check_policy_service inet:[::1]:10023"}, "", "error", "greylisting", "inet:[::1]:10023"),
        ({"smtpd_sasl_path": "inet:[::1]:12345"}, "", "error", "smtpd_sasl_path", "nothing can connect"),
        ({"virtual_alias_maps": "tcp:[::1]:2000"}, "", "error", "virtual_alias_maps", "nothing can connect"),
        ({"smtp_fallback_relay": "[fd77::9]"}, "", "warning", "smtp_fallback_relay", "nothing can connect"),
        ({"transport_maps": "inline:{{x.test = smtp:[fd77::9]}}"}, "", "error", "transport_maps", "smtp:[fd77::9]"),
        ({"default_transport": "smtp:[fd77::9]"}, "", "error", "default_transport", "smtp:[fd77::9]"),
        (
            {"sender_dependent_relayhost_maps": "static:[fd77::9]"},
            "",
            "error",
            "sender_dependent_relayhost_maps",
            "static:[fd77::9]",
        ),
        ({}, "587 inet n - n - - smtpd -o smtpd_milters=inet:[::1]:8891", "error", "smtpd_milters", "in 587/inet"),
        ({}, "587 inet n - n - - smtpd -o content_filter=smtp:[::1]:10025", "error", "content_filter", "in 587/inet"),
    ],
)
def test_next_hops_of_a_family_that_is_off(
    settings: dict, line: str, severity: str, parameter: str, words: str
) -> None:
    master = f"{MASTER}{line}\n"
    answer = [one for one in found({"inet_protocols": "ipv4", **settings}, master) if one.code == "stranded_next_hop"]
    assert [one[1:3] for one in answer] == [(severity, parameter)]
    assert words in answer[0].message
    assert "stranded_next_hop" not in [one.code for one in found(settings, master)]
    other = {"inet_protocols": "ipv6", **settings}
    assert "stranded_next_hop" not in [one.code for one in found(other, master)]


def test_next_hops_of_ipv4_and_of_transports_with_a_family_of_their_own() -> None:
    def stranded(settings: dict, line: str = "") -> list:
        return [one.code for one in found(settings, f"{MASTER}{line}\n") if one.code == "stranded_next_hop"]

    only6 = {"inet_protocols": "ipv6"}
    for word in ("127.0.0.1:10025", "[127.0.0.1]:10025", "smtp:127.0.0.1:10025", "smtp:[10.77.0.9]"):
        assert stranded({**only6, "content_filter": word})
    for word in ("localhost:10025", "smtp:[mail.example.org]", "lmtp:unix:/run/x", ""):
        assert not stranded({**only6, "content_filter": word})
    others = "error unix - - n - - error\nscan unix - n n - - pipe user=x argv=/x"
    for word in ("error:[127.0.0.1] is down", "scan:[127.0.0.1]"):  # they connect to nothing
        assert not stranded({**only6, "default_transport": word}, others)
    assert stranded({**only6, "default_transport": "error:down", "relayhost": "[10.77.0.9]"}, others)
    six = "six unix - - n - - smtp -o inet_protocols=ipv6"
    assert stranded({"default_transport": "six:[10.77.0.9]"}, six)
    assert stranded({"default_transport": "six", "relayhost": "[10.77.0.9]"}, six)
    assert not stranded({"default_transport": "six", "relayhost": "[fd77::9]"}, six)
    assert not stranded({"mynetworks": "[fd77::]/64", "smtpd_client_restrictions": "x", "inet_protocols": "ipv4"})


@pytest.mark.parametrize(
    "settings, line, parameter, name",
    [
        ({"content_filter": "scan:[127.0.0.1]:10025"}, "", "content_filter", "scan"),
        ({"default_transport": "out"}, "", "default_transport", "out"),
        (
            {"transport_maps": "hash:/x, inline:{a.test=slow:, {b.test = smtp:[10.77.0.9]}}"},
            "",
            "transport_maps",
            "slow",
        ),
        ({"transport_maps": "static:slow:[10.77.0.9]"}, "", "transport_maps", "slow"),
        (
            {"sender_dependent_default_transport_maps": "randmap:{smtp:, out2:}"},
            "",
            "sender_dependent_default_transport_maps",
            "out2",
        ),
        (
            {"sender_dependent_default_transport_maps": "pcre:{{/@a{1,2}\\/b/i slow:[10.77.0.9]}, {!|c, d| smtp:}}"},
            "",
            "sender_dependent_default_transport_maps",
            "slow",
        ),
        (
            {"smtpd_recipient_restrictions": "check_sender_access inline:{{x = FILTER scan:}}"},
            "",
            "smtpd_recipient_restrictions",
            "scan",
        ),
        ({}, "587 inet n - n - - smtpd -o content_filter=scan:", "content_filter", "scan"),
        ({"virtual_transport": "public"}, "public unix n - n - - smtp", "virtual_transport", "public"),
    ],
)
def test_a_transport_that_is_not_there(settings: dict, line: str, parameter: str, name: str) -> None:
    (one,) = [one for one in found(settings, f"{MASTER}{line}\n") if one.code == "unknown_transport"]
    assert one[1:3] == ("error", parameter)
    assert f"names the transport {name}, which" in one.message
    there = f"{MASTER}{line}\n{name} unix - - n - - smtp\n".replace("public unix n - n - - smtp\n", "")
    assert "unknown_transport" not in [one.code for one in found(settings, there)]


def test_what_is_not_a_transport() -> None:
    (one,) = found({"transport_maps": "pipemap:{inline:{a=key}, randmap:{smtp:, slow:}}"})
    assert (one.code, "the transport slow" in one.message) == ("unknown_transport", True)
    for settings in (
        {
            "transport_maps": "inline:{a.test=:[10.77.0.9], b.test=:}",
            "relayhost": "slow:25",
            "default_transport": "smtp",
        },
        {"transport_maps": "regexp:/slow, pcre:{{if /slow:/}, {/a/ smtp:}, {endif}}"},
        {"transport_maps": "hash:/etc/postfix/transport", "content_filter": "", "virtual_transport": "$nosuch"},
        {"sender_dependent_default_transport_maps": "inline:{a=DUNNO}", "my_own_transport": "slow"},
    ):
        assert found(settings) == []


def test_a_filter_on_loopback_that_is_contacted_from_outside() -> None:
    def told(settings: dict, line: str = "") -> list:
        answer = found(settings, f"{MASTER}{line}\n")
        return [
            (one.severity, one.parameter, one.message) for one in answer if one.code == "bound_next_hop_on_loopback"
        ]

    scan = "scan unix - - n - - smtp"
    bound = {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "fd77::1"}
    ((severity, parameter, message),) = told({**bound, "content_filter": "scan:[127.0.0.1]:10025"}, scan)
    assert (severity, parameter) == ("warning", "content_filter")
    assert "scan/unix contacts it from 10.77.0.1" in message
    ((_severity, _parameter, message),) = told({**bound, "content_filter": "scan:localhost:10025"}, scan)
    assert "from 10.77.0.1 because of smtp_bind_address and fd77::1 because of smtp_bind_address6" in message
    assert len(told({**bound, "relayhost": "[::1]:10025"})) == 1
    assert len(told({**bound, "content_filter": "scan:localhost.localdomain:10025"}, scan)) == 1
    assert len(told({"lmtp_bind_address": "10.77.0.1", "virtual_transport": "lmtp:inet:127.0.0.1:24"})) == 1
    assert len(told({"content_filter": "scan:[127.0.0.1]:10025"}, f"{scan} -o smtp_bind_address=10.77.0.1")) == 1
    for settings, line in (
        ({**bound, "content_filter": "scan:[127.0.0.1]:10025"}, f"{scan} -o smtp_bind_address=127.0.0.1"),
        ({**bound, "content_filter": "scan:[127.0.0.1]:10025"}, f"{scan} -o smtp_bind_address=0.0.0.0"),
        ({**bound, "content_filter": "scan:[10.77.0.9]:10025"}, scan),
        ({**bound, "smtpd_proxy_filter": "127.0.0.1:10025"}, ""),
        ({**bound, "smtpd_milters": "inet:127.0.0.1:10025"}, ""),
        ({"lmtp_bind_address": "10.77.0.1", "content_filter": "scan:[127.0.0.1]:10025"}, scan),
    ):
        assert told(settings, line) == []


def test_only_one_of_the_usual_clients_is_bound() -> None:
    def told(settings: dict, *options: str) -> list:
        lines = [f"{name} unix - - n - - smtp {option}\n" for name, option in zip(("smtp", "relay"), options)]
        answer = found(settings, "smtp inet n - n - - smtpd\n" + "".join(lines))
        return [(one.severity, one.parameter) for one in answer if one.code == "half_bound"]

    bind, bind6 = "-o smtp_bind_address=10.77.0.1", "-o smtp_bind_address6=fd77::1"
    assert told({"relay_domains": "x.test"}, bind, "") == [("warning", "smtp_bind_address")]
    assert told({}, bind, "") == [("info", "smtp_bind_address")]
    assert told({"relay_domains": "x.test"}, "", bind) == [("info", "smtp_bind_address")]
    shared = {"sender_dependent_default_transport_maps": "randmap:{smtp:, relay:}", "relay_transport": "smtp"}
    assert told(shared, bind, "") == [("warning", "smtp_bind_address")]
    assert told(shared, bind, bind) == []
    assert told({}, f"{bind} {bind6}", bind) == [("info", "smtp_bind_address6")]
    for settings, options in (
        ({}, (bind, bind)),
        ({}, (bind, "-o smtp_bind_address=10.77.0.2")),
        ({}, (bind, "-o smtp_bind_address=0.0.0.0")),
        ({"smtp_bind_address": "10.77.0.1"}, ("", "")),
        ({"smtp_bind_address": "10.77.0.1"}, ("-o smtp_bind_address=10.77.0.2", "")),
        ({"relay_transport": "smtp"}, (bind, "")),
        ({"default_transport": "error:x"}, (bind, "")),
    ):
        assert told(settings, *options) == []


def test_proxy_protocol_for_all_services() -> None:
    on = {"smtpd_upstream_proxy_protocol": "haproxy"}
    filter_ = {**on, "content_filter": "smtp:[10.77.0.9]"}
    back, submission = "127.0.0.1:10025 inet n - n - - smtpd", "587 inet n - n - - smtpd"
    off = " -o smtpd_upstream_proxy_protocol="

    def told(settings: dict, *lines: str) -> list:
        answer = found(settings, MASTER + "".join(f"{line}\n" for line in lines))
        return [one[:3] for one in answer if one.code.startswith("proxy_protocol")]

    parameter = "smtpd_upstream_proxy_protocol"
    assert told(on) == []
    assert told({}, back, submission) == []
    assert told({parameter: ""}, back) == []
    assert told(on, back) == [("proxy_protocol_on_loopback", "warning", parameter)]
    assert told(filter_, back) == [("proxy_protocol_on_loopback", "error", parameter)]
    assert told(on, back + off) == []
    assert told(on, submission) == [("proxy_protocol_for_all", "info", parameter)]
    assert told(on, submission + off, back + off) == []
    assert told({}, submission + off + "haproxy", back) == []
    assert told({**on, "inet_interfaces": "loopback-only"}, submission) == [
        ("proxy_protocol_for_all", "info", parameter)
    ]
    assert told(on, back, submission + " -o content_filter=scan:[10.77.0.9]")[0][1] == "error"
    for settings, is_named in ((on, False), (filter_, True), ({**on, "content_filter": ""}, False)):
        (one,) = [one for one in found(settings, f"{MASTER}{back}\n") if one.code == "proxy_protocol_on_loopback"]
        assert ("content filter" in one.message) == is_named
    assert told({"postscreen_upstream_proxy_protocol": "haproxy"}, back, submission) == []


LABELS = {2525: "unreserved_port_t", 8025: "http_cache_port_t"}


def test_a_port_that_selinux_keeps_from_postfix() -> None:
    host = Host(TWO.addresses, port_type=LABELS.get)

    def found(before: str, after: str, on: Host = host) -> list:
        old, new = outlook_of({}, before, on), outlook_of({}, after, on)
        return [one for one in findings(new, before=old) if one.code == "forbidden_port"]

    ports = MASTER + "2525 inet n - n - - smtpd\n8025 inet n - n - - smtpd\n587 inet n - n - - smtpd\n"
    added, other = found(MASTER, ports)
    assert (added.severity, added.parameter) == ("error", "services")
    assert (
        "not let Postfix listen on port 2525 for 2525/inet, because the port has the type unreserved_port_t"
        in added.message
    )
    assert "semanage port -a -t smtp_port_t -p tcp 2525" in added.remedy
    assert "semanage port -m -t smtp_port_t -p tcp 8025" in other.remedy
    assert found(ports, ports) == []  # it listens there already
    assert found(MASTER, ports, TWO) == []


def test_what_is_wrong_with_a_file_as_a_whole_is_fatal() -> None:
    found = findings(outlook_of_texts("stray\n", "smtp inet n - n - - smtpd\n", host_of("127.0.0.1/8")))
    assert ("fatal", "error") in [(finding.code, finding.severity) for finding in found]
