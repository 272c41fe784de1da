# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The hosts that fail at the end of a playbook, in files on the control node that go with the run.

A variable with all of them would be read as a whole by each of them, and a task that most hosts skip costs each of
these as much as one that they do. So a play of its own is about the hosts that fail, and each of them has a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping

#: in Ansible's own directory for the files of one run
_NAME = "mailfleet-failing"
_HOSTS = "hosts.json"


def keep(temporary: str, failures: Mapping[str, str], teller: str | None = None) -> None:
    """Keep why hosts fail, in place of what was kept before.

    :param temporary: Ansible's directory for the files of this run
    :param teller: a host that the play is about in any case, as it tells of all of them
    """
    directory = os.path.join(temporary, _NAME)
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory, 0o700)
    for host, why in failures.items():
        with open(_path(temporary, host), "w", encoding="utf-8", errors="replace") as stream:
            stream.write(why)
    hosts = dict.fromkeys([*([teller] if teller else []), *failures])
    with open(os.path.join(directory, _HOSTS), "w", encoding="ascii") as stream:
        json.dump(list(hosts), stream)


def failing_hosts(temporary: str) -> list[str] | None:
    """Return the hosts that the play is about; None if nothing was kept."""
    try:
        with open(os.path.join(temporary, _NAME, _HOSTS), encoding="ascii") as stream:
            return list(json.load(stream))
    except FileNotFoundError:
        return None


def why_it_fails(temporary: str, host: str) -> str:
    """Return why a host fails; nothing if it does not."""
    try:
        with open(_path(temporary, host), encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _path(temporary: str, host: str) -> str:
    name = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()
    return os.path.join(temporary, _NAME, name)
