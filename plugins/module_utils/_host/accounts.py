# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users and groups of this host, looked up as Postfix does it (getpwnam(3), getgrnam(3))."""

from __future__ import annotations

import grp
import pwd
from typing import Callable, Optional, Tuple, TypeVar

from .._rules.host import Accounts

Key = TypeVar("Key")
Answer = TypeVar("Answer")


def system_accounts() -> Accounts:
    """Return the look-ups; each asks the system when it is called."""
    return Accounts(
        _or_none(lambda name: _numbers(pwd.getpwnam(name))),
        _or_none(lambda name: grp.getgrnam(name).gr_gid),
        _or_none(lambda number: pwd.getpwuid(number).pw_name),
        _or_none(lambda number: grp.getgrgid(number).gr_name),
    )


def _numbers(user: pwd.struct_passwd) -> Tuple[int, int]:
    return user.pw_uid, user.pw_gid


def _or_none(look_up: Callable[[Key], Answer]) -> Callable[[Key], Optional[Answer]]:
    """Return the same look-up with None for what there is not, or for a name that cannot be one."""

    def answer(key: Key) -> Optional[Answer]:
        try:
            return look_up(key)
        except (KeyError, ValueError):
            return None

    return answer
