# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References such as ``$name`` in values of main.cf, replaced as Postfix's mac_expand() does it.

Forms (postconf(5), "The main.cf file format"): ``$name``, ``${name}``, ``$(name)``, ``${name?text}``, ``${name:text}``,
``${name?{text}:{text}}``, ``${{text} == {text} ? {text} : {text}}`` and ``$$``. A name that is not defined stands for
an empty text. A syntax error is fatal for every Postfix program, and so it is an error here.
"""

from __future__ import annotations

import re
from typing import Callable, List, Optional, Tuple

from .._base.errors import InputError

Lookup = Callable[[str], Optional[str]]

_DEEPEST = 100  # nesting at which Postfix gives up
_MOST_STEPS = 20000  # references in one value: Postfix has no such limit, and would never finish
_LONGEST = 4 * 1024 * 1024  # characters of result
_NAME = re.compile(r"[ \t\r\n\v\f]*([A-Za-z0-9_]*)[ \t\r\n\v\f]*")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]*")
_NUMBER = re.compile(r"[0-9]+\Z")
_OPERATOR = re.compile(r"[<>!=?+\-*/~&|%]*")
_SPACE = " \t\r\n\v\f"
_BRACKETS = {"(": re.compile(r"[()]"), "{": re.compile(r"[{}]")}
_FIX = "Write $name, ${name}, ${name?text}, ${name:text} or ${name?{text}:{text}}, and $$ for a dollar sign"


def expand(text: str, lookup: Lookup, parameter: str = "main.cf") -> str:
    """Return the text with all references replaced, recursively.

    :param lookup: gives the raw value of a name, or None when it is not defined
    :param parameter: whose value this is, for the error
    :raises InputError: where Postfix would end with ``macro processing error``
    """
    if "$" not in text:
        return text
    return _Expansion(text, lookup, parameter).run()


class _Expansion:
    """One expansion, which ends with an error at any of the limits."""

    def __init__(self, text: str, lookup: Lookup, parameter: str) -> None:
        self.text = text
        self.lookup = lookup
        self.parameter = parameter
        self.steps = 0
        self.length = 0
        self.scanned = 0

    def run(self) -> str:
        result: List[str] = []
        self._parse(self.text, result, 1)
        return "".join(result)

    def _error(self, reason: str, remedy: str = _FIX) -> InputError:
        return InputError(self.parameter, self.text, reason, remedy)

    def _literal(self, text: str, result: List[str]) -> None:
        self.length += len(text)
        if self.length > _LONGEST:
            raise self._error("expands to more text than Postfix could use", "Use fewer references")
        result.append(text)

    def _parse(self, text: str, result: List[str], level: int) -> None:
        """Append the expansion of one text."""
        if level > _DEEPEST:
            raise self._error("refers to itself, or is nested too deeply", "Remove one of the references")
        at = 0
        while True:
            dollar = text.find("$", at)
            if dollar < 0:
                self._literal(text[at:], result)
                return
            self._literal(text[at:dollar], result)
            at = dollar + 1
            opening = text[at : at + 1]
            if opening == "$":
                self._literal("$", result)
                at += 1
                continue
            if opening in _BRACKETS:
                end = self._matching(text, at)
                name = text[at + 1 : end]
                at = end + 1
            else:
                match = _PLAIN_NAME.match(text, at)
                name = match.group() if match else ""
                at += len(name)
            if not name:
                raise self._error("has a $ without a name")
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise self._error("has too many references within references", "Use fewer references")
            self._reference(name, result, level)

    def _matching(self, text: str, at: int) -> int:
        """Return where the bracket that opens at ``at`` closes."""
        opening = text[at]
        depth = 0
        for bracket in _BRACKETS[opening].finditer(text, at):
            depth += 1 if bracket.group() == opening else -1
            if depth == 0:
                self.scanned += bracket.end() - at
                if self.scanned > _LONGEST:
                    raise self._error("has too much text in braces", "Use less text")
                return bracket.start()
        raise self._error(f"has a {opening} that is not closed")

    def _reference(self, text: str, result: List[str], level: int) -> None:
        """Append the value of a reference, given as the text between ``${`` and ``}``."""
        value: Optional[str]
        if text.lstrip(_SPACE).startswith("{"):
            value, rest = self._comparison(text.lstrip(_SPACE), level)
            if rest and rest[0] not in "?:":
                raise self._error('has text other than "?" or ":" after a comparison')
        else:
            match = _NAME.match(text)
            name, rest = (match.group(1), text[match.end() :]) if match else ("", text)
            if rest.startswith("{"):
                raise self._error(f"calls the function {name!r}, which is not known", "Use a plain value")
            if rest and rest[0] not in "?:":
                raise self._error(f"has {rest[0]!r} in the name of a parameter")
            value = self.lookup(name)
        if not rest:
            if value:
                self._parse(value, result, level + 1)
            return
        if rest[0] == "?":
            chosen, rest = self._operand(rest[1:])
            if value:
                self._parse(chosen, result, level + 1)
            if not rest:
                return
            if rest[0] != ":":
                raise self._error('has text other than ":" after the first choice')
        chosen, rest = self._operand(rest[1:])
        if rest:
            raise self._error("has text after the last choice")
        if not value:
            self._parse(chosen, result, level + 1)

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
        match = _OPERATOR.match(rest)
        operator = match.group() if match else ""
        right, rest = self._right_operand(rest[len(operator) :])
        sides: List[str] = []
        for side in (left, right):
            expanded: List[str] = []
            self._parse(side, expanded, level + 1)
            sides.append("".join(expanded))
        order = self._compare(sides[0], sides[1])
        answers = {
            "==": order == 0,
            "!=": order != 0,
            "<": order < 0,
            "<=": order <= 0,
            ">=": order >= 0,
            ">": order > 0,
        }
        if operator not in answers:
            raise self._error(f"has {operator!r} where one of == != < <= >= > belongs")
        return ("true" if answers[operator] else ""), rest

    def _right_operand(self, text: str) -> Tuple[str, str]:
        if not text.lstrip(_SPACE).startswith("{"):
            raise self._error(
                "has no text in braces after the operator of a comparison", "Write ${{left} == {right} ? {a} : {b}}"
            )
        return self._operand(text)

    def _compare(self, left: str, right: str) -> int:
        """Compare numbers as numbers, other text character by character; negative, zero or positive like strcmp(3)."""
        if _NUMBER.match(left) and _NUMBER.match(right):
            if len(left) > 18 or len(right) > 18:
                raise self._error("compares a number that is too large", "Compare smaller numbers")
            return int(left) - int(right)
        return (left > right) - (left < right)
