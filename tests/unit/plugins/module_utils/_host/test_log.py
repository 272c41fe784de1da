# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.log import LogMark
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import process_of

LOG = """\
Nov 22 11:08:51 mx postfix/postfix-script[628]: stopping the Postfix mail system
Nov 22 11:08:52 mx postfix/smtpd[630]: warning: hostname x does not resolve
Nov 22 11:08:52 mx postfix-out/master[631]: fatal: of another instance
Nov 22 11:08:52 mx sshd[632]: fatal: of another program
Nov 22 11:08:52 mx postfix/master[711]: fatal: bind 10.0.0.9 port 25: Cannot assign requested address
Nov 22 11:08:52 mx postfix/master[711]: fatal: bind 10.0.0.9 port 25: Cannot assign requested address
Nov 22 11:08:52 mx postmulti[712]: fatal: no such instance
Nov 22 11:08:52 mx postfix[713]: postfix: fatal: parameter inet_interfaces: no local interface found for 10.0.0.9
"""


def test_the_complaints_since_a_mark(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("Nov 21 11:08:52 mx postfix/master[71]: fatal: of yesterday\n")
    mark = LogMark("postfix", str(log))
    with open(log, "a") as stream:
        stream.write(LOG)
    assert mark.words(journal=False) == [
        "postfix/master: fatal: bind 10.0.0.9 port 25: Cannot assign requested address",
        "postmulti: fatal: no such instance",
        "postfix: fatal: parameter inet_interfaces: no local interface found for 10.0.0.9",
    ]


def test_warnings_are_better_than_nothing(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    mark = LogMark("postfix", str(log))
    log.write_text("".join(LOG.splitlines(keepends=True)[:4]))
    assert mark.words(journal=False) == ["postfix/smtpd: warning: hostname x does not resolve"]


def test_a_log_that_was_rotated_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("x" * 10000)
    mark = LogMark("postfix-out", str(log))
    log.write_text(LOG)
    assert mark.words(journal=False)[0] == "postfix-out/master: fatal: of another instance"


@pytest.mark.parametrize("to_file", [True, False], ids=["file", "pipe"])
def test_the_standard_output_of_the_master(tmp_path: Path, to_file: bool) -> None:
    log, here = tmp_path / "log", tmp_path / "proc/7/fd"
    here.mkdir(parents=True)
    (here / "1").symlink_to(log if to_file else "pipe:[12345]")
    log.write_text("Nov 21 11:08:52 mx postfix/master[71]: fatal: of yesterday\n")
    mark = LogMark(
        "postfix", "/dev/stdout", Master(process_of(7), "/var/spool/postfix", {}, "", str(tmp_path / "proc"))
    )
    with open(log, "a") as stream:
        stream.write(LOG)
    words = mark.words(journal=False)
    if to_file:
        assert words[0] == "postfix/master: fatal: bind 10.0.0.9 port 25: Cannot assign requested address"
    else:
        assert words == ["Postfix logs to the standard output of its master, which only who runs that can read."]
