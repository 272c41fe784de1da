# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The configuration that the role would give each instance of a host, starting from stock files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import (
    Wanted,
    edit_files,
    refuse_absent,
    with_sources,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import (
    ABANDONED,
    PREFIX,
    UNKNOWN,
    UNLISTED,
    instance_options,
    refuse_unknown,
    values_of,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import read_sources
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import Resolver
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import PARAMETERS, Version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.values import text_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import bool_of, list_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._sources import joined
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import stock_master

_INSTANCES = "instances"
#: the options of the role for one instance; a test compares them with the role's argument_specs
OPTIONS = tuple(instance_options())
#: keys that only an entry of postfix_interfaces_instances has
ENTRY_OPTIONS = ("state", "group")
#: the options that say which instance it is
_PLACES = ("instance", "config_directory")
_SERVICE_KEYS = ServiceChange._fields

#: the stock clients as text
_STOCK_CLIENTS = stock_master(("unix",))


def instances_of(variables: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the options of each instance of a host, as the role gives them to its modules.

    An entry in which an option is null asks for nothing, even if the variable of that name is set.

    :raises InputError: for a variable that the role does not have, and for one of the wrong type
    """
    refuse_unknown([str(name) for name in variables if str(name).startswith(PREFIX)])
    listed = variables.get(PREFIX + _INSTANCES, [{}])
    if not isinstance(listed, (list, tuple)):
        raise InputError(PREFIX + _INSTANCES, str(listed), "is not a list", "Give one mapping for each instance")
    shared = {name: variables[PREFIX + name] for name in OPTIONS if PREFIX + name in variables}
    sources = joined((str(name) for name in variables), lambda name: variables[name])
    if sources:
        shared["sources"] = sources
    return [dict(_instance(entry, shared)) for entry in listed]


def _instance(entry: Any, shared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if not isinstance(entry, Mapping):
        raise InputError(PREFIX + _INSTANCES, str(entry), "is not a mapping", "Give one mapping for each instance")
    if entry.get("instance") or entry.get("config_directory"):
        shared = {name: value for name, value in shared.items() if name not in _PLACES}
    for name, value in {**shared, **entry}.items():
        if name not in OPTIONS and name not in ENTRY_OPTIONS:
            remedy = f"Use {', '.join((*OPTIONS, *ENTRY_OPTIONS))}"
            raise InputError(PREFIX + _INSTANCES, str(name), "is not an option of an instance", remedy)
        if value is not None:
            yield name, value


def wanted_of(options: Mapping[str, Any]) -> Wanted:
    """Return what the options of an instance ask for.

    :raises InputError: for one of the wrong type
    """
    options = {name: _value(name, value) if name in PARAMETERS else value for name, value in options.items()}
    return Wanted(
        values=values_of(options),
        unset=_list("unset", options.get("unset", ())),
        select=_select(options.get("select", {})),
        services=[_change(item) for item in _list("services", options.get("services", ()))],
        sources=read_sources(options["sources"]) if options.get("sources") else [],
        unlisted_services=chosen("unlisted_services", options.get("unlisted_services", "keep"), UNLISTED),
        allow_absent_addresses=bool_of("allow_absent_addresses", options.get("allow_absent_addresses", False)),
        allow_no_listener=bool_of("allow_no_listener", options.get("allow_no_listener", False)),
        abandoned=chosen("abandoned", options.get("abandoned", ABANDONED[0]), ABANDONED),
        unknown=chosen("unknown", options.get("unknown", UNKNOWN[0]), UNKNOWN),
    )


def outlook_of(options: Mapping[str, Any], host: Host, version: Version, resolve: Resolver) -> Outlook:
    """Return what Postfix will make of stock files that the role has edited by these options.

    Of the services only the clients are read: listeners may depend on what only the host knows.

    :raises InputError: for anything that the role would refuse
    """
    main, master = MainCf(""), MasterCfEditor(_STOCK_CLIENTS)
    around = Surroundings(host, version, resolve)
    wanted = with_sources(wanted_of(options), main, master, around)
    wanted = wanted._replace(services=[change for change in wanted.services if change.type == "unix"])
    edit_files(main, master, wanted, around)
    settings = Settings(main.values(), version, host.hostname)
    refuse_absent(wanted, settings, around)
    configuration = Configuration.from_files(main, settings, master)
    return Outlook(configuration, host, resolve, wanted.allow_absent_addresses)


def chosen(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return a value that is one of a few.

    :raises InputError: it is not
    """
    if value not in choices:
        raise InputError(name, value, "is not one of the choices", f"Use one of {', '.join(choices)}")
    return str(value)


def _value(name: str, value: Any) -> Any:
    return bool_of(name, value) if PARAMETERS[name].kind == "yes_no" else value


def _list(name: str, value: Any) -> list[Any]:
    found = list_of(value)
    if found is None:
        raise InputError(name, value, "is not a list", "Give a list")
    return found


def _select(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError("select", str(value), "is not a mapping", "Give parameters with lists of selectors")
    return {str(name): [chosen] if isinstance(chosen, str) else chosen for name, chosen in value.items()}


def _change(item: Any) -> ServiceChange:
    """Convert one item of the option services."""
    if not isinstance(item, Mapping) or not item.get("name"):
        raise InputError("services", str(item), "is not a mapping with a name", "Give {'name': ..., 'type': ...}")
    given = {str(name): value for name, value in item.items() if value is not None}
    for name in given:
        if name not in _SERVICE_KEYS:
            raise InputError("services", name, "is not a key of a service", f"Use {', '.join(_SERVICE_KEYS)}")
    options, unset = given.pop("options", {}), given.pop("unset_options", ())
    if not isinstance(options, Mapping):
        raise InputError("services", str(options), "is not a mapping of options", "Give {'parameter': 'value'}")
    return ServiceChange(
        **{name: text_of(name, value) for name, value in given.items()},
        options={str(name): text_of(str(name), value) for name, value in options.items()},
        unset_options=[str(name) for name in _list("unset_options", unset)],
    )
