# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A property that is worked out once."""

from __future__ import annotations

from typing import Any, Callable, Generic, Optional, TypeVar

from .errors import InputError

Part = TypeVar("Part")


class once(Generic[Part]):  # lower case, like the built-in property
    """Make a method a property whose value, or InputError, is kept; functools.cached_property keeps no errors."""

    def __init__(self, method: Callable[[Any], Part]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, owner: Any, kind: Optional[type] = None) -> Part:
        # Not reached again once the instance has an attribute of this name: this is a non-data descriptor.
        kept, name = vars(owner), self.method.__name__
        failed = kept.get(f"{name} failed")
        if failed is not None:
            raise failed
        try:
            value = kept[name] = self.method(owner)
        except InputError as error:
            kept[f"{name} failed"] = error
            raise
        return value
