# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the whole host has, beside the instances that a run is about: what an audit compares with other hosts."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Dict, Iterator, List

from .._base.address import normal_form
from .._base.errors import InputError
from .._base.sockets import WILDCARDS
from .._base.words import shown_time
from .._host.addresses import read_host
from .._host.installed import BuiltIn
from .._host.instance import Instance, find_instance, find_instances
from .._host.master_process import PROC, Process, find_master, listening_sockets, named_directory, processes, runs_by
from .._host.store import TransactionError, created_instances
from .._rules.outlook import Outlook
from .effective_view import plain_addresses, plain_sockets


def survey(compiled: BuiltIn, directories: List[str]) -> Dict[str, Any]:
    """Return the host's addresses, its instances, and the masters that belong to none, as plain data.

    :param directories: those of the instances that the run is about
    """
    instances = find_instances(compiled)
    others = []
    for directory in directories:
        with suppress(InputError):
            others.append(find_instance(directory, compiled=compiled))
    every = [*instances, *(each for each in others if each not in instances)]
    created = {one["directory"]: shown_time(one["at"]) for one in created_instances()}
    return {
        "version": compiled.version,
        "addresses": plain_addresses(read_host()),
        "instances": [{**_instance(each), "created": created.get(each.config_directory)} for each in every],
        "masters": list(stray_masters(every)),
    }


def _instance(instance: Instance) -> Dict[str, Any]:
    """Return which sockets the master of an instance holds now; None where it does not run, or cannot be looked at."""
    master = None
    with suppress(TransactionError):
        master = find_master(instance)
    return {
        "instance": instance.name,
        "config_directory": instance.config_directory,
        "sockets": None if master is None else plain_sockets(master.sockets),
    }


def claims(outlook: Outlook) -> Dict[str, Any]:
    """Return the addresses that a configuration sets, whether or not the host has them, as plain data.

    :returns: sources, each with its address and parameter; listeners, without wildcards
    """
    listening = []
    with suppress(InputError):  # Postfix would die of something else
        absent_too = Outlook(outlook.configuration, outlook.host, outlook.resolve, allow_absent=True)
        listening = [each.socket.address for each in absent_too.listeners]
    sources = [(normal_form(each.address), each.parameter) for each in outlook.explicit_sources]
    known = {address for address, _parameter in sources}
    with suppress(InputError):  # and those that are meant to be in inet_interfaces only
        for client in outlook.clients:
            for _family, source in client.sources():
                if source.address and source.address not in known:
                    sources.append((source.address, str(source.origin)))
    return {
        "sources": [{"address": address, "parameter": parameter} for address, parameter in dict.fromkeys(sources)],
        "listeners": [address for address in dict.fromkeys(listening) if address not in WILDCARDS.values()],
    }


def stray_masters(instances: List[Instance], proc: str = PROC) -> Iterator[Dict[str, Any]]:
    """Yield each running master(8) that runs by none of these instances; not those of containers, which have their own.

    What this process may not look at is left out.
    """
    for process in processes("master", proc):
        with suppress(OSError):
            if any(runs_by(process, instance, proc) for instance in instances):
                continue
            if _namespace(process.pid, proc) != _namespace("self", proc) or not _is_postfix(process, proc):
                continue
            directory = named_directory(process.pid, proc)
            yield {
                "pid": process.pid,
                "config_directory": None if directory is None else directory.encode("utf-8", "replace").decode(),
                "sockets": plain_sockets(set(listening_sockets(process.pid, proc).values())),
            }


def _namespace(pid: object, proc: str) -> str:
    return os.readlink(f"{proc}/{pid}/ns/pid")


def _is_postfix(process: Process, proc: str) -> bool:
    """Return whether it is the master of Postfix and not another program of this name: it works in its queue."""
    working = f"{proc}/{process.pid}/cwd"
    return all(os.path.isdir(f"{working}/{name}") for name in ("pid", "private", "public"))
