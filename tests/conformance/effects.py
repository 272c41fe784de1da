# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each finding on a real Postfix: the configuration that has it, and the bad effect that it warns of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver

from .predict import main_of, master_of, outlook_of
from .room import HOSTNAME

_INSIDE, _OUTSIDE = "10.77.0.100", "fd77::100"
_NAMES = {"one.lab.test": ["10.77.0.1"], "nat.lab.test": ["203.0.113.5"], "localhost": ["127.0.0.1", "::1"]}
_SMTP = "smtp inet n - n - - smtpd\n"
_BOUND = "smtp unix - - n - - smtp -o smtp_bind_address=10.77.0.2\n"
_OUT_AND_IN = "10.77.0.1:25 inet n - n - - smtpd\n127.0.0.1:25 inet n - n - - smtpd\n"
_TWICE = "10.77.0.1:25 inet n - n - - smtpd\none.lab.test:25 inet n - n - - smtpd\n"
_BESIDE = _SMTP + "10.77.0.2:25 inet n - n - - smtpd\n"
_GREETINGS = (
    "smtp inet n - n - - smtpd -o smtpd_banner=everywhere\n10.77.0.2:25 inet n - n - - smtpd -o smtpd_banner=endpoint\n"
)
_TWO = "inet_interfaces = 10.77.0.1 10.77.0.2"
_FROM_3_6 = (3, 6)


class Effect(NamedTuple):
    """What a finding warns of, and how it shows."""

    code: str
    main: str
    master: str
    #: the destination of a mail by smtp, or an address literal in brackets
    to: str
    #: whether an answer of real.py, or the source and the kernel's choice for the mail, show it
    shows: Callable[[Any], bool]
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = (99,)
    #: the address to whose port 25 somebody connects
    greeted: str = ""
    #: the settings before the edit, if it is one
    before: str = ""


def _sent_from(address: str | None) -> Callable[[Any], bool]:
    return lambda answer: bool(answer["sources"][0]["from"] == address)


def _by_the_kernel(answer: Any) -> bool:
    return bool(answer["sources"][0]["from"] == answer["sources"][0]["kernel"] == "10.77.0.1")


def _no_greeting(answer: Any) -> bool:
    return not any(greeting.startswith("220") for greeting in answer["greetings"])


def _sockets(*expected: str) -> Callable[[Any], bool]:
    return lambda answer: bool(answer["sockets"] == sorted(expected))


_ALL = _sockets("0.0.0.0:25", "[::]:25")

