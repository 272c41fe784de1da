# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a difference of the files shows, and what it does not."""

from __future__ import annotations

from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.difference import shown_main, shown_master
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import discreet
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import known_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange

MAIN = """\
# See hunter2
#smtp_pw = hunter2
myhostname = hunter2
smtp_sasl_password_maps =
  # hunter2
  static:hunter2,
\thunter2\r
#inet_interfaces = all
inet_interfaces = 127.0.0.1,
  # hunter2
  ::1
hunter2
# ====
"""
SHOWN_MAIN = """\
# (not shown)
#smtp_pw = (not shown)
myhostname = (not shown)
smtp_sasl_password_maps =
  # (not shown)
  (not shown)
\t(not shown)\r
#inet_interfaces = all
inet_interfaces = 127.0.0.1,
  # (not shown)
  ::1
(not shown)
# ====
"""
MASTER = """\
# hunter2
smtp      inet  n       -       y       -       -       smtpd -v
  -o content_filter=old -o smtp_bind_address=192.0.2.1
  # hunter2
  -o { x = hunter2
    hunter2 } hunter2
#submission inet n       -       y       -       -       smtpd -o a=hunter2
#  -o smtpd_x=hunter2
# mailfleet.postfix disabled the next 2 lines
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d hunter2
relay unix - - n - - smtp -o smtp_sasl_password_maps=static:hunter2
hunter2 hunter2
"""
SHOWN_MASTER = """\
# (not shown)
smtp      inet  n       -       y       -       -       smtpd -v
  -o content_filter=old -o smtp_bind_address=192.0.2.1
  # (not shown)
  -o { x = (not shown)
    (not shown) } (not shown)
#submission inet n       -       y       -       -       smtpd -o a=(not shown)
#  -o smtpd_x=(not shown)
# mailfleet.postfix disabled the next 2 lines
maildrop  unix  -       n       n       -       -       pipe
  (not shown)
relay unix - - n - - smtp -o smtp_sasl_password_maps=(not shown)
(not shown)
"""
CHANGES = [
    ServiceChange("25", options={"content_filter": "new"}),
    ServiceChange("relay", "unix", options={"smtp_sasl_password_maps": "static:hunter3"}),
]


def test_only_values_of_this_family_are_shown_of_main_cf() -> None:
    assert shown_main(MAIN) == SHOWN_MAIN


def test_only_what_was_asked_for_is_shown_of_master_cf() -> None:
    assert shown_master(MASTER, CHANGES, known_port) == SHOWN_MASTER
    nothing_asked = shown_master(MASTER, [], known_port)
    assert nothing_asked == SHOWN_MASTER.replace("content_filter=old", "content_filter=(not shown)")


def test_what_changes_is_told_though_it_is_not_shown() -> None:
    after = MASTER.replace("=old", "=new").replace("static:hunter2", "static:hunter3").replace("-d ", "-e ")
    shown = shown_master(after.replace("    hunter2", "    hunter3"), CHANGES, known_port, MASTER)
    assert shown.splitlines()[2:6] == [
        "  -o content_filter=new -o smtp_bind_address=192.0.2.1",
        "  # (not shown)",
        "  -o { x = (not shown, changed)",
        "    (not shown, changed) } (not shown)",
    ]
    assert shown.splitlines()[10] == "  (not shown, changed)"
    assert shown.splitlines()[11].endswith("-o smtp_sasl_password_maps=(not shown, changed)")


def test_the_options_of_the_module_are_logged_without_what_may_be_a_password() -> None:
    service = {"name": "smtp", "command": "smtpd -o hunter2", "options": {"x": "hunter2", "smtp_bind_address": "::1"}}
    logged = discreet({"apply": True, "services": [service], "instances": [{"services": [service]}]})
    shown = {"name": "smtp", "command": "smtpd ...", "options": {"x": "(not shown)", "smtp_bind_address": "::1"}}
    assert logged == {"apply": True, "services": [shown], "instances": [{"services": [shown]}]}
    assert service["options"]["x"] == "hunter2"
    for wrong in ("hunter2", ["hunter2"], {"x": "hunter2"}, [{"options": "hunter2"}], [{"options": ["hunter2"]}]):
        assert "hunter2" not in str(discreet({"services": wrong, "instances": wrong}))
