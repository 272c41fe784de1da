# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What is wanted and what was found -> the new text of both files, and what has to follow; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .._base.address import FAMILIES, parse_address, unbracket
from .._base.errors import InputError
from .._files.endpoint import PortLookup, known_port
from .._files.main_cf import MainCf
from .._files.master_cf_edit import MasterCfEditor, ServiceChange
from .._rules.bindable import source_problem
from .._rules.findings.registry import Finding, findings
from .._rules.host import Host
from .._rules.listeners import port_lookup
from .._rules.outlook import effective_view
from .._rules.own_addresses import Resolver, enabled_families, proxy_addresses
from .._rules.parameters import PARAMETERS
from .._rules.reload_or_restart import Reason, Snapshot, reasons, snapshot, strongest
from .._rules.select_addresses import select_addresses
from .._rules.settings import Settings
from .._rules.source_addresses import source_addresses
from .._rules.values import equivalent, validate


@dataclass(frozen=True)
class Wanted:
    """What the files are to say; what is not here is left alone.

    :param values: parameter name -> its value, as text or as a list
    :param unset: parameters to remove
    :param select: parameter name -> selectors, resolved against the host's addresses
    :param services: changes of single services
    :param unlisted_services: "keep", "report", "disable" or "remove" the inet services beyond those
    """

    values: Mapping[str, Any]
    unset: Sequence[str] = ()
    select: Mapping[str, Sequence[str]] = field(default_factory=dict)
    services: Sequence[ServiceChange] = ()
    unlisted_services: str = "keep"
    allow_absent_addresses: bool = False
    allow_no_listener: bool = False


@dataclass(frozen=True)
class Surroundings:
    """What the files are read against: the host, Postfix's version, and how names become addresses and ports."""

    host: Host
    version: Tuple[int, ...]
    resolve: Resolver
    lookup: PortLookup = known_port


@dataclass(frozen=True)
class Plan:
    """The new text of both files, with what it means."""

    main: str
    master: str
    reasons: List[Reason]
    before: Dict[str, Any]
    after: Dict[str, Any]
    findings: List[Finding]
    unlisted: List[str]

    @property
    def action(self) -> str:
        """ "none", "reload" or "restart", whichever covers every reason."""
        return strongest([reason.action for reason in self.reasons])


def make_plan(wanted: Wanted, main_text: str, master_text: str, around: Surroundings) -> Plan:
    """Work out the edits, and what they need.

    :raises InputError: for anything wanted that is wrong in itself, or that would leave files by which Postfix dies
    """
    main = MainCf(main_text)
    master = MasterCfEditor(master_text, port_lookup(_settings(main, around), around.lookup))
    before = _snapshot(main, master, around, wanted.allow_absent_addresses)
    before_view = _view(main, master, around, wanted)
    edit_files(main, master, wanted, around)
    unlisted = _unlisted(master, wanted)
    changed = (main.text, master.text) != (main_text, master_text)
    after = _snapshot(main, master, around, wanted.allow_absent_addresses)
    if after.error is not None:
        raise after.error
    refuse_absent(wanted, after.settings, around)
    _refuse_failures(wanted, after, around)
    _refuse_silence(before, after, wanted)
    return Plan(
        main=main.text,
        master=master.text,
        reasons=reasons(before, after) if changed else [],
        before=before_view,
        after=_view(main, master, around, wanted) if changed else before_view,
        findings=_findings(after, main, master, around),
        unlisted=unlisted,
    )


def edit_files(main: MainCf, master: MasterCfEditor, wanted: Wanted, around: Surroundings) -> None:
    """Make both files say what is wanted, but for what becomes of services that are not listed.

    :raises InputError: for anything wanted that is wrong in itself
    """
    _set_parameters(main, wanted, around)
    for change in wanted.services:
        for name, value in change.options.items():
            if name in PARAMETERS:
                validate(name, value, around.version)
        master.put(change)


def _set_parameters(main: MainCf, wanted: Wanted, around: Surroundings) -> None:
    given = [*wanted.values, *wanted.select, *wanted.unset]
    for option, names in (("values", wanted.values), ("select", wanted.select), ("unset", wanted.unset)):
        for name in names:
            if name not in PARAMETERS:
                remedy = f"use one of {', '.join(PARAMETERS)}"
                raise InputError(option, name, "is no parameter of this family", remedy)
    for name in given:
        if given.count(name) > 1:
            raise InputError(name, name, "is given twice", "give it by value, in select or in unset, not in several")
    for name in wanted.unset:
        main.unset(name)
    for name, value in wanted.values.items():
        _set(main, name, validate(name, value, around.version), around)
    # After the values: which addresses there are to choose from depends on inet_protocols.
    for name, selectors in wanted.select.items():
        _set(main, name, _selected(main, name, selectors, around), around)


def _set(main: MainCf, name: str, text: str, around: Surroundings) -> None:
    found = main.get(name)
    if found is None or not equivalent(name, found, text, around.version):
        main.set(name, text)
    else:
        main.set(name, found)  # repairs a duplicate, and is nothing otherwise


