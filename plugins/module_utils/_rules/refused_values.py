# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of which every Postfix program dies when it starts, the master too (src/global/mail_params.c).

Those about addresses are in :mod:`_rules.own_addresses`.
"""

from __future__ import annotations

import re
from itertools import combinations
from typing import Dict, Iterator, Mapping, Optional, Tuple

from .._base.errors import InputError
from .bounds import START, Bound, problem, read_bounds
from .expansion import LEVEL
from .host import Accounts, Host
from .mynetworks import mynetworks_style
from .own_addresses import enabled_families
from .settings import LEVELS_SINCE, Settings
from .values import split_words

#: What Postfix has a default of when it comes to myhostname and mydomain, all else is empty.
_BEFORE_NAMES = frozenset(
    (
        *("compatibility_level", "config_directory", "process_name", "process_id", "service_name", "mail_version"),
        *("syslog_facility", "multi_instance_name", "multi_instance_group", "maillog_file_prefixes", "dnssec_probe"),
        *("maillog_file_compressor", "maillog_file_rotate_suffix", "maillog_file_permissions", "postlog_service_name"),
        *("known_tcp_ports", "daemon_table_open_error_is_fatal", "dns_ncache_ttl_fix_enable", "smtputf8_enable"),
        *("enable_idna2003_compatibility", "respectful_logging", "requiretls_enable", "tls_required_enable"),
    )
)

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\Z"
_OLD_LEVEL = r"[0-9].*\.|[ \t]*[-+]?[0-9]{1,9}\Z"
_FACILITY = r"(?:auth|authpriv|cron|daemon|ftp|kern|lpr|mail|news|security|syslog|user|uucp|local[0-7])\Z"
_ACCOUNTS = {"mail_owner": "postfix", "default_privs": "nobody", "setgid_group": "postdrop"}
_WRITE_A_NAME = "Write a host name such as mx.example.org"
_EMPTY = "is empty", "Give it a value, or remove the line"


def refused_values(settings: Settings, host: Host) -> Iterator[InputError]:
    """Yield an error for each value with which Postfix does not start, but for those of the addresses."""
    bounds = read_bounds(START, settings.version)
    for program in ("every", "master", "postfix"):
        yield from out_of_bounds(settings, bounds[program])
    yield from _bad_names(settings)
    for check in (_compatibility_level, _syslog_facility, _maillog_file, _verp_delimiters, _environment):
        yield from check(settings)
    yield from _myorigin(settings, host)
    yield from _style(settings, host)
    if host.accounts is not None and any(map(settings.is_set, _ACCOUNTS)):
        yield from _bad_accounts(settings, host.accounts)


def out_of_bounds(settings: Settings, bounds: Mapping[str, Bound]) -> Iterator[InputError]:
    """Yield an error for each value that is set and that is not as its bound says."""
    for name in sorted(settings.names() & bounds.keys()):
        bound = bounds[name]
        try:
            value = settings.raw(name) if bound.kind == "raw" else settings.certain(name)
        except InputError as error:
            yield error
            continue
        found = None if value is None else problem(bound, value)
        if found is not None:
            yield InputError(name, value, *found)


def host_name_problem(name: str) -> Optional[Tuple[str, str]]:
    """Return why a text is not the name of a host for Postfix (valid_hostname()), and the remedy; None where it is."""
    if not name:
        return _EMPTY
    if "#" in name:
        return "looks like a comment, which main.cf has only on lines of their own", "Take it out of the value"
    if "/" in name:
        return "is a path, and Postfix does not read this name from a file", _WRITE_A_NAME
    labels = name.split(".")
    if not all(labels):
        return "has a dot with nothing on one side of it", _WRITE_A_NAME
    if any(len(label) > 63 for label in labels):
        return "has more than 63 characters between two dots", "Write a shorter name"
    if not all(re.match(_LABEL, label) for label in labels):
        return "is not a host name, which has letters, digits, underscores, and hyphens between them", _WRITE_A_NAME
    if not re.search("[^0-9.]", name):
        return "is a number or an address, not a host name", _WRITE_A_NAME
    return ("has more than 255 characters", "Write a shorter name") if len(name) > 255 else None


def _value(settings: Settings, name: str, default: Optional[str] = None) -> Optional[str]:
    """Return an effective value; None where it is not known, or does not expand, which :func:`out_of_bounds` tells."""
    try:
        return settings.certain(name) if settings.is_set(name) else default
    except InputError:
        return None


def _bad_names(settings: Settings) -> Iterator[InputError]:
    """Look at myhostname and mydomain; where one is not set, it comes from the host's name, and from the other."""
    if not settings.is_set("myhostname") and settings.hostname:
        found = host_name_problem(settings.hostname)
        if found is not None:
            reason = f"{found[0]}, and it is the name of the host, from which myhostname comes"
            yield InputError("myhostname", settings.hostname, reason, "Set myhostname")
            return
    for name in ("myhostname", "mydomain"):
        try:
            value = settings.certain(name, _BEFORE_NAMES)
        except InputError as error:
            yield error
            return
        if value is None:  # mydomain can come from myhostname
            return
        found = host_name_problem(value)
        if found is not None:
            reason, remedy = found
            if name == "mydomain" and not settings.is_set(name):
                reason, remedy = f"{reason}, and it is what mydomain comes to from myhostname", "Set mydomain"
            yield InputError(name, value, reason, remedy)
            return
    hostname, relayhost = settings.get("myhostname"), _value(settings, "relayhost")
    if relayhost and hostname.lower() == relayhost.lower():
        yield InputError("relayhost", relayhost, "is myhostname, to which mail cannot be relayed", "Name another host")


