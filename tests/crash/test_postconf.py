# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside the real postconf -e: whoever comes second waits for the first, and neither loses the other's edit."""

from __future__ import annotations

import os
import threading
import time

import pytest
import tracer
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.atomic_replace import Replacement
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from root import Root


def test_it_waits_for_us(root: Root) -> None:
    with Replacement(str(root.main), time.monotonic() + 1) as replacement:
        other = root.start("postconf", "-e", "its_edit=1")
        time.sleep(0.5)
        assert other.poll() is None
        replacement.prepare(root.main.read_bytes() + b"our_edit = 1\n")
        replacement.put()
    assert other.wait(10) == 0
    assert root.main.read_text().count("_edit = 1") == 2


def test_it_is_not_served_an_unfinished_edit_of_ours(root: Root) -> None:
    with Replacement(str(root.main), time.monotonic() + 1) as replacement:
        other = root.start("postconf", "-e", "its_edit=1")
        time.sleep(0.2)
        replacement.prepare(b"half = \n")
    assert other.wait(10) == 0
    assert "half" not in root.main.read_text()
    assert "its_edit = 1" in root.main.read_text()


def test_we_wait_for_it(root: Root) -> None:
    said: list[str] = []

    def commit() -> None:
        try:
            root.commit("our_edit", "1")
        except TransactionError as error:  # it is another file now
            said.append(str(error))
            root.commit("our_edit", "1")

    ours = threading.Thread(target=commit)

    def plan(call: tracer.Call) -> None:
        # The first thing that it writes to its new main.cf: it has the lock.
        if call.name == "write" and call.path.endswith("main.cf.tmp") and not ours.ident:
            with pytest.raises(TransactionError, match=r"main\.cf\.tmp is locked by postconf \(process \d+\)"):
                root.commit("too_early", "1", time_limit=0.2)
            ours.start()
            time.sleep(0.3)
            assert ours.is_alive()

    tracer.run(root.become("postconf", "-e", "its_edit=1"), plan)
    ours.join(10)
    assert len(said) == 1
    assert "was changed by somebody else" in said[0]
    assert root.main.read_text().count("_edit = 1") == 2
    assert "too_early" not in root.main.read_text()
    assert sorted(set(os.listdir(root.config)) & {"main.cf.tmp", "master.cf.tmp"}) == []


def test_what_a_killed_one_left_is_in_nobodys_way(root: Root) -> None:
    calls = tracer.run(root.become("postconf", "-e", "its_edit=1")).calls
    assert "its_edit = 1" in root.main.read_text()
    points = [call for call in calls if call.path.endswith(("main.cf.tmp", "/main.cf"))]
    assert {"flock", "write", "fsync", "rename"} <= {call.name for call in points}
    for number, target in enumerate(points):
        tracer.run(
            root.become("postconf", "-e", f"its_edit={number}"),
            lambda call, target=target: tracer.KILL if call == target else None,
        )
        root.commit("our_edit", str(number), time_limit=0.5)
        assert f"our_edit = {number}\n" in root.main.read_text()
        assert not (root.config / "main.cf.tmp").exists()
