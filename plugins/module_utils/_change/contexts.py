# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SELinux contexts of a new instance: those of the default one, because the policy knows no other directories."""

from __future__ import annotations

import os
from contextlib import suppress

from .._host.instance import Instance
from .transaction import NAMES

CONTEXT = "security.selinux"
"""The extended attribute that has the context of a file."""


def take_over_contexts(default: Instance, new: Instance) -> None:
    """Give what there is of a new instance the contexts that the default instance has, where it has any."""
    queues = (default.queue_directory, new.queue_directory)
    _take_over(default.config_directory, new.config_directory)
    _take_over(default.data_directory, new.data_directory)
    _take_over(*queues)
    for name in NAMES:
        _take_over(*(os.path.join(instance.config_directory, name) for instance in (default, new)))
    for name in os.listdir(new.queue_directory):
        _take_over(*(os.path.join(directory, name) for directory in queues))


def _take_over(model: str, path: str) -> None:
    with suppress(OSError):  # without SELinux, or on a file system without contexts
        context = os.getxattr(model, CONTEXT)
        if _context(path) != context:
            os.setxattr(path, CONTEXT, context)


def _context(path: str) -> bytes:
    try:
        return os.getxattr(path, CONTEXT)
    except OSError:
        return b""
