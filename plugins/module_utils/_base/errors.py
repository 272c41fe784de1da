# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""The one error that bad input raises, whichever face it comes through."""

from __future__ import annotations


def shown(value: object) -> str:
    """A value as text, for people; also one that Python cannot write: nested too deeply, or a number of many digits."""
    try:
        return str(value)
    except (RecursionError, ValueError):
        return f"<{type(value).__name__}>"


class InputError(ValueError):
    """A value that Postfix, or this collection, cannot work with.

    :param parameter: the Postfix parameter, service or option that the value was given for
    :param value: the offending value, or the part of it that offends
    :param reason: why it cannot be used, to be read after the value: "is a network"
    :param remedy: what to write or do instead: "list single addresses"
    """

    def __init__(self, parameter: str, value: object, reason: str, remedy: str) -> None:
        super().__init__(parameter, value, reason, remedy)
        self.parameter = parameter
        self.value = shown(value)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        value = self.value if len(self.value) <= 200 else f"{self.value[:200]}..."
        return f"{self.parameter}: {value!r} {self.reason}. {self.remedy[:1].upper()}{self.remedy[1:]}."
