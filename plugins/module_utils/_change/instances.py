# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make sure that a secondary instance exists, or that it does not: what postfix_instance does."""

from __future__ import annotations

from typing import Optional

from .._base.errors import InputError
from .._host.store import STATE_DIRECTORY, TransactionError
from .creation import Creation
from .secondary import Changed, Secondary


def create(name: str, group: Optional[str] = None, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance exists, is enabled, and is started when the host boots; it is not started here.

    :param name: its multi_instance_name, ``postfix-`` and something
    :param group: its multi_instance_group, for one that does not exist yet
    :param state: the directory that holds the state of all instances
    :raises InputError: the name cannot be one of an instance, or its directory is in use for something else
    :raises TransactionError: that failed; a new instance is removed again
    """
    secondary = Creation(name, group, check_mode, state)
    with secondary.locked():
        try:
            secondary.create()
        except TransactionError as error:
            try:
                undone_too = not check_mode and secondary.undo()
            except (InputError, TransactionError) as second:
                raise TransactionError(f"{error} Going back failed: {second}") from error
            if undone_too:
                raise TransactionError(f"{error} What was made of the instance is removed again.") from error
            raise
        secondary.confirm()
    return secondary.changed()


def remove(name: str, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance does not exist; stop it if it runs.

    :param state: the directory that holds the state of all instances
    :raises InputError: it has mail in its queue
    :raises TransactionError: it could not be stopped or removed
    """
    secondary = Secondary(name, None, check_mode, state)
    with secondary.locked():
        secondary.refuse_messages()
        secondary.stop()
        secondary.destroy()
    return secondary.changed()
