# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several instances on one host: created by the role, applied one by one or all, kept apart, removed when asked."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import STATE, MailHost

IMPORT = "from ansible_collections.mailfleet.postfix.plugins.module_utils._change import instances\n"


def two(host: MailHost, state: str | None = "present") -> dict[str, Any]:
    """The variables of a host whose second instance has addresses of its own."""
    # Debian 12's template for new instances has IPv4 only.
    other = {"instance": "postfix-out", "inet_protocols": "all", "inet_interfaces": [host.ipv4_b, host.ipv6_b]}
    if state:
        other["state"] = state
    default = {"inet_interfaces": ["127.0.0.1", host.ipv4, host.ipv6]}
    return {"postfix_interfaces_instances": [default, other]}


def sockets(host: MailHost) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """The sockets of the default instance, and those of the other one."""
    return {("127.0.0.1", 25), (host.ipv4, 25), (host.ipv6, 25)}, {(host.ipv4_b, 25), (host.ipv6_b, 25)}


@pytest.fixture
def both(host: MailHost) -> MailHost:
    """A host with two instances."""
    text = IMPORT
    text += f"default = bring({{'inet_interfaces': ['127.0.0.1', {host.ipv4!r}, {host.ipv6!r}]}})\n"
    text += "instances.create('postfix-out')\n"
    other = f"'inet_protocols': 'all', 'inet_interfaces': [{host.ipv4_b!r}, {host.ipv6_b!r}]"
    text += f"other = bring({{{other}, 'master_service_disable': ''}}, instance='postfix-out')\n"
    text += "answer = [default, other]"
    for result in host.core(text):
        assert result.get("in_sync"), result
    return host


def test_an_instance_is_created_and_removed(host: MailHost):
    default, other = sockets(host)
    before = host.contents()
    predicted = host.play("role", "--check", **two(host))
    assert (predicted.failed, predicted.changed) == (0, 1), predicted.said
    assert host.contents() == before
    assert host.run("test", "-e", host.other, check=False).returncode

    played = host.play("role", **two(host))
    assert played.failed == 0, played.said
    assert host.sockets() == default | other
    assert host.banner(host.ipv4_b).startswith("220 ")
    assert host.runs(host.unit)
    assert host.other_runs()
    again = host.play("role", **two(host))
    assert (again.changed, again.failed) == (0, 0), again.said

    # Debian 13 does not start the others along with the default one, although they are enabled.
    host.run("systemctl", "stop", "postfix.service")
    host.run("systemctl", "start", "postfix.service")
    assert host.bring(instance="postfix-out")["in_sync"]
    assert host.sockets() == default | other
    assert host.other_runs()

    held = f"{host.other_spool}/hold/4bFAKE0000z1"
    host.run("install", "-o", "postfix", "-m", "0700", "/dev/null", held)
    remove = IMPORT + "try: answer = instances.remove('postfix-out')._asdict()\n"
    remove += "except InputError as error: answer = str(error)"
    assert "messages in its queue (1 in hold)" in host.core(remove)
    assert host.sockets() == default | other
    host.run("rm", held)
    played = host.play("role", **two(host, "absent"))
    assert (played.failed, played.changed) == (0, 1), played.said
    assert host.sockets() == default
    assert host.run("test", "-e", host.other, check=False).returncode
    assert not host.other_runs()
    assert host.core(remove)["steps"] == []


def test_one_instance_or_all_are_applied(both: MailHost):
    default, other = sockets(both)
    assert both.sockets() == default | other
    both.stop_other()
    both.edit("inet_protocols", "ipv4")
    both.edit("inet_interfaces", "127.0.0.1")
    assert both.bring(instance="postfix-out")["action"] == "start"
    assert both.sockets() == default | other
    pid = both.run("cat", f"{both.other_spool}/pid/master.pid").stdout
    result = both.module("postfix_apply", all_instances="true")
    assert [(one["instance"], one["action"]) for one in result["instances"]] == [
        ("-", "restart"),
        ("postfix-out", "none"),
    ]
    assert both.sockets() == {("127.0.0.1", 25)} | other
    assert both.run("cat", f"{both.other_spool}/pid/master.pid").stdout == pid
    assert not both.module("postfix_apply", all_instances="true")["changed"]


def test_two_instances_that_claim_one_socket_are_refused_beforehand(both: MailHost):
    default, other = sockets(both)
    master = both.master()
    for running in (True, False):
        if not running:
            both.stop_other()
        both.edit("inet_interfaces", f"127.0.0.1, {both.ipv4_b}")
        answer = both.bring()
        assert both.ipv4_b in answer["msg"]
        assert "master (process" in answer["msg"] if running else both.other in answer["msg"]
        assert both.master() == master
        assert both.sockets() == (default | other if running else default)


def test_an_instance_that_was_half_created_is_created(host: MailHost):
    host.run("sh", "-c", f"mkdir {host.other} && echo >{host.other}/main.cf")
    create = IMPORT
    create += "try: answer = instances.create('postfix-out')._asdict()\nexcept InputError as error: answer = str(error)"
    assert "exists, and the default instance does not list it" in host.core(create)
    # What a run leaves that is killed while postmulti works.
    state = host.remembered(host.other)
    host.run("install", "-d", "-m", "0700", STATE, state)
    host.write(f"{state}/creating.json", "{}")
    assert host.core(create)["exists"]
    assert host.run("postmulti", "-l").stdout.split()[-4:] == ["postfix-out", "-", "y", host.other]
    assert host.core(create)["steps"] == []
