# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.silent_server import silent_server
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of_texts

HOST = host_of("127.0.0.1/8", "10.77.0.1/24")
GOOD = "smtp inet n - n - - smtpd\n"
ABSENT = "587 inet n - n - - smtpd -o inet_interfaces=10.9.9.9\n"
STRAY = "587 inet n - n - - smtpd -o smtpd_recipient_restrictions=permit_mynetworks, reject\n"
ALONE = "587 inet n - n - 1 postscreen\n"
TLS = "465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o inet_interfaces=10.9.9.9\n"
OTHER = "2525 inet n - n - 0 spawn user=x argv=/bin/x -o inet_interfaces=10.9.9.9\n"


def reason(master: str, before: Optional[str]) -> str:
    after = outlook_of_texts("", master, HOST, "3.7.11")
    assert after.runs
    earlier = None if before is None else outlook_of_texts("", before, HOST, "3.7.11")
    return str(silent_server(after, earlier) or "")


@pytest.mark.parametrize("before", [None, GOOD, GOOD + "587 inet n - n - - smtpd\n"])
@pytest.mark.parametrize(
    "line, words",
    [(ABSENT, "10.9.9.9"), (STRAY, "smtpd_recipient_restrictions"), (ALONE, "smtpd/pass")],
    ids=["absent", "stray", "alone"],
)
def test_a_server_that_cannot_answer_is_told_beforehand(line: str, words: str, before: Optional[str]) -> None:
    said = reason(GOOD + line, before)
    assert words in said
    assert "587" in said


@pytest.mark.parametrize("line", [ABSENT, STRAY, ALONE])
def test_one_that_could_not_answer_before_either_is_no_obstacle(line: str) -> None:
    assert not reason(GOOD + line, line)


@pytest.mark.parametrize("line", ["", TLS, OTHER], ids=["none", "TLS from the start", "no server of mail"])
def test_nobody_waits_for_the_banner_of_others(line: str) -> None:
    assert not reason(GOOD + line, None)