EFFECTS = [
    Effect("implicit_source_address", "inet_interfaces = 10.77.0.2", _SMTP, "127.0.0.1", _sent_from("10.77.0.2")),
    Effect("wrong_family", "smtp_bind_address = fd77::1", _SMTP, _INSIDE, _by_the_kernel),
    Effect("absent_address", "smtp_bind_address = 10.77.0.99", _SMTP, _INSIDE, _by_the_kernel),
    Effect("absent_address", "inet_interfaces = 10.77.0.99", _SMTP, "", lambda answer: bool(answer["fatal"])),
    Effect("fatal", "inet_interfaces = ALL", _SMTP, "", lambda answer: bool(answer["fatal"])),
    Effect("loopback_source", "smtp_bind_address = 127.0.0.1", _SMTP, _INSIDE, _sent_from(None)),
    Effect("source_failure", "smtp_bind_address = one.lab.test", _SMTP, _INSIDE, _sent_from(None)),
    Effect("source_failure", "", _SMTP + "smtp unix - - n - - smtp flags=Z\n", _INSIDE, _sent_from(None)),
    Effect("source_failure", "", _SMTP + "smtp unix - - n - - smtp flags=R -o syslog_name=x\n", _INSIDE,
           _sent_from(None)),
    Effect("bad_command_line", "", "smtp inet n - n - - smtpd -o smtpd_banner=x, y -o syslog_name=x\n", "",
           lambda answer: answer["greetings"] == [""], greeted="10.77.0.1"),
    Effect("program_failure", "smtp_address_preference = ipv5", _SMTP, _INSIDE, _sent_from(None)),
    *(
        Effect("program_failure", main, _SMTP, "", lambda answer: answer["greetings"] == [""], greeted="10.77.0.1")
        for main in ("smtpd_upstream_proxy_protocol = HAProxy", "notify_classes = bounces")
    ),
    *(
        Effect("program_failure", main, _SMTP, _INSIDE, _sent_from(None))
        for main in (
            "smtp_sasl_auth_enable = yes", "smtp_dns_resolver_options = res_dnssearch",
            "smtp_dns_support_level = enabled\nsmtp_host_lookup = hosts", "smtp_address_verify_target = mail",
        )
    ),
    Effect("unknown_to_version", "smtp_bind_address = 10.77.0.99\nsmtp_bind_address_enforce = yes", _SMTP, _INSIDE,
           _by_the_kernel, until=(3, 7)),
    Effect("ignored_bind_address", "", _SMTP + "smtp unix - - n - - smtp -o lmtp_bind_address=10.77.0.2\n", _INSIDE,
           _by_the_kernel),
    Effect("ignored_on_server", "", "smtp inet n - n - - smtpd -o inet_interfaces=10.77.0.1\n", "", _ALL),
    Effect("endpoint_shadows_inet_interfaces", "", _GREETINGS, "",
           lambda answer: answer["greetings"] == ["220 endpoint"], since=_FROM_3_6, greeted="10.77.0.2"),
    Effect("endpoint_outside_inet_interfaces", "inet_interfaces = 127.0.0.1", _BESIDE,
           "", _sockets("127.0.0.1:25", "10.77.0.2:25")),
    Effect("shared_socket", "inet_protocols = ipv4", _TWICE,
           "", _sockets("10.77.0.1:25", "10.77.0.1:25"), since=_FROM_3_6),
    Effect("fatal", "inet_protocols = ipv4", _TWICE,
           "", lambda answer: bool(answer["dies"]), until=_FROM_3_6),
    Effect("odd_port", "inet_protocols = ipv4", "65536 inet n - n - - smtpd\n", "",
           lambda answer: len(answer["sockets"]) == 1 and not answer["sockets"][0].endswith(":65536")),
    Effect("no_listener", "master_service_disable = inet", _SMTP, "", _sockets()),
    Effect("misspelt_parameter", "inet_interface = 127.0.0.1", _SMTP, "", _ALL),
    Effect("duplicate_parameter", "inet_interfaces = 127.0.0.1\ninet_interfaces = all", _SMTP, "", _ALL),
    Effect("duplicate_service", "", _SMTP + "25 inet n - n - - smtpd\n", "", _ALL),
    # The default of mynetworks is made of the own addresses, and without 127.0.0.1 the host itself may not relay.
    Effect("mynetworks_default", _TWO, _SMTP, "", lambda one: "127.0.0.1" not in one["own"]),
    Effect("mynetworks_grows", "mynetworks_style = subnet", _SMTP, "", lambda one: "10.77.0.0/24" in one["networks"],
           before="mynetworks_style = subnet\ninet_interfaces = 127.0.0.1"),
    Effect("postscreen_lacks_service", "postscreen_greet_wait = 1s",
           "smtp inet n - n - 1 postscreen\n", "", _no_greeting, greeted="10.77.0.1"),
    Effect("intake_lacks_service", "master_service_disable = proxymap/unix", _SMTP, "", _no_greeting,
           greeted="10.77.0.1"),
    Effect("stranded_next_hop", "inet_protocols = ipv4\nrelayhost = [fd77::100]:4025", _SMTP, _OUTSIDE,
           _sent_from(None)),
    Effect("stranded_source_address", "inet_protocols = ipv4\nsmtp_bind_address6 = fd77::2", _SMTP, _OUTSIDE,
           _sent_from(None)),
    Effect("unknown_transport", "content_filter = scan:[127.0.0.1]:4025", _SMTP, _INSIDE, _sent_from(None)),
    Effect("bound_next_hop_on_loopback", "smtp_bind_address = 10.77.0.2\ncontent_filter = smtp:[127.0.0.1]:4025", _SMTP,
           "127.0.0.1", _sent_from("10.77.0.2")),
    Effect("half_bound", "default_transport = smtp", _SMTP + _BOUND + "relay unix - - n - - smtp\n", _INSIDE,
           _sent_from("10.77.0.2")),
    Effect("proxy_protocol_on_loopback", "smtpd_upstream_proxy_protocol = haproxy", _OUT_AND_IN, "", _no_greeting,
           greeted="127.0.0.1"),
    Effect("proxy_protocol_for_all", "smtpd_upstream_proxy_protocol = haproxy\ninet_interfaces = 10.77.0.1", _BESIDE,
           "", _no_greeting, greeted="10.77.0.2"),
    Effect("bad_proxy_interfaces", "proxy_interfaces = 203.0.113.0/24", _SMTP, "[203.0.113.5]",
           lambda answer: answer["literals"] == ["nothing"]),
    Effect("nat_without_proxy_interfaces", "myhostname = nat.lab.test", _SMTP, "[203.0.113.5]",
           lambda answer: answer["literals"] == ["other"]),
    Effect("private_source_address", "smtp_bind_address = 10.77.0.2", _SMTP, _INSIDE, _sent_from("10.77.0.2")),
    Effect("loopback_of_one_family", "inet_interfaces = 127.0.0.1", _SMTP, "", _sockets("127.0.0.1:25")),
    Effect("half_dual_stack", _TWO, _SMTP, "", _sockets("10.77.0.1:25", "10.77.0.2:25")),
    Effect("half_dual_stack", "smtp_bind_address = 10.77.0.2", _SMTP, _OUTSIDE,
           lambda answer: answer["sources"][0]["from"] == answer["sources"][0]["kernel"]),
]  # fmt: skip

