# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role goes from inventory variables to sockets, and a second run does nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fleet import WILDCARDS, MailHost, Played, Sink


def converged(host: MailHost, **variables: Any) -> Played:
    """Run the role, check that the sockets are those that the filter promises, run it again and see nothing change."""
    played = host.play("role", **variables, show_listeners=True)
    assert played.failed == 0, played.said
    promised = {(one["address"], one["port"]) for one in played.messages[-1]}
    assert host.sockets() == promised
    master = host.master()
    again = host.play("role", **variables)
    assert (again.changed, again.failed) == (0, 0), again.said
    assert host.master() == master
    return played


def test_from_all_to_one_to_several_to_loopback_only_and_back(host: MailHost):
    steps = [
        ([host.ipv4, host.ipv6], {(host.ipv4, 25), (host.ipv6, 25)}),
        (
            ["127.0.0.1", f"[{host.ipv6_b}]", host.ipv4_b, host.ipv4],
            {("127.0.0.1", 25), (host.ipv6_b, 25), (host.ipv4_b, 25), (host.ipv4, 25)},
        ),
        ("loopback-only", {("127.0.0.1", 25), ("::1", 25)}),
        ("all", WILDCARDS),
    ]
    for value, sockets in steps:
        master = host.master()
        played = converged(host, postfix_interfaces_inet_interfaces=value)
        assert played.changed == 1
        assert host.sockets() == sockets
        assert host.master() != master
        for address, port in sockets - WILDCARDS:
            if address not in ("127.0.0.1", "::1"):
                assert host.banner(address, port).startswith("220 ")


def test_one_family_and_back(host: MailHost):
    converged(host, postfix_interfaces_inet_protocols="ipv4")
    assert host.sockets() == {("0.0.0.0", 25)}
    converged(host, postfix_interfaces_inet_protocols=["ipv4", "ipv6"])
    assert host.sockets() == WILDCARDS


def test_selection_from_the_addresses_that_the_host_has(host: MailHost):
    converged(host, postfix_interfaces_select={"inet_interfaces": ["loopback", "10.1.0.0/16", f"!{host.ipv4_b}"]})
    assert host.sockets() == {("127.0.0.1", 25), ("::1", 25), (host.ipv4, 25)}


def test_endpoints_of_master_cf_are_added_and_removed_by_a_reload(host: MailHost):
    endpoint = {"name": f"[{host.ipv6}]:2525", "command": "smtpd", "options": {"smtpd_banner": "$myhostname endpoint"}}
    master = host.master()
    converged(host, postfix_interfaces_services=[endpoint])
    assert host.sockets() == WILDCARDS | {(host.ipv6, 2525)}
    assert host.banner(host.ipv6, 2525).endswith(" endpoint")
    converged(host, postfix_interfaces_services=[{"name": endpoint["name"], "state": "absent"}])
    assert host.sockets() == WILDCARDS
    assert host.master() == master


def test_a_single_option_takes_effect_by_a_reload(host: MailHost):
    master = host.master()
    service = {"name": "smtp", "options": {"smtpd_banner": "$myhostname changed"}}
    converged(host, postfix_interfaces_services=[service])
    assert host.banner(host.ipv4).endswith(" changed")
    assert host.master() == master


def test_mail_leaves_from_the_source_address(host: MailHost, sink: Sink):
    assert sink.source_of_mail(host, f"who@[{host.room[0]}]") == host.ipv4
    converged(host, postfix_interfaces_smtp_bind_address=host.ipv4_b, postfix_interfaces_smtp_bind_address6=host.ipv6_b)
    assert sink.source_of_mail(host, f"who@[{host.room[0]}]") == host.ipv4_b
    assert sink.source_of_mail(host, f"who@[IPv6:{host.room[1]}]") == host.ipv6_b


def test_a_single_own_address_is_the_source_address_unless_the_kernel_is_left_the_choice(host: MailHost, sink: Sink):
    converged(host, postfix_interfaces_inet_interfaces=host.ipv4_b)
    assert sink.source_of_mail(host, f"who@[{host.room[0]}]") == host.ipv4_b
    converged(host, postfix_interfaces_inet_interfaces=host.ipv4_b, postfix_interfaces_smtp_bind_address="0.0.0.0")
    assert sink.source_of_mail(host, f"who@[{host.room[0]}]") == host.ipv4


def test_check_mode_foresees_the_real_run_and_touches_nothing(host: MailHost):
    variables = {"inet_interfaces": host.ipv4, "smtp_bind_address6": host.ipv6}
    before, master = host.files(), host.master()
    foreseen = host.module("mailfleet.postfix.postfix_interfaces", "--check", **variables)
    assert host.files() == before
    done = host.module("mailfleet.postfix.postfix_interfaces", **variables)
    assert done["changed"]
    assert {key: foreseen[key] for key in done if key != "msg"} == {key: done[key] for key in done if key != "msg"}
    assert foreseen["msg"].startswith("Would listen on ")
    edited = host.files()
    foreseen = host.module("mailfleet.postfix.postfix_apply", "--check")
    assert (host.files(), host.master()) == (edited, master)
    done = host.module("mailfleet.postfix.postfix_apply")
    for key in ("changed", "action", "reasons", "sockets"):
        assert foreseen[key] == done[key], key


