# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Shared code of the filters: convert Ansible's values to those of the core, and the core's errors to Ansible's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError, shown
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import known_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration, port_lookup
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST, Version, parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.values import text_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES

Answer = TypeVar("Answer")

#: Names of services(5) that mail hosts listen on and that Postfix does not know by itself.
_SERVICES_FILE = {"mail": 25, "ssmtp": 465, "urd": 465, "qmqp": 628}

_COLUMNS = ("private", "unprivileged", "chroot", "wakeup", "process_limit")
_KEYS = ("name", "type", "state", "command", *_COLUMNS, "options", "unset_options")
_STATES = ("present", "absent", "disabled")
_STOCK_COMMANDS = {(service.name, service.type): service.command for service in STOCK_SERVICES}


def filter_function(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Turn the core's InputError into a template error with the same text."""

    @wraps(function)
    def checked(*arguments: Any, **options: Any) -> Answer:
        try:
            return function(*arguments, **options)
        except InputError as error:
            raise AnsibleFilterError(str(error)) from error

    return checked


def read_input(settings: Any, addresses: Any, services: Any, version: Any, resolve: Any) -> Outlook:
    """Convert the arguments that all filters about one configuration share.

    :raises InputError: for an argument of the wrong kind
    """
    host = host_from_input(addresses)
    if not isinstance(settings, Mapping):
        raise InputError(
            "settings",
            settings,
            "is not a mapping",
            "Give main.cf parameters with their values, such as {'inet_interfaces': 'all'}",
        )
    values = {shown(name): value for name, value in settings.items()}
    parameters = Settings(values, version_from_input(version), host.hostname)
    ports = port_lookup(parameters, port_of_service)
    configuration = Configuration(parameters, services_from_input(services), ports)
    return Outlook(configuration, host, mapping_resolver(resolve))


def version_from_input(value: Any) -> Version:
    """Read the argument ``version``; None means the newest known version. A number is refused, since 3.10 would be 3.1.

    :raises InputError: if it is not a version
    """
    if value is None:
        return NEWEST
    if not isinstance(value, str):
        raise InputError("version", value, "is not text, and 3.10 would be 3.1", 'Put it in quotes, as in "3.10"')
    return parse_version(value)


def port_of_service(name: str) -> int | None:
    """Return the port of a service name without reading a file; None if it is unknown."""
    return known_port(name) or _SERVICES_FILE.get(name)


def services_from_input(value: Any) -> list[Service]:
    """Read the argument ``services``: a list like the module's option, the text of a master.cf, or None for the stock.

    :raises InputError: for anything else, and for a master.cf that Postfix would not start with
    """
    if value is None:
        return list(STOCK_SERVICES)
    if isinstance(value, str):
        return _services_of_text(value)
    if isinstance(value, (list, tuple)):
        listed = (_service(item) for item in value)
        return [service for service in listed if service is not None]
    raise InputError(
        "services",
        value,
        "is neither a list of services nor the text of a master.cf",
        "Give a list such as [{'name': 'smtp', 'command': 'smtpd'}]",
    )


def _services_of_text(text: str) -> list[Service]:
    """Read a master.cf. The rules, which know what matters, report what is wrong with names, types and columns."""
    master = MasterCf(text, port_of_service)
    fatal = master.fatal()
    if fatal is not None:
        raise fatal
    return master.services()


def _service(item: Any) -> Service | None:
    """Convert one item of the list; return None if it is not in use."""
    if not isinstance(item, Mapping):
        raise _bad(item, "is not a mapping", "Give each service as {'name': ..., 'type': ..., 'command': ...}")
    item = dict(item.items())  # Ansible looks at a value whenever it is read: once is enough
    unknown = item.keys() - _KEYS
    if unknown:
        raise _bad(min(map(shown, unknown)), "is not a key of a service", f"Use {', '.join(_KEYS)}")
    if item.get("name") in (None, ""):
        raise _bad(item, "has no name", "Give its name, such as smtp or 10.77.0.1:smtp")
    name, kind = text_of("name", item["name"]), text_of("type", item.get("type") or "inet")
    state = item.get("state") or "present"
    if state not in _STATES:
        raise _bad(state, "is not a state of a service", f"Use {', '.join(_STATES)}")
    if state != "present":
        return None
    columns = {key: text_of(key, item[key]) for key in _COLUMNS if item.get(key) not in (None, "")}
    command, arguments = _command(item.get("command"), name, kind)
    return Service(
        name,
        kind,
        columns.get("private", "n" if kind == "inet" else "-"),
        columns.get("unprivileged", "-"),
        columns.get("chroot", "-"),
        columns.get("wakeup", "-"),
        columns.get("process_limit", "-"),
        command,
        arguments,
        _options(item),
    )


def _command(value: Any, name: str, kind: str) -> tuple[str, tuple[str, ...]]:
    words = text_of("command", value).split() if value is not None else []
    if not words:
        return _STOCK_COMMANDS.get((name, kind)) or ("smtpd" if kind == "inet" else name), ()
    return words[0], tuple(words[1:])


def _options(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    options = item.get("options")
    if not options:
        return ()
    if not isinstance(options, Mapping):
        raise _bad(options, "is not a mapping of options", "Give {'parameter': 'value'}")
    unset = item.get("unset_options") or ()
    names = list_of(unset)
    if names is None:
        raise _bad(unset, "is not a list of options to unset", "Give a list such as ['content_filter']")
    given = [(shown(name), value) for name, value in options.items() if name not in names]
    return tuple((name, text_of(name, value)) for name, value in given)


def bool_of(name: str, value: Any) -> bool:
    """Read a boolean as Ansible does.

    :raises InputError: if it is not a boolean
    """
    try:
        return bool(boolean(value))
    except TypeError as error:
        raise InputError(name, str(value), "is not a boolean", "Write true or false") from error


def list_of(value: Any) -> list[Any] | None:
    """Read a list as Ansible reads a module's option, splitting text at commas; return None if it is not a list."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")]
    return list(value) if isinstance(value, (list, tuple)) else None


def _bad(value: object, reason: str, remedy: str) -> InputError:
    return InputError("services", value, reason, remedy)
