# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change needs before Postfix works by it: nothing, a reload, or a stop and a start.

The rules are those of master(8): a reload opens the sockets of new services and closes those of services that are gone,
but never touches the sockets of a service that stays, and never takes up other protocol families (postconf(5),
inet_interfaces and inet_protocols: "stop and start Postfix"). A new service without a host gets the addresses that
inet_interfaces had when the master started, which keeps them (get_master_ent() in master/master_ent.c).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from .._base.address import parse_address
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.sockets import Socket, in_words
from .._base.words import HIDDEN, Action, hidden
from .._files.endpoint import identity, split_endpoint
from .._files.service import Service, service_key
from .listeners import SHARED_PORTS_SINCE, Listener
from .origin import IN_MASTER_CF, INET_INTERFACES
from .outlook import Outlook
from .parameters import AT_START, PARAMETERS, READ_BY_COMMANDS, Version
from .settings import Settings
from .values import equivalent

# Weakest first: an action includes those before it.
ACTIONS: Tuple[Action, ...] = ("none", "reload", "restart", "start")


class Rule(NamedTuple):
    """What one kind of change needs, and why."""

    #: in words, as the table in docs/concepts.md has it; empty for what only the running master shows
    change: str
    action: Action
    why: str
    #: the first Postfix that it is true for, and the first that it is not
    since: Version = ()
    until: Version = ()
    #: how to get by without a stop: what to do in two steps, with a reload after each
    two_steps: str = ""

    def is_true_for(self, version: Version) -> bool:
        return self.since <= version and (not self.until or version < self.until)


