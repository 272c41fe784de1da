# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What a change needs before Postfix works by it: nothing, a reload, or a stop and a start.

The rules are those of master(8): a reload opens the sockets of new services and closes those of services that are gone,
but never touches the sockets of a service that stays, and never takes up another set of protocol families
(postconf(5), inet_interfaces and inet_protocols: "stop and start Postfix").
"""

from __future__ import annotations

from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._files.endpoint import PortLookup, identity, known_port
from .._files.service import Service, last_of_each, service_key
from .host import Host
from .listeners import SHARED_PORTS_SINCE, Listener, active_services, listeners, overlap
from .own_addresses import Resolver, enabled_families
from .parameters import PARAMETERS
from .settings import Settings
from .values import equivalent

# Weakest first: an action includes those before it.
ACTIONS = ("none", "reload", "restart")


class Rule(NamedTuple):
    """What one kind of change needs, and why; the table in docs/concepts.md has each."""

    #: in words, as the table has it
    change: str
    action: str
    why: str
    #: the first Postfix that it is true for, and the first that it is not
    since: Tuple[int, ...] = ()
    until: Tuple[int, ...] = ()
    #: how to get by without a stop: what to do in two steps, with a reload after each
    two_steps: str = ""


RULES: Dict[str, Rule] = {
    "broken": Rule("files by which Postfix could not run", "restart", "Postfix could not run by the previous files"),
    "protocols": Rule("`inet_protocols`", "restart", "the master takes up protocol families only when it starts"),
    "interfaces": Rule(
        "`inet_interfaces`, and a service without a host uses it",
        "restart",
        "a reload leaves the sockets of existing services as they are",
    ),
    "own_addresses": Rule(
        "`inet_interfaces`, all inet services name their host",
        "reload",
        "no listener moves, but every process keeps its list of own addresses until a reload",
    ),
    "parameter": Rule(
        "`proxy_interfaces`, `*_bind_address*`", "reload", "running processes keep the previous value until a reload"
    ),
    "fields": Rule(
        "a service's program, arguments, `-o` options or fields",
        "reload",
        "the master keeps a service's fields and options until a reload",
    ),
    "added": Rule("a new or removed `inet` service", "reload", "a reload opens the service's sockets"),
    "removed": Rule("a new or removed `inet` service", "reload", "a reload closes the service's sockets"),
    "overlap": Rule(
        "`smtp` for `192.0.2.1:smtp`, or back, or anything else that overlaps",
        "restart",
        "before Postfix 3.6 a reload dies of a new socket that overlaps one which is still open",
        until=SHARED_PORTS_SINCE,
        two_steps="take the old service out, then put the new one in",
    ),
    "overlap_shared": Rule(
        "`smtp` for `192.0.2.1:smtp`, or back, or anything else that overlaps",
        "reload",
        "a reload opens the service's sockets",
        since=SHARED_PORTS_SINCE,
    ),
}


class Reason(NamedTuple):
    """One difference, with what it needs and why."""

    parameter: str
    before: Optional[str]
    after: Optional[str]
    action: str
    why: str


class Snapshot(NamedTuple):
    """What the files say at one moment.

    `listeners` is None where the master would not come up by them, and `error` then says why.
    """

    settings: Settings
    families: FrozenSet[str]
    services: Sequence[Service]
    listeners: Optional[Sequence[Listener]]
    lookup: PortLookup = known_port
    error: Optional[InputError] = None


def snapshot(
    settings: Settings,
    services: Sequence[Service],
    host: Host,
    resolve: Resolver,
    lookup: PortLookup,
    allow_absent: bool = False,
    fatal: Optional[InputError] = None,
) -> Snapshot:
    """Take a snapshot of effective settings and services on a host; what the master would die of is its error.

    :param services: all entries of master.cf; those that another one replaces count for nothing, but can be fatal
    :param allow_absent: accept addresses that the host does not have (yet)
    :param fatal: what Postfix dies of in the text of the files, if it does
    """
    try:
        if fatal is not None:
            raise fatal
        found = listeners(settings, host, services, resolve, lookup, allow_absent)
        families = enabled_families(settings, host)
        active = last_of_each(active_services(settings, services), lookup)
        return Snapshot(settings, families, active, found, lookup)
    except InputError as error:
        return Snapshot(settings, frozenset(), services, None, lookup, error)


def strongest(actions: Sequence[str]) -> str:
    """The action that includes all the others; "none" where there is none."""
    return max(actions, key=ACTIONS.index, default="none")


def reasons(before: Snapshot, after: Snapshot) -> List[Reason]:
    """Every difference between two snapshots that Postfix has to be told of; text-only differences are none."""
    moved = _moved(before, after)
    found = [_parameter(name, before, after, moved) for name in PARAMETERS]
    return [reason for reason in found if reason] + _services(before, after)


def identity_of(listener: Listener, snapshot: Snapshot) -> str:
    """The identity of a listener's service."""
    return identity(listener.service, listener.type, snapshot.lookup)


