# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The source addresses of all instances of a fleet, merged into as few prefixes as possible."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.select_addresses import select_addresses
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.source_addresses import client_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import read_input, version_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._role_variables import (
    bool_of,
    instances_of,
    outlook_of,
)

KERNEL_CHOICES = ("all", "none", "error")

_KEYS = ("settings", "addresses", "services", "version")


class Sender(NamedTuple):
    """One instance of Postfix on one host."""

    #: where it is in the input, for errors
    place: str
    #: the host variable that gives each option, by option
    variables: Mapping[str, str]
    outlook: Outlook


class Asked(NamedTuple):
    """Which of the source addresses to include."""

    families: Sequence[str]
    #: names with type; None for all SMTP clients
    transports: frozenset[str] | None
    #: one of KERNEL_CHOICES
    kernel_choice: str
    #: whether to include private addresses
    private: bool

    def about(self, transport: str, program: str) -> bool:
        """Return whether to include a transport that runs this program."""
        return program == "smtp" if self.transports is None else transport in self.transports


def read_asked(family: Any, transports: Any, kernel_choice: Any, private: Any) -> Asked:
    """Convert the arguments that say which source addresses to include.

    :raises InputError: for a value that is not one of the choices, or of the wrong type
    """
    return Asked(
        FAMILIES if family is None else (_chosen("family", family, FAMILIES),),
        None if transports is None else frozenset(map(_full_name, _names("transports", transports))),
        _chosen("kernel_choice", kernel_choice, KERNEL_CHOICES),
        bool_of("private", private),
    )


def read_fleet(fleet: Any, hosts: Any, addresses: Any, version: Any, resolve: Any) -> Iterator[Sender]:
    """Yield every instance of a list of configurations, or of hosts with their variables.

    :raises InputError: for anything else
    """
    if isinstance(fleet, Mapping):
        yield from _of_hosts(fleet, hosts, addresses, version, resolve)
        return
    for name, value in (("hosts", hosts), ("addresses", addresses)):
        if value is not None:
            raise InputError(
                name, str(value), "only applies to hosts with their variables", "Give hostvars, or leave it out"
            )
    if not isinstance(fleet, (list, tuple)):
        remedy = "Give hostvars, or a list such as [{'settings': {...}, 'addresses': [...]}]"
        raise InputError("_input", str(fleet), "is neither hostvars nor a list of configurations", remedy)
    for index, entry in enumerate(fleet):
        place = f"_input[{index}]"
        with located(place):
            outlook = _of_entry(entry, version, resolve)
        yield Sender(place, {}, outlook)


def sources(senders: Iterable[Sender], asked: Asked) -> Iterator[Address]:
    """Yield the addresses that the instances send from, in any order, with duplicates.

    :raises InputError: for a transport that no host has, and for a configuration with which Postfix would not run
    """
    seen: set[str] = set()
    for sender in senders:
        outlook = sender.outlook
        services = outlook.configuration.services
        programs = {service.title: client_of(service) for service in services}
        with located(sender.place, sender.variables):
            clients = outlook.clients
            seen.update(client.transport for client in clients)
            found = [
                address
                for client in clients
                if asked.about(client.transport, programs[client.transport])
                for name, source in client.sources()
                if name in asked.families and source.failure is None
                for address in _possible(client.transport, name, source.address, outlook.host, asked)
            ]
        yield from found
    for transport in sorted((asked.transports or frozenset()) - seen):
        remedy = f"Use existing ones: {', '.join(sorted(seen)[:20]) or 'there are none'}"
        raise InputError("transports", transport, "is not a transport of any host", remedy)


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


def _of_entry(entry: Any, version: Any, resolve: Any) -> Outlook:
    if not isinstance(entry, Mapping):
        remedy = "Give {'settings': {...}, 'addresses': [...]}"
        raise InputError("configuration", str(entry), "is not a mapping", remedy)
    for name in entry:
        if name not in _KEYS:
            raise InputError("configuration", str(name), "is not a key of a configuration", f"Use {', '.join(_KEYS)}")
    settings, addresses, services, own_version = (entry.get(name) for name in _KEYS)
    return read_input(settings, addresses, services, version if own_version is None else own_version, resolve)


def _of_hosts(fleet: Mapping[str, Any], hosts: Any, addresses: Any, version: Any, resolve: Any) -> Iterator[Sender]:
    variable = "ansible_facts" if addresses is None else addresses
    if not isinstance(variable, str):
        raise InputError(
            "addresses", str(addresses), "is not the name of a variable", "Name the variable with the addresses"
        )
    known_version, resolver = version_from_input(version), mapping_resolver(resolve)
    for name in list(fleet) if hosts is None else _names("hosts", hosts):
        if name not in fleet:
            raise InputError("hosts", name, "is not a host of the inventory", "Correct its name, or add it")
        variables = fleet[name]
        with located(name):
            if not isinstance(variables, Mapping):
                raise InputError("variables", str(variables), "is not a mapping", "Give hostvars")
            host = host_from_input(_variable(variables, variable), variable)
            instances = instances_of(variables)
        for index, options in enumerate(instances):
            if options.get("state") == "absent":
                continue
            place, named = f"{name}: {PREFIX}instances[{index}]", {}
            if len(instances) == 1:
                place, named = name, {option: PREFIX + option for option in options}
            with located(place, named):
                outlook = outlook_of(options, host, known_version, resolver)
            yield Sender(place, named, outlook)


def _variable(variables: Mapping[str, Any], name: str) -> Any:
    """Return a variable of a host; ``postfix.addresses`` means the key addresses of the variable postfix."""
    value: Any = variables
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            remedy = "Gather its facts, or name the variable that has its addresses"
            raise InputError("addresses", name, "is not a variable of the host", remedy)
        value = value[key]
    return value


def _chosen(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise InputError(name, str(value), "is not one of the choices", f"Use one of {', '.join(choices)}")
    return str(value)


def _names(parameter: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError(parameter, str(value), "is not a list of names", "Give a list of names")
    return list(names)


def _full_name(transport: str) -> str:
    return transport if "/" in transport else f"{transport}/unix"
