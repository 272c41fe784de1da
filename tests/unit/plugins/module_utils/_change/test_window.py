# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token opens, and what is said of one that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import (
    Ended,
    Record,
    Window,
    as_result,
    clock,
    close,
    open_window,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.boot_id import boot_id
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State, TransactionError


def window(left: float = 100.0, **more: Any) -> Window:
    found = Window("now", 600, 0.0, clock() + left, boot_id(), [], [], [{"port": 25}], [], ["earlier"])
    return found._replace(**more)


ENDED = Ended("past", "overtaken", "It was edited since.", 0.0, 1.0, ["before"])


def test_the_open_one_is_found() -> None:
    found = window()
    assert open_window(Record(found, ended=ENDED), "now", "confirmed") is found
    told = as_result(found)
    assert told is not None
    assert 0 < told.pop("seconds") <= 100
    assert told == {"token": "now", "sockets": [{"port": 25}], "sources": []}
    assert as_result(None) is as_result(window(-1.0)) is as_result(window(boot="another")) is None


@pytest.mark.parametrize(
    "record, token, words",
    [
        (Record(window(-1.0)), "now", "came too late: the 600 s are over, and the previous files come back. Look at"),
        (Record(window(boot="another")), "now", "came too late"),
        (Record(window()), "earlier", "which has a token of its own. Confirm that one, which is about both changes."),
        (Record(ended=ENDED), "past", "does not wait any more: It was edited since. Look at the host"),
        (Record(ended=ENDED), "before", "does not wait any more: It was edited since. Look at the host"),
        (Record(ended=ENDED._replace(message="")), "past", "does not wait any more: the change was overtaken. Look"),
        (
            Record(window(), ended=ENDED),
            "other",
            "is not the token of a change that waits to be confirmed on this host",
        ),
        (Record(), "other", "Use confirm.token of the result of the run that has made the change."),
    ],
)
def test_what_is_said_of_a_token_that_opens_nothing(record: Record, token: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        open_window(record, token, "rejected")
    assert str(caught.value).startswith(f"rejected: '{token}' ")
    assert words in str(caught.value)


def test_only_an_open_one_can_be_closed(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        close(State(None, str(tmp_path)), Record(), "undone", "")


@pytest.mark.parametrize(
    "data",
    [
        {"format": 0},
        {"format": 1},
        {"format": 1, "window": [1], "begun": None, "ended": None},
        {"format": 1, "window": None, "begun": None, "ended": [1]},
    ],
)
def test_a_record_that_is_not_ours_is_an_error(tmp_path: Path, data: dict) -> None:
    state = State(None, str(tmp_path))
    with state.locked(1):
        Record(ended=ENDED).save(state)
        (name,) = [path.name for path in tmp_path.rglob("*") if path.is_file() and b"overtaken" in path.read_bytes()]
        state.save(name, data)
        with pytest.raises(TransactionError, match="is not of this version of the collection"):
            Record.load(state)
