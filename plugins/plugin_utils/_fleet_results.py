# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What hosts really do: the results of postfix_interfaces_info, as a task has registered them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import FAMILIES
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input

_MODULE = "postfix_interfaces_info"
_OUTCOMES = ("failed", "unreachable", "skipped")
_KEYS = {"transport", "program", *FAMILIES}


def is_result(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping is what a task has registered, and not the variables of a host."""
    if "effective" in value and "config_directory" in value:
        return True
    return "changed" in value and ("instances" in value or any(name in value for name in _OUTCOMES))


def instances_found(place: str, result: Any) -> Iterator[tuple[str, Host, Sequence[Mapping[str, Any]]]]:
    """Yield each instance of a result: its name, its host, and its clients as the filter source_addresses returns them.

    :param place: where the result is, for errors
    :raises InputError: the result does not tell what the host sends from
    """
    name = f"{place}: results"
    if isinstance(result, Mapping):
        outcome = next((outcome for outcome in _OUTCOMES if result.get(outcome)), None)
        if outcome:
            remedy = "Describe it again, or leave it out of hosts"
            raise InputError(name, result.get("msg", outcome), "is all that is known of the host", remedy)
    parts = result.get("instances", [result]) if isinstance(result, Mapping) else [result]
    for part in parts if isinstance(parts, (list, tuple)) else [parts]:
        view = part.get("effective") if isinstance(part, Mapping) else None
        if not isinstance(view, Mapping) or "addresses" not in part:
            raise InputError(name, part, f"is not a result of {_MODULE}", "Register what the module returns")
        clients = view.get("source_addresses")
        if clients is None:
            reason = "is what Postfix would die of, so that it sends from nowhere"
            raise InputError(name, view.get("error"), reason, "Correct its files, or leave the host out of hosts")
        if not all(isinstance(client, Mapping) and client.keys() >= _KEYS for client in clients):
            raise InputError(name, clients, f"is not a result of {_MODULE}", "Register what the module returns")
        yield str(part.get("instance")), host_from_input(part["addresses"]), clients
