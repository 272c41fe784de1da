# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be a password is neither shown nor logged, wherever it is in the files, the options and the results."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from fleet import PLAYS, MailHost, Played

WORD = "hunter2"
MAIN = f"""
# in a comment: {WORD}
#smtp_x = {WORD}
smtp_sasl_password_maps = static:user:{WORD}
inet_interfaces = all
mysql_users_password = {WORD}
mysql_users_password = x{WORD}
relay_text = {WORD}
  # {WORD}
  {WORD}
"""
MASTER = f"""
# {WORD}
2525      inet  n       -       y       -       -       smtpd
  -o smtpd_milters_text=plain
  # {WORD}
  -o {{ a_password = x {WORD} }}
#2526     inet  n       -       y       -       -       smtpd -o x_secret={WORD}
#  -o y_secret={WORD}
2527      inet  n       -       y       -       -       smtpd -o x_password={WORD}
2528      inet  n       -       n       -       -       spawn user=nobody argv=/bin/true --token={WORD}
pipe-{{}}    unix  -       n       n       -       -       pipe
  flags=R user=nobody argv=/bin/true {WORD}
bound     unix  -       -       y       -       -       smtp -o x_password={WORD} -o smtp_bind_address=127.0.0.1
""".replace("{}", "x")


def play(host: MailHost, *tasks: dict[str, Any], **variables: Any) -> Played:
    """Run tasks, as talkative as can be, and going on after one that fails."""
    steps = [{**task, "ignore_errors": True} for task in tasks]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", dir=PLAYS) as file:
        json.dump([{"hosts": "all", "gather_facts": False, "tasks": steps}], file)
        file.flush()
        return host.play(Path(file.name).stem, "-vvv", "--diff", **variables)


def test_no_password_is_shown_or_logged(host: MailHost):
    name = "mailfleet.postfix.postfix_interfaces"
    host.shell("sed -i '/^inet_interfaces/d' /etc/postfix/main.cf")
    host.run("tee", "-a", "/etc/postfix/main.cf", input=MAIN, stdin=None)
    host.run("tee", "-a", "/etc/postfix/master.cf", input=MASTER, stdin=None)
    services = [
        {"name": "2525", "options": {"smtpd_milters_text": "other", "a_password": f"x{WORD}"}},
        {"name": "2526", "command": "smtpd"},
        {"name": "2527", "state": "disabled"},
        {"name": "2528", "state": "absent"},
        {"name": "pipe-x", "type": "unix", "command": f"pipe flags=R user=nobody argv=/bin/true --token=x{WORD}"},
        {
            "name": "new",
            "type": "unix",
            "unprivileged": "n",
            "command": f"pipe user=nobody argv=/bin/true --token={WORD}",
        },
    ]
    wanted = {"inet_interfaces": ["127.0.0.1", host.ipv4], "services": "{{ services }}", "apply": True}
    info = {"mailfleet.postfix.postfix_interfaces_info": {}, "check_mode": True}
    by_hand = "s/x_password=/&y/; s,/true ,&-y ,"
    played = play(
        host,
        info,
        {name: wanted},
        {"ansible.builtin.command": f"sed -i '{by_hand}' /etc/postfix/master.cf"},
        {"mailfleet.postfix.postfix_apply": {}, "check_mode": True},
        {name: {"instances": [{"services": "{{ services }}", "inet_interfaces": "all"}]}},
        {name: {"services": "{{ wrong }}"}},
        services=services,
        wrong=[{"name": "2525", "options": {"x": f"a\n{WORD}"}}, {"name": "2526", "options": WORD}],
    )
    said = played.said
    # Without -vvv, with which ansible-core itself shows the variables of a role.
    variables = {"postfix_interfaces_services": services, "postfix_interfaces_inet_interfaces": "all"}
    said += host.play("../../../playbooks/audit", "--diff", mailfleet_groups=["all"], **variables).said
    # What comes next is why Postfix does not run; in each file by itself.
    for file, line in (("main", f"{WORD}-alone"), ("master", f"-o x={WORD}")):
        host.shell(f"cp -p /etc/postfix/{file}.cf /root/kept; echo '{line}' >>/etc/postfix/{file}.cf")
        said += play(host, info, {"mailfleet.postfix.postfix_apply": {}}).said
        host.shell(f"cat /root/kept >/etc/postfix/{file}.cf; rm /root/kept")
    assert said.count('"changed": true') >= 2
    assert said.count("(not shown)") > 20
    assert said.count("(not shown, changed)") > 2
    assert "smtpd_milters_text=other" in said
    shown = re.findall(f".{{0,60}}{WORD}.{{0,20}}", said)
    assert not shown, shown[:5]
    logged = host.run("journalctl", "-o", "cat", "--no-pager").stdout
    invoked = [line for line in logged.splitlines() if "Invoked with" in line]
    assert any("smtpd_milters_text" in line for line in invoked), logged
    assert not [line for line in invoked if WORD in line]
