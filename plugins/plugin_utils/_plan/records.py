# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What becomes of the instances of a host, as records of a report: ``now`` is the base, ``planned`` the proposal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import (
    effective_view,
    plain_addresses,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.ledger_findings import ledger_findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import claims
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.assumed import MEMORY, unadvised
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    NamedSource,
    source_findings,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import dotted
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.alike import Alike
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.foresee import Part, Wishes
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.changes import is_changed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    Record,
    empty_record,
    is_found,
    unlisted_instance,
    unlisted_services,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import printable_record


class HostRecords(NamedTuple):
    """The records of a host, and the same as the base alone has them, for what is found across hosts."""

    records: list[Record]
    base: list[Record]


def of_parts(
    about: Mapping[str, Any], parts: Sequence[Part], wishes: Wishes, old: Wishes, confirm: int, alike: Alike
) -> HostRecords:
    """Return the records of a host whose parts are known.

    :param about: what is known of the host: its name, group and presence
    :param old: what the base asks of the host
    :param confirm: the seconds in which a change has to be confirmed
    :param alike: what was found of other hosts
    """
    records, bases = [], []
    memory = alike.of_host(about["host"])
    for part in parts:
        for outlook in filter(None, (part.before, part.after)):
            vars(outlook.strict)[MEMORY] = vars(outlook)[MEMORY] = memory
        record, base = _of_part({**empty_record(), **about}, part, confirm)
        records.append(printable_record({**record, **_of_host(wishes)}))
        if base:
            bases.append(printable_record({**base, **_of_host(old)}))
    return HostRecords(records, bases)


def of_refused(
    about: Mapping[str, Any], error: InputError, base: Sequence[Record], wishes: Wishes | None
) -> HostRecords:
    """Return the records of a host of which the proposal asks what the role refuses: it stays as it is.

    :param base: its records as the base has them
    """
    told = {"status": "refused", "problem": str(error), "confirm": 0, **(_of_host(wishes) if wishes else {})}
    records = [{**record, **about, **told} for record in base] or [{**empty_record(), **about, **told}]
    records[0] = {**records[0], "refusal": error.parts}
    return HostRecords(list(map(printable_record, records)), list(base))


def of_unknown(about: Mapping[str, Any], why: str) -> HostRecords:
    """Return the record of a host whose addresses are not known."""
    return HostRecords([printable_record({**empty_record(), **about, "status": "unknown", "problem": why})], [])


def _of_host(wishes: Wishes) -> Record:
    return {
        "addresses": plain_addresses(wishes.host),
        "version": None if wishes.version is None else dotted(wishes.version),
    }


def _of_part(record: Record, part: Part, confirm: int) -> tuple[Record, Record | None]:
    """Return the record of an instance, and the same as the base alone has it; None if the base does not have it."""
    is_same = part.after is part.before
    outlook = part.after or part.before
    before = effective_view(part.before) if part.before else None
    after = before if is_same else effective_view(part.after) if part.after else None
    found = _findings(part.after, part.before)
    earlier = found if is_same else _findings(part.before and unadvised(part.before), None)
    known, stay = set(map(key_of, earlier)), set(map(key_of, found))
    if part.after and not known <= stay:  # then it matters what would have helped
        earlier = _findings(part.before, None)
    found = [*_of_sources(part.sources, part.after), *found, *unlisted_services(part.unlisted, after)]
    found = [*(each._asdict() for each in ledger_findings(part.abandoned, "report")), *found]
    earlier = [
        *_of_sources(part.old_sources, part.before),
        *earlier,
        *unlisted_services(part.was_unlisted, before),
    ]
    if part.is_left:
        found = [*found, unlisted_instance(part.name)]
    known, stay = set(map(key_of, earlier)), set(map(key_of, found))
    record.update(
        instance=part.name,
        now=before,
        planned=None if after == before else after,
        presence=record["presence"] or part.presence,
        files=list(part.files),
        steps=list(part.steps),
        action=part.action,
        reasons=[each._asdict() for each in part.reasons],
        files_differ=bool(part.files or part.steps),
        confirm=confirm if part.can_be_taken_back else 0,
        claims=claims(outlook) if outlook else record["claims"],
        findings=[{**each, "new": key_of(each) not in known} for each in found],
        resolved=[each for each in earlier if key_of(each) not in stay] if part.after else [],
    )
    record["status"] = "finding" if is_found(record) else "changed" if is_changed(record) else "ok"
    if part.before is None:
        return record, None
    told = record["claims"] if is_same else claims(part.before)
    base = {**empty_record(), **{name: record[name] for name in ("host", "group", "instance")}}
    return record, {**base, "now": before, "claims": told, "findings": earlier}


def _findings(outlook: Outlook | None, before: Outlook | None) -> list[Record]:
    if outlook is None:
        return []
    return [each._asdict() for each in findings(outlook, ask_for_hostname=False, before=before)]


def _of_sources(sources: Sequence[NamedSource], outlook: Outlook | None) -> list[Record]:
    return [each._asdict() for each in source_findings(sources, outlook)] if sources and outlook else []


def key_of(finding: Mapping[str, Any]) -> tuple[str, str]:
    """Return what is equal for what is found on both sides."""
    return finding["code"], finding["message"]