def _compatibility_level(settings: Settings) -> Iterator[InputError]:
    value = _value(settings, "compatibility_level")
    pattern = LEVEL if settings.version >= LEVELS_SINCE else _OLD_LEVEL
    if value is not None and not re.match(pattern, value):
        yield InputError("compatibility_level", value, "is not a version of Postfix", "Write a number such as 3.6")


def _syslog_facility(settings: Settings) -> Iterator[InputError]:
    value = _value(settings, "syslog_facility")
    if value and not re.match(_FACILITY, value):
        yield InputError(
            "syslog_facility", value, "is not a facility of syslog", "Write mail, or one of local0 to local7"
        )


def _maillog_file(settings: Settings) -> Iterator[InputError]:
    value = _value(settings, "maillog_file")
    allowed = _value(settings, "maillog_file_prefixes", "/var, /dev/stdout")
    if value and allowed and not value.startswith(tuple(split_words(allowed))):
        remedy = "Write a file below one of them, or add its directory to maillog_file_prefixes"
        yield InputError("maillog_file", value, f"begins with none of maillog_file_prefixes ({allowed})", remedy)


def _verp_delimiters(settings: Settings) -> Iterator[InputError]:
    value = _value(settings, "default_verp_delimiters", "+=")
    allowed = _value(settings, "verp_delimiter_filter", "-=+")
    if value and allowed and len(value) == 2 and not set(value) <= set(allowed):
        reason = f"has a character that is not in verp_delimiter_filter ({allowed})"
        yield InputError("default_verp_delimiters", value, reason, f"Write two characters of {allowed}")


def _myorigin(settings: Settings, host: Host) -> Iterator[InputError]:
    value = _value(settings, "myorigin")
    if value and value.startswith("/") and host.origin_of is not None:
        origin = host.origin_of(value)
        if not origin:
            reason = "is a file that cannot be read" if origin is None else "is a file whose first line is empty"
            yield InputError("myorigin", value, reason, "Write the domain into it, or set myorigin to the domain")
        value = origin
    if len(split_words(value or "")) > 1:
        yield InputError("myorigin", value, "is a list, but Postfix takes one domain here", "Write one domain")


def _environment(settings: Settings) -> Iterator[InputError]:
    """Look at import_environment, which the master applies."""
    value = _value(settings, "import_environment")
    if value:
        from .environment import problem  # few files set it

        found = problem(value)
        if found:
            yield InputError(
                "import_environment", value, f"has {found}", "Write NAME or NAME=value, with blanks {NAME = value}"
            )


def _style(settings: Settings, host: Host) -> Iterator[InputError]:
    if settings.is_set("mynetworks") or not settings.is_set("mynetworks_style"):
        return
    try:
        if enabled_families(settings, host):
            mynetworks_style(settings)
    except InputError as error:
        if error.parameter == "mynetworks_style" and error.value:  # an empty one is out of bounds
            yield error


def _bad_accounts(settings: Settings, accounts: Accounts) -> Iterator[InputError]:
    """Look at the users and the group that Postfix works as: they exist, and share no number with others."""
    numbers: Dict[str, Tuple[Optional[int], int]] = {}
    for parameter, default in _ACCOUNTS.items():
        name = _value(settings, parameter, default)
        if not name:  # not known, or empty, which is out of bounds
            continue
        kind = "group" if parameter == "setgid_group" else "user"
        found, twin = _look_up(accounts, parameter, name)
        reason = None
        if found is None:
            reason = f"is not a {kind} of this host"
        elif 0 in found:
            reason = "has the number 0, which is for root"
        elif twin != name:
            reason = f"has the number of {twin}"
        if reason is not None and settings.is_set(parameter):
            yield InputError(parameter, name, reason, f"Name a {kind} of which nobody else has the number")
        elif found is not None and reason is None:
            numbers[parameter] = found
    for one, other in combinations(numbers, 2):
        shared = [mine for mine, others in zip(numbers[one], numbers[other]) if mine == others]
        if shared and (settings.is_set(one) or settings.is_set(other)):
            guilty, innocent = (one, other) if settings.is_set(one) else (other, one)
            name, reason = _value(settings, guilty, ""), f"has a number that the account in {innocent} has too"
            yield InputError(guilty, name, reason, "Name another one")


def _look_up(
    accounts: Accounts, parameter: str, name: str
) -> Tuple[Optional[Tuple[Optional[int], int]], Optional[str]]:
    """Return the numbers of user and group of an account, and the first name of the one that nobody may share."""
    if parameter == "setgid_group":
        group = accounts.group(name)
        return (None, None) if group is None else ((None, group), accounts.group_name(group))
    user = accounts.user(name)
    shared = user is None or parameter == "default_privs"  # may have a second name
    return user, name if shared or user is None else accounts.user_name(user[0])
