# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables that describe an instance as it is, so that applying them changes nothing.

But for a parameter that main.cf sets twice: the line goes that does not count. Options and commands that
look like passwords are left out; the role leaves them as they are.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from .._base.errors import InputError
from .._base.words import looks_secret
from .._files.command_line import bad_command_line
from .._files.entry_words import needs_braces
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._files.master_cf_edit import MasterCfEditor
from .._files.service import Service
from .._files.service_change import ServiceChange
from .._rules.parameters import PARAMETERS, Version
from .._rules.source_addresses import client_of
from .._rules.values import equivalent, validate

_PREFIX = "postfix_interfaces_"
_FIELDS = ("private", "unprivileged", "chroot", "wakeup", "process_limit")


def variables(main: MainCf, master: MasterCf, version: Version) -> Dict[str, Any]:
    """Return the parameters that main.cf sets, the services of type inet, and the clients that have options.

    What Postfix ignores, or dies of, is left out: the role would refuse it. :func:`findings` tells of it.
    """
    found: Dict[str, Any] = {}
    for name, text in main.values().items():
        if name in PARAMETERS and _acceptable(name, text, version):
            found[_PREFIX + name] = text
    services = [one for one in master.effective() if one.type == "inet" or (client_of(one) and one.option_values)]
    described: List[Dict[str, Any]] = []
    trial = MasterCfEditor(master.text)
    for one in services:
        if not _refused(one, version) and _same(trial, one):
            described.append(_service(one))
        if trial.text != master.text:
            trial = MasterCfEditor(master.text)
    if described:
        found[_PREFIX + "services"] = described
    return found


def _refused(service: Service, version: Version) -> bool:
    """Return whether there is a word in the entry of a service that its program dies of."""
    bad = bad_command_line(service, version)
    return bool(service.invalid or bad and bad.word)


def _acceptable(name: str, text: str, version: Version) -> bool:
    try:
        validate(name, text, version)
    except InputError:
        return False
    # Ansible splits what is a list at each comma.
    return equivalent(name, ", ".join(part.strip() for part in text.split(",")), text, version)


def _service(service: Service) -> Dict[str, Any]:
    words = [f"{{{word}}}" if needs_braces(word) else word for word in service.arguments]
    found: Dict[str, Any] = {"name": service.name, "type": service.type}
    if not looks_secret(" ".join(words)):
        found["command"] = " ".join([service.command, *words])
    found.update((field, getattr(service, field)) for field in _FIELDS)
    options = {name: value for name, value in service.options if not looks_secret(f"{name} {value}")}
    if options:
        found["options"] = options
    return found


def _same(trial: MasterCfEditor, service: Service) -> bool:
    """Tell whether the role would take the description, and would have nothing to do.

    :param trial: what the role would edit; it has other text afterwards if there were something to do
    """
    before = trial.text
    try:
        trial.put(ServiceChange(**_service(service)))
    except InputError:
        return False
    return trial.text == before


def of_instances(described: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the variables of a host with several instances: an entry for each, by its directory."""
    entries = []
    for one in described:
        entry = {name[len(_PREFIX) :]: value for name, value in one["variables"].items()}
        entries.append({"config_directory": one["config_directory"], **entry})
    return {_PREFIX + "instances": entries}
