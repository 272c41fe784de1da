# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment in which commands of Postfix and of the system are run, and the umask of a run."""

from __future__ import annotations

import os
from typing import Dict

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
