# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References such as ``$name`` in values of main.cf, replaced as Postfix's mac_expand() does it.

Forms (postconf(5), "The main.cf file format"): ``$name``, ``${name}``, ``$(name)``, ``${name?text}``, ``${name:text}``,
``${name?{text}:{text}}``, ``${{text} == {text} ? {text} : {text}}`` and ``$$``. A name that is not defined stands for
an empty text. A syntax error is fatal for every Postfix program, and so it is an error here.
"""

from __future__ import annotations

import re
import string
from typing import Callable, List, Optional, Tuple

from .._base.errors import InputError
from .._base.words import is_number

Lookup = Callable[[str], Optional[str]]

_DEEPEST = 100  # nesting at which Postfix gives up
_MOST_STEPS = 20000  # references in one value: Postfix has no such limit, and would never finish
_LONGEST = 4 * 1024 * 1024  # characters of result
_REFERENCE = r"\$([$({]|[A-Za-z0-9_]*)"
#: an operator, and the word behind it that makes it compare values of compatibility_level (Postfix 3.6 and later)
_OPERATOR = r"(?s)([<>!=?+\-*/~&|%]*)(level)?[ \t\r\n\v\f]*(.*)\Z"
#: a value of compatibility_level
LEVEL = r"[ \t]*[+]?[0-9]{1,9}(?:\.[ \t]*[+]?[0-9]{1,3}){0,2}\Z"
_SPACE = " \t\r\n\v\f"
_BRACKETS = {"(": "[()]", "{": "[{}]"}
#: the orders of two texts, as of strcmp(3), for which each comparison is true
_COMPARISONS = {"==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">=": (0, 1), ">": (1,)}
_FIX = "Write $name, ${name}, ${name?text}, ${name:text} or ${name?{text}:{text}}, and $$ for a dollar sign"


def expand(text: str, lookup: Lookup, parameter: str = "main.cf", levels: bool = True) -> str:
    """Return the text with all references replaced, recursively.

    :param lookup: gives the raw value of a name, or None when it is not defined
    :param parameter: whose value this is, for the error
    :param levels: whether Postfix compares values of compatibility_level, as in ``{$x} <level {3.6}``: since 3.6
    :raises InputError: where Postfix would end with ``macro processing error``
    """
    return _Expansion(text, lookup, parameter, levels).expand(text, 1) if "$" in text else text


class _Expansion:
    """One expansion, which ends with an error at any of the limits."""

    def __init__(self, text: str, lookup: Lookup, parameter: str, levels: bool) -> None:
        self.text = text
        self.lookup = lookup
        self.parameter = parameter
        self.levels = levels
        self.steps = 0
        self.length = 0
        self.scanned = 0

    def _error(self, reason: str, remedy: str = _FIX) -> InputError:
        return InputError(self.parameter, self.text, reason, remedy)

    def _literal(self, text: str) -> str:
        self.length += len(text)
        if self.length > _LONGEST:
            raise self._error("expands to more text than Postfix could use", "Use fewer references")
        return text

    def expand(self, text: str, level: int) -> str:
        if level > _DEEPEST:
            raise self._error("refers to itself, or is nested too deeply", "Remove one of the references")
        result: List[str] = []
        at = 0
        reference = re.compile(_REFERENCE)
        while True:
            match = reference.search(text, at)
            if match is None:
                result.append(self._literal(text[at:]))
                return "".join(result)
            result.append(self._literal(text[at : match.start()]))
            name, at = match.group(1), match.end()
            if name == "$":
                result.append(self._literal("$"))
                continue
            if name in _BRACKETS:
                end = self._matching(text, at - 1)
                name, at = text[at:end], end + 1
            if not name:
                raise self._error("has a $ without a name")
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise self._error("has too many references within references", "Use fewer references")
            result.append(self._reference(name, level + 1))

    def _matching(self, text: str, at: int) -> int:
        """Return where the bracket that opens at ``at`` closes."""
        opening = text[at]
        depth = 0
        for bracket in re.compile(_BRACKETS[opening]).finditer(text, at):
            depth += 1 if bracket.group() == opening else -1
            if depth == 0:
                self.scanned += bracket.end() - at
                if self.scanned > _LONGEST:
                    raise self._error("has too much text in braces", "Use less text")
                return bracket.start()
        raise self._error(f"has a {opening} that is not closed")

    def _reference(self, text: str, level: int) -> str:
        """Return the value of a reference, given as the text between ``${`` and ``}``."""
        text = text.lstrip(_SPACE)
        if text.startswith("{"):
            value: Optional[str]
            value, rest = self._comparison(text, level)
            if rest and rest[0] not in "?:":
                raise self._error('has text other than "?" or ":" after a comparison')
        else:
            name, rest = _leading(text, string.ascii_letters + string.digits + "_")
            if rest.startswith("{"):
                raise self._error(f"calls the function {name!r}, which is not known", "Use a plain value")
            if rest and rest[0] not in "?:":
                raise self._error(f"has {rest[0]!r} in the name of a parameter")
            value = self.lookup(name)
        if_set, if_empty = "" if rest else value, ""
        if rest.startswith("?"):
            if_set, rest = self._operand(rest[1:])
            if rest and rest[0] != ":":
                raise self._error('has text other than ":" after the first choice')
        if rest:
            if_empty, rest = self._operand(rest[1:])
            if rest:
                raise self._error("has text after the last choice")
        chosen = if_set if value else if_empty
        return self.expand(chosen, level) if chosen else ""

    def _operand(self, text: str) -> Tuple[str, str]:
        """Return a choice and the rest of ``{text} rest``; without a brace all of the text is the choice."""
        braced = text.lstrip(_SPACE)
        if not braced.startswith("{"):
            return text, ""
        end = self._matching(braced, 0)
        return braced[1:end], braced[end + 1 :].lstrip(_SPACE)

    def _comparison(self, text: str, level: int) -> Tuple[str, str]:
        """Return the result of ``{left} == {right} rest``, which is empty for false, and the rest."""
        left, rest = self._operand(text)
        symbol, suffix, rest = re.match(_OPERATOR, rest).groups()  # type: ignore[union-attr]  # it matches all text
        if not rest.startswith("{") or (suffix and not self.levels):
            reason = "has no text in braces after the operator of a comparison"
            raise self._error(reason, "Write ${{left} == {right} ? {a} : {b}}")
        right, rest = self._operand(rest)
        order = (self._order_of_levels if suffix else self._order)(self.expand(left, level), self.expand(right, level))
        if symbol not in _COMPARISONS:
            raise self._error(f"has {symbol!r} where one of == != < <= >= > belongs")
        return "true" if order in _COMPARISONS[symbol] else "", rest

    def _order(self, left: str, right: str) -> int:
        """Compare two numbers as numbers, other text by characters."""
        if not is_number(left) or not is_number(right):
            return (left > right) - (left < right)
        if len(left) > 18 or len(right) > 18:
            raise self._error("compares a number that is too large", "Compare smaller numbers")
        return (int(left) > int(right)) - (int(left) < int(right))

    def _order_of_levels(self, left: str, right: str) -> int:
        """Compare two values of compatibility_level, as 3.6 or 2."""
        if not re.match(LEVEL, left) or not re.match(LEVEL, right):
            raise self._error("compares what is not a compatibility_level", "Compare versions such as 3.6")
        one, other = (tuple(map(int, text.split("."))) + (0, 0) for text in (left, right))
        return (one[:3] > other[:3]) - (one[:3] < other[:3])


def _leading(text: str, characters: str) -> Tuple[str, str]:
    """Return what a text begins with of some characters, and the rest without the blanks before it."""
    rest = text.lstrip(characters)
    return text[: len(text) - len(rest)], rest.lstrip(_SPACE)
