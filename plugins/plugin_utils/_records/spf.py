# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Whether SPF (RFC 7208) has an address, as pyspf says by answers of DNS that it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.ask import (
    Answers,
    UnansweredError,
    missing,
    one_line,
    shown_record,
)

#: a per cent sign that begins no macro (RFC 7208, section 7.1)
_NOT_MACRO = r"%(?!%|_|-|\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[.+,/_=-]*\})"
_PREFIXES = ("SPF Permanent Error: ", "SPF Temporary Error: ")


class Spf:
    """SPF, evaluated for senders of domains. The limits are those of RFC 7208, section 4.6.4: 10 and 2 void lookups."""

    def __init__(self) -> None:
        try:
            import spf
        except ImportError as error:
            raise missing("pyspf", error) from error
        self._library: Any = spf

    def verdicts(self, answers: Answers, domain: str, helos: Mapping[str, str | None]) -> dict[str, Any] | None:
        """Return the record of a domain, and what comes of it for each address; None if DNS has not answered.

        :param helos: the name that each address greets with, which a record can ask for
        """
        try:
            found = [strings for strings in answers.of(domain, "TXT") if _is_spf(b"".join(strings))]
        except UnansweredError:
            return None
        results = {}
        for address, helo in helos.items():
            verdict = self._verdict(answers, domain, address, helo or domain)
            if verdict is not None:
                results[address] = verdict
        return {"record": " ; ".join(sorted(map(shown_record, found))) or None, "results": results}

    def _verdict(self, answers: Answers, domain: str, address: str, helo: str) -> dict[str, str] | None:
        query = _query(self._library, answers)(i=address, s=f"postmaster@{domain}", h=helo)
        try:
            result, _code, explanation = query.check()
        except Exception as error:  # by a record that nobody has thought of, as anybody can write one
            answers.errors.add(f"{domain} (SPF of {address}): cannot be evaluated: {type(error).__name__}")
            return None
        return {"result": result, "why": one_line(_why(result, query.mechanism, explanation))}


def _query(library: Any, answers: Answers) -> Any:
    """Return pyspf's evaluation with answers of ours: pyspf itself asks the resolver of the machine."""

    class Query(library.query):  # type: ignore[misc]
        def dns(self, name: str, qtype: str, cnames: Any = None, ignore_void: bool = False) -> list[Any]:
            """Return the records, and count the lookups that find nothing."""
            try:
                found = answers.of(str(name), qtype)
            except UnansweredError as error:
                raise library.TempError(f"{name} ({qtype}): {error}") from error
            if not found and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > library.MAX_VOID_LOOKUPS:
                    raise library.PermError(f"more than {library.MAX_VOID_LOOKUPS} lookups that find nothing")
            return found

        def expand(self, s: str, stripdot: bool = True) -> str:
            """Return the text with its macros expanded. pyspf takes some that have no end for plain text."""
            if re.search(_NOT_MACRO, s.replace("%%", "")):
                raise library.PermError("a per cent sign begins no macro", s)
            return str(super().expand(s, stripdot))

    return Query


def _is_spf(text: bytes) -> bool:
    return text.lower() == b"v=spf1" or text.lower().startswith(b"v=spf1 ")


def _why(result: str, mechanism: str | None, explanation: str) -> str:
    """Return why, without the explanation (exp=) of the domain, which is not ours."""
    if result == "none":
        return "has no SPF record"
    if result in ("permerror", "temperror"):
        for prefix in _PREFIXES:
            explanation = explanation.removeprefix(prefix)
        return explanation
    return f"matches {mechanism}" if mechanism else "nothing matches"
