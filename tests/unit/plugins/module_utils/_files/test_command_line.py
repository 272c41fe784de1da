# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.command_line import (
    BadCommandLine,
    bad_command_line,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf

SERVERS = "bounce cleanup discard dnsblog error flush local pickup proxymap qmgr qmqpd showq smtpd tlsproxy virtual"


def problem(words: str, version: Tuple[int, ...] = (3, 12)) -> Optional[BadCommandLine]:
    [service] = MasterCf(f"x unix - - n - - {words}\n").services()
    return bad_command_line(service, version)


@pytest.mark.parametrize(
    "words",
    [
        "smtpd",
        "smtpd -v -o a=b -vo c=d -D",
        "smtpd -m 5 -o a=b",
        "smtpd -vm5 -i 10 -r 20 -o a=b --",
        "smtpd -o { a = b c } -o d={e f}",
        "postlogd -v",
        "smtp flags=",
        "smtp flags=DORX",
        "smtp -o a=b -- FLAGS=R flags=OD",
        "lmtp -v flags=X",
        "/usr/lib/postfix/sbin/lmtp flags=X",
        "pipe flags=DRhu.>qBFOX user=x argv=/bin/x -o a # b ${recipient}",
        "pipe -o a=b User=x:y Directory=/ chroot= eol=\\n null_sender= size=5 {argv=/bin/x a}",
        "spawn user=x argv=/bin/x -v",
        "policyd -x a b -o c",
        "smtp-sink :10 100",
    ],
)
def test_what_the_programs_take(words: str) -> None:
    assert problem(words) is None


@pytest.mark.parametrize(
    "words, word, part",
    [
        ("smtpd -o a=b, reject -o c=d", "reject", "text behind -o a that is not part of the value, and dies of it"),
        ("smtpd -o a=b,\n  reject\n  -o c=d", "reject", "-o a"),
        ("smtpd -o a=b {c d}", "c d", "-o a"),
        ("smtpd -o a = b", "-o a =", "dies of -o a =, which is not a setting"),
        ("smtpd -o", "-o", "dies of -o, which is not a setting"),
        ("smtpd x", "x", "has an argument that it does not take, and dies of it"),
        ("smtpd -o a=b # x", "#", "takes no argument '#'"),
        ("smtpd -", "-", "has an argument that it does not take"),
        ("smtpd -- -o a=b", "-o", "option behind its arguments"),
        ("smtpd -x", "-x", "dies of the option -x"),
        ("smtpd --max", "--", "dies of the option --"),
        ("smtpd -v:", "-:", "dies of the option -:"),
        ("smtpd -vm", "-vm", "dies of the option -vm"),
        ("qmgr -r 5", "-r", "dies of the option -r"),
        ("postlogd -S", "-S", "dies of the option -S"),
        ("smtp flags=Z", "flags=Z", "flag 'Z'"),
        ("smtp flags=DORXd", "flags=DORXd", "flag 'd'"),
        ("lmtp flags=R flags=u", "flags=u", "flag 'u'"),
        ("smtp flags", "flags", "has an argument that it does not take"),
        ("smtp user=x", "user=x", "takes no argument user="),
        ("smtp flags=R -o a=b", "-o", "has an option behind its arguments"),
        ("smtp flags=R -oa=b", "-oa=b", "has an option behind its arguments"),
        ("smtp -o a=b flags=R c", "c", "has an argument that it does not take"),
        ("smtp -o a=b c flags=R", "c", "-o a"),
        ("pipe flags=Z user=x argv=y", "flags=Z", "flag 'Z'"),
        ("pipe -o a=b c user=x argv=y", "c", "-o a"),
        ("pipe user=x -o a=b argv=y", "-o", "option behind its arguments"),
        ("pipe user=x", "", "has no argv="),
        ("pipe argv=x user=y", "", "has no user="),
        ("spawn flags=R user=x argv=y", "flags=R", "takes no argument flags="),
        ("spawn argv=y", "", "has no user="),
        *((f"{server} -o a=b c", "c", "-o a") for server in SERVERS.split()),
    ],
)
def test_what_they_die_of(words: str, word: str, part: str) -> None:
    found = problem(words)
    assert found is not None
    assert (found.word, found.ignored) == (word, False)
    assert part in found.reason


@pytest.mark.parametrize("program", ["postscreen", "nbdb_reindexd"])
def test_what_they_ignore(program: str) -> None:
    assert problem(f"{program} -o a=b") is None
    found = problem(f"{program} -o a=b, c -o d=e")
    assert found is not None
    assert (found.word, found.ignored) == ("c", True)
    assert "ignores it and what follows" in found.reason
    unknown = problem(f"{program} -x c")
    assert unknown is not None
    assert not unknown.ignored


@pytest.mark.parametrize("version, dies", [((3, 4, 29), True), ((3, 5), False), ((3, 5, 25), False)])
def test_flags_of_clients_are_there_since_3_5(version: Tuple[int, ...], dies: bool) -> None:
    assert bool(problem("smtp flags=R", version)) is dies
    assert bool(problem("lmtp flags=R", version)) is dies
    assert problem("pipe flags=R user=x argv=y", version) is None


def test_a_value_with_blanks_needs_braces() -> None:
    found = problem("smtpd -o smtpd_recipient_restrictions=permit_sasl_authenticated, reject")
    assert found is not None
    assert "-o { smtpd_recipient_restrictions = ... }" in found.remedy
