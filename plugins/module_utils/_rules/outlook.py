# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Postfix will make of a configuration on a host: own addresses, listeners, source addresses, default mynetworks.

The rules are in the modules named like that. Here each is asked once at most, so that a plan, its findings and what is
shown of it can never see two answers; host names too have one answer (the resolver remembers it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence

from .._base.address import Address, address_of, family, is_private, normal_form
from .._base.errors import InputError
from .._base.once import once
from .._files.service import Service, last_of_each
from .configuration import Configuration
from .host import Host, HostAddress
from .listeners import Listener, active_services, listeners
from .origin import INET_INTERFACES
from .own_addresses import Resolver, enabled_families, own_addresses, proxy_addresses
from .refused_values import refused_values

if TYPE_CHECKING:
    from .explicit_sources import ExplicitSource
    from .lack import Lack
    from .next_hops import NextHop
    from .program_failures import Failure
    from .source_addresses import Client


class Outlook:
    """A configuration on a host. What Postfix would die of is the InputError of the part that it would die in.

    :param resolve: tells the addresses of a host name
    :param allow_absent: accept addresses that the host does not have (yet)
    :param unfamiliar: what the rules do not know of this Postfix (:mod:`_rules.unfamiliar`)
    """

    def __init__(
        self,
        configuration: Configuration,
        host: Host,
        resolve: Resolver,
        allow_absent: bool = False,
        unfamiliar: Sequence[str] = (),
    ) -> None:
        self.configuration = configuration
        self.settings = configuration.settings
        self.version = configuration.settings.version
        self.host = host
        self.resolve = resolve
        self.allow_absent = allow_absent
        self.unfamiliar = unfamiliar

    @once
    def families(self) -> FrozenSet[str]:
        """The address families that Postfix uses."""
        return enabled_families(self.settings, self.host)

    @once
    def refused_values(self) -> List[InputError]:
        """What every program of Postfix dies of when it starts, but for the addresses."""
        return list(refused_values(self.settings, self.host))

    @once
    def own_addresses(self) -> List[Address]:
        """The addresses that Postfix takes for its own, in its order."""
        for error in self.refused_values:
            raise error
        return own_addresses(self.settings, self.host, self.resolve, self.allow_absent)

    @once
    def proxy_addresses(self) -> List[Address]:
        """The addresses by which the world reaches this host through a proxy or NAT."""
        return proxy_addresses(self.settings, self.host, self.resolve)

    @once
    def services(self) -> List[Service]:
        """The entries of master.cf that count: not left out by master_service_disable, and the last of each service."""
        return last_of_each(active_services(self.settings, self.configuration.services), self.configuration.port_of)

    @once
    def by_title(self) -> Dict[str, Service]:
        """Those services by name and type; of a public and a private one of the same name the last."""
        return {service.title: service for service in self.services}

    @once
    def listeners(self) -> List[Listener]:
        """The sockets that the master opens, in the order of master.cf."""
        services, port_of = self.configuration.services, self.configuration.port_of
        return listeners(
            self.settings, services, port_of, self.own_addresses, self.host, self.resolve, self.allow_absent
        )

    @once
    def cached(self) -> Optional[FrozenSet[str]]:
        """What a master that starts by this keeps of inet_interfaces as long as it lives: addresses, or ``all`` alone.

        A service without a host that a reload brings gets its sockets by that (get_master_ent() in
        master/master_ent.c). None where it is not known.
        """
        if self.settings.get("inet_interfaces") == "all":
            return frozenset(["all"])
        return frozenset(map(normal_form, self.own_addresses))

    @once
    def clients(self) -> List[Client]:
        """The client services with the addresses that they send from, in the order of master.cf."""
        from .source_addresses import source_addresses  # like the next two, not asked where Postfix is in line

        services = self.configuration.services
        return source_addresses(self.settings, services, self.own_addresses, self.host, self.resolve, self.allow_absent)

    @once
    def explicit_sources(self) -> List[ExplicitSource]:
        """The source addresses that parameters set, whether or not Postfix can use them."""
        from .explicit_sources import explicit_sources

        return list(explicit_sources(self.settings, self.services, self.host))

    @once
    def program_failures(self) -> List[Failure]:
        """The services whose program dies when it starts, though the master lives."""
        from .program_failures import program_failures

        return list(program_failures(self.settings, self.services, self.host, self.resolve, self.allow_absent))

    @once
    def next_hops(self) -> List[NextHop]:
        """The addresses that parameters name to connect to: next hops, filters, milters, policy services."""
        from .next_hops import next_hops

        return list(next_hops(self.settings, self.services, self.host))

    @once
    def postscreen_lacks(self) -> List[Lack]:
        """The services that postscreen needs and master.cf does not have."""
        from .postscreen import lacks

        return list(lacks(self.settings, self.services))

    @once
    def intake_lacks(self) -> List[Lack]:
        """The services that those need that take mail, and master.cf does not have."""
        from .intake import lacks

        return list(lacks(self.settings, self.services))

    @property
    def needed(self) -> List[Lack]:
        """What services need now and master.cf does not have."""
        return [lack for lack in (*self.postscreen_lacks, *self.intake_lacks) if lack.is_needed]

    @once
    def mynetworks(self) -> Optional[List[str]]:
        """The default of mynetworks; None where main.cf sets it."""
        from .mynetworks import default_mynetworks

        return default_mynetworks(self.settings, self.host, self.own_addresses)

    @once
    def error(self) -> Optional[InputError]:
        """What the master dies of, at its start at the latest; None where it comes up."""
        return self.configuration.fatal or self._error_of("listeners", "services")

    @once
    def failure(self) -> Optional[InputError]:
        """The error for which listeners or source addresses cannot be told; None where they can."""
        return self._error_of("listeners", "clients", "services")

    def _error_of(self, *parts: str) -> Optional[InputError]:
        for part in parts:
            try:
                getattr(self, part)
            except InputError as error:
                return error
        return None

    @property
    def strict(self) -> Outlook:
        """The same, with addresses that the host does not have refused."""
        return self._counterpart if self.allow_absent else self

    @property
    def lenient(self) -> Outlook:
        """The same, with addresses that the host does not have accepted."""
        return self if self.allow_absent else self._counterpart

    @once
    def _counterpart(self) -> Outlook:
        counterpart = type(self)(self.configuration, self.host, self.resolve, not self.allow_absent)
        vars(counterpart).update(_counterpart=self)
        return counterpart

    @property
    def runs(self) -> bool:
        """Whether the master comes up."""
        return self.error is None

    @property
    def promised(self) -> Optional[Sequence[Listener]]:
        """The listeners, or None where the master would not come up."""
        return self.listeners if self.runs else None

    @property
    def hears_this_host_only(self) -> bool:
        """Whether no other host can connect, since each listener is on a loopback address, or there is none."""
        return all(address_of(listener.socket.address).is_loopback for listener in self.listeners)

    def reachable(self, family_name: str) -> List[Address]:
        """Return the host's addresses of a family by which other hosts reach it."""
        return [known.address for known in self._reachable(family_name)]

    def stable(self, family_name: str) -> List[Address]:
        """Return those of :meth:`reachable` that the host will keep, and that can be used now, public ones first."""
        stable = [known for known in self._reachable(family_name) if known.is_stable]
        return [known.address for known in sorted(stable, key=lambda known: (is_private(known.address), known.dynamic))]

    def best(self, family_name: str) -> Optional[Address]:
        """Return the address of a family that mail to other hosts can leave from; None where there is none."""
        return next(iter(self.stable(family_name)), None)

    def _reachable(self, family_name: str) -> Iterator[HostAddress]:
        for known in self.host.addresses:
            address = known.address
            if known.up and family(address) == family_name and not address.is_loopback and not address.is_link_local:
                yield known

    def with_values(self, values: Mapping[str, str]) -> Outlook:
        """Return the same with other values in main.cf."""
        configuration = self.configuration._replace(settings=self.settings.with_options(values))
        return Outlook(configuration, self.host, self.resolve, self.allow_absent, self.unfamiliar)

    def with_seen(
        self, seen: Sequence[Listener], families: FrozenSet[str], cached: Optional[FrozenSet[str]]
    ) -> Outlook:
        """Return the same with what a master was seen to have, whatever the rules say now.

        :param cached: as the attribute; where it is not known, a service without a host shows it
        """
        if cached is None:
            bare = [listener.socket for listener in seen if listener.origin == INET_INTERFACES]
            cached = frozenset("all" if one.is_wildcard else one.address for one in bare) or None
        outlook = Outlook(self.configuration, self.host, self.resolve, self.allow_absent, self.unfamiliar)
        vars(outlook).update(listeners=list(seen), families=families, cached=cached, error=None)
        return outlook
