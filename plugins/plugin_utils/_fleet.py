# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The source addresses of all instances of a fleet, merged into as few prefixes as possible."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    FAMILIES,
    Address,
    is_private,
    normal_form,
    parse_address,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import client_as_dict
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    STATES,
    NamedSource,
    read_sources,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import place as place_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.select_addresses import select_addresses
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet_results import instances_found, is_result
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import bool_of, read_input, version_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._role_variables import (
    chosen,
    instances_of,
    outlook_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._shared_sources import Claims

KERNEL_CHOICES = ("all", "none", "error")

_KEYS = ("settings", "addresses", "services", "version")


class Sender(NamedTuple):
    """One instance of Postfix on one host."""

    #: where it is in the input, for errors
    place: str
    #: the host variable that gives each option, by option
    variables: Mapping[str, str]
    #: the name of its host; None if it is not known
    name: str | None
    host: Host
    #: as the filter source_addresses returns them
    clients: Sequence[Mapping[str, Any]]


class Asked(NamedTuple):
    """Which of the source addresses to include."""

    families: Sequence[str]
    #: names with type; None for all SMTP clients
    transports: frozenset[str] | None
    #: one of KERNEL_CHOICES
    kernel_choice: str
    #: whether to include private addresses
    private: bool

    def about(self, client: Mapping[str, Any]) -> bool:
        """Return whether to include a transport."""
        return client["program"] == "smtp" if self.transports is None else client["transport"] in self.transports


def read_asked(family: Any, transports: Any, kernel_choice: Any, private: Any) -> Asked:
    """Convert the arguments that say which source addresses to include.

    :raises InputError: for a value that is not one of the choices, or of the wrong type
    """
    return Asked(
        FAMILIES if family is None else (chosen("family", family, FAMILIES),),
        None if transports is None else frozenset(map(_full_name, _names("transports", transports))),
        chosen("kernel_choice", kernel_choice, KERNEL_CHOICES),
        bool_of("private", private),
    )


def read_fleet(
    fleet: Any, hosts: Any, addresses: Any, results: Any, version: Any, resolve: Any, states: Any = None
) -> Iterator[Sender]:
    """Yield every instance of a list of configurations or results, or of hosts with their variables or results.

    :param states: those of the sources by name that send; None for those that are on the hosts
    :raises InputError: for anything else
    """
    if states is not None:
        states = [chosen("states", state, STATES) for state in _names("states", states)]
    is_one_result = isinstance(fleet, Mapping) and is_result(fleet)
    if isinstance(fleet, Mapping) and not is_one_result:
        yield from _of_hosts(fleet, hosts, addresses, results, version, resolve, states)
        return
    for name, value in (("hosts", hosts), ("addresses", addresses), ("results", results), ("states", states)):
        if value is not None:
            raise InputError(
                name, str(value), "only applies to hosts with their variables", "Give hostvars, or leave it out"
            )
    if is_one_result:
        yield from _of_result("_input", None, fleet)
        return
    if not isinstance(fleet, (list, tuple)):
        remedy = "Give hostvars, or a list such as [{'settings': {...}, 'addresses': [...]}]"
        raise InputError("_input", str(fleet), "is neither hostvars nor a list of configurations", remedy)
    for index, entry in enumerate(fleet):
        place = f"_input[{index}]"
        if isinstance(entry, Mapping) and is_result(entry):
            yield from _of_result(place, place, entry)
            continue
        with located(place):
            sender = _sender(place, {}, None, _of_entry(entry, version, resolve))
        yield sender


def sources(senders: Iterable[Sender], asked: Asked, shared: Any) -> Iterator[Address]:
    """Yield the addresses that the instances send from, in any order, with duplicates.

    :param shared: the addresses and prefixes that several hosts may send from
    :raises InputError: for a transport that no host has, a configuration with which Postfix would not run, and an
        address that several hosts claim
    """
    seen: set[str] = set()
    claims = Claims(_names("shared", shared))
    for sender in senders:
        if sender.name is not None:
            claims.of_host(sender.name, sender.host)
        seen.update(client["transport"] for client in sender.clients)
        for origin, found in sources_of(sender, asked):
            if origin is not None and sender.name is not None:
                claims.add(sender.name, origin, found)
            yield from found
    claims.check()
    refuse_unknown_transports(asked, seen)


def refuse_unknown_transports(asked: Asked, known: Set[str]) -> None:
    """Refuse to include transports that no host has.

    :raises InputError: there is one
    """
    for transport in sorted((asked.transports or frozenset()) - known):
        remedy = f"Use existing ones: {', '.join(sorted(known)[:20]) or 'there are none'}"
        raise InputError("transports", transport, "is not a transport of any host", remedy)


def sources_of(sender: Sender, asked: Asked) -> Iterator[tuple[str | None, list[Address]]]:
    """Yield the possible source addresses of each transport and family, after what sets them; None for the kernel.

    :raises InputError: the kernel has several to choose from, and that is not allowed
    """
    for client in filter(asked.about, sender.clients):
        for name in asked.families:
            source = client[name]
            if source is None or source["failure"] is not None:
                continue
            with located(sender.place, sender.variables):
                found = _possible(client["transport"], name, source["address"], sender.host, asked)
            yield None if source["address"] is None else source["origin"], found


def _possible(transport: str, name: str, address: str | None, host: Host, asked: Asked) -> list[Address]:
    """Return the possible source addresses of a transport, without loopback and link-local ones.

    If the kernel chooses, it may be any address of the host, because a route can name any as its source. Addresses that
    the host will not keep are left out: they are another host's when somebody looks at the list.
    """
    if address is None:
        known = select_addresses(host, ["global"], name, missing_ok=True)
    else:
        known = [one for one in [parse_address(address)] if one and not one.is_loopback and not one.is_link_local]
        known = [one for one in known if not _is_given_up(host.find(one))]
    found = [one for one in known if asked.private or not is_private(one)]
    if address is None and asked.kernel_choice == "none":
        return []
    if address is None and asked.kernel_choice == "error" and len(found) > 1:
        raise InputError(
            transport,
            ", ".join(map(normal_form, found)),
            f"are all possible, since the kernel chooses the source address for {name}",
            "Set the source address of the transport, or allow this with kernel_choice=all",
        )
    return found


def _is_given_up(known: HostAddress | None) -> bool:
    return known is not None and (known.temporary or known.deprecated)


def merged(addresses: Iterable[Address]) -> list[str]:
    """Return the fewest prefixes that contain exactly these addresses, IPv4 first, each family in ascending order.

    :raises InputError: if netaddr is not installed
    """
    try:
        import netaddr  # here, because importing it takes longer than everything else together
    except ImportError as error:
        raise InputError(
            "fleet_source_addresses",
            "netaddr",
            f"cannot be imported on the control node ({error})",
            f"Install it for the Python that runs Ansible: {sys.executable} -m pip install netaddr",
        ) from error
    distinct = {(address.version, int(address)) for address in addresses}
    found = netaddr.cidr_merge(netaddr.IPAddress(number, version) for version, number in distinct)
    return [str(prefix.ip if prefix.size == 1 else prefix) for prefix in found]


@contextmanager
def located(place: str, variables: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Add to an error where in the fleet it is, and name the host variable instead of the option."""
    try:
        yield
    except InputError as error:
        name = variables.get(error.parameter, error.parameter)
        raise InputError(f"{place}: {name}", error.value, error.reason, error.remedy) from error


def _sender(place: str, variables: Mapping[str, str], name: str | None, outlook: Outlook) -> Sender:
    """:raises InputError: for a configuration with which Postfix would not run"""
    return Sender(place, variables, name, outlook.host, [client_as_dict(client) for client in outlook.clients])


def _of_result(place: str, name: str | None, result: Mapping[str, Any]) -> Iterator[Sender]:
    for instance, host, clients in instances_found(place, result):
        yield Sender(f"{place}: {instance}", {}, name, host, clients)


def _of_entry(entry: Any, version: Any, resolve: Any) -> Outlook:
    if not isinstance(entry, Mapping):
        remedy = "Give {'settings': {...}, 'addresses': [...]}"
        raise InputError("configuration", str(entry), "is not a mapping", remedy)
    for name in entry:
        if name not in _KEYS:
            raise InputError("configuration", str(name), "is not a key of a configuration", f"Use {', '.join(_KEYS)}")
    settings, addresses, services, own_version = (entry.get(name) for name in _KEYS)
    return read_input(settings, addresses, services, version if own_version is None else own_version, resolve)


def _of_hosts(
    fleet: Mapping[str, Any], hosts: Any, addresses: Any, results: Any, version: Any, resolve: Any, states: Any
) -> Iterator[Sender]:
    for option, value in (("addresses", addresses), ("states", states)):
        if value is not None and results is not None:
            raise InputError(option, str(value), "is not needed beside results", "Leave one of them out")
    variable = "ansible_facts" if addresses is None else addresses
    for option, value in (("addresses", variable), ("results", results)):
        if value is not None and not isinstance(value, str):
            raise InputError(
                option, str(value), "is not the name of a variable", f"Name the variable with the {option}"
            )
    known_version, resolver = version_from_input(version), mapping_resolver(resolve)
    for name in list(fleet) if hosts is None else _names("hosts", hosts):
        if name not in fleet:
            raise InputError("hosts", name, "is not a host of the inventory", "Correct its name, or add it")
        variables = fleet[name]
        with located(name):
            if not isinstance(variables, Mapping):
                raise InputError("variables", str(variables), "is not a mapping", "Give hostvars")
            result = variables if results is None else _variable("results", variables, results)
        if results is not None or is_result(variables):
            yield from _of_result(name, name, result)
            continue
        with located(name):
            host = host_from_input(_variable("addresses", variables, variable), variable)
            instances = instances_of(variables)
        for index, options in enumerate(instances):
            if options.get("state") == "absent":
                continue
            place, named = f"{name}: {PREFIX}instances[{index}]", {}
            if len(instances) == 1:
                place, named = name, {option: PREFIX + option for option in options}
            with located(place, named):
                sender = _sender(place, named, name, outlook_of(options, host, known_version, resolver))
                if states is not None and options.get("sources"):
                    sender = sender._replace(clients=_in_states(sender, read_sources(options["sources"]), states))
            yield sender


def _in_states(sender: Sender, listed: Sequence[NamedSource], states: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the clients of an instance, with those of its sources by name that are in one of some states."""
    transports = {f"{source.name}/unix" for source in listed}
    clients = [client for client in sender.clients if client["transport"] not in transports]
    for source in listed:
        if source.state in states:
            addresses = place_of(source, sender.host).addresses
            families: dict[str, Any] = dict.fromkeys(FAMILIES)
            for name, address in addresses.items():
                families[name] = {"address": normal_form(address), "origin": f"sources {source.name}", "failure": None}
            clients.append({"transport": f"{source.name}/unix", "program": "smtp", **families})
    return clients


def _variable(option: str, variables: Mapping[str, Any], name: str) -> Any:
    """Return a variable of a host; ``postfix.addresses`` means the key addresses of the variable postfix."""
    value: Any = variables
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            remedies = {"addresses": "Gather its facts, or name the variable that has its addresses"}
            remedy = remedies.get(option, "Describe the host and register the result, or leave it out of hosts")
            raise InputError(option, name, "is not a variable of the host", remedy)
        value = value[key]
    return value


def _names(parameter: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError(parameter, str(value), "is not a list of names", "Give a list of names")
    return list(names)


def _full_name(transport: str) -> str:
    return transport if "/" in transport else f"{transport}/unix"
