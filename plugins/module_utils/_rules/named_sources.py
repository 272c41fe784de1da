# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Source addresses by name: each has a transport of that name, which sends from it and greets with its name.

``planned`` is not on the host yet, ``active`` takes mail, ``draining`` takes no new mail and delivers what it has,
``retired`` is removed as soon as it has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from .._base.address import FAMILIES, Address, family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import Severity, words_outside_braces
from .._files.lines import checked_value
from .._files.service import Service
from .._files.service_change import ServiceChange
from .bindable import source_problem
from .findings.finding import Finding, grouped, listed
from .host import Host
from .interface_list import split_tokens
from .next_hops import is_written_out, transports
from .parameters import PARAMETERS, Version
from .select_addresses import select_addresses
from .settings import Settings

if TYPE_CHECKING:
    from .outlook import Outlook

STATES = ("planned", "active", "draining", "retired")
STOCK_CLIENTS = {"smtp": "smtp", "relay": "smtp", "lmtp": "lmtp"}
"""The clients of the stock master.cf, by the name of their service, each with its program."""

KEYS = ("address", "address6", "select", "helo", "transports", "enforce", "state", "weight", "notes", "origin")
MOST_WEIGHT = 100

_NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,62}\Z"
_HELO = (
    r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)\Z"
)
_TAKEN = (  # services of the stock master.cf, and transports that only look like names of sources
    *("smtp", "relay", "lmtp", "local", "virtual", "error", "retry", "discard", "pickup", "cleanup", "qmgr", "tlsmgr"),
    *("rewrite", "bounce", "defer", "trace", "verify", "flush", "proxymap", "proxywrite", "showq", "anvil", "scache"),
    *("postlog", "maildrop", "uucp", "dnsblog", "tlsproxy", "smtpd", "inet", "unix"),
)


class NamedSource(NamedTuple):
    """One source address of an inventory."""

    name: str
    address: Optional[str] = None
    address6: Optional[str] = None
    #: selectors that pick its addresses on the host, instead of these
    select: Sequence[str] = ()
    helo: Optional[str] = None
    #: the stock clients that send from it, too
    transports: Sequence[str] = ()
    enforce: bool = True
    state: str = "active"
    weight: int = 1
    notes: str = ""
    #: the variables that say so
    origin: Sequence[str] = ()

    @property
    def addresses(self) -> List[str]:
        """The addresses that are known without the host."""
        return [address for address in (self.address, self.address6) if address]

    @property
    def is_there(self) -> bool:
        """Whether the host has a transport for it."""
        return self.state in ("active", "draining")


def read_sources(mapping: Any) -> List[NamedSource]:
    """Read the sources of an inventory.

    :param mapping: by name, what is said of each
    :raises InputError: for anything that cannot be meant
    """
    if not isinstance(mapping, Mapping):
        raise InputError("sources", str(mapping), "is not a mapping", "Give {name: {address: …}}")
    sources = [_read(str(name), said) for name, said in mapping.items()]
    covered: Dict[str, str] = {}
    for source in sources:
        for client in source.transports if source.is_there else ():
            if client in covered:
                reason = f"is also among the transports of {covered[client]}, and a client sends from one address"
                raise InputError(f"transports of {source.name}", client, reason, "Name it in one of them")
            covered[client] = source.name
    return sources


