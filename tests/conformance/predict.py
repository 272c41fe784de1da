# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules say of a task, for Postfix of one version."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, host_from_input
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.listeners import port_lookup
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import (
    Resolver,
    mapping_resolver,
    own_addresses,
    proxy_addresses,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import (
    Snapshot,
    reasons,
    snapshot,
    strongest,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.source_addresses import source_addresses
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import port_of_service

from .real import HOSTNAME, MAIN, stock_master

#: what else of the rules is InputError
Error = str


class Prediction(NamedTuple):
    """Answers as the filters give them; a text is the error instead."""

    own: list[str] | Error
    listeners: list[dict[str, Any]] | Error
    sources: list[dict[str, Any]] | Error
    #: of proxy_interfaces; found late, so an error stops nothing at once
    proxies: list[str] | Error = ""
    #: what a reload of the files in ``after`` is said to need, and the sockets then; None where they do not work
    action: str | None = None
    promised: list[dict[str, Any]] | None = None
    #: parameters that need a stop and a start
    restarting: tuple[str, ...] = ()
    #: the value of the parameter in ``expand``
    expanded: str | None = None
    expansion_error: Error | None = None


def main_of(task: dict[str, Any]) -> str:
    """All of a task's main.cf."""
    return MAIN + str(task["main"])


def master_of(task: dict[str, Any]) -> str:
    """All of a task's master.cf."""
    return stock_master(task) + str(task["master"])


def predict(task: dict[str, Any], version: str, addresses: list[dict[str, Any]]) -> Prediction:
    """Ask the rules."""
    host, resolve = host_from_input(addresses), mapping_resolver(task["names"])
    host = Host(host.addresses, hostname=HOSTNAME)
    before = _taken({"main": main_of(task), "master": master_of(task)}, version, host, resolve)
    main = MainCf(main_of(task))
    settings = Settings(main.values(), parse_version(version), HOSTNAME)
    services = MasterCfEditor(master_of(task), port_of_service).services()
    fatal = main.fatal()
    own, sockets, sources = [
        _answer(fatal, lambda: [normal_form(address) for address in own_addresses(settings, host, resolve)]),
        before.error and str(before.error) or [dict(one._asdict()) for one in before.listeners or ()],
        _answer(fatal, lambda: source_addresses(settings, host, services, resolve)),
    ]
    proxies = _answer(fatal, lambda: [normal_form(one) for one in proxy_addresses(settings, host, resolve)])
    answer = Prediction(own, sockets, sources, proxies)
    if "expand" in task:
        try:
            return answer._replace(expanded=settings.get(task["expand"]))
        except InputError as error:
            return answer._replace(expansion_error=str(error))
    if not task.get("after") or before.listeners is None:
        return answer
    files = {"main": MAIN + task["after"]["main"], "master": stock_master(task) + task["after"]["master"]}
    after = _taken(files, version, host, resolve)
    if after.listeners is None:
        return answer
    found = reasons(before, after)
    return answer._replace(
        action=strongest([reason.action for reason in found]),
        promised=[dict(one._asdict()) for one in after.listeners],
        restarting=tuple(reason.parameter for reason in found if reason.action == "restart"),
    )


def _taken(files: dict[str, str], version: str, host: Host, resolve: Resolver) -> Snapshot:
    main = MainCf(files["main"])
    settings = Settings(main.values(), parse_version(version), HOSTNAME)
    lookup = port_lookup(settings, port_of_service)
    master = MasterCfEditor(files["master"], lookup)
    fatal = main.fatal() or master.fatal()
    return snapshot(settings, master.services(), host, resolve, port_of_service, fatal=fatal)


def _answer(fatal: InputError | None, ask: Any) -> Any:
    if fatal is not None:
        return str(fatal)
    try:
        return ask()
    except InputError as error:
        return str(error)
