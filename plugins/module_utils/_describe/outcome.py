# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run over instances has done, as the module postfix_interfaces returns and shows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Sequence, Tuple, Union

from .._change.member import Member
from .._rules.findings.finding import Finding
from .._rules.reload_or_restart import ACTIONS
from .effective_view import effective_view, in_words

if TYPE_CHECKING:
    from .._change.edit_files import Edited
    from .._change.secondary import Secondary


def result_of(
    part: Union[Member, Secondary], apply: bool, report_unlisted: bool, failed: bool = False
) -> Dict[str, Any]:
    """Return the result for one instance.

    :param apply: whether its master was to be brought in line, too
    :param report_unlisted: whether to name the services that were not listed
    :param failed: whether the run has failed: perhaps before it changed what was planned
    """
    if not isinstance(part, Member):
        done = part.changed()._asdict()
        return {"changed": bool(part.steps), "action": "none", "reasons": [], **done}
    changed = part.touched if failed else part.changed
    result: Dict[str, Any] = {"changed": changed}
    edited = part.edited
    if edited:
        plan = edited.plan
        before = effective_view(plan.before)
        result.update(
            files=edited.written,
            action=plan.action,
            reasons=[reason._asdict() for reason in plan.reasons],
            before=before,
            after=before if plan.after is plan.before else effective_view(plan.after),
            findings=[finding._asdict() for finding in all_findings(part)],
            ledger=list(edited.ledger),
        )
        if report_unlisted:
            result["unlisted_services"] = plan.unlisted
        if edited.recovered:
            result["recovered"] = edited.recovered
    if apply:
        result.update(part.run.report.as_result(), changed=changed)
    if part.secondary:
        result.update(part.secondary.changed()._asdict())
    return {**result, "config_directory": part.directory, "instance": part.run.instance.name}


def of_version(diff: bool, member: Member) -> Dict[str, Any]:
    """Return what postfix_apply tells of the version that an instance was brought back to.

    :param diff: whether to tell the difference of the files, too
    """
    from .._change.bring_back import ToVersion  # rarely asked for

    edit, edited = member.edit, member.edited
    if edited is None or not isinstance(edit, ToVersion) or edit.version is None:
        return {}
    told: Dict[str, Any] = {"version": edit.version.shown, "replaced": edit.replaced(edited), "files": edited.written}
    told["warnings"] = edit.warnings if edited.changed else []
    if diff:
        plan, reasons = edited.plan, [reason._asdict() for reason in member.run.report.reasons]
        views = {"before": effective_view(plan.before), "after": effective_view(plan.after), "reasons": reasons}
        told["diff"] = diff_of(member, views)
    return told


def together_as_result(results: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the results of several instances in one."""
    return {
        "changed": any(result["changed"] for result in results),
        "action": max((result.get("action", "none") for result in results), key=ACTIONS.index, default="none"),
        "instances": list(results),
    }


def diff_of(part: Union[Member, Secondary], result: Mapping[str, Any]) -> List[Dict[str, str]]:
    """Return the difference of both files and of the effective view, each only if it changes.

    :param result: that of :func:`result_of`
    """
    if not isinstance(part, Member):
        steps = "".join(f"{step}.\n" for step in part.steps)
        return [_difference(part.directory, "", steps)] if steps else []
    edited, differences = part.edited, []
    steps = "".join(f"{step}.\n" for step in part.steps)
    if steps:
        differences.append(_difference(part.directory, "", steps))
    if edited:
        if part.edit and part.edit.wanted.sources:
            before, after = map("".join, _sources(part, edited))
            if before != after:
                differences.append(_difference("sources", before, after))
        texts = _shown_texts(part)
        differences += [_difference(path, *texts[os.path.basename(path)]) for path in edited.written]
    reasons = result.get("reasons", ())
    if (edited and edited.written) or reasons:
        needs = "".join(f"needs a {one['action']} for {one['parameter']}: {one['why']}\n" for one in reasons)
        before = in_words(result["before"]) if edited else ""
        after = in_words(result["after"]) if edited else ""
        differences.append(_difference("effective view", before, after + needs))
    return differences


def _sources(member: Member, edited: Edited) -> Iterator[List[str]]:
    """Yield a line for each source of a run, by the files before and by those after it."""
    from .._rules.named_sources import described  # most hosts have none

    sources = member.edit.wanted.sources if member.edit else ()
    for outlook in (edited.plan.before, edited.plan.after):
        services = {service.name: service for service in outlook.services if service.type == "unix"}
        yield [f"{described(source.name, services[source.name])}\n" for source in sources if source.name in services]


def _shown_texts(member: Member) -> Dict[str, Tuple[str, str]]:
    """Return both files before and after, by their names, without what may be a password."""
    from .difference import shown_main, shown_master  # most runs show none

    if member.edit is None or member.edited is None:
        return {}
    before, after = member.edited.as_left, member.edited.planned
    changes, port_of = member.edit.wanted.services, member.edited.plan.after.configuration.port_of
    return {
        "main.cf": (shown_main(before.main), shown_main(after.main)),
        "master.cf": (
            shown_master(before.master, changes, port_of),
            shown_master(after.master, changes, port_of, before.master),
        ),
    }


def all_findings(member: Member) -> List[Finding]:
    """Return what is worth knowing about the new files, about whose each setting is, and about sources."""
    edited = member.edited
    if edited is None:
        return []
    found: List[Finding] = []
    wanted = member.edit.wanted if member.edit else None
    if edited.ledger:
        from .ledger_findings import ledger_findings  # most runs have none

        found += ledger_findings(edited.ledger, wanted.abandoned if wanted else "report")
    if wanted and wanted.sources:
        from .._rules.named_sources import source_findings  # most hosts have none

        found += source_findings(wanted.sources, edited.plan.after)
    return [*found, *edited.plan.findings]


def findings_of(parts: Sequence[Union[Member, Secondary]]) -> List[Any]:
    """Return each instance's name with each of its findings of severity error or warning, once each."""
    found: List[Any] = []
    for part in parts:
        if isinstance(part, Member) and part.edited:
            name = part.run.instance.name or part.directory
            for finding in all_findings(part):
                if finding.severity in ("error", "warning") and (name, finding) not in found:
                    found.append((name, finding))
    return found


def warning_of(host: str, name: str, finding: Finding) -> str:
    """Return a finding as a warning of a run over many hosts says it."""
    place = host if name == "-" else f"{host}, instance {name}"
    return f"{place}: {finding.parameter}: {finding.message}. {finding.remedy}. [{finding.code}]"


def _difference(name: str, before: str, after: str) -> Dict[str, str]:
    return {
        "before_header": name,
        "after_header": name,
        "before": printable(before),
        "after": printable(after),
    }


def printable(text: str) -> str:
    """Replace bytes that are not UTF-8, since a module cannot return them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