def _read(name: str, said: Any) -> NamedSource:
    if not re.match(_NAME, name):
        raise InputError("sources", name, "is not a name for a transport", "Use letters, digits, - and _")
    if name in _TAKEN:
        raise InputError("sources", name, "is the name of a service of Postfix", "Use another name, such as out1")
    if not isinstance(said, Mapping):
        raise InputError("sources", name, "is not described by a mapping", "Give {address: …}")

    def refuse(key: str, value: Any, reason: str, remedy: str) -> NoReturn:
        raise InputError(f"{key} of the source {name}", str(value), reason, remedy)

    for key in said:
        if key not in KEYS:
            refuse("a key", key, "is not known", f"Use {', '.join(KEYS[:-1])}")
    given = {key: value for key, value in said.items() if value is not None}
    found: Dict[str, Any] = {"name": name}
    for key, wanted in (("address", "ipv4"), ("address6", "ipv6")):
        if key in given:
            address = parse_address(unbracket(str(given[key])))
            written = unbracket(str(given[key])).lower()
            octal = wanted == "ipv4" and address is not None and normal_form(address) != written
            if address is None or octal or family(address) != wanted or address.is_unspecified:
                refuse(key, given[key], f"is not an {wanted.replace('ip', 'IP')} address", "Write one address")
            found[key] = normal_form(address)
    found["select"] = _texts(given.get("select", ()), lambda value: refuse("select", value, *_LIST))
    if bool(found["select"]) == bool(found.get("address") or found.get("address6")):
        reason = "cannot be given together with select" if found["select"] else "is missing"
        refuse("address", given.get("address", ""), reason, "Give address, address6 or both, or select")
    if "helo" in given:
        if len(str(given["helo"])) > 255 or not re.match(_HELO, str(given["helo"])):
            refuse("helo", given["helo"], "is not a host name", "Write the name that the address greets with")
        found["helo"] = str(given["helo"])
    found["transports"] = _texts(given.get("transports", ()), lambda value: refuse("transports", value, *_LIST))
    for client in found["transports"]:
        if client not in STOCK_CLIENTS:
            refuse("transports", client, "is not a client of the stock files", f"Use {', '.join(STOCK_CLIENTS)}")
    enforce, state, weight = given.get("enforce", True), given.get("state", "active"), given.get("weight", 1)
    if not isinstance(enforce, bool):
        refuse("enforce", enforce, "is neither true nor false", "Write true or false")
    if state not in STATES:
        refuse("state", state, "is not a state", f"Use {', '.join(STATES)}")
    if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= MOST_WEIGHT:
        refuse("weight", weight, "is not a weight", f"Give a number from 0 to {MOST_WEIGHT}")
    origin = _texts(given.get("origin", ()), lambda value: refuse("origin", value, *_LIST))
    notes = checked_value(f"notes of the source {name}", " ".join(str(given.get("notes", "")).split()).lstrip("#"))
    return NamedSource(
        **{**found, "enforce": enforce, "state": state, "weight": weight, "notes": notes, "origin": origin}
    )


_LIST = ("is not a list of texts", "Give a list")


def _texts(value: Any, refuse: Any) -> Tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        refuse(value)
    return tuple(value)


class Placed(NamedTuple):
    """A source on a host: with its addresses there, by family."""

    source: NamedSource
    addresses: Mapping[str, Address]


def place(source: NamedSource, host: Host) -> Placed:
    """Return a source with its addresses on a host.

    :raises InputError: they cannot be selected
    """
    addresses: Dict[str, Address] = {}
    if source.select:
        for address in select_addresses(
            host, source.select, list(FAMILIES), parameter=f"select of the source {source.name}"
        ):
            if family(address) in addresses:
                reason = f"selects several {family(address)} addresses, and a source has one of each family"
                remedy = "Select one address"
                raise InputError(f"select of the source {source.name}", ", ".join(source.select), reason, remedy)
            addresses[family(address)] = address
    for text in source.addresses:
        given = parse_address(text)
        if given is not None:
            addresses[family(given)] = given
    return Placed(source, addresses)


def _refuse_unusable(placed: Placed, host: Host) -> None:
    """Refuse a source that is to send from addresses that the host cannot use, or will not keep.

    :raises InputError: there is one
    """
    for address in placed.addresses.values():
        problem = source_problem(address, host, False) or _passing(address, host)
        if problem:
            remedy = "Add it to the host, or let the state be planned until it is there"
            raise InputError(f"address of the source {placed.source.name}", normal_form(address), problem, remedy)


def _passing(address: Address, host: Host) -> Optional[str]:
    """Return why an address is none to have a reputation; None if it can."""
    own = host.find(address)
    if own is not None and own.temporary:
        return "is a temporary address (RFC 4941), which is another one soon"
    if own is not None and own.deprecated:
        return "is deprecated, so it is about to go"
    return None


def services_of(
    sources: Sequence[NamedSource], host: Host, version: Version, interfaces: str, queued: Any
) -> List[ServiceChange]:
    """Return what has to become of master.cf for the sources of a host.

    :param interfaces: what main.cf says of inet_interfaces
    :param queued: returns why a transport cannot be removed yet; None if it can
    :raises InputError: an active source cannot send, or a retired one has mail
    """
    changes: List[ServiceChange] = []
    covered = {client for source in sources if source.is_there for client in source.transports}
    for source in sources:
        if source.state == "planned":
            continue
        if source.state == "retired":
            problem = queued(source.name)
            if problem:
                remedy = "Let the state be draining until it is delivered"
                raise InputError(f"state of the source {source.name}", source.state, problem, remedy)
            changes.append(ServiceChange(source.name, "unix", "absent"))
            for client in source.transports:
                if client not in covered:
                    changes.append(ServiceChange(client, "unix", unset_options=_names(STOCK_CLIENTS[client])))
            continue
        placed = place(source, host)
        if source.state == "active":
            _refuse_unusable(placed, host)
        own = _options(placed, "smtp", version, interfaces)
        own["syslog_name"] = f"postfix/{source.name}"
        gone = [name for name in _names("smtp") if name not in own]
        changes.append(ServiceChange(source.name, "unix", command="smtp", options=own, unset_options=gone))
        for client in source.transports:
            program = STOCK_CLIENTS[client]
            options = _options(placed, program, version, interfaces)
            gone = [name for name in _names(program) if name not in options]
            changes.append(ServiceChange(client, "unix", options=options, unset_options=gone))
    return changes


