# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.discreet import discreet


@pytest.mark.parametrize(
    "line, shown",
    [
        (
            "postconf: warning: /etc/postfix/main.cf: unused parameter: ldap_bind_pw=hunter2",
            "postconf: warning: /etc/postfix/main.cf: unused parameter: ldap_bind_pw=(not shown)",
        ),
        (
            "warning: /etc/postfix/main.cf, line 9: overriding earlier entry: x_password=hunter2 hunter2",
            "warning: /etc/postfix/main.cf, line 9: overriding earlier entry: x_password=(not shown)",
        ),
        (
            "fatal: file /etc/postfix/main.cf: line 9: missing '=' after attribute name: \"hunter2\"",
            "fatal: file /etc/postfix/main.cf: line 9: missing '=' after attribute name: \"(not shown)\"",
        ),
        (
            'warning: /etc/postfix/main.cf, line 1: logical line must not start with whitespace: "  x = hunter2"',
            'warning: /etc/postfix/main.cf, line 1: logical line must not start with whitespace: "(not shown)"',
        ),
        (
            'fatal: /etc/postfix/master.cf: line 9: bad field count: missing "type" field: "hunter2"',
            'fatal: /etc/postfix/master.cf: line 9: bad field count: missing "type" field: "(not shown)"',
        ),
        (
            "fatal: /etc/postfix/master.cf: line 9: missing '}' in \"{ x_password = hunter2\"",
            "fatal: /etc/postfix/master.cf: line 9: missing '}' in \"(not shown)\"",
        ),
        ("smtpd: fatal: unexpected command-line argument: hunter2", None),
        ("error: open static:hunter2 failed", None),
        ("error: open inline:{a=b hunter2} failed", None),
        ("fatal: bad boolean configuration: smtpd_tls_security_level = hunter2", None),
    ],
)
def test_what_may_be_a_password_is_not_shown(line: str, shown: str) -> None:
    [said] = discreet([line])
    assert "hunter2" not in said
    assert "(not shown)" in said
    assert shown is None or said == shown


@pytest.mark.parametrize(
    "line",
    [
        "fatal: parameter inet_interfaces: no local interface found for 127.0.9.1",
        "fatal: bind 127.0.0.1 port 25: Address already in use",
        "warning: /etc/postfix/main.cf, line 9: overriding earlier entry: inet_interfaces=all",
        "fatal: bad string length 0 < 1: setgid_group =",
        'fatal: /etc/postfix/master.cf: line 9: bad transport type: "INET"',
        "fatal: open lock file /var/lib/postfix/master.lock: unable to set exclusive lock: Resource unavailable",
        "error: unsupported dictionary type: static",
    ],
)
def test_what_says_why_postfix_does_not_work_stays(line: str) -> None:
    assert discreet([line]) == [line]
