# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that is known of an instance, from its files, its running master and the host, without changing anything."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from .._base.errors import InputError
from .._change.in_sync import assess
from .._change.journal import Texts
from .._change.transaction import Transactions, read_files
from .._files.lines import Problem
from .._files.service import Service
from .._host.addresses import read_host
from .._host.instance import Instance
from .._host.master_process import find_master
from .._host.names import system_resolver
from .._host.network import in_network_of
from .._host.routes import routes
from .._host.store import VERSIONS, State
from .._host.unit import find_service
from .._rules.findings.registry import findings
from .._rules.parameters import PARAMETERS
from .._rules.settings import Settings
from .effective_view import effective_view, plain_addresses, plain_sockets
from .role_variables import variables


def describe(instance: Instance, destinations: Sequence[str] = (), stock: Sequence[Service] = ()) -> Dict[str, Any]:
    """Describe an instance as plain data, as the module's RETURN says.

    :param destinations: addresses to which mail could go
    :param stock: the services of a new instance
    :raises InputError: one of the destinations is no address
    :raises TransactionError: one of its files cannot be read
    """
    with in_network_of(instance):
        return _described(instance, destinations, stock)


def _described(instance: Instance, destinations: Sequence[str], stock: Sequence[Service]) -> Dict[str, Any]:
    host, resolve, transactions = read_host(), system_resolver(), Transactions(instance.config_directory)
    files, pending = read_files(instance.config_directory), transactions.pending()
    master = find_master(instance)
    assessment = assess(instance, files, master, host, resolve, transactions.state, pending)
    outlook = assessment.after
    settings = outlook.settings
    main, services = outlook.configuration.main, outlook.configuration.master
    view = effective_view(outlook)
    clients = [] if view["source_addresses"] is None else outlook.clients
    service = find_service(instance, master)
    return {
        "config_directory": instance.config_directory,
        "instance": instance.name,
        "version": ".".join(map(str, instance.version)),
        "unit": service.unit,
        "supervisor": service.kind,
        "outside_unit": service.is_outside(master),
        "enabled": instance.enabled,
        "group": main.values().get("multi_instance_group", ""),
        "parameters": {name: _parameter(settings, name) for name in PARAMETERS},
        "effective": view,
        "running": master is not None,
        "sockets": plain_sockets(master.sockets if master else ()),
        "in_sync": assessment.in_sync,
        "action": assessment.action,
        "reasons": [reason._asdict() for reason in assessment.reasons],
        "pending": None if pending is None else {"since": pending.since, "progress": pending.progress},
        "versions": _versions(transactions.state, files.texts),
        "findings": [finding._asdict() for finding in findings(outlook)],
        "problems": _problems("main.cf", main.problems(PARAMETERS)) + _problems("master.cf", services.problems()),
        "addresses": plain_addresses(host),
        "destinations": routes(destinations, host, clients),
        "variables": variables(main, services, instance.version, stock),
    }


def _parameter(settings: Settings, name: str) -> Dict[str, Any]:
    try:
        value = settings.get(name)
    except InputError:  # the view's error says it
        value = None
    return {"value": value, "set": settings.raw(name) if settings.is_set(name) else None}


def _versions(state: State, files: Texts) -> List[Dict[str, Any]]:
    if not os.path.isdir(state.path(VERSIONS)):
        return []
    from .._change.versions import listed  # not every host has some

    return listed(state, files)


def _problems(name: str, problems: List[Problem]) -> List[Dict[str, Any]]:
    return [{"file": name, **problem._asdict()} for problem in problems]