def _names(program: str) -> Tuple[str, ...]:
    """Return the options that a source sets for a client."""
    helo = "smtp_helo_name" if program == "smtp" else "lmtp_lhlo_name"
    bind = f"{program}_bind_address"
    return bind, f"{bind}6", f"{bind}_enforce", helo, "inet_protocols", "inet_interfaces"


def _options(placed: Placed, program: str, version: Version, interfaces: str) -> Dict[str, str]:
    """Return the options by which a client sends from a source, and by no family that the source does not have.

    A client dies of an address in inet_interfaces that is of a family which its inet_protocols switches off.
    """
    bind, bind6, enforce, helo, protocols, own = _names(program)
    source, options = placed.source, {}
    for name, wanted in ((bind, "ipv4"), (bind6, "ipv6")):
        if wanted in placed.addresses:
            options[name] = normal_form(placed.addresses[wanted])
    if len(placed.addresses) == 1:
        options[protocols] = next(iter(placed.addresses))
        words = split_tokens(interfaces)
        kept = [word for word in words if _is_of(options[protocols], word)]
        if len(kept) < len(words):
            options[own] = ", ".join(kept) or "loopback-only"
    if source.enforce and version >= PARAMETERS[enforce].since:
        options[enforce] = "yes"
    if source.helo:
        options[helo] = source.helo
    return options


def _is_of(wanted: str, word: str) -> bool:
    """Return whether a word of inet_interfaces can stay where there is one family only."""
    address = parse_address(unbracket(word))
    return address is None or family(address) == wanted


def described(name: str, service: Service) -> str:
    """Return in a line what the transport of a source does."""
    options = service.option_values
    addresses = [options[option] for option in _names("smtp")[:2] if options.get(option)]
    helo = options.get("smtp_helo_name")
    greets = f", greets as {helo}" if helo else ""
    return f"{name}: sends from {' and '.join(addresses) or 'where the kernel says'}{greets}"


def source_findings(sources: Sequence[NamedSource], outlook: Outlook) -> List[Finding]:
    """Return what is odd about the sources of a host.

    :param outlook: of the files that they are used with
    """
    found: List[Finding] = []
    settings = outlook.settings
    there = [source for source in sources if source.is_there]

    def tell(code: str, severity: Severity, name: str, message: str, remedy: str) -> None:
        found.append(Finding(code, severity, f"sources {name}", message, remedy))

    for address, names in grouped((each, source.name) for source in there for each in source.addresses).items():
        if len(names) > 1:
            message = f"{address} is an address of the sources {listed(names)}"
            tell("address_of_two_sources", "warning", names[0], message, "Give each source addresses of its own")
    for helo, users in grouped((source.helo, source) for source in there if source.helo).items():
        names = [source.name for source in users]
        if len({(source.address, source.address6) for source in users}) > 1:
            message = f"The sources {listed(names)} greet as {helo}, and have different addresses"
            remedy = "Give each address a name of its own, to which its PTR record points"
            tell("helo_of_two_addresses", "warning", names[0], message, remedy)
    active = [source.name for source in sources if source.state == "active"]
    if active and not any(source.weight for source in sources if source.state == "active"):
        message = f"The weights of all active sources ({listed(active)}) are 0, so nothing chooses one by weight"
        tell("sources_without_weight", "warning", active[0], message, "Give one of them a weight")
    if not any(_reads_a_table(settings, name) for name in _CHOOSING):
        chosen = {transport.name for transport in transports(settings, outlook.services)}
        for source in sources:
            if source.state == "active" and not source.transports and source.name not in chosen:
                message = f"Nothing in main.cf chooses the transport {source.name}"
                remedy = f"Name it in {_CHOOSING[0]}; the filter source_maps has the lines"
                tell("unchosen_source", "info", source.name, message, remedy)
    return found


_CHOOSING = ("sender_dependent_default_transport_maps", "transport_maps")


def _reads_a_table(settings: Settings, name: str) -> bool:
    """Return whether a parameter names a table that is not in main.cf, so that it is not known what it chooses."""
    try:
        value = settings.get_or(name, "")
    except InputError:  # it refers to itself
        return True
    return any(":" in word and not is_written_out(word) for word in words_outside_braces(value, ", \t"))