RULES: Dict[str, Rule] = {
    "broken": Rule("", "restart", "Postfix could not run by the previous files"),
    "protocols": Rule("`inet_protocols`", "restart", "the master takes up protocol families only when it starts"),
    "interfaces": Rule(
        "`inet_interfaces`, and a service without a host uses it",
        "restart",
        "a reload leaves the sockets of existing services as they are",
    ),
    "cached": Rule(
        "`inet_interfaces`, and a service without a host is new",
        "restart",
        "a new service would get the addresses that inet_interfaces had when the master started",
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
    "at_start": Rule(
        "`queue_directory`, `data_directory`",
        "restart",
        "the master enters and locks these directories only when it starts",
    ),
    "environment": Rule(
        "`import_environment`", "restart", "the master sets the environment of all its programs only when it starts"
    ),
    "program": Rule(
        "`daemon_directory`", "restart", "a reload takes the other programs from there, but the master stays what it is"
    ),
    "window": Rule(
        "`tcp_windowsize`, and an `inet` service stays",
        "restart",
        "a reload leaves the sockets of existing services as they are",
    ),
    "services": Rule("", "reload", "a reload opens the sockets of new services and closes those of vanished ones"),
    "unread": Rule("", "reload", "a file was changed after Postfix last read it"),
    "died": Rule("", "restart", "it has died, and the master does not start it again before throttle_time is over"),
    "exchanged": Rule("", "restart", "instances that exchange addresses have to be stopped together"),
    "stopped": Rule("", "start", "no master runs by this directory"),
}


class Reason(NamedTuple):
    """One difference, with what it needs and why."""

    parameter: str
    before: Optional[str]
    after: Optional[str]
    action: Action
    why: str


def reason(parameter: str, rule: str, before: Optional[str] = None, after: Optional[str] = None) -> Reason:
    """Return the reason that a rule gives."""
    return Reason(parameter, before, after, RULES[rule].action, RULES[rule].why)


def strongest(reasons: Iterable[Reason]) -> Action:
    """Return the action that includes those of all reasons; "none" where there is none."""
    return max((each.action for each in reasons), key=ACTIONS.index, default="none")


def reload_or_restart(before: Outlook, after: Outlook) -> List[Reason]:
    """Return every difference that Postfix has to be told of; text-only differences are none.

    :param before: what the master runs by
    """
    parameters = [_parameter(name, before, after) for name in PARAMETERS]
    reasons = [each for each in parameters if each] + _services(before, after)
    if not before.runs:
        why = f"{RULES['broken'].why} ({before.error})"
        return [each._replace(action=RULES["broken"].action, why=why) for each in reasons]
    if strongest(reasons) != "restart":
        reasons += _out_of_reach(before, after)
    return reasons


def other_parameters(before: Outlook, after: Outlook) -> List[Reason]:
    """Return the differences in parameters beyond this family. Their values are not shown, for they can be secrets."""
    reasons = []
    for name in sorted((before.settings.names() | after.settings.names() | AT_START.keys()) - set(PARAMETERS)):
        was, becomes = (_text(name, outlook.settings) for outlook in (before, after))
        if was == becomes or (name in READ_BY_COMMANDS and not after.settings.refers_to(name)):
            continue
        takes_up = name == "tcp_windowsize" and not _by_identity(before).keys() & _by_identity(after).keys()
        reasons.append(reason(name, "parameter" if takes_up else AT_START.get(name, "parameter")))
    return reasons


def _text(name: str, settings: Settings) -> Optional[str]:
    """Return what a parameter is set to, and what it comes to where another one in it could change that."""
    if not settings.is_set(name):
        return None
    text = settings.raw(name)
    if name in AT_START:
        with suppress(InputError):  # Postfix does not run by it
            text = settings.get(name)
    return " ".join(text.split())


def by_sockets(after: Outlook, held: FrozenSet[Socket], read_since: bool) -> List[Reason]:
    """Return what is needed as far as the sockets tell, where it is not known what the master has read.

    In doubt that is a restart.

    :param read_since: whether the master has read the files since they were changed last
    """
    promised = sockets_of(after.listeners)
    if promised == held:
        return [] if read_since else [reason("main.cf and master.cf", "unread")]
    rule = "services" if _reload_suffices(after, held) else "interfaces"
    return [reason("listeners", rule, in_words(held), in_words(promised))]


def sockets_of(listeners: Iterable[Listener]) -> FrozenSet[Socket]:
    """Return the sockets of listeners."""
    return frozenset(listener.socket for listener in listeners)


def _parameter(name: str, before: Outlook, after: Outlook) -> Optional[Reason]:
    old, new = _value(name, before.settings), _value(name, after.settings)
    if equivalent(name, old, new, after.version):
        return None
    rule = "parameter"
    if not before.runs:
        rule = "broken"
    elif name == "inet_protocols" and before.families != after.families:
        rule = "protocols"
    elif name == "inet_interfaces":
        moved = _moved(before, after)
        rule = "interfaces" if moved else "cached" if _opens_others(before, after) else "own_addresses"
    return reason(name, rule, old, new)


def _value(name: str, settings: Settings) -> str:
    """Return what a parameter comes to; its text where Postfix, or the program that asks for it, dies of that."""
    try:
        return settings.get(name)
    except InputError:
        return settings.raw(name)


def _out_of_reach(before: Outlook, after: Outlook) -> List[Reason]:
    """Return what a reload would not open or close although the files promise it, whatever the reason for that is.

    Names that resolve to other addresses now are one, and inet_interfaces when the master started is another.
    """
    if _moved(before, after):
        sockets = [in_words(sockets_of(outlook.listeners)) for outlook in (before, after)]
        return [reason("listeners", "interfaces", *sockets)]
    return [reason("inet_interfaces", "cached")] if _opens_others(before, after) else []


def _moved(before: Outlook, after: Outlook) -> bool:
    """Return whether a service that stays would have other sockets: a reload never sees to that."""
    old, new = _by_identity(before), _by_identity(after)
    return any(old[key] != new[key] for key in old.keys() & new.keys())


def _opens_others(before: Outlook, after: Outlook) -> bool:
    """Return whether a reload would open other sockets than promised for a new service without a host.

    A master that started without any own address works them out at the first reload that gives some; but then ``all``
    is each of them, and no wildcard (own_inet_addr_list() in global/own_inet_addr.c).
    """
    known = _by_identity(before)
    bare = [one for one in after.listeners if one.origin == INET_INTERFACES and _identity(one, after) not in known]
    if not bare or before.cached == after.cached:
        return False
    return before.cached is None or bool(before.cached) or bare[0].socket.is_wildcard


def _services(before: Outlook, after: Outlook) -> List[Reason]:
    old, new = _by_key(before), _by_key(after)
    reasons = []
    for key in list(old) + [key for key in new if key not in old]:
        was, becomes = old.get(key), new.get(key)
        if was is None and becomes is not None:
            reasons.append(_added(becomes, before, after))
        elif was is not None and becomes is None:
            reasons.append(reason(was.title, "removed", _summary(was)))
        elif was is not None and becomes is not None and was.meaning != becomes.meaning:
            reasons.append(reason(was.title, "fields", _summary(was), _summary(becomes, was)))
    return reasons


def _added(service: Service, before: Outlook, after: Outlook) -> Reason:
    key = identity(service.name, service.type, after.configuration.port_of)
    opened = [listener.socket for listener in after.listeners if _identity(listener, after) == key]
    there_already = sockets_of(before.promised or ())
    if not any(socket.overlaps(other) for socket in opened for other in there_already):
        return reason(service.title, "added", None, _summary(service))
    rule = next(name for name in ("overlap", "overlap_shared") if RULES[name].is_true_for(before.version))
    added = reason(service.title, rule, None, _summary(service))
    two_steps = RULES[rule].two_steps
    if two_steps:
        added = added._replace(why=f"{added.why}; without a stop in two steps, each with a reload: {two_steps}")
    return added


def _reload_suffices(after: Outlook, held: FrozenSet[Socket]) -> bool:
    """Return whether all that differs are services with a numeric host part, each of which is there or not."""
    extra = held - sockets_of(after.listeners)
    for listener in after.listeners:
        if not _has_numeric_host(listener):
            if listener.socket not in held or any(socket.port == listener.socket.port for socket in extra):
                return False
        elif listener.socket not in held and _collides(listener.socket, held, after):
            return False
    return all(socket.family in after.families for socket in extra)


def _has_numeric_host(listener: Listener) -> bool:
    """Return whether a service's sockets are told by its name alone, whatever inet_interfaces and DNS say."""
    return listener.origin == IN_MASTER_CF and parse_address(split_endpoint(listener.service)[0]) is not None


def _collides(socket: Socket, held: FrozenSet[Socket], after: Outlook) -> bool:
    """Return whether a new socket cannot be opened beside those that the master has: before Postfix 3.6 it dies."""
    return after.version < SHARED_PORTS_SINCE and any(socket.overlaps(other) for other in held)


def _identity(listener: Listener, outlook: Outlook) -> str:
    return identity(listener.service, listener.type, outlook.configuration.port_of)


def _by_identity(outlook: Outlook) -> Dict[str, FrozenSet[Socket]]:
    """Return the sockets of each inet service, by its identity."""
    sockets: Dict[str, FrozenSet[Socket]] = {}
    for listener in outlook.promised or ():
        key = _identity(listener, outlook)
        sockets[key] = sockets.get(key, frozenset()) | {listener.socket}
    return sockets


def _by_key(outlook: Outlook) -> Dict[str, Service]:
    try:
        services: Sequence[Service] = outlook.services
    except InputError:  # files by which Postfix does not run
        services = outlook.configuration.services
    return {service_key(service, outlook.configuration.port_of): service for service in services}


def _summary(service: Service, was: Optional[Service] = None) -> str:
    """Return an entry in short. Values that are not of this family are not shown: they can be secrets.

    :param was: the same before
    """
    fields = (service.private, service.unprivileged, service.chroot, service.wakeup, service.process_limit)
    words = [hidden(service.arguments, was.arguments if was else service.arguments)] if service.arguments else []
    old = was.option_values if was else {}
    for name, value in service.option_values.items():
        words.append(f"-o {{ {name} = {value if name in PARAMETERS else hidden(value, old.get(name, value))} }}")
    words += [f"-o {HIDDEN}" for _word in service.invalid]
    return " ".join([*fields, service.command, *words])
