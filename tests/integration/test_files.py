# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as they are on real hosts: links, entries with twins, blocks of other tools, words that a program dies of."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import FILES, WILDCARDS, MailHost, Sink

LOOPBACK = {("127.0.0.1", 25), ("::1", 25)}
MASTER = FILES[1]
LINKED = """\
mkdir -p /srv/one/etc
mv /etc/postfix /srv/one/etc/mail
ln -s one /srv/two
ln -s ../srv/two/etc/mail /etc/postfix
"""


def edit(host: MailHost, **options: Any) -> dict[str, Any]:
    """Edit both files and apply them, by the modules; return what the edit said."""
    tasks = [
        {"mailfleet.postfix.postfix_interfaces": options},
        {"mailfleet.postfix.postfix_apply": {}},
    ]
    edited, applied = host.tasks(*tasks)
    assert not applied.get("failed"), applied["msg"]
    return edited


def append(host: MailHost, text: str) -> None:
    """Add lines to master.cf as somebody does by hand, and let Postfix read them."""
    host.run("tee", "--append", MASTER, input=text, stdin=None)
    host.run("postfix", "reload")


def test_a_configuration_directory_that_is_reached_by_links(host: MailHost):
    host.shell(LINKED)
    try:
        host.run("systemctl", "restart", host.unit)
        assert edit(host, inet_interfaces="loopback-only")["changed"]
        assert host.sockets() == LOOPBACK
        # The other way to the same directory; and one that postconf has gone.
        assert edit(host, inet_interfaces=[host.ipv4], config_directory="/srv/one/etc/mail")["changed"]
        assert host.sockets() == {(host.ipv4, 25)}
        host.edit("inet_interfaces", "all")
        assert edit(host, inet_interfaces="all")["changed"] is False
        assert host.sockets() == WILDCARDS
        assert host.run("readlink", "/etc/postfix", "/srv/two").stdout.split() == ["../srv/two/etc/mail", "one"]
        assert "tmp" not in host.run("ls", "/srv/one/etc/mail").stdout
        assert host.module("postfix_interfaces_info")["in_sync"] is True
    finally:
        host.run("rm", "-rf", "/srv/one", "/srv/two")


def test_what_was_disabled_comes_back_and_not_its_twin(host: MailHost):
    host.run("sed", "-i", "s/^smtp .*inet.*smtpd$/#smtp inet n - y - - smtpd\\n&\\n  -o smtpd_banner=mine/", MASTER)
    host.run("postfix", "reload")
    before = host.contents()
    assert host.banner(host.ipv4) == "220 mine"
    service = {"name": "smtp", "state": "disabled"}
    assert edit(host, services=[service], allow_no_listener=True)["changed"]
    assert host.sockets() == set()
    for command in ({}, {"command": "smtpd"}):
        assert edit(host, services=[{"name": "smtp", **command}])["changed"]
        assert host.contents() == before
        assert host.banner(host.ipv4) == "220 mine"
        edit(host, services=[service], allow_no_listener=True)


def test_a_block_of_another_tool_stays_as_that_tool_wrote_it(host: MailHost):
    block = {"path": MASTER, "insertafter": "^smtp .*inet", "block": "2525 inet n - y - - smtpd"}
    host.tasks({"ansible.builtin.blockinfile": block})
    for number in (2526, 2527):
        assert edit(host, services=[{"name": str(number), "command": "smtpd"}])["changed"]
    assert {port for _address, port in host.sockets()} == {25, 2525, 2526, 2527}
    [again] = host.tasks({"ansible.builtin.blockinfile": block})
    assert again["changed"] is False
    entries = host.run("postconf", "-M", "2526/inet").stdout.split()
    assert entries[4] == "y"  # like smtp of this package


@pytest.mark.parametrize("flags", ["flags=DRX", "FLAGS="])
def test_flags_of_a_client(host: MailHost, sink: Sink, flags: str):
    line = f"smtp unix - - y - - smtp -o smtp_bind_address={host.ipv4_b} {flags}"
    host.run("sed", "-i", f"s/^smtp .*unix.*/{line}/", MASTER)
    host.run("postfix", "reload")
    assert sink.source_of_mail(host, f"who@[{host.room[0]}]") == host.ipv4_b
    said = host.module("postfix_interfaces_info")
    assert [one for one in said["findings"] if one["severity"] == "error"] == []
    [smtp] = [one for one in said["effective"]["source_addresses"] if one["transport"] == "smtp/unix"]
    assert smtp["ipv4"]["address"] == host.ipv4_b
    before = host.files()
    described = said["variables"]["postfix_interfaces_services"]
    assert edit(host, services=described)["changed"] is False
    assert host.files() == before


def test_a_value_with_blanks_is_told_kept_and_mended(host: MailHost):
    loose = "2525 inet n - y - - smtpd\n  -o smtpd_banner=mine, too\n  -o smtpd_helo_required=yes\n"
    append(host, loose)
    assert host.banner(host.ipv4, 2525) == ""
    [error] = [one for one in host.module("postfix_interfaces_info")["findings"] if one["severity"] == "error"]
    assert error["code"] == "bad_command_line"
    assert "-o { smtpd_banner = ... }" in error["remedy"]
    before = host.files()
    for change in ({"command": "smtpd"}, {"options": {"smtpd_banner": "x"}}, {"options": {"a": "b"}}):
        [refused] = host.tasks({"mailfleet.postfix.postfix_interfaces": {"services": [{"name": "2525", **change}]}})
        assert refused["failed"]
        assert "braces" in refused["msg"]
    assert host.files() == before
    host.run("systemctl", "restart", host.unit)  # the master waits for a minute with a service whose process died
    assert edit(host, services=[{"name": "2525", "options": {"smtpd_banner": "mine, too"}}])["changed"]
    assert host.banner(host.ipv4, 2525) == "220 mine, too"
    assert host.run("postconf", "-P", "2525/inet/smtpd_helo_required").stdout.endswith(" = yes\n")
