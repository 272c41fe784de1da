# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules need to know about a host: its addresses, its families, and what its kernel lets a socket bind to."""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, Optional, Sequence, Tuple

from .._base.address import FAMILIES, Address, family, normal_form
from .._base.records import NamedTuple


class HostAddress(NamedTuple):
    """One address of one interface."""

    address: Address
    #: bits of the network part; the full length of the address where it is not known
    prefix_length: int
    #: name of the interface, empty where it is not known
    interface: str = ""
    #: whether the interface is up (IFF_UP): Postfix sees no other addresses
    up: bool = True
    #: IPv6 duplicate address detection is not finished or has failed: no socket can bind to the address
    tentative: bool = False
    #: not marked secondary (IPv4) or temporary (IPv6) by the kernel
    primary: bool = True
    #: a privacy address (RFC 4941), which the kernel replaces by another one
    temporary: bool = False
    #: not to be used for new connections: its preferred lifetime is over, or never was
    deprecated: bool = False
    #: with a lifetime, after which the kernel removes it unless somebody renews it: from DHCP or a router
    dynamic: bool = False

    @property
    def expires(self) -> bool:
        """Whether nobody will renew the address."""
        return self.temporary or (self.deprecated and self.dynamic)

    @property
    def is_stable(self) -> bool:
        """Whether it can be chosen for a service: the host will keep it, and it can be used now."""
        return not (self.temporary or self.deprecated or self.tentative)

    @property
    def instability(self) -> str:
        """The words for why it is not stable; nothing where it is."""
        words = (("temporary", self.temporary), ("deprecated", self.deprecated), ("tentative", self.tentative))
        return " and ".join(word for word, is_so in words if is_so)


class Accounts(NamedTuple):
    """How the users and groups of a host are looked up (getpwnam(3), getgrnam(3)); None where there is none."""

    #: numbers of user and group by the name of a user
    user: Callable[[str], Optional[Tuple[int, int]]]
    group: Callable[[str], Optional[int]]
    #: the first name with a number
    user_name: Callable[[int], Optional[str]]
    group_name: Callable[[int], Optional[str]]


class Host:
    """All addresses of a host, in the order of getifaddrs(3), and what its kernel can do.

    :param addresses: those of all interfaces, including interfaces that are down
    :param families: that the kernel supports; a family that a sysctl switches off is still supported
    :param nonlocal_bind: families whose sockets may bind to addresses that the host does not have (ip_nonlocal_bind)
    :param hostname: what gethostname(2) returns; None where it is not known
    :param bindable: returns whether a socket can bind to an address; None where the kernel cannot be asked
    :param accounts: None where they cannot be looked up
    :param kernel_source: returns the address from which the kernel sends to hosts far away, by the family, or None
        where it has no route; None where the kernel cannot be asked
    :param name_source: returns where the host has an address of a name from, such as ``line 2 of /etc/hosts``, or
        nothing where nobody can tell
    :param port_type: returns the type of a TCP port if SELinux keeps it from Postfix, and else None; None where it
        enforces no policy
    :param origin_of: returns what Postfix makes of a path in myorigin, or None where it dies of a file that it cannot
        read; None where nobody knows
    """

    def __init__(
        self,
        addresses: Sequence[HostAddress],
        families: FrozenSet[str] = frozenset(FAMILIES),
        nonlocal_bind: FrozenSet[str] = frozenset(),
        hostname: Optional[str] = None,
        bindable: Optional[Callable[[Address], bool]] = None,
        accounts: Optional[Accounts] = None,
        origin_of: Optional[Callable[[str], Optional[str]]] = None,
        kernel_source: Optional[Callable[[str], Optional[Address]]] = None,
        name_source: Optional[Callable[[str, Address], str]] = None,
        port_type: Optional[Callable[[int], Optional[str]]] = None,
    ) -> None:
        self.addresses = tuple(addresses)
        self.families = families
        self.nonlocal_bind = nonlocal_bind
        self.hostname = hostname
        self.bindable = bindable
        self.accounts = accounts
        self.origin_of = origin_of
        self.kernel_source = kernel_source
        self.name_source = name_source
        self.port_type = port_type
        self._index: Dict[Address, HostAddress] = {}
        for entry in self.addresses:
            if not self._index.setdefault(entry.address, entry).up and entry.up:
                self._index[entry.address] = entry

    def has_address(self, name: str, address: Address) -> str:
        """Return how a name comes to an address, to be read after the name: ``has the address 127.0.1.1 (by DNS)``."""
        source = self.name_source(name, address) if self.name_source is not None else ""
        return f"has the address {normal_form(address)}" + (f" ({source})" if source else "")

    def find(self, address: Address) -> Optional[HostAddress]:
        """Return the entry of an address, if possible one whose interface is up; None if the host lacks it."""
        return self._index.get(address)


def addresses_shown(host: Host, name: Optional[str] = None) -> str:
    """Return the host's usable addresses, of one family or both, as text for an error."""
    texts = [str(entry.address) for entry in host.addresses if entry.up and name in (None, family(entry.address))]
    return ", ".join(texts[:12]) + (", ..." if len(texts) > 12 else "") if texts else f"no {name or 'usable'} address"
