# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is wanted and the text of both files to their new text, and what has to follow. No I/O."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, List, Mapping, Optional, Sequence, Tuple, cast

from .._base.address import parse_address, unbracket
from .._base.errors import InputError
from .._base.once import once
from .._base.records import NamedTuple
from .._base.words import Action
from .._files.command_line import bad_command_line
from .._files.endpoint import identity
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._files.service_change import ServiceChange
from .._host.surroundings import Surroundings
from .._rules.bindable import source_problem
from .._rules.configuration import Configuration, port_lookup
from .._rules.findings.finding import Finding
from .._rules.findings.registry import findings
from .._rules.outlook import Outlook
from .._rules.own_addresses import asked_once, enabled_families
from .._rules.parameters import PARAMETERS
from .._rules.reload_or_restart import Reason, reload_or_restart, strongest
from .._rules.settings import Settings
from .._rules.values import equivalent, validate
from .journal import Texts

if TYPE_CHECKING:
    from .._files.master_cf_edit import MasterCfEditor
    from .._rules.named_sources import NamedSource


class Wanted(NamedTuple):
    """What the files should say; what is not named here is left alone."""

    #: by parameter, its value as text or as a list
    values: Mapping[str, Any]
    #: parameters to remove
    unset: Sequence[str] = ()
    #: by parameter, selectors of the host's addresses
    select: Mapping[str, Sequence[str]] = MappingProxyType({})
    services: Sequence[ServiceChange] = ()
    #: source addresses by name; their transports become services
    sources: Sequence[NamedSource] = ()
    #: "keep", "report", "disable" or "remove" the inet services beyond those
    unlisted_services: str = "keep"
    allow_absent_addresses: bool = False
    allow_no_listener: bool = False
    #: what to do with what this collection has set and nothing asks for any more: "report", "restore" or "keep" it
    abandoned: str = "report"
    #: whether to "ignore" or "report" what it has never set and nothing asks for, or to "fail" because of it
    unknown: str = "ignore"


class Plan:
    """The new text of both files, with what it means.

    :ivar unlisted: the names of the inet services that were not given
    :ivar wanted: what the files were to say, with the services of sources
    """

    def __init__(
        self,
        main: str,
        master: str,
        reasons: List[Reason],
        before: Outlook,
        after: Outlook,
        unlisted: List[str],
        wanted: Optional[Wanted] = None,
    ) -> None:
        self.wanted = wanted or Wanted({})
        self.main, self.master = main, master
        self.reasons = reasons
        self.before, self.after = before, after
        self.unlisted = unlisted

    @property
    def action(self) -> Action:
        """ "none", "reload" or "restart", whichever covers every reason."""
        return strongest(self.reasons)

    @once
    def findings(self) -> List[Finding]:
        """What is worth knowing about the new files; found when asked for, since remedies are tried for it."""
        return findings(self.after, ask_for_hostname=False, before=self.before)

    def refuse_errors(self) -> None:
        """Refuse a result that has a finding of severity error.

        :raises InputError: it has
        """
        for finding in self.findings:
            if finding.severity == "error":
                value = self.after.settings.raw(finding.parameter)
                raise InputError(finding.parameter, value, f"has a finding: {finding.message}", finding.remedy)


def make_plan(
    wanted: Wanted,
    main_text: str,
    master_text: str,
    around: Surroundings,
    original: Optional[Texts] = None,
    known: Optional[Outlook] = None,
) -> Plan:
    """Return the edits, and what they need.

    :param original: the files to edit, where these are not the present ones but what they are to become without this
        collection
    :param known: what Postfix makes of the present texts there, as far as that was asked already
    :raises InputError: what is wanted is wrong in itself, or Postfix could not run by the edited files
    """
    around = around._replace(resolve=asked_once(around.resolve))
    main, master = _read((main_text, master_text), wanted, around)
    wanted = with_sources(wanted, main, master, around)
    before = after = known or _outlook(main, master, wanted, around)
    if original:
        main, master = _read(original, wanted, around)
    unlisted = _edit(main, master, wanted, around)
    if (main.text, master.text) != (main_text, master_text):
        after = _outlook(main, master, wanted, around)
    if after.error is not None:
        raise after.error
    reasons = [] if after is before else reload_or_restart(before, after)
    refuse_absent(wanted, after.settings, around)
    _refuse_bad_command_lines(wanted, before, after)
    refuse_broken_services(before, after)
    _refuse_failures(wanted, after)
    if not after.listeners and before.promised != [] and not wanted.allow_no_listener:
        remedy = "Keep a service of type inet, or set allow_no_listener=true"
        raise InputError("services", "inet", "has no listener left after this edit", remedy)
    return Plan(main.text, master.text, reasons, before, after, unlisted, wanted)


