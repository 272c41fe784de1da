# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables that describe an instance as it is, so that applying them changes nothing.

But for a parameter that main.cf sets twice: the line goes that does not count. Options and commands that
look like passwords are left out; the role leaves them as they are.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, List, Mapping, Sequence

from .._base.errors import InputError
from .._base.words import looks_secret
from .._files.command_line import bad_command_line
from .._files.entry_words import needs_braces
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._files.master_cf_edit import MasterCfEditor
from .._files.service import Service, service_key
from .._files.service_change import ServiceChange
from .._host.installed import BuiltIn
from .._host.instance import Instance
from .._host.store import STATE_DIRECTORY
from .._rules.parameters import PARAMETERS, Version
from .._rules.source_addresses import client_of
from .._rules.values import equivalent, validate

_PREFIX = "postfix_interfaces_"
_FIELDS = ("private", "unprivileged", "chroot", "wakeup", "process_limit")


def variables(main: MainCf, master: MasterCf, version: Version, stock: Sequence[Service] = ()) -> Dict[str, Any]:
    """Return the parameters that main.cf sets, the services of type inet, and the clients that have options.

    What Postfix ignores, or dies of, is left out: the role would refuse it. :func:`findings` tells of it.

    :param stock: the services of a new instance. What is still one of them is left out; an endpoint that is there no
        more is disabled.
    """
    found: Dict[str, Any] = {}
    for name, text in main.values().items():
        if name in PARAMETERS and _acceptable(name, text, version):
            found[_PREFIX + name] = text
    effective, as_shipped = master.effective(), {service_key(one): one.meaning for one in stock}
    services = [one for one in effective if one.type == "inet" or (client_of(one) and one.option_values)]
    described: List[Dict[str, Any]] = []
    trial = MasterCfEditor(master.text)
    for one in services:
        if as_shipped.get(service_key(one)) == one.meaning:
            continue
        if not _refused(one, version) and _same(trial, one):
            described.append(_service(one))
        if trial.text != master.text:
            trial = MasterCfEditor(master.text)
    present = {service_key(one) for one in effective}
    gone = [one.name for one in stock if one.type == "inet" and service_key(one) not in present]
    described += [{"name": name, "type": "inet", "state": "disabled"} for name in gone]
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


def of_instances(
    instances: Sequence[Instance], described: Sequence[Mapping[str, Any]], compiled: BuiltIn
) -> Dict[str, Any]:
    """Return the variables of a host: with several instances an entry for each, that creates it elsewhere if it can."""
    if len(instances) == 1:
        return dict(described[0]["variables"])
    entries = []
    for instance, one in zip(instances, described):
        options = {name[len(_PREFIX) :]: value for name, value in one["variables"].items()}
        entries.append({**_named(instance, one["group"], compiled), **options})
    return {_PREFIX + "instances": entries}


def _named(instance: Instance, group: str, compiled: BuiltIn) -> Dict[str, str]:
    """Return what names an instance, and has the role create it where it does not exist and that makes the same."""
    if instance.is_default:
        return {"instance": instance.name}
    from .._change.creation import Creation  # here, since most hosts have one instance only

    with suppress(InputError):
        secondary = Creation(instance.name, None, True, STATE_DIRECTORY, compiled=compiled)
        secondary.create()
        if not secondary.steps and secondary.directory == instance.config_directory:
            grouped = {"group": group} if group else {}
            return {"instance": instance.name, "state": "present", **grouped}
    return {"config_directory": instance.config_directory}
