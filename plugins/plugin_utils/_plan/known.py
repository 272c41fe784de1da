# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What is known of a host that nobody asks: its addresses, its version of Postfix, and what DNS says of its sources."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import read_sources
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import Version
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import version_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.side import OMITTED, Variables
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import refuse_unready
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import read_records
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FORMAT, VERSION

_FACTS = "ansible_facts"


class Audited(NamedTuple):
    """What an audit has found out about a host."""

    addresses: list[Mapping[str, Any]]
    version: str | None


class Known(NamedTuple):
    """Where addresses and versions are taken from."""

    #: the name of the variable with the addresses of a host; None if it was not given
    addresses: str | None = None
    #: the name of the variable with the version of Postfix on a host, or the version of all
    version: str | None = None
    #: by host
    audit: Mapping[str, Audited] = MappingProxyType({})

    def host(self, variables: Variables) -> Host | None:
        """Return the addresses of a host; None if they are not known.

        :raises InputError: they are not what they should be
        """
        if self.addresses is not None:
            host = _host(variables, self.addresses)
            if host is not None:
                return host
        audited = self.audit.get(variables.host)
        if audited and audited.addresses:
            return host_from_input(audited.addresses)
        return _host(variables, _FACTS) if self.addresses is None else None

    def version_of(self, variables: Variables) -> Version | None:
        """Return the version of Postfix on a host; None if it is not known.

        :raises InputError: it is not a version
        """
        value: Any = None
        if self.version is not None and re.fullmatch(r"[0-9]+(\.[0-9]+)+", self.version):
            value = self.version
        elif self.version is not None:
            found = variables.value(self.version)
            value = None if found is OMITTED else found
        audited = self.audit.get(variables.host)
        if value is None and audited:
            value = audited.version
        return None if value is None else version_from_input(value)

    @property
    def why_not(self) -> str:
        """Why the addresses of a host are not known, as sentences."""
        places = [f"the host has no variable {self.addresses}" if self.addresses else "no facts of it are cached"]
        if self.audit:
            places.insert(0, "the audit did not reach it")
        return (
            f"The addresses of the host are not known: {' and '.join(places)}. Give them in mailfleet_addresses or "
            "mailfleet_audit."
        )


def _host(variables: Variables, name: str) -> Host | None:
    value = variables.value(name)
    return None if value is OMITTED or not value else host_from_input(value, name)


class Records:
    """What DNS says about source addresses, as the role is given it; each file is read once."""

    def __init__(self) -> None:
        self._read: dict[str, Mapping[str, Any]] = {}

    def refuse_unready(
        self, variables: Variables, role: Mapping[str, Any], instances: Sequence[Mapping[str, Any]]
    ) -> None:
        """Refuse active sources that it does not favour, as the role does.

        :param role: the variables of the role
        :param instances: the options of each instance
        :raises InputError: there is one, or it cannot be read
        """
        own = f"{PREFIX}records"
        given = role[own] if own in role else variables.value("mailfleet_records")
        if given is OMITTED or not given:
            return
        for options in instances:
            if options.get("sources") and options.get("state") != "absent":
                for source in read_sources(options["sources"]):
                    if source.state == "active":
                        refuse_unready(source, self._of(given))

    def _of(self, given: Any) -> Mapping[str, Any]:
        if not isinstance(given, str):
            return read_records(given)
        if given not in self._read:
            self._read[given] = read_records(given)
        return self._read[given]


def read_audit(path: str) -> dict[str, Audited]:
    """Return what the JSON of an audit says of each host.

    :raises InputError: it cannot be read, or is something else
    """
    option, remedy = "mailfleet_audit", "Give what mailfleet.postfix.audit has written to mailfleet_report_json"
    try:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
    except (OSError, ValueError) as error:
        raise InputError(option, path, f"cannot be read: {error}", remedy) from error
    found: dict[str, Audited] = {}
    try:
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise KeyError
        for record in data["instances"]:
            if record["addresses"]:
                found.setdefault(record["host"], Audited(record["addresses"], record["version"]))
    except (KeyError, TypeError) as error:
        raise InputError(option, path, f"is not a report of version {VERSION}", remedy) from error
    return found
