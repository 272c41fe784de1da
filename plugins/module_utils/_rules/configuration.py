# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two files of an instance say: the one way from their text to settings, services and ports."""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.endpoint import PortLookup, known_port
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._files.service import Service
from .listeners import SHARED_PORTS_SINCE
from .parameters import Version
from .settings import Settings
from .values import equivalent


class Configuration(NamedTuple):
    """main.cf and master.cf as Postfix reads them."""

    settings: Settings
    #: every entry of master.cf in its order, duplicates and disabled ones included
    services: Sequence[Service]
    #: the port of a service name: known_tcp_ports of main.cf first, then what the host knows
    port_of: PortLookup = known_port
    #: what Postfix dies of in the text of the files, whatever it is about
    fatal: Optional[InputError] = None
    #: the parameters that main.cf sets more than once
    repeated: Sequence[str] = ()
    #: of these, the ones that are set to values of different meanings
    overridden: Sequence[str] = ()
    #: the files themselves, for who has more to ask of them; empty where this is not :meth:`from_texts`
    main: MainCf = MainCf("")
    master: MasterCf = MasterCf("")

    @classmethod
    def from_texts(
        cls, main: str, master: str, version: Version, hostname: Optional[str] = None, port_of: PortLookup = known_port
    ) -> Configuration:
        """Read the texts of both files.

        :param version: of the Postfix that reads them
        :param hostname: what gethostname(2) returns on the host, for the default of myhostname
        :param port_of: knows the ports of service names on the host
        """
        main_cf = MainCf(main)
        settings = Settings(main_cf.values(), version, hostname)
        master_cf = MasterCf(master, port_lookup(settings, port_of))
        return cls.from_files(main_cf, settings, master_cf)._replace(main=main_cf, master=master_cf)

    @classmethod
    def from_files(cls, main: MainCf, settings: Settings, master: MasterCf) -> Configuration:
        """Take what two files say now that have been read already; later edits of them make no difference.

        :param settings: what main.cf says, and what ``master`` got its port lookup from
        """
        fatal = main.fatal() or master.fatal()
        overridden = [
            name
            for name in main.overridden()
            if not all(equivalent(name, value, settings.raw(name), settings.version) for value in main.all_values(name))
        ]
        return cls(settings, master.services(), master.port_of, fatal, main.duplicates(), overridden)


def port_lookup(settings: Settings, lookup: PortLookup) -> PortLookup:
    """Return a lookup that asks known_tcp_ports first, where main.cf sets it (Postfix 3.6 and later)."""
    if settings.version < SHARED_PORTS_SINCE or not settings.is_set("known_tcp_ports"):
        return lookup
    ports: Dict[str, int] = {}
    try:
        associations = settings.get("known_tcp_ports").split(",")
    except InputError:  # refused_values() tells
        return lookup
    for association in associations:
        *names, number = (part.strip() for part in association.split("="))
        if re.match(r"[0-9]{1,5}\Z", number) and int(number) <= 65535:
            for name in names:
                ports.setdefault(name, int(number))
    return lambda name: ports.get(name) or lookup(name)