def by_identity(snapshot: Snapshot) -> Dict[str, FrozenSet[Tuple[str, int]]]:
    """The sockets of each inet service, by its identity."""
    sockets: Dict[str, FrozenSet[Tuple[str, int]]] = {}
    for listener in snapshot.listeners or ():
        key = identity_of(listener, snapshot)
        sockets[key] = sockets.get(key, frozenset()) | {(listener.address, listener.port)}
    return sockets


def _moved(before: Snapshot, after: Snapshot) -> bool:
    """Whether a service that stays would have other sockets: the one thing that a reload never does."""
    old, new = by_identity(before), by_identity(after)
    return before.listeners is None or any(old[key] != new[key] for key in old.keys() & new.keys())


def _parameter(name: str, before: Snapshot, after: Snapshot, moved: bool) -> Optional[Reason]:
    old, new = before.settings.get(name), after.settings.get(name)
    if equivalent(name, old, new, after.settings.version):
        return None
    rule, more = RULES["parameter"], ""
    if before.listeners is None:
        rule, more = RULES["broken"], f" ({before.error})"
    elif name == "inet_protocols" and before.families != after.families:
        rule = RULES["protocols"]
    elif name == "inet_interfaces":
        rule = RULES["interfaces" if moved else "own_addresses"]
    return Reason(name, old, new, rule.action, rule.why + more)


def _services(before: Snapshot, after: Snapshot) -> List[Reason]:
    old = {service_key(service, before.lookup): service for service in before.services}
    new = {service_key(service, after.lookup): service for service in after.services}
    found = []
    for key in list(old) + [key for key in new if key not in old]:
        was, becomes = old.get(key), new.get(key)
        if was is None and becomes is not None:
            found.append(_added(key, becomes, before, after))
        elif was is not None and becomes is None:
            rule = RULES["removed"]
            found.append(Reason(_title(was), _summary(was), None, rule.action, rule.why))
        elif was is not None and becomes is not None and was.meaning != becomes.meaning:
            rule = RULES["fields"]
            found.append(Reason(_title(was), _summary(was), _summary(becomes), rule.action, rule.why))
    return found


def _added(key: str, service: Service, before: Snapshot, after: Snapshot) -> Reason:
    rule, why = RULES["added"], RULES["added"].why
    opened = [one for one in after.listeners or () if identity_of(one, after) == key]
    if any(overlap(one, other) for one in opened for other in before.listeners or ()):
        rule = RULES["overlap" if before.settings.version < SHARED_PORTS_SINCE else "overlap_shared"]
        why = rule.why
        if rule.two_steps and before.error is None:
            why += f"; without a stop in two steps, each with a reload: {rule.two_steps}"
    return Reason(_title(service), None, _summary(service), rule.action, why)


def _title(service: Service) -> str:
    return f"{service.name}/{service.type}"


def _summary(service: Service) -> str:
    fields = (service.private, service.unprivileged, service.chroot, service.wakeup, service.process_limit)
    options = [f"-o {{ {name} = {value} }}" for name, value in service.option_values.items()]
    options += [f"-o {word}" for word in service.invalid]
    return " ".join([*fields, service.command, *service.arguments, *options])
