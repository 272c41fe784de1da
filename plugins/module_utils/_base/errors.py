# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error that bad input raises, wherever it comes from."""

from __future__ import annotations

from typing import Dict

_LONGEST = 200  # characters of a text in an error; a file can have a line of any length


def shown(value: object) -> str:
    """Return a value as text, also one that Python cannot write, as a number of many digits."""
    try:
        return str(value)
    except (RecursionError, ValueError):
        return f"<{type(value).__name__}>"


def shortened(text: str) -> str:
    """Return a text, or the beginning of a long one with dots behind it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class InputError(ValueError):
    """A value that Postfix, or this collection, cannot work with, as ``parameter: 'value' reason. Remedy.``

    :param parameter: the Postfix parameter, service or option that the value was given for
    :param value: the value, or the part of it that is wrong
    :param reason: why it cannot be used, to be read after the value: "is a network"
    :param remedy: what to write or do instead: "list single addresses"
    """

    def __init__(self, parameter: str, value: object, reason: str, remedy: str) -> None:
        super().__init__(parameter, value, reason, remedy)
        self.parameter = parameter
        self.value = shown(value)
        self.reason = reason
        self.remedy = remedy

    @property
    def parts(self) -> Dict[str, str]:
        """The four parts by their names, as modules return them."""
        return {"parameter": self.parameter, "value": self.value, "reason": self.reason, "remedy": self.remedy}

    @property
    def clause(self) -> str:
        """All of it as part of another sentence, without the full stop."""
        remedy = self.remedy[:1].upper() + self.remedy[1:]
        return f"{shortened(self.parameter)}: {shortened(self.value)!r} {self.reason}. {remedy}"

    def __str__(self) -> str:
        return f"{self.clause}."