def _selected(main: MainCf, name: str, selectors: Sequence[str], around: Surroundings) -> str:
    """The value that selectors give on this host, of the families that the parameter and inet_protocols allow."""
    kinds = {"address4": ["ipv4"], "address6": ["ipv6"], "interfaces": ["ipv4", "ipv6"], "proxy": ["ipv4", "ipv6"]}
    kind = PARAMETERS[name].kind
    if kind not in kinds:
        raise InputError("select", name, "takes no addresses", "give its value")
    if not isinstance(selectors, (list, tuple)) or not all(isinstance(selector, str) for selector in selectors):
        raise InputError(name, selectors, "is no list of selectors", "give a list such as [loopback, 10.0.0.0/8]")
    enabled = enabled_families(_settings(main, around), around.host)
    picked = select_addresses(around.host, selectors, [one for one in kinds[kind] if one in enabled], parameter=name)
    if kind.startswith("address") and len(picked) != 1:
        shown = ", ".join(str(address) for address in picked)
        raise InputError(
            name, shown, f"is what {', '.join(selectors)} selects, and it takes one address", "select one address"
        )
    return validate(name, [str(address) for address in picked], around.version)


def _unlisted(master: MasterCfEditor, wanted: Wanted) -> List[str]:
    """The inet services that were not given, after what was wanted of them has been done."""
    if wanted.unlisted_services == "keep":
        return []
    others = master.unlisted([(change.name, change.type) for change in wanted.services])
    for service in others:
        if wanted.unlisted_services == "disable":
            master.disable(service.name, service.type)
        elif wanted.unlisted_services == "remove":
            master.remove(service.name, service.type)
    return [service.name for service in others]


def _settings(main: MainCf, around: Surroundings) -> Settings:
    return Settings(main.values(), around.version, around.host.hostname)


def _snapshot(main: MainCf, master: MasterCfEditor, around: Surroundings, allow_absent: bool) -> Snapshot:
    settings = _settings(main, around)
    fatal = main.fatal() or master.fatal()
    return snapshot(settings, master.services(), around.host, around.resolve, around.lookup, allow_absent, fatal)


def _view(main: MainCf, master: MasterCfEditor, around: Surroundings, wanted: Wanted) -> Dict[str, Any]:
    allow_absent = wanted.allow_absent_addresses
    services, fatal = master.services(), main.fatal() or master.fatal()
    return effective_view(
        main.values(), services, around.host, around.version, around.resolve, around.lookup, allow_absent, fatal
    )


def refuse_absent(wanted: Wanted, settings: Settings, around: Surroundings) -> None:
    """Refuse a source address that the host does not have: Postfix would only warn, and send from another one.

    :param settings: those of the edited main.cf
    :raises InputError: when there is one, and absent addresses are not allowed
    """
    if wanted.allow_absent_addresses:
        return
    given = [(name, settings) for name in wanted.values]
    for change in wanted.services:
        process = settings.with_options(change.options)
        given += [(name, process) for name in change.options]
    for name, process in given:
        if name not in PARAMETERS or not PARAMETERS[name].kind.startswith("address"):
            continue
        value = process.get(name)
        address = parse_address(unbracket(value))
        problem = source_problem(address, around.host, "%" in value) if address is not None else None
        if problem is not None:
            remedy = "Use an address of the host, or allow_absent_addresses if it comes later"
            raise InputError(name, value, problem, remedy)


def _refuse_failures(wanted: Wanted, after: Snapshot, around: Surroundings) -> None:
    """What was asked for and stops mail later: a proxy_interfaces, or a client's options, of which a process dies."""
    if "proxy_interfaces" in (*wanted.values, *wanted.select):
        proxy_addresses(after.settings, around.host, around.resolve)
    given = {name for name in (*wanted.values, *wanted.select, *wanted.unset) if name in PARAMETERS}
    services = {f"{change.name}/{change.type}" for change in wanted.services if change.state == "present"}
    allow_absent = wanted.allow_absent_addresses
    for entry in source_addresses(after.settings, around.host, after.services, around.resolve, allow_absent):
        for source in (entry[name] for name in FAMILIES if entry[name] is not None):
            parameter = source["origin"].replace("-o ", "")
            if source["failure"] and (entry["transport"] in services or parameter in given):
                if allow_absent and source["enforced"]:
                    continue  # mail waits for the address
                reason = f"leaves the transport {entry['transport']} without a way to send: {source['failure']}"
                raise InputError(parameter, after.settings.raw(parameter), reason, "Correct the value")


def _findings(after: Snapshot, main: MainCf, master: MasterCfEditor, around: Surroundings) -> List[Finding]:
    lookup = port_lookup(after.settings, around.lookup)
    repeated = [duplicate.name for duplicate in main.duplicates()]
    services = master.services()
    return findings(after.settings, around.host, services, around.resolve, lookup, repeated, ask_for_hostname=False)


def _refuse_silence(before: Snapshot, after: Snapshot, wanted: Wanted) -> None:
    if not after.listeners and (before.listeners is None or before.listeners) and not wanted.allow_no_listener:
        raise InputError(
            "allow_no_listener",
            "false",
            "is not enough for this edit, which leaves the instance without any listener",
            "Keep a service of type inet, or set allow_no_listener=true",
        )
