# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The remedy of every finding, applied: the finding is gone, and nothing worse has come for it.

Each way out that a remedy names is a case of its own.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Dict, List, NamedTuple, Optional, Union

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import (
    REGISTRY,
    SEVERITIES,
    findings,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import QUEUE, host_of

TWO = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64", "fd77::2/64")
FOUR = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24")
PUBLIC = host_of("127.0.0.1/8", "10.77.0.1/24", "198.51.100.7/24", "::1/128", "fd77::1/64", "2001:db8::7/64")
PASSING = host_of(
    "127.0.0.1/8",
    "10.77.0.1/24 dynamic",
    "10.77.0.2/24",
    "::1/128",
    "fd77::1/64",
    "fd77::2/64 temporary",
    "fd77::3/64 deprecated",
)
KERNEL = Host(PASSING.addresses, kernel_source={"ipv6": ip_address("fd77::2")}.get)
LABELLED = Host(FOUR.addresses, port_type={2525: "unreserved_port_t"}.get)
NAMES = {"mx": "10.77.0.1", "nat.test": "203.0.113.9", "away": "10.77.0.9", "host.test": "10.77.0.1"}

SMTPD = "smtp inet n - n - - smtpd\n"
CLIENTS = "smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nlmtp unix - - n - - lmtp\n"
STOCK = SMTPD + CLIENTS
SCREEN = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n"
UNREWRITTEN = QUEUE.replace("rewrite ", "other ")
REWRITE = "rewrite unix - - n - - trivial-rewrite\n"
HELPERS = "dnsblog unix - - n - 0 dnsblog\ntlsproxy unix - - n - 0 tlsproxy\nproxywrite unix - - n - 1 proxymap\n"
PROXY = "smtpd_upstream_proxy_protocol"
END = " inet n - n - - smtpd\n"
BOUND = STOCK.replace(" smtp\n", " smtp -o smtp_bind_address=10.77.0.1\n", 1)
INWARD = STOCK.replace(" smtp\n", " smtp -o smtp_bind_address=127.0.0.1\n", 1)
SCAN = "scan unix - - n - - smtp -o smtp_bind_address=127.0.0.1\n"
OUT = "out unix - - n - -"
BOTH = "10.77.0.1, 10.77.0.2, fd77::1, fd77::2"


class Case(NamedTuple):
    """A configuration with a finding, and the same with one of its remedies applied."""

    code: str
    #: what the remedy says of the change
    words: str
    main: Dict[str, str]
    new_main: Dict[str, str]
    master: str = STOCK
    new_master: Optional[str] = None
    host: Host = TWO
    version: str = "3.12"
    #: a parameter that is set before too, in another line
    doubled: str = ""
    #: the settings before an edit
    before: Optional[Dict[str, str]] = None


def option(text: str, program: str = "smtpd", name: str = "587 inet n - n - -") -> str:
    return f"{STOCK}{name} {program}{' -o ' if text else ''}{text}\n"


CASES = [
    Case("fatal", "Write all", {"inet_interfaces": "0.0.0.0"}, {"inet_interfaces": "all"}),
    Case("fatal", "Write all", {"inet_interfaces": "ALL"}, {"inet_interfaces": "all"}),
    Case("fatal", "List single addresses", {"inet_interfaces": "10.77.0.0/24"}, {"inet_interfaces": BOTH}),
    Case("fatal", "Take it out, or add ipv6", {"inet_interfaces": "10.77.0.1, fd77::1", "inet_protocols": "ipv4"},
         {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4"}),
    Case("fatal", "or add ipv6 to inet_protocols", {"inet_interfaces": "10.77.0.1, fd77::1", "inet_protocols": "ipv4"},
         {"inet_interfaces": "10.77.0.1, fd77::1", "inet_protocols": "ipv4, ipv6"}),
    Case("fatal", "List an address", {"inet_interfaces": ""}, {"inet_interfaces": "127.0.0.1, ::1"}),
    Case("fatal", "give each service of type inet a host part", {"inet_interfaces": ""}, {"inet_interfaces": ""},
         new_master="10.77.0.1:smtp inet n - n - - smtpd\n" + CLIENTS),
    Case("fatal", "Take it out of the value", {"myhostname": "mx.test # x"}, {"myhostname": "mx.test"}),
    Case("fatal", "Write 1 or more", {"default_process_limit": "0"}, {"default_process_limit": "1"}),
    Case("fatal", "Keep one of them", {}, {}, f"mx:25{END}10.77.0.1:25{END}{CLIENTS}", f"10.77.0.1:25{END}{CLIENTS}",
         version="3.5"),
    Case("absent_address", "Add it to the host, or take it out", {"inet_interfaces": f"{BOTH}, 10.77.0.9"},
         {"inet_interfaces": BOTH}),
    Case("absent_address", "Write an address instead of the name", {"inet_interfaces": "away"},
         {"inet_interfaces": BOTH}),
    Case("absent_address", "Use an address of the host", {}, {}, option("", name="10.77.0.9:587 inet n - n - -"),
         option("", name="10.77.0.1:587 inet n - n - -")),
    Case("absent_address", "Use an address of the host", {"smtp_bind_address": "10.77.0.9"},
         {"smtp_bind_address": "10.77.0.1"}),
    Case("program_failure", "Write a number and one of the units", {"smtpd_timeout": "x"}, {"smtpd_timeout": "10s"}),
    Case("program_failure", "Set its process limit to 1", {}, {}, SCREEN.replace(" 1 ", " - ") + HELPERS + CLIENTS,
         SCREEN + HELPERS + CLIENTS),
    Case("program_failure", "Write proxy:btree", {"postscreen_cache_map": "btree:/x"},
         {"postscreen_cache_map": "proxy:btree:/x"},
         SCREEN + HELPERS + CLIENTS + "2525 inet n - n - 1 postscreen\n"),
    Case("program_failure", "give each a cache of its own", {"postscreen_cache_map": "btree:/x"},
         {"postscreen_cache_map": "btree:/x"},
         SCREEN + HELPERS + CLIENTS + "2525 inet n - n - 1 postscreen\n",
         SCREEN + HELPERS + CLIENTS + "2525 inet n - n - 1 postscreen -o postscreen_cache_map=btree:/y\n"),
    Case("source_failure", "Correct the value", {"smtp_bind_address": "mx"}, {"smtp_bind_address": "10.77.0.1"}),
    Case("wrong_family", "Set smtp_bind_address6 to it", {"smtp_bind_address": "fd77::1"},
         {"smtp_bind_address6": "fd77::1"}),
    Case("wrong_family", "Use an ipv4 address of the host", {"smtp_bind_address": "::1"},
         {"smtp_bind_address": "10.77.0.1"}),
    Case("wrong_family", "Use an ipv4 address of the host", {"smtp_bind_address": "fd77::9"},
         {"smtp_bind_address": "10.77.0.1"}),
    Case("loopback_source", "Use an address that other hosts", {"smtp_bind_address": "127.0.0.1"},
         {"smtp_bind_address": "10.77.0.1"}),
    Case("loopback_source", "Use an address that other hosts", {}, {}, INWARD, BOUND),
    Case("shared_socket", "Keep one of them", {}, {}, f"{STOCK}10.77.0.1:587{END}mx:587{END}", f"{STOCK}mx:587{END}"),
    Case("odd_port", "Write a port from 1", {}, {}, option("", name="70000 inet n - n - -"), option("")),
    Case("postscreen_lacks_service", "Add smtpd pass", {}, {}, SCREEN.splitlines(True)[0] + HELPERS + CLIENTS,
         SCREEN + HELPERS + CLIENTS),
    Case("intake_lacks_service", "Add rewrite unix", {}, {}, STOCK + UNREWRITTEN, STOCK + UNREWRITTEN + REWRITE),
    Case("proxy_protocol_on_loopback", "an empty value", {PROXY: "haproxy"}, {PROXY: "haproxy"},
         f"{STOCK}127.0.0.1:10025{END}", f"{STOCK}127.0.0.1:10025{END.rstrip()} -o {PROXY}=\n"),
    Case("bad_proxy_interfaces", "List single addresses", {"proxy_interfaces": "203.0.113.0/24"},
         {"proxy_interfaces": "203.0.113.9"}),
    Case("unknown_transport", "Add the service scan", {"content_filter": "scan:[10.77.0.9]"},
         {"content_filter": "scan:[10.77.0.9]"}, STOCK, STOCK + "scan unix - - n - - smtp\n"),
    Case("unknown_transport", "name a transport that is there", {"content_filter": "scan:[10.77.0.9]"},
         {"content_filter": "smtp:[10.77.0.9]"}),
    Case("stranded_next_hop", "Name an ipv4 address", {"relayhost": "[fd77::9]", "inet_protocols": "ipv4"},
         {"relayhost": "[10.77.0.9]", "inet_protocols": "ipv4"}),
    Case("stranded_next_hop", "add ipv6 to inet_protocols", {"relayhost": "[fd77::9]", "inet_protocols": "ipv4"},
         {"relayhost": "[fd77::9]", "inet_protocols": "ipv4, ipv6"}),
    Case("stranded_source_address", "Take it out", {"inet_protocols": "ipv4", "smtp_bind_address6": "fd77::1"},
         {"inet_protocols": "ipv4"}),
    Case("stranded_source_address", "or add ipv6", {"inet_protocols": "ipv4", "smtp_bind_address6": "fd77::1"},
         {"smtp_bind_address6": "fd77::1"}),
    Case("temporary_address", "such as fd77::1", {"inet_interfaces": "10.77.0.2, fd77::2"},
         {"inet_interfaces": "10.77.0.2, fd77::1"}, host=PASSING),
    Case("temporary_address", "such as fd77::1", {}, {}, option("", name="[fd77::2]:587 inet n - n - -"),
         option("", name="[fd77::1]:587 inet n - n - -"), PASSING),
    Case("temporary_address", "Set smtp_bind_address6 to an address that stays, such as fd77::1", {},
         {"smtp_bind_address6": "fd77::1"}, host=KERNEL),
    Case("no_listener", "Add the service smtp", {}, {}, CLIENTS, STOCK),
    Case("no_listener", "Add a service of type inet with a host part", {"inet_interfaces": ""}, {"inet_interfaces": ""},
         CLIENTS, CLIENTS + "127.0.0.1:smtp inet n - n - - smtpd\n"),
    Case("no_listener", "Set inet_protocols to all", {"inet_protocols": ""}, {"inet_protocols": "all"}),
    Case("no_listener", "out of master_service_disable", {"master_service_disable": "inet"},
         {"master_service_disable": ""}),
    Case("duplicate_parameter", "Keep one", {"inet_protocols": "all"}, {"inet_protocols": "all"},
         doubled="inet_protocols"),
    Case("duplicate_service", "Keep the last", {}, {}, STOCK + SMTPD, STOCK),
    Case("misspelt_parameter", "Write smtp_bind_address", {"smtp_bind_adress": "10.77.0.1"},
         {"smtp_bind_address": "10.77.0.1"}),
    Case("misspelt_parameter", "Take it out", {"smtpd_bind_address": "127.0.0.1"}, {}),
    Case("misspelt_parameter", "Take it out", {"inet_interface": "10.77.0.9"}, {}),
    Case("misspelt_parameter", "Take it out", {"proxy_interface": "203.0.113.0/24"}, {}),
    Case("misspelt_parameter", "Take it out", {"inet_interface": "10.77.0.1", "inet_interfaces": "all"},
         {"inet_interfaces": "all"}),
    Case("misspelt_parameter", "Take it out", {"smtp_bind_address": "10.77.0.9", "smtp_bind_address_enforced": "yes"},
         {"smtp_bind_address": "10.77.0.9"}),
    Case("misspelt_parameter", "Take it out", {}, {}, option("smtpd_bind_address=10.77.0.1"), option("")),
    Case("misspelt_parameter", "Take it out", {}, {}, option("inet_interface=10.77.0.1"), option("")),
    Case("misspelt_parameter", "Write smtp_bind_address", {}, {},
         option("smtp_bind_adress=10.77.0.1", "smtp", OUT),
         option("smtp_bind_address=10.77.0.1", "smtp", OUT)),
    Case("misspelt_parameter", "Take it out", {}, {}, option("smtp_bind_adress=10.77.0.1", "lmtp", OUT),
         option("", "lmtp", OUT)),
    Case("misspelt_parameter", "Take it out", {}, {}, option("smtp_bind_adress=mx", "smtp", OUT),
         option("", "smtp", OUT)),
    Case("unknown_to_version", "Remove it", {"smtp_bind_address_enforce": "yes"}, {}, version="3.5"),
    Case("unknown_to_version", "or upgrade", {"smtp_bind_address_enforce": "yes"}, {"smtp_bind_address_enforce": "yes"},
         version="3.5"),
    Case("unfamiliar_postfix", "newer release", {}, {}, version="3.13"),
    Case("endpoint_shadows_inet_interfaces", "Give smtp a host part", {}, {}, f"{STOCK}10.77.0.1:25{END}",
         f"{CLIENTS}10.77.0.2:25{END}10.77.0.1:25{END}"),
    Case("endpoint_shadows_inet_interfaces", "or remove 10.77.0.1:25", {}, {}, f"{STOCK}10.77.0.1:25{END}", STOCK),
    Case("bad_command_line", "-o { smtpd_banner = ... }", {}, {}, option("smtpd_banner=a, b"),
         option("{ smtpd_banner = a, b }")),
    Case("bad_command_line", "Remove it", {}, {}, STOCK + "587 inet n - n - - smtpd -x\n",
         STOCK + "587 inet n - n - - smtpd\n"),
    Case("ignored_bind_address", "Take it out", {}, {}, option("smtp_bind_address=10.77.0.1"), option("")),
    Case("ignored_bind_address", "set it on a service that runs smtp", {}, {}, option("smtp_bind_address=10.77.0.1"),
         option("smtp_bind_address=10.77.0.1", "smtp", OUT)),
    Case("ignored_bind_address", "Write lmtp_bind_address", {}, {},
         option("smtp_bind_address=127.0.0.1", "lmtp", "in unix - - n - -"),
         option("lmtp_bind_address=127.0.0.1", "lmtp", "in unix - - n - -")),
    Case("ignored_bind_address", "Take it out", {}, {},
         INWARD.replace("smtp_bind", "lmtp_bind"), STOCK),
    Case("ignored_on_server", "Name the service 10.77.0.1:587 instead", {}, {}, option("inet_interfaces=10.77.0.1"),
         option("", name="10.77.0.1:587 inet n - n - -")),
    Case("ignored_on_server", "Name the service 0.0.0.0:587 instead", {}, {}, option("inet_protocols=ipv4"),
         option("", name="0.0.0.0:587 inet n - n - -")),
    Case("ignored_on_server", "Take it out", {}, {}, option("inet_interfaces=loopback-only"), option("")),
    Case("ignored_on_server", "Take it out", {"inet_interfaces": BOTH}, {"inet_interfaces": BOTH},
         option("inet_protocols=ipv4"), option("")),
    Case("implicit_source_address", "Set smtp_bind_address", {"inet_interfaces": "10.77.0.1, fd77::1, fd77::2"},
         {"inet_interfaces": "10.77.0.1, fd77::1, fd77::2", "smtp_bind_address": "10.77.0.1",
          "lmtp_bind_address": "10.77.0.1"}),
    Case("implicit_source_address", "0.0.0.0 to let the kernel", {"inet_interfaces": "10.77.0.1, fd77::1, fd77::2"},
         {"inet_interfaces": "10.77.0.1, fd77::1, fd77::2", "smtp_bind_address": "0.0.0.0",
          "lmtp_bind_address": "0.0.0.0"}),
    Case("implicit_source_address", "with a transport of its own for what is on loopback",
         {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4", "content_filter": "smtp:[127.0.0.1]:10025"},
         {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4", "content_filter": "scan:[127.0.0.1]:10025",
          "smtp_bind_address": "10.77.0.1", "lmtp_bind_address": "10.77.0.1"},
         STOCK, STOCK + SCAN),
    Case("private_source_address", "Send from 198.51.100.7",
         {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "::"},
         {"smtp_bind_address": "198.51.100.7", "smtp_bind_address6": "::"}, host=PUBLIC),
    Case("bound_next_hop_on_loopback", "by a transport of its own with the option smtp_bind_address=127.0.0.1",
         {"smtp_bind_address": "10.77.0.1", "content_filter": "smtp:[127.0.0.1]:10025"},
         {"smtp_bind_address": "10.77.0.1", "content_filter": "scan:[127.0.0.1]:10025"},
         STOCK, STOCK + SCAN),
    Case("bound_next_hop_on_loopback", "Give scan/unix the option smtp_bind_address=127.0.0.1",
         {"smtp_bind_address": "10.77.0.1", "content_filter": "scan:[127.0.0.1]:10025"},
         {"smtp_bind_address": "10.77.0.1", "content_filter": "scan:[127.0.0.1]:10025"},
         STOCK + "scan unix - - n - - smtp\n", STOCK + SCAN),
    Case("half_bound", "Give relay/unix the option", {}, {}, BOUND,
         STOCK.replace(" smtp\n", " smtp -o smtp_bind_address=10.77.0.1\n")),
    Case("half_bound", "or set smtp_bind_address in main.cf", {}, {"smtp_bind_address": "10.77.0.1"}, BOUND),
    Case("mynetworks_grows", "Set mynetworks to", {"mynetworks_style": "subnet"},
         {"mynetworks_style": "subnet", "mynetworks": "127.0.0.0/8"}, host=PUBLIC,
         before={"mynetworks_style": "subnet", "inet_interfaces": "loopback-only"}),
    Case("mynetworks_grows", "mynetworks_style to host", {"mynetworks_style": "subnet"}, {"mynetworks_style": "host"},
         host=PUBLIC, before={"mynetworks_style": "subnet", "inet_interfaces": "loopback-only"}),
    Case("forbidden_port", "Allow it with semanage port -a -t smtp_port_t -p tcp 2525, or use another port",
         {}, {}, STOCK + f"2525{END}", STOCK + f"587{END}", host=LABELLED, before={"master_service_disable": "inet"}),
    Case("mynetworks_default", "Set mynetworks", {"inet_interfaces": BOTH},
         {"inet_interfaces": BOTH, "mynetworks": "127.0.0.0/8"}),
    Case("nat_without_proxy_interfaces", "Add 203.0.113.9", {"myhostname": "nat.test"},
         {"myhostname": "nat.test", "proxy_interfaces": "203.0.113.9"}),
    Case("endpoint_outside_inet_interfaces", "Remove the service", {"inet_interfaces": "loopback-only"},
         {"inet_interfaces": "loopback-only"}, option("", name="10.77.0.1:587 inet n - n - -"), STOCK),
    Case("endpoint_outside_inet_interfaces", "or add 10.77.0.1", {"inet_interfaces": "127.0.0.1, ::1"},
         {"inet_interfaces": "127.0.0.1, ::1, 10.77.0.1, fd77::1"}, option("", name="10.77.0.1:587 inet n - n - -")),
    Case("endpoint_outside_inet_interfaces", "or set inet_interfaces to all", {"inet_interfaces": "loopback-only"},
         {"inet_interfaces": "all"}, option("", name="0.0.0.0:587 inet n - n - -")),
    Case("proxy_protocol_for_all", "as an option of those services", {PROXY: "haproxy"}, {}, option(""),
         option(f"{PROXY}=haproxy")),
    Case("deprecated_address", "such as fd77::1", {"inet_interfaces": "10.77.0.2, fd77::3"},
         {"inet_interfaces": "10.77.0.2, fd77::1"}, host=PASSING),
    Case("dynamic_address", "Give the host this address for good", {"inet_interfaces": "10.77.0.1, fd77::1"},
         {"inet_interfaces": "10.77.0.1, fd77::1"}, host=PASSING),
    Case("half_dual_stack", "such as fd77::1, and set smtp_bind_address6 and lmtp_bind_address6 to ::",
         {"inet_interfaces": "10.77.0.1, 10.77.0.2"},
         {"inet_interfaces": "10.77.0.1, 10.77.0.2, fd77::1", "smtp_bind_address6": "::", "lmtp_bind_address6": "::"}),
    Case("half_dual_stack", "take ipv6 out", {"inet_interfaces": "10.77.0.1, 10.77.0.2"},
         {"inet_interfaces": "10.77.0.1, 10.77.0.2", "inet_protocols": "ipv4"}),
    Case("half_dual_stack", "Set smtp_bind_address6", {"smtp_bind_address": "10.77.0.1"},
         {"smtp_bind_address": "10.77.0.1", "smtp_bind_address6": "fd77::1"}),
    Case("loopback_of_one_family", "Add ::1", {"inet_interfaces": "127.0.0.1"}, {"inet_interfaces": "127.0.0.1, ::1"}),
    Case("bind_address_not_enforced", "Set smtp_bind_address_enforce = yes", {"smtp_bind_address": "10.77.0.1"},
         {"smtp_bind_address": "10.77.0.1", "smtp_bind_address_enforce": "yes"}),
]  # fmt: skip


def asked(
    case: Case, main: Dict[str, str], master: str, host: Host, version: str, before: Optional[Outlook] = None
) -> Union[Outlook, Any]:
    given = {"compatibility_level": "3.6", "myhostname": "host.test", **main}
    if case.before is None and not case.code.startswith("mynetworks"):
        given.setdefault("mynetworks", "127.0.0.0/8")
    lines = [f"{name} = {value}\n" for name, value in given.items()]
    configuration = Configuration.from_texts("".join(lines), master, parse_version(version), "host.test")
    return Outlook(configuration, host, mapping_resolver(NAMES))


def told(case: Case, is_applied: bool) -> List[Finding]:
    main, master, host, version = case.main, case.master, case.host, case.version
    if is_applied:
        main, master = case.new_main, case.master if case.new_master is None else case.new_master
        host = TWO if case.code == "dynamic_address" else host
        version = "3.12" if "upgrade" in case.words or "newer" in case.words else version  # a release that knows it
    outlook = asked(case, main, master, host, version)
    if case.doubled and not is_applied:
        configuration = outlook.configuration._replace(repeated=[case.doubled], overridden=[case.doubled])
        outlook = Outlook(configuration, host, outlook.resolve)
    before = None if case.before is None else asked(case, case.before, case.master, host, version)
    return findings(outlook, before=before)


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.code}-{at}") for at, case in enumerate(CASES)])
def test_a_remedy_leads_to_nothing_worse(case: Case) -> None:
    answer = told(case, is_applied=False)
    mine = [one for one in answer if one.code == case.code and case.words in one.remedy]
    assert mine, answer
    then = told(case, is_applied=True)
    assert mine[0] not in then
    grave = SEVERITIES.index(mine[0].severity)
    known = {(one.code, one.parameter) for one in answer}
    new = [one for one in then if (one.code, one.parameter) not in known]
    assert [one for one in new if one.severity == "error" or SEVERITIES.index(one.severity) < grave] == []
    assert [one for one in new if grave == 1 and one.severity == "warning"] == []


def test_each_remedy_is_applied() -> None:
    assert {case.code for case in CASES} == {rule.code for rule in REGISTRY}
