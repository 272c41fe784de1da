# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the rules build: an outlook, of settings and services or of the texts of both files."""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Union

from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import PortLookup, known_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration, port_lookup
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES


def outlook_of(
    settings: Mapping[str, Any],
    services: Union[str, Sequence[Service]],
    host: Host,
    version: str = "3.12",
    names: Mapping[str, Any] = {},
    port_of: PortLookup = known_port,
    allow_absent: bool = False,
) -> Outlook:
    """Return the outlook of settings and services; services can be the text of a master.cf."""
    parameters = Settings(settings, parse_version(version), host.hostname)
    ports = port_lookup(parameters, port_of)
    entries = MasterCf(services, ports).services() if isinstance(services, str) else services
    return Outlook(Configuration(parameters, entries, ports), host, mapping_resolver(names), allow_absent)


def outlook_of_texts(
    main: str, master: str, host: Host, version: str = "3.12", names: Mapping[str, Any] = {}
) -> Outlook:
    """Return the outlook of the texts of both files."""
    configuration = Configuration.from_texts(main, master, parse_version(version), "mx.test")
    return Outlook(configuration, host, mapping_resolver(names))


__all__ = ["STOCK_SERVICES", "outlook_of", "outlook_of_texts"]