def edited_texts(wanted: Wanted, texts: Texts, around: Surroundings) -> Texts:
    """Return what an edit makes of two files, whether or not Postfix could run by that.

    :raises InputError: what is wanted is wrong in itself
    """
    main, master = _read(texts, wanted, around)
    _edit(main, master, with_sources(wanted, main, master, around), around)
    return main.text, master.text


def with_sources(wanted: Wanted, main: MainCf, master: MasterCf, around: Surroundings) -> Wanted:
    """Return the same with what has to become of the services for the sources.

    :raises InputError: an active source cannot send, a retired one has mail, or services are about the same transport
    """
    if not wanted.sources:
        return wanted
    from .._rules.named_sources import services_of  # most hosts have none

    there = {service.name for service in master.effective() if service.type == "unix"}
    sources = [source for source in wanted.sources if source.state != "retired" or source.name in there]
    edited = MainCf(main.text)
    _set_parameters(edited, wanted, around)
    interfaces = edited.get("inet_interfaces") or ""
    changes = services_of(sources, around.host, around.version, interfaces, around.why_in_use)
    names = {source.name for source in wanted.sources}
    for change in wanted.services:
        if change.type == "unix" and change.name in names:
            raise InputError("services", change.name, "is also a source", "Say in sources all that is wanted of it")
    return wanted._replace(services=[*changes, *wanted.services], sources=())


def _read(texts: Texts, wanted: Wanted, around: Surroundings) -> Tuple[MainCf, MasterCf]:
    """Read both files, master.cf to be edited if anything is wanted of its services."""
    main = MainCf(texts[0])
    settings = _settings(main, around)
    port_of = port_lookup(settings, around.port_of)
    if not wanted.services and not wanted.sources and wanted.unlisted_services == "keep":
        return main, MasterCf(texts[1], port_of)
    from .._files.master_cf_edit import MasterCfEditor  # most runs do not need it

    return main, MasterCfEditor(texts[1], port_of, _default_chroot(settings))


def _edit(main: MainCf, master: MasterCf, wanted: Wanted, around: Surroundings) -> List[str]:
    """Make both files say what is wanted, and return the inet services that were not given."""
    if not wanted.services and wanted.unlisted_services == "keep":
        _set_parameters(main, wanted, around)
        return []
    editor = cast("MasterCfEditor", master)
    edit_files(main, editor, wanted, around)
    return _unlisted(editor, wanted)


def edit_files(main: MainCf, master: MasterCfEditor, wanted: Wanted, around: Surroundings) -> None:
    """Make both files say what is wanted; services that are not listed are left alone.

    :raises InputError: what is wanted is wrong in itself
    """
    _set_parameters(main, wanted, around)
    for change in wanted.services:
        for name, value in change.options.items():
            if name in PARAMETERS:
                validate(name, value, around.version)
    master.put_all(wanted.services)


def _set_parameters(main: MainCf, wanted: Wanted, around: Surroundings) -> None:
    given = [*wanted.values, *wanted.select, *wanted.unset]
    for option, names in (("values", wanted.values), ("select", wanted.select), ("unset", wanted.unset)):
        for name in names:
            if name not in PARAMETERS:
                remedy = f"use one of {', '.join(PARAMETERS)}"
                raise InputError(option, name, "is not a parameter of this family", remedy)
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
    present = main.get(name)
    if present is not None and equivalent(name, present, text, around.version):
        text = present  # so that only a duplicate is repaired
    main.set(name, text)


