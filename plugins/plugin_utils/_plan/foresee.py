# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What the role would do on a host whose files it has made by one inventory, and that is to go by another one.

The files are those that the role makes of stock files by the base. The proposal edits these, as on a host: what it does
not mention stays, unless that is to be restored. The master is that of the stock files, if a reload was enough since.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import check_timeout
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.conflicts import shared
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.directories import CLOSED, new_main
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.order import Move, in_order
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.ownership import of_nobody
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Plan, Wanted, make_plan
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.secondary import check_names
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.silent_server import silent_server
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.wish import refuse_directory
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import INSTANCE_STATES
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import decode_config
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.platform import USUAL_DIRECTORY
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import Resolver, asked_once
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST, Version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import (
    Reason,
    reason,
    reload_or_restart,
    sockets_of,
    strongest,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import port_of_service
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._role_variables import chosen, wanted_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import stock_master

_DEFAULT = "-"
_NAMES = ("main.cf", "master.cf")
_STOPPED = reason("master", "stopped")

Findings = Sequence[Mapping[str, Any]]


class Stock(NamedTuple):
    """The files of instances before the role touches them: main.cf and master.cf."""

    #: of the default instance
    default: tuple[str, str] = ("", stock_master())
    #: of others, which are made from the prototypes of the package
    others: tuple[str, str] = ("", stock_master())


def read_stock(directory: str) -> Stock:
    """Return the files of a directory as the stock of all hosts.

    :raises InputError: they cannot be read
    """
    found = Stock((_read(directory, _NAMES[0]), _read(directory, _NAMES[1])))
    prototypes = [f"{name}.proto" for name in _NAMES]
    if any(os.path.exists(os.path.join(directory, name)) for name in prototypes):
        return found._replace(others=(_read(directory, prototypes[0]), _read(directory, prototypes[1])))
    return found


def _read(directory: str, name: str) -> str:
    path = os.path.join(directory, name)
    try:
        with open(path, "rb") as stream:
            return decode_config(stream.read())
    except OSError as error:
        remedy = "Give a directory with a main.cf and a master.cf, as hosts have them before the role touches them"
        raise InputError("mailfleet_stock", path, f"cannot be read: {error.strerror}", remedy) from error


class Wishes(NamedTuple):
    """What an inventory asks of a host."""

    host: Host
    #: None if it is not known
    version: Version | None
    #: the options of each instance
    instances: Sequence[Mapping[str, Any]]
    #: whether a finding of severity error is refused
    refuse_errors: bool = False


class Instance(NamedTuple):
    """One instance as the base has it."""

    main: str
    master: str
    #: as a master sees it that runs by it
    outlook: Outlook
    #: the inet services that the inventory does not list, if that is asked
    unlisted: Sequence[str] = ()
    #: both files before the role has touched them
    original: tuple[str, str] = ("", "")
    sources: Sequence[NamedSource] = ()


class Part(NamedTuple):
    """What becomes of one instance."""

    name: str
    #: None if it is not there
    before: Outlook | None
    after: Outlook | None
    presence: str | None = None
    #: the names of those that change
    files: Sequence[str] = ()
    steps: Sequence[str] = ()
    reasons: Sequence[Reason] = ()
    #: the inet services that the proposal does not list, and those that the base does not, if that is asked
    unlisted: Sequence[str] = ()
    was_unlisted: Sequence[str] = ()
    #: source addresses by name, of the proposal and of the base
    sources: Sequence[NamedSource] = ()
    old_sources: Sequence[NamedSource] = ()
    #: what the base asks for and the proposal does not, and what is to stay nonetheless
    abandoned: Sequence[Mapping[str, Any]] = ()
    #: what its master runs by if nobody knows how it is there
    assumed: Outlook | None = None
    #: whether it stays although the proposal does not name it
    is_left: bool = False

    @property
    def directory(self) -> str:
        """Where its files are, as packages have it."""
        if self.name.startswith("/"):
            return self.name
        return USUAL_DIRECTORY if self.name == _DEFAULT else os.path.join(os.path.dirname(USUAL_DIRECTORY), self.name)

    @property
    def action(self) -> str:
        """What Postfix needs."""
        return strongest(self.reasons)

    @property
    def held(self) -> frozenset[Socket]:
        """The sockets of its master before."""
        return _sockets(self.before or self.assumed)

    @property
    def can_be_taken_back(self) -> bool:
        """Whether a change of it waits to be confirmed, if the run asks for that."""
        return bool(self.files) or self.action == "start"


class Foreseer:
    """What the role would do on hosts.

    :param resolve: knows the addresses of names
    """

    def __init__(self, resolve: Resolver, stock: Stock | None = None) -> None:
        self._resolve, self._stock = resolve, stock or Stock()

    def base(self, wishes: Wishes) -> dict[str, Instance]:
        """Return the instances of a host as the role makes them, by their names.

        :raises InputError: the role would refuse it
        """
        around, instances, parts = self._around(wishes), {}, []
        for name, options in _named(wishes.instances).items():
            if options.get("state") == "absent":
                continue
            stock = self._stock_of(name, options)
            wanted = _wanted(options)
            plan = make_plan(wanted, *stock, around)
            if wishes.refuse_errors:
                plan.refuse_errors()
            outlook, is_new = plan.after, options.get("state") == "present"
            reasons = [_STOPPED] if is_new else plan.reasons
            parts.append(Part(name, None if is_new else plan.before, plan.after, reasons=reasons))
            if not is_new and plan.action != "restart":
                # Nobody has seen how the master was started that the role has found.
                outlook = outlook.with_seen(outlook.listeners, outlook.families, None)
            instances[name] = Instance(plan.main, plan.master, outlook, plan.unlisted, stock, wanted.sources)
        _refuse_conflicts(parts, around.version)
        return instances

    @staticmethod
    def same(base: Mapping[str, Instance]) -> list[Part]:
        """Return the parts of a host of which the proposal asks the same as the base."""
        return [
            Part(
                name,
                each.outlook,
                each.outlook,
                unlisted=each.unlisted,
                was_unlisted=each.unlisted,
                sources=each.sources,
                old_sources=each.sources,
            )
            for name, each in base.items()
        ]

    def proposal(self, base: Mapping[str, Instance] | None, wishes: Wishes) -> list[Part]:
        """Return what becomes of each instance of a host.

        :param base: its instances as the base has them; None if the base does not have the host, or is refused
        :raises InputError: the role would refuse it
        """
        around, parts = self._around(wishes), []
        wished, present = _named(wishes.instances), base or {}
        for name, options in wished.items():
            old = present.get(name)
            if options.get("state") == "absent":
                if old:
                    steps = [f"The instance {name} is stopped", f"The instance {name} is removed"]
                    parts.append(Part(name, old.outlook, None, "vanishes", steps=steps))
                continue
            parts.append(self._part(name, options, old, around, wishes))
        left = [
            Part(name, old.outlook, old.outlook, sources=old.sources, old_sources=old.sources, is_left=True)
            for name, old in present.items()
            if name not in wished
        ]
        parts += left
        _refuse_conflicts(parts, around.version)
        return _exchanging(parts)

    def _part(
        self, name: str, options: Mapping[str, Any], old: Instance | None, around: Surroundings, wishes: Wishes
    ) -> Part:
        found = (old.main, old.master) if old else self._stock_of(name, options)
        original = old.original if old and options.get("abandoned") == "restore" else None
        wanted = _wanted(options)
        known = old.outlook if old and _knows(old.outlook, wanted, around) else None
        plan = make_plan(wanted, *found, around, original, known)
        if wishes.refuse_errors:
            plan.refuse_errors()
        files = [
            file for file, was, becomes in zip(_NAMES, found, (plan.main, plan.master), strict=True) if was != becomes
        ]
        is_new = not old and options.get("state") == "present"
        if is_new:
            steps = [f"The instance {name} is created"]
            part = Part(name, None, plan.after, "appears", files, steps, [_STOPPED], plan.unlisted)
            return part._replace(sources=wanted.sources)
        if not old:  # nobody knows what it is like; Postfix's own files are the best guess
            part = Part(name, None, plan.after, "appears", files, (), plan.reasons, plan.unlisted)
            return part._replace(assumed=plan.before, sources=wanted.sources)
        reasons = plan.reasons if known else _reasons(old.outlook, plan, bool(files))
        part = Part(name, old.outlook, plan.after, None, files, (), reasons, plan.unlisted, old.unlisted)
        abandoned = _abandoned(wanted, old, plan, around)
        return part._replace(sources=wanted.sources, old_sources=old.sources, abandoned=abandoned)

    def _around(self, wishes: Wishes) -> Surroundings:
        return Surroundings(wishes.host, wishes.version or NEWEST, asked_once(self._resolve), port_of_service)

    def _stock_of(self, name: str, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the texts of both files before the role touches them."""
        if name == _DEFAULT:
            return self._stock.default
        main, master = self._stock.others
        if options.get("state") != "present":
            return main, master
        return new_main(main, MainCf(self._stock.default[0]).values(), CLOSED), master


def _named(instances: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the options of each instance by its name.

    :raises InputError: one cannot be called so, or is named twice
    """
    named: dict[str, Mapping[str, Any]] = {}
    for options in instances:
        name, directory = str(options.get("instance") or ""), str(options.get("config_directory") or "")
        chosen("state", options.get("state", INSTANCE_STATES[0]), INSTANCE_STATES)
        if name and directory:
            remedy = "Leave one of them out"
            raise InputError("config_directory", directory, "cannot be given together with instance", remedy)
        if options.get("state"):
            refuse_directory(directory)
            check_names(name, options.get("group"), "instance")
        key = name or (_DEFAULT if directory.rstrip("/") in ("", USUAL_DIRECTORY) else directory)
        if key in named:
            raise InputError("instances", key, "is named twice", "Say in one entry all that is wanted of it")
        named[key] = options
    return named


def _wanted(options: Mapping[str, Any]) -> Wanted:
    timeout = options.get("timeout", 30)
    try:
        check_timeout(float(timeout))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("timeout", timeout, "is not a number", "Give how many seconds to wait") from error
    return wanted_of(options)


def _knows(outlook: Outlook, wanted: Wanted, around: Surroundings) -> bool:
    """Return whether what the base makes of its files is what a plan starts from."""
    return outlook.host is around.host and outlook.allow_absent == wanted.allow_absent_addresses


def _abandoned(wanted: Wanted, old: Instance, plan: Plan, around: Surroundings) -> list[Mapping[str, Any]]:
    """Return what nothing asks for any more, if that is to be told."""
    found = old.main, old.master
    if wanted.abandoned != "report" or found == old.original:
        return []
    return [note.as_data() for note in of_nobody(wanted, found, plan, old.original, around)]


def _reasons(before: Outlook, plan: Plan, edited: bool) -> Sequence[Reason]:
    """Return what a change needs, for a master that runs by what the base has made."""
    if not edited and sockets_of(before.promised or ()) == sockets_of(plan.after.promised or ()):
        return ()
    return reload_or_restart(before, plan.after)


def _refuse_conflicts(parts: Sequence[Part], version: Version) -> None:
    """Refuse sockets that several instances would have, and servers that could not answer.

    :raises InputError: there are some
    """
    for part in parts:
        if part.after is None or not part.reasons:
            continue
        new = [listener for listener in part.after.promised or () if listener.socket not in part.held]
        others = [(each.directory, each.after.promised or ()) for each in parts if each is not part and each.after]
        error = shared(new, version, others) or silent_server(part.after, part.before)
        if error:
            raise error


def _exchanging(parts: Sequence[Part]) -> list[Part]:
    """Return the parts; those that exchange addresses are stopped together."""
    moving = [part for part in parts if part.after is not None and part.reasons]
    found = {part.name: part for part in parts}
    for group in in_order([Move(part.held, _sockets(part.after)) for part in moving]):
        for position in group if len(group) > 1 else ():
            part = moving[position]
            others = " and ".join(moving[other].directory for other in group if other != position)
            more = reason("listeners", "exchanged", None, others)
            found[part.name] = part._replace(reasons=[*part.reasons, more])
    return list(found.values())


def _sockets(outlook: Outlook | None) -> frozenset[Socket]:
    return sockets_of(outlook.promised or ()) if outlook else frozenset()
