# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NamedTuple as in typing, for all of the core.

That of typing compiles and checks each annotation, which is most of what it takes to make a class, on every run anew.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING

__all__ = ["NamedTuple"]

if TYPE_CHECKING:  # novermin: only type checkers read this branch
    from typing import NamedTuple
else:

    class _Record(type):
        def __new__(mcs, name, bases, body):
            fields = body.pop("__annotations__")
            defaults = [body.pop(field) for field in fields if field in body]
            record = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            record.__annotations__ = fields
            for key, value in body.items():
                setattr(record, key, value)
            return record

    NamedTuple = type.__new__(_Record, "NamedTuple", (), {})