def _selected(main: MainCf, name: str, selectors: Sequence[str], around: Surroundings) -> str:
    """Return what selectors give on this host, of the families that the parameter and inet_protocols allow."""
    kinds = {"address4": ["ipv4"], "address6": ["ipv6"], "interfaces": ["ipv4", "ipv6"], "proxy": ["ipv4", "ipv6"]}
    kind = PARAMETERS[name].kind
    if kind not in kinds:
        raise InputError("select", name, "takes no addresses", "give its value")
    if not isinstance(selectors, (list, tuple)) or not all(isinstance(selector, str) for selector in selectors):
        raise InputError(name, selectors, "is not a list of selectors", "give a list such as [loopback, 10.0.0.0/8]")
    from .._rules.select_addresses import select_addresses  # most runs select nothing

    enabled = enabled_families(_settings(main, around), around.host)
    families = [family for family in kinds[kind] if family in enabled]
    selected = list(map(str, select_addresses(around.host, selectors, families, parameter=name)))
    if kind.startswith("address") and len(selected) != 1:
        reason = f"is what {', '.join(selectors)} selects, and it takes one address"
        raise InputError(name, ", ".join(selected), reason, "select one address")
    return validate(name, selected, around.version)


def _unlisted(master: MasterCfEditor, wanted: Wanted) -> List[str]:
    """Return the inet services that were not given, after doing with them what is wanted."""
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


def _default_chroot(settings: Settings) -> str:
    try:
        return settings.default_chroot
    except InputError:  # compatibility_level cannot be expanded, and Postfix dies of it
        return "n"


def _outlook(main: MainCf, master: MasterCf, wanted: Wanted, around: Surroundings) -> Outlook:
    configuration = Configuration.from_files(main, _settings(main, around), master)
    allow_absent = wanted.allow_absent_addresses
    return Outlook(configuration, around.host, around.resolve, allow_absent, around.unfamiliar)


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


def refuse_broken_services(before: Outlook, after: Outlook) -> None:
    """Refuse to make a service, or to leave one, that could not run; one that was so before is a finding."""
    broken = [] if after is before else _broken(after)
    if not broken:  # as a rule
        return
    try:
        known = [(name, error.parts) for name, error in _broken(before)]
    except InputError:  # nobody knows what ran before
        return
    for name, error in broken:
        if (name, error.parts) not in known:
            if error.parameter == "services":
                raise error
            reason = f"{error.reason}, and so the service {name} could not run"
            raise InputError(error.parameter, error.value, reason, error.remedy)


def _broken(outlook: Outlook) -> List[Tuple[str, InputError]]:
    """Return each service that cannot run, with the reason."""
    broken = [(failure.service, failure.error) for failure in outlook.program_failures]
    broken += [(lack.service, lack.error) for lack in outlook.needed]
    return [(service.title, error) for service, error in broken]


def _refuse_failures(wanted: Wanted, after: Outlook) -> None:
    """Refuse what would stop mail later: a bad proxy_interfaces, or values of a client of which its process dies."""
    if "proxy_interfaces" in (*wanted.values, *wanted.select):
        after.proxy_addresses  # noqa: B018  # pylint: disable=pointless-statement
    given = {name for name in (*wanted.values, *wanted.select, *wanted.unset) if name in PARAMETERS}
    services = {f"{change.name}/{change.type}" for change in wanted.services if change.state == "present"}
    for client in after.clients:
        for _family, source in client.sources():
            parameter = str(source.origin.parameter or source.origin)
            if source.failure and (client.transport in services or parameter in given):
                if wanted.allow_absent_addresses and source.enforced:
                    continue  # mail waits for the address
                reason = f"leaves the transport {client.transport} without a way to send: {source.failure}"
                options = after.by_title[client.transport].option_values
                value = options[parameter] if parameter in options else after.settings.raw(parameter)
                raise InputError(parameter, value, reason, "Correct the value")


def _refuse_bad_command_lines(wanted: Wanted, before: Outlook, after: Outlook) -> None:
    """Refuse to write an entry of which the program dies; one that is so already, and stays so, is a finding."""
    port_of = after.configuration.port_of
    given = {identity(change.name, change.type, port_of) for change in wanted.services if change.state == "present"}
    old = {service._replace(line=0) for service in before.configuration.services}
    for service in after.services:
        if service._replace(line=0) in old or identity(service.name, service.type, port_of) not in given:
            continue
        bad = bad_command_line(service, after.version)
        if bad and not bad.ignored:
            reason = f"would not work by this entry: {service.command} {bad.reason}"
            raise InputError("master.cf", service.title, reason, bad.remedy)
