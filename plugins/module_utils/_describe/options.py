# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module postfix_interfaces, and what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence

from .._base.errors import InputError
from .._base.words import HIDDEN, outline
from .._change.plan import Wanted
from .._change.wish import Wish
from .._files.service import FIELD_VALUES, TYPES
from .._files.service_change import STATES, ServiceChange
from .._rules.parameters import PARAMETERS
from .._rules.values import text_of

if TYPE_CHECKING:
    from .._rules.named_sources import NamedSource

#: what the names of the role's variables begin with
PREFIX = "postfix_interfaces_"
#: what can be done with inet services that are not listed
UNLISTED = ("keep", "report", "disable", "remove")
#: what can be done with what nothing asks for any more, and with what nobody has asked for
ABANDONED = ("report", "restore", "keep")
UNKNOWN = ("ignore", "report", "fail")
#: of an entry of the option instances
INSTANCE_STATES = ("present", "absent")
#: what can be done about findings
ON_FINDINGS = ("show", "ignore", "fail")

_LIST = {"type": "list", "elements": "str"}
_LIST_KINDS = ("interfaces", "protocols", "proxy", "match_list")


def instance_options() -> Dict[str, Any]:
    """Return the argument spec of the options for one instance: one for each parameter, by its kind, and the others."""
    spec: Dict[str, Any] = {
        name: dict(_LIST) if parameter.kind in _LIST_KINDS else {"type": _type(parameter.kind)}
        for name, parameter in PARAMETERS.items()
    }
    service = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": list(TYPES), "default": "inet"},
        "state": {"type": "str", "choices": list(STATES), "default": "present"},
        "command": {"type": "str"},
        **{name: {"type": "str"} for name in FIELD_VALUES},
        "options": {"type": "dict", "default": {}},
        "unset_options": {**_LIST, "default": []},
    }
    spec.update(
        config_directory={"type": "path"},
        instance={"type": "str"},
        unset={**_LIST, "default": []},
        select={"type": "dict", "default": {}},
        services={"type": "list", "elements": "dict", "default": [], "options": service},
        unlisted_services={"type": "str", "choices": list(UNLISTED), "default": "keep"},
        allow_absent_addresses={"type": "bool", "default": False},
        allow_no_listener={"type": "bool", "default": False},
        sources={"type": "dict"},
        abandoned={"type": "str", "choices": list(ABANDONED), "default": "report"},
        unknown={"type": "str", "choices": list(UNKNOWN)},
        backup={"type": "bool", "default": False},
        timeout={"type": "float", "default": 30},
    )
    return spec


def entry_options() -> Dict[str, Any]:
    """Return the argument spec of an entry of the option instances."""
    return {
        **instance_options(),
        "state": {"type": "str", "choices": list(INSTANCE_STATES)},
        "group": {"type": "str"},
    }


def argument_spec() -> Dict[str, Any]:
    """Return the argument spec of the module."""
    return {
        **instance_options(),
        "apply": {"type": "bool", "default": False},
        "confirm": {"type": "int", "default": 0},
        "keep_versions": {"type": "int"},
        "instances": {"type": "list", "elements": "dict"},
        "findings": {"type": "str", "choices": list(ON_FINDINGS), "default": "show"},
        "survey": {"type": "bool", "default": False},
        "host": {"type": "str"},
        "requested_by": {"type": "str"},
        "role_variables": {**_LIST, "default": []},
    }


def role_variables() -> List[str]:
    """Return the names of the variables of the role."""
    of_runs = ("instances", "findings", "survey", "confirm", "keep_versions", "records")
    return sorted(PREFIX + name for name in (*instance_options(), *of_runs))


def refuse_unknown(names: Sequence[str]) -> None:
    """Refuse names of variables that begin like those of the role, and are none of them.

    :raises InputError: there is one; argument specs check only the variables that they list
    """
    known = role_variables()
    for name in names:
        if name not in known and not name.startswith(f"{PREFIX}sources_"):
            from difflib import get_close_matches  # seldom

            alike = get_close_matches(name, known, 1)
            remedy = f"{f'Write {alike[0]}' if alike else 'Correct the name'}; the role has {', '.join(known)}"
            raise InputError(name, name, "is not a variable of the role mailfleet.postfix.postfix_interfaces", remedy)


def discreet(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options of the module as they can be logged: without values that may be passwords.

    These are the values of ``-o`` that are not of this family, and the arguments of commands. What is not as the
    argument spec wants it is left out.
    """
    found = dict(params)
    for name, what in (("services", _discreet_service), ("instances", _discreet_entry)):
        if found.get(name):
            entries = found[name] if isinstance(found[name], list) else []
            found[name] = [what(entry) for entry in entries if isinstance(entry, dict)]
    return found


def _discreet_entry(entry: Mapping[str, Any]) -> Dict[str, Any]:
    known = entry_options()
    return discreet({name: value for name, value in entry.items() if name in known})


def _discreet_service(service: Mapping[str, Any]) -> Dict[str, Any]:
    found = dict(service)
    command, values = found.get("command"), found.get("options")
    if isinstance(command, str) and len(command.split()) > 1:
        found["command"] = outline(command)
    if values:
        values = values.items() if isinstance(values, dict) else ()
        found["options"] = {name: value if name in PARAMETERS else HIDDEN for name, value in values}
    return found


def _type(kind: str) -> str:
    return "bool" if kind == "yes_no" else "str"


def entry_of(shared: Mapping[str, Any], entry: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options of one instance: those of its entry, and for what it does not say those beside it."""
    options = {name: shared.get(name) for name in (*instance_options(), "state", "group", "survey")}
    if entry.get("instance") or entry.get("config_directory"):
        options.update(instance=None, config_directory=None)
    options.update(entry)
    return options


def wish_of(options: Mapping[str, Any]) -> Wish:
    """Return what the options for one instance ask for; an option that was not given asks for nothing."""
    select = (options["select"] or {}).items()
    wanted = Wanted(
        values=values_of(options),
        unset=options["unset"] or [],
        select={name: [selectors] if isinstance(selectors, str) else selectors for name, selectors in select},
        services=[_service_change(service) for service in options["services"] or []],
        sources=_sources(options["sources"]) if options["sources"] else [],
        unlisted_services=options["unlisted_services"] or "keep",
        allow_absent_addresses=bool(options["allow_absent_addresses"]),
        allow_no_listener=bool(options["allow_no_listener"]),
        abandoned=options["abandoned"] or "report",
        unknown=options["unknown"] or ("report" if options.get("survey") else "ignore"),
    )
    timeout = 30.0 if options["timeout"] is None else options["timeout"]
    state, group = options.get("state"), options.get("group")
    return Wish(options["config_directory"], options["instance"], wanted, state, group, timeout)


def _sources(mapping: Mapping[str, Any]) -> Sequence[NamedSource]:
    from .._rules.named_sources import read_sources  # most hosts have none

    return read_sources(mapping)


def values_of(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what the options for one instance set the parameters to."""
    values = {name: options[name] for name in PARAMETERS if options.get(name) is not None}
    if options.get("state") == "present":
        values.setdefault("master_service_disable", [])  # postmulti(1) disables all inet services of a new instance
    return values


def _service_change(service: Mapping[str, Any]) -> ServiceChange:
    """Convert one entry of the option services; values become text, whatever YAML made of them."""
    options = {name: text_of(name, value) for name, value in service["options"].items()}
    return ServiceChange(**{**service, "options": options})