#: These cannot be provoked at once: they warn of what is absent_address as soon as the address goes, or of the version.
NOT_PROVOKED = {
    "bind_address_not_enforced",
    "temporary_address",
    "deprecated_address",
    "dynamic_address",
    "unfamiliar_postfix",
    "forbidden_port",  # there is no SELinux here
}


def tasks(version: str) -> list[tuple[Effect, dict[str, Any]]]:
    """The effects that this version has, as tasks."""
    found = []
    for number, effect in enumerate(EFFECTS):
        if not effect.since <= parse_version(version) < effect.until:
            continue
        here = ["10.77.0.1/24", "10.77.0.2/24", "fd77::1/64", "fd77::2/64"]
        if effect.code == "private_source_address":
            here.append("198.51.100.7/24")
        task: dict[str, Any] = {
            "id": f"{effect.code}-{number}",
            "interfaces": {"lo": ["127.0.0.1/8", "::1/128"], "vA": here, "vD": []},
            "names": _NAMES,
            "main": f"{effect.main}\n",
            "master": effect.master,
            "patience": 2.0,
        }
        if effect.to.startswith("["):
            task["literals"] = [effect.to.strip("[]")]
        elif effect.to:
            task["send"] = [("smtp", effect.to)]
        if effect.greeted:
            task["greeted"] = [effect.greeted]
        found.append((effect, task))
    return found


def missing(effect: Effect, task: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """What is not as the finding says: it is not found, or has no such effect."""
    if "trouble" in answer:
        return [f"the runner had trouble: {answer['trouble']}"]
    host = Host(host_from_input(answer["addresses"]).addresses, hostname=HOSTNAME)
    resolve = mapping_resolver(task["names"])
    outlook = outlook_of(main_of(task), master_of(task), answer["version"], host, resolve)
    before = None
    if effect.before:
        main = main_of({**task, "main": f"{effect.before}\n"})
        before = outlook_of(main, master_of(task), answer["version"], host, resolve)
    codes = [finding.code for finding in findings(outlook, before=before)]
    found = [] if effect.code in codes else [f"{effect.code} is not found, but {codes}"]
    return found if effect.shows(answer) else [*found, f"{effect.code} has no such effect: {answer}"]
