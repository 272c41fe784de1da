# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the running Postfix in line with its files, verify that it works by them, and go back if it does not.

A running master is not touched before everything is known that can be known beforehand: that Postfix could run by the
files on this host, that no other program has their sockets, that the unit may be started. Most runs find Postfix in
line with its files; they never import what could stop or start it (:mod:`_change.change`).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from .._base.errors import InputError
from .._base.words import LONGEST
from .._host.installed import BuiltIn
from .._host.instance import Instance, find_instances
from .._host.network import in_network_of
from .._host.store import STATE_DIRECTORY, TransactionError
from .member import Member
from .report import ApplyError, confirmation
from .run import Run
from .together import Together


def apply(
    instance: Instance,
    timeout: float = 30.0,
    check_mode: bool = False,
    state_directory: str = STATE_DIRECTORY,
    confirm: int = 0,
    keep_versions: Optional[int] = None,
    to: Optional[str] = None,
    tell: Callable[[Member], Dict[str, Any]] = lambda member: {},
) -> Dict[str, Any]:
    """Bring an instance in line with its files; return what was seen and done, as the module's RETURN describes it.

    :param timeout: seconds that the action and its verification may take; going back gets as many again
    :param check_mode: only say what would be done
    :param confirm: seconds in which a change has to be confirmed, or goes back; 0 for none
    :param keep_versions: how many versions of the files are kept; None for as many as before
    :param to: the version of the files to bring back first (:class:`_change.bring_back.ToVersion`)
    :param tell: returns what else is to be in the result, with the warnings of that
    :raises InputError: there is no such version, or Postfix could not run by it; nothing was changed
    :raises ApplyError: Postfix does not run by the files afterwards, or would not
    """
    check_timeout(timeout)
    check_confirm(confirm)
    check_versions(keep_versions)
    with in_network_of(instance):
        run = Run(instance, timeout, state_directory)
        member = Member(run)
        together = Together([member], check_mode=check_mode, state_directory=state_directory)
        together.confirm, together.keep_versions = confirm, keep_versions
        if to is not None:
            from .bring_back import ToVersion  # rarely asked for

            member.edit = ToVersion(run, to)
            together.least_versions = 2  # this one, and what it replaces
        try:
            together.carry_out()
        except ApplyError as error:
            result = _result(run, confirmation(check_mode, state_directory), tell(member))
            if to is not None:
                result["changed"] = member.touched
            raise ApplyError(str(error), result) from error
        return {**_result(run, confirmation(check_mode, state_directory), tell(member)), "changed": member.changed}


def _result(run: Run, *more: Dict[str, Any]) -> Dict[str, Any]:
    result = run.report.as_result()
    warnings = [text for one in (result, *more) for text in one.get("warnings", ())]
    for one in more:
        result.update(one)
    return {**result, "warnings": warnings}


def apply_all(
    timeout: float = 30.0,
    check_mode: bool = False,
    state_directory: str = STATE_DIRECTORY,
    compiled: Optional[BuiltIn] = None,
    confirm: int = 0,
    keep_versions: Optional[int] = None,
) -> Dict[str, Any]:
    """Bring every enabled instance in line, in the order of postmulti(1); return the result of each.

    :raises ApplyError: one of them failed; the others were tried all the same
    """
    check_timeout(timeout)
    results, failures = [], []
    for instance in find_instances(compiled):
        if not instance.enabled:
            continue
        try:
            result = apply(instance, timeout, check_mode, state_directory, confirm, keep_versions)
        except (ApplyError, InputError, TransactionError) as error:
            result = {**getattr(error, "result", {}), "failed": True, "msg": str(error)}
            failures.append(f"{instance.config_directory}: {error}")
        identity = {"config_directory": instance.config_directory, "instance": instance.name}
        results.append({"failed": False, **result, **identity})
    of_all = confirmation(check_mode, state_directory)
    for result in results:
        result.update(confirm=None, undone=None)
    together = {"changed": any(result.get("changed", False) for result in results), **of_all, "instances": results}
    if failures:
        raise ApplyError(" ".join(failures), together)
    return together


def check_timeout(timeout: float) -> None:
    """Refuse a timeout that would end between the stop and the start, or never; nan compares false with everything.

    :raises InputError: it is one
    """
    if not 1 <= timeout <= LONGEST:
        reason = f"is not a number of seconds from 1 to {LONGEST}"
        raise InputError("timeout", timeout, reason, "Leave it out, or set more seconds than Postfix takes to start")


def check_confirm(seconds: int) -> None:
    """Refuse a time for a confirmation that nobody can mean.

    :raises InputError: it is one
    """
    if not 0 <= seconds <= LONGEST:
        reason = f"is not a number of seconds from 0 to {LONGEST}"
        remedy = "Set more seconds than it takes to probe the change, or 0 for none"
        raise InputError("confirm", seconds, reason, remedy)


def check_versions(number: Optional[int]) -> None:
    """Refuse a number of versions that nobody can mean.

    :raises InputError: it is one
    """
    if number is not None and not 0 <= number <= 100:
        reason = "is not a number of versions from 0 to 100"
        raise InputError("keep_versions", number, reason, "Set how many to keep, or 0 for none")
