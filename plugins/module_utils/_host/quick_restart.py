# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A systemd unit that stops and starts as fast as the master does, for the time of one restart.

A master ends within 10 ms and starts within 30 ms, but clients wait up to a second while the commands of the package's
unit prepare and check what was prepared and checked before the stop already. So a drop-in in /run makes the unit run
the master itself, as postfix-script(1) does in the end, in the environment that postfix(1) gives it, and stop it by
systemd's own SIGTERM, which is what postfix-script sends. Whatever else the unit says stays, its sandbox for example.
Where one unit starts and stops all instances, this is also what leaves the others alone.

A unit that runs something else than the package made it run keeps its own way.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from typing import Dict, Optional

from .command import run
from .instance import Instance
from .platform import is_shared, package_commands
from .unit_properties import unit_properties

DIRECTORY = "/run/systemd/system"
_NAME = "mailfleet-quick-restart"
_TIDYING = 10.0  # seconds that it may take to give the unit its own commands back, even after the deadline
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def is_as_packaged(unit: str, instance: Instance, deadline: float) -> bool:
    """Return whether a unit stops and starts an instance by the commands of the package, and by no others."""
    expected = package_commands(instance)
    if not instance.enabled:
        return False
    names = ["Type", "NeedDaemonReload", *expected]
    shown: Dict[str, str] = {}
    for name, value in unit_properties(unit, names, deadline):
        command = re.match(r"\{ path=.* ; argv\[\]=(.*) ; ignore_errors=no ; ", value)
        if name in shown:  # several commands
            return False
        shown[name] = command.group(1) if command else value
    return shown == {"Type": "forking", "NeedDaemonReload": "no", **expected}


def quicken(unit: str, instance: Instance, deadline: float) -> None:
    """Make a unit stop and start as fast as the master does; leave it as it is where that is not possible.

    All that has to precede a start must have been done, and the unit must be as the package made it.
    """
    environment = _environment(instance, deadline)
    master = os.path.join(environment.get("daemon_directory", ""), "master")
    if not os.access(master, os.X_OK) or not os.path.isabs(master):
        return
    lines = ["[Service]", *(f"{name}=" for name in package_commands(instance)), f"ExecStart={quoted(master, '$')} -w"]
    if is_shared(unit):  # SIGTERM is for this master, and not for those of other instances
        lines.append("KillMode=process")
    lines += [f"Environment={quoted(f'{name}={value}')}" for name, value in environment.items()]
    try:
        os.makedirs(os.path.dirname(_drop_in(unit)), 0o755, exist_ok=True)
        with open(_drop_in(unit), "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write("\n".join([*lines, ""]))
    except OSError:
        give_back(unit)
        return
    if run(["systemctl", "daemon-reload"], deadline).status != 0:
        give_back(unit)


def is_quick(unit: Optional[str]) -> bool:
    """Return whether a unit was made quick and not given back its own commands yet."""
    return unit is not None and os.path.exists(_drop_in(unit))


def give_back(unit: str) -> None:
    """Give a unit its own commands back, also where an earlier run was killed before it did."""
    path = _drop_in(unit)
    undone = f"{os.path.splitext(path)[0]}.undone"  # stays until systemd knows; without .conf it counts for nothing
    if not os.path.lexists(path) and not os.path.lexists(undone):
        return
    with suppress(OSError):
        os.rename(path, undone)
    if run(["systemctl", "daemon-reload"], time.monotonic() + _TIDYING).status == 0:
        with suppress(OSError):
            os.unlink(undone)
            os.rmdir(os.path.dirname(path))  # fails if somebody else has put something there


def _drop_in(unit: str) -> str:
    return os.path.join(DIRECTORY, f"{unit}.d", f"{_NAME}.conf")


def _environment(instance: Instance, deadline: float) -> Dict[str, str]:
    """Return the environment in which postfix(1) runs postfix-script(1), which hands it on to the master.

    It is asked without an environment of ours, of which import_environment would let something through.
    """
    postfix = [instance.postfix, "-c", instance.config_directory]
    answer = run(["/usr/bin/env", "-i", f"PATH={_PATH}", *postfix, "/usr/bin/env"], deadline)
    if answer.status != 0:
        return {}
    return dict(line.split("=", 1) for line in answer.words if re.match(r"[A-Za-z_][A-Za-z0-9_]*=", line))


def quoted(text: str, also_double: str = "") -> str:
    """Quote a word for a unit file (systemd.syntax(7), systemd.service(5))."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    for sign in "%" + also_double:
        text = text.replace(sign, 2 * sign)
    return f'"{text}"'