def test_check_mode_foresees_what_the_running_master_will_need(host: MailHost):
    wanted = {"inet_interfaces": f"127.0.0.1,{host.ipv4}", "apply": "true"}
    before, master = host.files(), host.master()
    foreseen = host.module("postfix_interfaces", "--check", **wanted)
    assert (host.files(), host.master()) == (before, master)
    assert (foreseen["changed"], foreseen["action"]) == (True, "restart")
    done = host.module("postfix_interfaces", **wanted)
    for key in ("changed", "action", "reasons", "files", "sockets", "findings", "interruption"):
        assert foreseen[key] == done[key], key
    again = host.module("postfix_interfaces", **wanted)
    assert (again["changed"], again["action"]) == (False, "none")
    # Nothing is to be edited, but the master is behind its files.
    host.edit("inet_protocols", "ipv4")
    foreseen, done = (host.module("postfix_interfaces", *check, **wanted) for check in (("--check",), ()))
    assert (foreseen["action"], done["action"]) == ("restart", "restart")
    assert (done["files"], done["changed"]) == ([], True)


def test_findings_are_shown_with_host_and_instance_or_make_a_run_fail(host: MailHost):
    one = {"postfix_interfaces_inet_interfaces": host.ipv4}
    played = host.play("role", "--check", **one)
    (warning,) = re.findall(rf"^\[WARNING\]: {host.name}: inet_interfaces: .*", played.said, re.M)
    assert played.failed == 0
    assert "WARNING]: " + host.name not in host.play("role", **one, postfix_interfaces_findings="ignore").said
    assert host.play("role", **one, postfix_interfaces_findings="fail").failed == 0
    loopback = {"postfix_interfaces_inet_interfaces": "all", "postfix_interfaces_smtp_bind_address": "127.0.0.1"}
    before = host.files()
    played = host.play("role", **loopback, postfix_interfaces_findings="fail")
    assert (played.failed, host.files()) == (1, before), played.said
    assert "mail to other hosts cannot leave" in played.said


def test_without_the_right_to_see_the_master_nothing_is_edited(host: MailHost):
    before = host.files()
    text = "answer = bring({'inet_interfaces': ['127.0.0.1']})"
    limited = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    hidden = ["unshare", "--mount", "sh", "-ec", 'mount -o remount,hidepid=2 /proc && exec "$@"', "-", *limited]
    for before_it in (limited, hidden):
        answer = host.core(text, before=before_it)
        assert "this user may not look at it" in answer["msg"], (before_it, answer)
        assert host.files() == before
    assert host.sockets() == WILDCARDS


def test_the_role_in_all_its_forms(host: MailHost):
    loopback = {("127.0.0.1", 25), ("::1", 25)}
    before = host.files()
    foreseen = host.play("forms", "--check", "--diff")
    assert (foreseen.failed, host.files()) == (0, before), foreseen.said
    assert "+inet_interfaces = loopback-only" in foreseen.said
    for tags, changed, promised in (
        ("listed", 1, loopback),
        ("imported", 1, {("127.0.0.1", 25)}),
        ("imported", 0, {("127.0.0.1", 25)}),
        ("included", 1, WILDCARDS),
    ):
        played = host.play("forms", "--tags", tags)
        assert (played.changed, played.failed) == (changed, 0), played.said
        assert host.sockets() == promised
    played = host.play("forms")
    assert (played.changed, played.failed) == (3, 0), played.said
    assert host.sockets() == WILDCARDS


def test_a_handler_of_another_role_restarts(host: MailHost):
    played = host.play("handler")
    assert played.failed == 0, played.said
    assert host.sockets() == {("127.0.0.1", 25), ("::1", 25)}


def test_a_variable_that_the_role_does_not_have_is_refused(host: MailHost):
    before = host.files()
    played = host.play("role", postfix_interfaces_inet_interface="loopback-only")
    assert played.failed == 1
    assert "'postfix_interfaces_inet_interface' is not a variable of the role" in played.said
    assert "postfix_interfaces_inet_interfaces, " in played.said
    played = host.play("role", postfix_interfaces_instances=[{"inet_interface": "loopback-only"}])
    assert played.failed == 1
    assert "inet_interface. Supported parameters include" in played.said
    (answer,) = host.tasks({"mailfleet.postfix.postfix_interfaces": {"instances": [{"inet_interface": "all"}]}})
    assert answer["msg"].startswith("instances: entry 1: unsupported parameters: inet_interface. Supported "), answer
    assert host.files() == before


def test_the_short_ad_hoc_name(host: MailHost):
    assert host.module("postfix_interfaces", inet_interfaces="loopback-only")["action"] == "restart"
    assert host.module("postfix_apply")["action"] == "restart"
    assert host.module("postfix_interfaces_info")["in_sync"] is True
    assert host.sockets() == {("127.0.0.1", 25), ("::1", 25)}


@pytest.mark.parametrize("settings", [{"mode": "0640", "group": "postfix"}])
def test_owner_group_and_mode_are_kept_and_can_be_set(host: MailHost, settings: dict[str, str]):
    host.run("chown", "root:postfix", host.files_of_postfix[0])
    host.run("chmod", "0604", host.files_of_postfix[0])
    host.module("postfix_interfaces", inet_interfaces="loopback-only")
    assert host.run("stat", "--format=%U:%G %a", host.files_of_postfix[0]).stdout.strip() == "root:postfix 604"
    assert host.module("postfix_interfaces", **settings)["changed"]
    assert host.run("stat", "--format=%G %a", host.files_of_postfix[0]).stdout.strip() == "postfix 640"
    assert not host.module("postfix_interfaces", **settings)["changed"]
