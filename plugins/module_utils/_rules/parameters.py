# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main.cf parameters that this collection sets, as data, and the versions of Postfix that have them.

A new parameter is a row of :data:`PARAMETERS`; what its values mean is in :mod:`_rules.values`, by its kind.
"""

from __future__ import annotations

from typing import Dict, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import is_number

Version = Tuple[int, ...]

#: the newest Postfix whose rules were compared with ours
NEWEST: Version = (3, 12)

#: Counted up with each change of a table that :mod:`_rules.unfamiliar` compares, as hosts remember what it has found.
TABLES = 1

#: the first Postfix that understands brackets in smtp_bind_address and its like
BRACKETS_SINCE: Version = (3, 7)

_DIGITS = (4, 4, 9)  # at most, of each number of a version


class Parameter(NamedTuple):
    """One main.cf parameter (postconf(5))."""

    name: str
    #: what its values are: "interfaces", "protocols", "proxy", "address4", "address6", "yes_no" or "match_list"
    kind: str
    #: the first Postfix that has it
    since: Version
    default: str


PARAMETERS: Dict[str, Parameter] = {
    row[0]: Parameter(*row)
    for row in (
        ("inet_interfaces", "interfaces", (2, 0), "all"),
        ("inet_protocols", "protocols", (2, 2), "all"),
        ("proxy_interfaces", "proxy", (2, 0), ""),
        ("smtp_bind_address", "address4", (2, 0), ""),
        ("smtp_bind_address6", "address6", (2, 2), ""),
        ("smtp_bind_address_enforce", "yes_no", (3, 7), "no"),
        ("lmtp_bind_address", "address4", (2, 3), ""),
        ("lmtp_bind_address6", "address6", (2, 3), ""),
        ("lmtp_bind_address_enforce", "yes_no", (3, 7), "no"),
        ("master_service_disable", "match_list", (2, 6), ""),
    )
}

#: Of the others: what the master takes up only when it starts (main() in master/master.c, util/inet_listen.c), and the
#: rule of :mod:`_rules.reload_or_restart` that says why. All else of main.cf is read again at a reload: by the master,
#: and by the programs that replace those that run (postconf(5)).
AT_START: Dict[str, str] = {
    "queue_directory": "at_start",
    "data_directory": "at_start",
    "import_environment": "environment",
    "daemon_directory": "program",
    "tcp_windowsize": "window",
}

#: What no daemon reads: postmulti(1), and commands that read main.cf whenever they run.
READ_BY_COMMANDS = (
    "alternate_config_directories",
    "authorized_flush_users",
    "authorized_mailq_users",
    "authorized_submit_users",
    "maillog_file_compressor",
    "maillog_file_rotate_suffix",
    "multi_instance_directories",
    "multi_instance_enable",
    "multi_instance_group",
    "multi_instance_wrapper",
)


def for_family(parameter: str, family: str) -> str:
    """Return the parameter of the source address for a family: with a 6 at its end for ipv6."""
    return parameter.rstrip("6") + ("6" if family == "ipv6" else "")


def parse_version(text: str) -> Version:
    """Return the numbers of a version such as ``3.7`` or ``3.12-20260821``; it may be newer than the newest known.

    :raises InputError: when the text is not a version
    """
    parts = text.strip()
    for separator in "-+~ ":
        parts = parts.partition(separator)[0]
    numbers = parts.split(".")
    is_version = len(numbers) in (2, 3) and "\n" not in text.strip()
    if not is_version or not all(is_number(part) and len(part) <= most for part, most in zip(numbers, _DIGITS)):
        raise InputError("version", text, "is not a version of Postfix", 'Write "3.7" or "3.7.11", in quotes')
    return tuple(map(int, numbers))


def dotted(version: Version) -> str:
    """Return a version as people write it: ``3.7.11``."""
    return ".".join(map(str, version))
