# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules say of a task, for Postfix of one version."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import (
    client_as_dict,
    listener_as_dict,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.command_line import bad_command_line
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import Resolver
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import (
    reload_or_restart,
    strongest,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import port_of_service

from .real import MAIN, stock_master
from .room import HOSTNAME

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
    #: whether each service in ``programs`` dies of its command line
    dying: tuple[bool, ...] = ()


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
    before = outlook_of(main_of(task), master_of(task), version, host, resolve)
    fatal = MainCf(main_of(task)).fatal()  # of a broken master.cf only the master dies
    own, listeners, sources = [
        _answer(fatal, lambda: [normal_form(address) for address in before.own_addresses]),
        _listeners(before) if before.runs else str(before.error),
        _answer(fatal, lambda: [client_as_dict(client) for client in before.clients]),
    ]
    proxies = _answer(fatal, lambda: [normal_form(address) for address in before.proxy_addresses])
    services = {service.name: service for service in before.configuration.services}
    bad = [bad_command_line(services[name], before.version) for name in task.get("programs", ())]
    dying = tuple(each is not None and not each.ignored for each in bad)
    answer = Prediction(own, listeners, sources, proxies, dying=dying)
    if "expand" in task:
        try:
            return answer._replace(expanded=before.settings.get(task["expand"]))
        except InputError as error:
            return answer._replace(expansion_error=str(error))
    if not task.get("after") or not before.runs:
        return answer
    main, master = MAIN + task["after"]["main"], stock_master(task) + task["after"]["master"]
    after = outlook_of(main, master, version, host, resolve)
    if not after.runs:
        return answer
    reasons = reload_or_restart(before, after)
    return answer._replace(
        action=strongest(reasons),
        promised=_listeners(after),
        restarting=tuple(reason.parameter for reason in reasons if reason.action == "restart"),
    )


def outlook_of(main: str, master: str, version: str, host: Host, resolve: Resolver) -> Outlook:
    """What the texts of both files come to on a host."""
    configuration = Configuration.from_texts(main, master, parse_version(version), HOSTNAME, port_of_service)
    return Outlook(configuration, host, resolve)


def _listeners(outlook: Outlook) -> list[dict[str, Any]]:
    return [listener_as_dict(listener) for listener in outlook.listeners]


def _answer(fatal: InputError | None, ask: Any) -> Any:
    if fatal is not None:
        return str(fatal)
    try:
        return ask()
    except InputError as error:
        return str(error)
