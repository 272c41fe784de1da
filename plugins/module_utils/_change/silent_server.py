# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that by the rules cannot answer: Postfix need not be stopped to find that out."""

from __future__ import annotations

from typing import Dict, Optional

from .._base.errors import InputError
from .._files.command_line import bad_command_line
from .._files.endpoint import identity
from .._files.service import service_key
from .._host.banner import endpoints
from .._rules.outlook import Outlook


def silent_server(after: Outlook, before: Optional[Outlook]) -> Optional[InputError]:
    """Return why a server that is asked for its banner after each start or reload would not give one.

    One that could not before either, and stays as it is, is no reason. None where nothing is known against any.

    :param before: what the master runs by; None if it is not known
    """
    broken = _broken(after)
    if not broken:
        return None
    try:
        known = _broken(before) if before else {}
    except InputError:  # the rules do not understand what it runs by
        known = {}
    port_of = after.configuration.port_of
    asked = {endpoint.at for endpoint in endpoints(after)}
    for listener in after.listeners:
        key = identity(listener.service, listener.type, port_of)
        error = broken.get(key)
        if error and listener.socket in asked and (key not in known or known[key].parts != error.parts):
            return error
    return None


def _broken(outlook: Outlook) -> Dict[str, InputError]:
    """Return by its identity each server that cannot run, with the reason."""
    found: Dict[str, InputError] = {}
    for service in outlook.services:
        bad = bad_command_line(service, outlook.version) if service.type == "inet" else None
        if bad and not bad.ignored:
            reason = f"does not work by this entry: {service.command} {bad.reason}"
            error = InputError("services", service.title, reason, bad.remedy)
            found[service_key(service, outlook.configuration.port_of)] = error
    pairs = [(failure.service, failure.error) for failure in outlook.program_failures]
    pairs += [(lack.service, lack.error) for lack in outlook.needed]
    for service, error in pairs:
        if error.parameter != "services":
            name = service.title
            error = InputError(
                error.parameter, error.value, f"{error.reason}, and so the service {name} cannot run", error.remedy
            )
        found.setdefault(service_key(service, outlook.configuration.port_of), error)
    return found
