# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The system that a run is on, the environment in which commands are run there, and the umask of a run."""

from __future__ import annotations

import os
import sys
from typing import Dict

from .._base.errors import InputError

_SYSTEM_PATH = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin")  # of all systems


def command_environment() -> Dict[str, str]:
    """Return the environment for commands: it asks for English, and does not name an instance.

    INVOCATION_ID is left out because Debian's postfix-script takes it to mean that systemd runs the script. The
    variable is also there when systemd runs the caller, for example a timer for ansible-pull.
    """
    unwanted = ("MAIL_CONFIG", "INVOCATION_ID", "MAIL_DEBUG", "MAIL_VERBOSE", "LANGUAGE")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment["LC_ALL"] = "C"
    environment["PATH"] = ":".join([environment.get("PATH") or os.defpath, *_SYSTEM_PATH])
    return environment


def take_usual_umask() -> None:
    """Have files made with the permissions that are asked for, as Postfix's own programs do, whatever umask(2) is."""
    os.umask(0o022)


def require_linux(system: str = sys.platform) -> None:
    """Refuse other systems, before anything is looked at.

    :raises InputError: this is not Linux
    """
    if not system.startswith("linux"):
        reason = "is not managed: addresses, sockets and processes are read from Linux's netlink and /proc"
        remedy = "Use the filters of this collection with the facts of the host, and edit and restart Postfix otherwise"
        raise InputError("host", system, reason, remedy)
