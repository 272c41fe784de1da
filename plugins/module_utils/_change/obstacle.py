# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known beforehand against bringing Postfix in line with its files."""

from __future__ import annotations

from typing import Collection, Optional

from .._host.instance import Instance
from .._host.network import starts_elsewhere
from .._host.unit import ServiceControl
from .conflicts import Claims, claimed, shared
from .in_sync import Assessment
from .silent_server import silent_server

_FEW = 200  # sockets that every master may open


def obstacle(
    instance: Instance,
    assessment: Assessment,
    service: ServiceControl,
    until: float,
    claims: Claims,
    leaving: Collection[str] = (),
    directory: str = "",
) -> Optional[str]:
    """Return why Postfix could not run by the files, or may not be started; None if nothing is known against it.

    :param until: when to stop waiting for commands, by time.monotonic()
    :param claims: what the files of the other instances promise
    :param leaving: inode numbers of sockets that others close before this one needs them
    :param directory: where the files are, if they are not in the instance's directory yet
    """
    if assessment.error is not None:
        return str(assessment.error)
    if assessment.action == "none":
        return None
    promised, master = assessment.promised or (), assessment.master
    conflict = claimed(promised, master, instance.version, leaving)
    if not conflict:
        open_now = master.sockets if master else ()
        new = [listener for listener in promised if listener.socket not in open_now]
        conflict = shared(new, instance.version, claims)
    conflict = conflict or silent_server(assessment.after, assessment.before)
    if conflict:
        return str(conflict)
    unable = _cannot_start(assessment, service, until) if assessment.action != "reload" else None
    if unable:
        return unable
    refusal = service.refusal(until, directory)
    return f"Postfix does not accept them: {refusal}." if refusal else None


def _cannot_start(assessment: Assessment, service: ServiceControl, until: float) -> Optional[str]:
    """Return why what starts Postfix may not start it, or not as it is to be; None if nothing is known."""
    promised, master, unit = assessment.promised or (), assessment.master, service.unit
    forbidden = service.forbids_stop() if master else None
    if forbidden:
        return forbidden
    if service.is_masked():
        return f"{unit} is masked. Allow it to be started with systemctl unmask {unit}."
    if len(promised) > _FEW:
        from .._host.open_files import lack_of_files  # for few hosts

        lack = lack_of_files(promised, assessment.after.services, unit)
        if lack:
            return lack
    present = {place.family for place in (master.sockets if master else ())}
    for family in sorted({listener.socket.family for listener in promised} - present):
        forbidden = service.forbids(family, until)
        if forbidden:
            remedy = f"Allow it there (RestrictAddressFamilies), or set inet_protocols without {family}."
            return f"{unit} forbids {forbidden}, so Postfix cannot listen there. {remedy}"
    if master and service.is_outside(master) and starts_elsewhere(str(unit), master):
        remedy = "Give the unit that NetworkNamespacePath, and start Postfix by it."
        return f"Postfix runs outside of {unit}, in a network namespace of its own. {remedy}"
    return None
