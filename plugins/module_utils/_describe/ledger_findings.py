# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about whose a setting is: what nothing asks for any more, or never did; what was changed by hand."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping

from .._rules.findings.finding import Finding


def ledger_findings(notes: Iterable[Mapping[str, Any]], abandoned: str) -> Iterator[Finding]:
    """Yield a finding for each note that is no mere account of what this run has done.

    :param notes: as :meth:`_change.ownership.Note.as_data` returns them
    :param abandoned: what the run was to do with what nothing asks for any more: where it is to keep it, nobody is told
    """
    for note in notes:
        if note["state"] == "abandoned" and abandoned == "keep":
            continue
        name, parameter, found = _name(note), note["parameter"], _is(note)
        when = (f" on {note['set_at']}" if note["set_at"] else "") + (
            f" for {note['set_by']}" if note["set_by"] else ""
        )
        if note["state"] == "abandoned":
            how = "has removed it" if note["found"] is None else "has set it"
            first = "it would not be set" if note["first"] is None else f"it would be {note['first']!r}"
            message = f"{name} {found} because this collection {how}{when}, and nothing asks for that any more"
            remedy = "Set abandoned to restore to undo that, or to keep to leave it, or ask for it again"
            yield Finding("abandoned_setting", "warning", parameter, f"{message}; without it {first}", remedy)
        elif note["state"] in ("changed_by_hand", "overruled"):
            last = "had removed it" if note["last"] is None else f"had set it to {note['last']!r}"
            message = f"{name} {found}; this collection {last}{when}, and somebody has changed it since"
            if note["state"] == "overruled":
                remedy = "Change what is asked for, if it is to be otherwise"
                yield Finding("changed_by_hand", "warning", parameter, f"{message}; it is set as before", remedy)
            else:
                remedy = "Ask for a value, if it is not to be that one"
                yield Finding("changed_by_hand", "info", parameter, f"{message}; that stays", remedy)
        elif note["state"] == "unknown":
            message = f"{name} {found}, and this collection was never asked for it"
            yield Finding("unknown_setting", "warning", parameter, message, "Ask for it, or remove it by hand")


def _name(note: Mapping[str, Any]) -> str:
    if not note["service"]:
        return str(note["parameter"])
    service = f"the service {note['service']}"
    return service if note["part"] == "entry" else f"{note['part']} of {service}"


def _is(note: Mapping[str, Any]) -> str:
    if note["found"] is None:
        return "is not set" if note["part"] != "entry" else "is not there"
    return "is there" if note["part"] == "entry" else f"is {note['found']!r}"
