# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change that succeeded is undone: an earlier version of both files comes back, and Postfix works by it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fleet import PLAYS, STATE, WILDCARDS, MailHost
from mailfleet_lab.system import wait_until
from test_failures import begin

APPLY, INTERFACES = "mailfleet.postfix.postfix_apply", "mailfleet.postfix.postfix_interfaces"
KEPT = f"{STATE}/etc-postfix/versions"
SAME = ("action", "reasons", "interruption", "files", "version", "diff")
SYSTEMD = pytest.mark.parametrize("systemd", [True, False], ids=["systemd", "no-systemd"])


def receive_on(host: MailHost, *addresses: str, systemd: bool = True, **more: Any) -> dict[str, Any]:
    """Receive on loopback and on these, and have a service of its own for each, so that both files change."""
    services = [
        {"name": f"{address}:2525", "command": "smtpd", "state": "present" if address in addresses else "absent"}
        for address in (host.ipv4, host.ipv4_b)
    ]
    result = host.bring({"inet_interfaces": ["127.0.0.1", *addresses]}, systemd=systemd, services=services, **more)
    assert result.get("in_sync"), result
    return result


def places(*addresses: str) -> set[tuple[str, int]]:
    return {("127.0.0.1", 25), *((address, port) for address in addresses for port in (25, 2525))}


def versions(host: MailHost, **options: Any) -> list[dict[str, Any]]:
    return host.module("mailfleet.postfix.postfix_interfaces_info", **options)["versions"]


