# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import resource
import time

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import run
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import command_environment


def soon() -> float:
    return time.monotonic() + 60


def test_a_command_speaks_to_a_terminal() -> None:
    outcome = run(["sh", "-c", "test -t 1 && test -t 2 && echo yes; echo 'fatal: x' >&2; exit 3"], soon())
    assert (outcome.status, outcome.words) == (3, ["yes", "fatal: x"])


def test_much_output_does_not_block() -> None:
    outcome = run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"], soon())
    assert (outcome.status, outcome.words[-1]) == (0, "line 19999")


@pytest.mark.duration
def test_who_stays_in_the_background_is_not_waited_for() -> None:
    begin = time.monotonic()
    outcome = run(["sh", "-c", "echo started; (trap '' HUP; sleep 3) &"], soon())
    assert (outcome.status, outcome.words) == (0, ["started"])
    assert time.monotonic() - begin < 2


@pytest.mark.duration
def test_a_command_that_takes_too_long_is_ended() -> None:
    begin = time.monotonic()
    outcome = run(["sh", "-c", "echo begun; sleep 30"], time.monotonic() + 0.3)
    assert outcome.status is None
    assert outcome.words[0] == "begun"
    assert "took too long" in outcome.words[-1]
    assert time.monotonic() - begin < 5


def test_a_command_of_a_process_with_many_files() -> None:
    """A run over a host with 1,000 addresses holds a socket for each; select(2) ends at 1,024."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd"))
    wanted = open_now + 1200
    if before[1] != resource.RLIM_INFINITY and before[1] < wanted:
        pytest.skip("the hard limit of open files is too low")
    opened: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
        opened.append(os.open(os.devnull, os.O_RDONLY))
        opened.extend(os.dup(opened[0]) for _turn in range(1100))
        assert run(["echo", "here"], soon()).words == ["here"]
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_command_that_is_not_there() -> None:
    outcome = run(["/nonexistent/postfix", "start"], soon())
    assert (outcome.status, outcome.words) == (127, ["/nonexistent/postfix: No such file or directory"])


def test_the_output_of_a_command_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("MAIL_CONFIG", "/etc/other")
    assert run(["sh", "-c", "echo $LC_ALL$MAIL_CONFIG"], soon()).words == ["C"]


def test_the_environment_of_commands_is_english_and_finds_the_system_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("INVOCATION_ID", "1")
    monkeypatch.setenv("PATH", "/somewhere")
    environment = command_environment()
    assert environment["LC_ALL"] == "C"
    assert "INVOCATION_ID" not in environment
    assert environment["PATH"].startswith("/somewhere:")
    assert "/usr/sbin" in environment["PATH"].split(":")
