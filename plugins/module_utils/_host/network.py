# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network namespace that an instance runs in: that of its unit (systemd.exec(5)), or of who started it by hand.

Its addresses, sockets and routes are those that count, so a run goes there before it asks for any of them.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import Iterator, Optional, Sequence

from .._base.errors import InputError
from .instance import Instance
from .listening import is_in_our_network
from .master_process import Master, find_master, written_pid
from .store import TransactionError

_OURS = "/proc/self/ns/net"
_CLONE_NEWNET = 0x40000000


def network_of(instance: Instance) -> Optional[str]:
    """Return the path of the network namespace that an instance runs in.

    None stands for that of this process, also where it may not look at the master.
    """
    pid = written_pid(instance)
    if pid is not None and is_in_our_network(pid):
        return None
    try:
        master = find_master(instance)
    except TransactionError:
        return None
    if master:
        return None if is_in_our_network(master.process.pid) else f"/proc/{master.process.pid}/ns/net"
    return _of_unit(instance)


def enter_network_of(instances: Sequence[Instance]) -> bool:
    """Go on in the network namespace that instances run in; return whether that is another one than before.

    :raises InputError: they run in several
    :raises TransactionError: this process may not enter it
    """
    paths = [network_of(instance) for instance in instances]
    for instance, path in zip(instances, paths):
        if not os.path.samefile(path or _OURS, paths[0] or _OURS):
            reason = f"runs in another network namespace than {instances[0].config_directory}"
            raise InputError("instances", instance.config_directory, reason, "Change each in a task of its own")
    if not paths or not paths[0]:
        return False
    try:
        _enter(os.open(paths[0], os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        where = f"{instances[0].config_directory} runs in another network namespace ({paths[0]})"
        raise TransactionError(f"{where}, which this process may not enter: {error.strerror}.") from error
    return True


@contextmanager
def in_network_of(instance: Instance) -> Iterator[None]:
    """Be in the network namespace that an instance runs in for this context.

    :raises TransactionError: this process may not enter it
    """
    before = os.open(_OURS, os.O_RDONLY | os.O_CLOEXEC)
    moved = False
    try:
        moved = enter_network_of([instance])
        yield
    finally:
        if moved:
            _enter(before)
        else:
            os.close(before)


def starts_elsewhere(unit: str, master: Master) -> bool:
    """Return whether a unit would start an instance in another network namespace than its master is in."""
    try:
        now = os.stat(f"/proc/{master.process.pid}/ns/net")
        return not os.path.samestat(now, os.stat(_named_by(unit) or "/proc/1/ns/net"))
    except OSError:  # it may not be looked at, or is not there
        return False


def _of_unit(instance: Instance) -> Optional[str]:
    """Return the network namespace in which the unit will start an instance, if that is named and not ours."""
    from .unit import find_service  # only what is stopped needs it

    unit = find_service(instance).unit
    path = _named_by(unit) if unit else None
    with suppress(OSError):
        return path if path and not os.path.samefile(path, _OURS) else None
    return None


def _named_by(unit: str) -> Optional[str]:
    from .unit_properties import unit_properties

    shown = dict(unit_properties(unit, ["NetworkNamespacePath"], time.monotonic() + 10))
    return shown.get("NetworkNamespacePath") or None


def _enter(descriptor: int) -> None:
    """Have this thread, and those that it starts, in a network namespace (setns(2)); close its descriptor.

    :raises OSError: it may not
    """
    import ctypes  # most hosts have one network

    library = ctypes.CDLL(None, use_errno=True)
    try:
        if library.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)