def shown(host: MailHost, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """The module in a play, with all that it says."""
    (result,) = host.tasks({APPLY: options, "check_mode": check_mode, "diff": True})
    return result


def to(host: MailHost, version: str, *, systemd: bool = True, **options: Any) -> dict[str, Any]:
    """What postfix_apply does, by the core."""
    text = f"""from functools import partial
try:
    answer = apply.apply(find_instance(), to={version!r}, tell=partial(outcome.of_version, True), **{options!r})
except report.ApplyError as error:
    answer = {{**error.result, "msg": str(error)}}
except (InputError, transaction.TransactionError) as error:
    answer = {{"msg": str(error)}}"""
    return host.core(text, systemd=systemd)


def test_the_last_change_and_one_before_it(host: MailHost):
    stock = host.contents()
    receive_on(host, host.ipv4)
    first = host.contents()
    receive_on(host, host.ipv4_b)
    second, before = host.contents(), host.files()
    foreseen = shown(host, check_mode=True, to="previous")
    assert (host.files(), host.sockets()) == (before, places(host.ipv4_b))
    done = shown(host, to="previous")
    assert foreseen["changed"]
    assert foreseen["action"] == "restart"
    assert {key: foreseen[key] for key in SAME} == {key: done[key] for key in SAME}
    names = [each["before_header"].rpartition("/")[2] for each in done["diff"]]
    assert names == ["main.cf", "master.cf", "effective view"]
    assert f"listener {host.ipv4}:2525 of {host.ipv4}:2525/inet" in done["diff"][2]["after"]
    assert (host.contents(), host.sockets()) == (first, places(host.ipv4))
    assert host.banner(host.ipv4, 2525).startswith("220 ")
    assert not host.bring()["changed"]

    kept = versions(host)
    assert [(one["current"], one["verified"]) for one in kept] == [(True, True), (False, True), (False, False)]
    assert (done["version"], done["replaced"]) == (kept[0]["time"], kept[1]["time"])
    assert "version" not in host.module(APPLY)

    assert host.module(APPLY, to="previous")["version"] == kept[1]["time"]
    assert (host.contents(), host.sockets()) == (second, places(host.ipv4_b))
    assert host.module(APPLY, to=kept[2]["time"])["changed"]
    assert (host.contents(), host.sockets()) == (stock, WILDCARDS)
    assert [one["time"] for one in versions(host)] == [kept[2]["time"], kept[1]["time"], kept[0]["time"]]
    unknown = host.module(APPLY, to="2020-01-01T00:00:00Z")
    assert "is not the time of a version that is kept. Use one of " in unknown["msg"]
    assert all(one["time"] in unknown["msg"] for one in kept)
    assert "mutually exclusive" in host.module(APPLY, to="previous", all_instances=True)["msg"]


def test_a_time_that_yaml_has_made_something_else_of(host: MailHost):
    receive_on(host, host.ipv4)
    oldest = versions(host)[-1]["time"]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", dir=PLAYS) as file:
        file.write(f"- hosts: all\n  gather_facts: false\n  tasks:\n    - {APPLY}:\n        to: {oldest}\n")
        file.flush()
        for changed in (1, 0):
            played = host.play(Path(file.name).stem)
            assert (played.failed, played.changed) == (0, changed), played.said
    assert host.sockets() == WILDCARDS


@SYSTEMD
def test_a_reload_is_enough_where_it_is(host: MailHost, systemd: bool):
    begin(host, systemd=systemd)
    receive_on(host, host.ipv4, systemd=systemd)
    before, master = host.contents(), host.master()
    host.bring({"smtp_bind_address": host.ipv4_b}, systemd=systemd)
    result = to(host, "previous", systemd=systemd)
    assert (result.get("changed"), result.get("action"), result["in_sync"]) == (True, "reload", True), result
    assert (host.contents(), host.master()) == (before, master)


def test_one_whose_address_is_gone_is_refused(host: MailHost):
    receive_on(host, host.ipv4_b)
    receive_on(host, host.ipv4)
    oldest = versions(host)[-1]["time"]
    host.run("ip", "address", "delete", f"{host.ipv4_b}/24", "dev", "eth0")
    before = host.files(), host.master()
    for arguments in ((), ("--check",)):
        refused = host.module(APPLY, *arguments, to="previous")
        assert "is a version by which Postfix would not work now" in refused["msg"], refused
        assert f"'{host.ipv4_b}' is on no interface of the host" in refused["msg"]
        assert refused["parameter"] == "to"
    assert (host.files(), host.master()) == before
    assert host.module(APPLY, to=oldest)["in_sync"]
    assert host.sockets() == WILDCARDS


def test_one_that_does_not_come_up_leaves_what_was_there(host: MailHost):
    """Its address vanishes when Postfix is stopped already."""
    receive_on(host, host.ipv4_b)
    receive_on(host, host.ipv4)
    before = host.contents()
    vanish = f"ip address delete {host.ipv4_b}/24 dev eth0"
    hook = f"""import subprocess
stop = unit.ServiceControl.stop
def vanishing(*arguments, **options):
    outcomes = stop(*arguments, **options)
    subprocess.run({vanish!r}, shell=True)
    return outcomes
unit.ServiceControl.stop = vanishing
"""
    answer = "try:\n    answer = apply.apply(find_instance(), to='previous')\n"
    answer += "except report.ApplyError as error:\n    answer = {**error.result, 'msg': str(error)}"
    failed = host.core(hook + answer)
    assert "The previous version of /etc/postfix/main.cf and /etc/postfix/master.cf was restored" in failed["msg"]
    assert failed["rolled_back"]
    assert (host.contents(), host.sockets()) == (before, places(host.ipv4))


def test_an_edit_by_hand_is_not_lost(host: MailHost):
    receive_on(host, host.ipv4)
    good = host.contents()
    host.edit("myorigin", "example.org")
    host.edit("inet_interfaces", f"127.0.0.1, {host.ipv4_b}")
    edited = host.contents()
    foreseen = shown(host, check_mode=True, to="previous")
    assert "were edited since a version of them was kept" in foreseen["warnings"][0]
    assert f"inet_interfaces = 127.0.0.1, {host.ipv4_b}" in foreseen["diff"][0]["before"]
    assert host.contents() == edited
    result = host.module(APPLY, to="previous")
    assert (host.contents(), host.sockets()) == (good, places(host.ipv4))
    kept = {one["time"]: one for one in versions(host)}
    assert not kept[result["replaced"]]["verified"]
    result = host.module(APPLY, to=result["replaced"])
    assert result["in_sync"], result
    assert host.contents() == edited
    assert (host.ipv4_b, 25) in host.sockets()


def test_with_confirm(host: MailHost):
    receive_on(host, host.ipv4)
    first = host.contents()
    receive_on(host, host.ipv4_b)
    second = host.contents()
    assert to(host, "previous", confirm=4)["confirm"]
    assert (host.contents(), host.sockets()) == (first, places(host.ipv4))
    wait_until(lambda: host.contents() == second and host.sockets() == places(host.ipv4_b), 60, "the change going back")
    wait_until(lambda: "refused" not in to(host, "previous", check_mode=True), 30, "the end of that")
    told = to(host, "previous")
    assert "would go back further than you may know" in told["msg"], told
    assert host.module(APPLY)["undone"]["outcome"] == "undone"
    done = host.module(APPLY, to="previous", confirm=600)
    host.module(APPLY, confirmed=done["confirm"]["token"])
    assert (host.contents(), host.sockets()) == (first, places(host.ipv4))
    assert versions(host)[0] == {**versions(host)[0], "time": done["version"], "current": True}


def test_an_instance_has_versions_of_its_own(host: MailHost):
    def second(address: str) -> None:
        entry = {"instance": "postfix-a", "state": "present", "inet_interfaces": [address], "inet_protocols": "all"}
        done = host.core(f"answer = bring_all([{entry!r}])")
        assert "msg" not in done, done

    first = [("127.0.0.1", 25), (host.ipv4, 25)]
    host.bring({"inet_interfaces": ["127.0.0.1", host.ipv4]})
    host.bring({"inet_interfaces": ["127.0.0.1"]})
    second(host.ipv4_b)
    files = "cat /etc/postfix/main.cf /etc/postfix/master.cf"
    default = host.shell(files)
    (only,) = versions(host, instance="postfix-a")
    assert only["current"]
    second(host.ipv6)
    assert host.module(APPLY, to="previous", instance="postfix-a")["version"] == only["time"]
    assert host.sockets() == {("127.0.0.1", 25), (host.ipv4_b, 25)}
    assert host.shell(files) == default
    # To before there was a second instance, which does not undo that there is one.
    assert [one["current"] for one in versions(host)] == [True, False, False]
    assert host.module(APPLY, to="previous")["in_sync"]
    assert host.sockets() == {*first, (host.ipv4_b, 25)}
    assert "multi_instance_directories = /etc/postfix-a" in host.shell(files)
    assert not host.core("answer = apply.apply(find_instance(None, 'postfix-a'))")["changed"]
    removed = host.core("answer = bring_all([{'instance': 'postfix-a', 'state': 'absent'}])")
    assert removed["instances"][0]["changed"]
    assert host.run("sh", "-c", f"ls -d {STATE}/*postfix*a", check=False).stdout == ""
    assert host.module(APPLY, to="previous")["in_sync"]
    assert "postfix-a" not in host.shell(files)


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_version_that_cannot_be_written_is_a_warning(host: MailHost, how: str):
    receive_on(host, host.ipv4)
    kept = versions(host)
    full = f"mount -t tmpfs -o size=4k,mode=700 none {KEPT} && head -c 4096 /dev/zero >{KEPT}/full"
    host.shell(full if how == "full" else f"mount --bind {KEPT} {KEPT} && mount -o remount,ro,bind {KEPT}")
    result = receive_on(host, host.ipv4_b)
    assert "A version of the files could not be kept: " in result["warnings"][0]
    assert host.sockets() == places(host.ipv4_b)
    host.edit("myorigin", "example.org")
    before = host.files()
    if how == "read-only":
        assert "Read-only file system" in to(host, "previous")["msg"]  # else the edit would be lost
        assert host.files() == before
    host.shell(f"umount {KEPT}")
    assert [one["time"] for one in versions(host)] == [one["time"] for one in kept]
    assert to(host, "previous")["in_sync"]
    assert host.sockets() == places(host.ipv4)


def test_so_many_as_the_role_says(host: MailHost):
    variables = {"postfix_interfaces_keep_versions": 2}
    for number in range(4):
        played = host.play(
            "role", postfix_interfaces_smtp_bind_address=(host.ipv4, host.ipv4_b)[number % 2], **variables
        )
        assert (played.failed, played.changed) == (0, 1), played.said
        host.edit("myorigin", f"example{number}.org")
    assert len(versions(host)) == 2
    assert host.module(INTERFACES, smtp_bind_address=host.ipv4, apply=True)["changed"]
    assert len(versions(host)) == 2  # as the role has said
    assert host.shell(f"stat -c %a {KEPT} {KEPT}/*").split() == ["700", "600", "600"]
    played = host.play("role", postfix_interfaces_keep_versions=0)
    assert (played.failed, played.changed) == (0, 0), played.said
    assert host.run("test", "-e", KEPT, check=False).returncode
    assert versions(host) == []
    assert "'101' is not a number of versions" in host.module(INTERFACES, keep_versions=101)["msg"]


def test_what_may_be_a_password_is_not_shown(host: MailHost):
    host.edit("smtp_sasl_password_maps", "static:relay:geheim")
    receive_on(host, host.ipv4)
    host.edit("smtp_sasl_password_maps", "static:relay:geheimer")
    receive_on(host, host.ipv4_b)
    result = shown(host, to="previous")
    assert result["changed"]
    assert "geheim" not in json.dumps([result, versions(host)])
    assert "geheim" in host.shell("cat /etc/postfix/main.cf")
