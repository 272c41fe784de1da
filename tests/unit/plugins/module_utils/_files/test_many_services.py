# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

TEXT = """\
smtp      inet  n       -       y       -       -       smtpd
#submission inet n - y - - smtpd
#  -o syslog_name=postfix/submission
# prose
smtp      unix  -       -       y       -       -       smtp
  -o a=b
#  -o commented=out
relay     unix  -       -       y       -       -       smtp
# BEGIN block
tool      unix  -       -       n       -       -       smtp
# END block
#out2     unix  -       -       n       -       -       smtp
lmtp      unix  -       -       n       -       -       lmtp
pickup    unix  n       -       y       60      1       pickup"""
#: entries that are there already, one of which has a block of another tool in it and behind it
THERE = """
out4      unix  -       -       n       -       -       smtp
# prose in it
  -o c=d
# BEGIN block
  -o smtp_bind_address=192.0.2.9
out3      unix  -       -       n       -       -       smtp
# END block"""


def changes(chance: random.Random) -> list[ServiceChange]:
    found = []
    for _change in range(chance.randint(2, 12)):
        kind = "unix" if chance.random() < 0.85 else "inet"
        name = chance.choice(["out1", "out2", "out3", "out4", "a-very-long-name-of-a-source", "relay", "2525", "10026"])
        command = chance.choice(["smtp", "smtp", "smtp", "lmtp", "smtp -v", None]) if kind == "unix" else "smtpd"
        options = {"smtp_bind_address": "192.0.2.1", "b": "c d"} if chance.random() < 0.5 else {}
        state = chance.choice(["present"] * 8 + ["absent", "disabled"])
        chroot = chance.choice([None, None, None, "n", "y"])
        found.append(ServiceChange(name, kind, state, command, chroot=chroot, options=options))
    return found


@pytest.mark.parametrize("seed", range(300))
def test_many_at_once_are_the_same_as_one_after_the_other(seed: int) -> None:
    chance = random.Random(seed)
    lines = [line for line in f"{TEXT}{THERE}".splitlines() if chance.random() < 0.8]
    text = "\n".join(lines) + chance.choice(["", "\n", "\r\n", "\n# the end\n"])
    wanted = changes(chance)
    outcomes = []
    for at_once in (True, False):
        editor = MasterCfEditor(text)
        try:
            for each in [wanted] if at_once else [[change] for change in wanted]:
                editor.put_all(each)
            outcomes.append(editor.text)
        except InputError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.duration
def test_three_hundred_new_services_are_added_in_less_than_a_second() -> None:
    wanted = [ServiceChange(f"out{number}", "unix", command="smtp", options={"a": "b"}) for number in range(300)]
    editor = MasterCfEditor(TEXT)
    within(1, lambda: editor.put_all(wanted))
    assert editor.text.count("-o a=b") == 301


@pytest.mark.duration
def test_three_hundred_services_are_changed_in_less_than_a_second() -> None:
    names = [f"out{number}" for number in range(300)]
    editor = MasterCfEditor(TEXT)
    editor.put_all([ServiceChange(name, "unix", command="smtp", options={"a": "b"}) for name in names])
    wanted = [ServiceChange(name, "unix", options={"a": "c"}) for name in names]
    within(1, lambda: editor.put_all(wanted))
    assert editor.text.count("-o a=c") == 300
