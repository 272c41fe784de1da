# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Where a Postfix instance lives: its directories, its name, its version.

The files are read here and not through postconf, because a main.cf that names an absent address makes almost every use
of postconf fail.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Tuple

from .._base.errors import InputError
from .._files.lines import decode_config
from .._files.main_cf import MainCf
from .._rules.expansion import expand
from .._rules.parameters import parse_version
from .installed import BuiltIn, built_in

DEFAULT_NAME = "-"
"""How postmulti(1) calls the default instance."""


@dataclass(frozen=True)
class Instance:
    """One Postfix instance.

    ``name`` is its multi_instance_name, ``-`` for the default instance, empty for another one that has none. The
    directories are absolute; ``version`` is (3, 7, 11). ``enabled`` is whether postmulti(1) starts it with the others.
    """

    config_directory: str
    name: str
    queue_directory: str
    data_directory: str
    daemon_directory: str
    command_directory: str
    version: Tuple[int, ...]
    enabled: bool = True

    @property
    def postfix(self) -> str:
        """The postfix(1) command."""
        return os.path.join(self.command_directory, "postfix")


def find_instance(
    config_directory: Optional[str] = None,
    instance: Optional[str] = None,
    compiled: Optional[BuiltIn] = None,
) -> Instance:
    """Find an instance by its configuration directory or by its name; the default instance if neither is given.

    :param instance: a multi_instance_name, looked for in what the default main.cf lists in multi_instance_directories
        (postmulti(1)), or ``-``
    :param compiled: what :func:`built_in` said, for a caller that asks for several instances
    :raises InputError: no such instance or directory, an unreadable main.cf, Postfix not installed
    """
    compiled = compiled or built_in()
    if config_directory is None:
        config_directory = compiled.directories["config_directory"]
        if instance not in (None, "", DEFAULT_NAME):
            config_directory = _directory_of(str(instance), compiled)
    return _instance(config_directory, compiled)


def find_instances(compiled: Optional[BuiltIn] = None) -> List[Instance]:
    """The default instance, then those that it lists in multi_instance_directories; the unreadable are left out."""
    compiled = compiled or built_in()
    default = compiled.directories["config_directory"]
    result = [_instance(default, compiled)]
    for directory in _listed(default, compiled):
        try:
            result.append(_instance(directory, compiled))
        except InputError:
            continue
    return result


def copied_instance(config_directory: str, version: str) -> Instance:
    """An instance whose files were copied here from elsewhere: Postfix itself need not be installed."""
    return _instance(config_directory, BuiltIn(version, {"config_directory": "/etc/postfix"}))


def _instance(config_directory: str, compiled: BuiltIn) -> Instance:
    config_directory = os.path.abspath(config_directory)
    values = _main_cf(config_directory)
    own = _lookup(config_directory, values, compiled)
    default = compiled.directories["config_directory"]
    is_default = os.path.realpath(config_directory) == os.path.realpath(default)
    return Instance(
        config_directory=config_directory,
        name=DEFAULT_NAME if is_default else own("multi_instance_name"),
        queue_directory=own("queue_directory"),
        data_directory=own("data_directory"),
        daemon_directory=own("daemon_directory"),
        command_directory=own("command_directory"),
        version=parse_version(compiled.version),
        # A default instance without others is started whatever this says.
        enabled=own("multi_instance_enable").lower() == "yes" or (is_default and not own("multi_instance_directories")),
    )


class _lookup:
    """Expanded values of one main.cf, with the compiled-in defaults of the directories."""

    def __init__(self, config_directory: str, values: Mapping[str, str], compiled: BuiltIn) -> None:
        self.known = {**compiled.directories, "mail_version": compiled.version, **values}
        self.known["config_directory"] = config_directory

    def __call__(self, name: str) -> str:
        return expand(self.known.get(name, ""), self.known.get).strip()


def _main_cf(config_directory: str) -> Dict[str, str]:
    path = os.path.join(config_directory, "main.cf")
    try:
        with open(path, "rb") as stream:
            return MainCf(decode_config(stream.read())).values()
    except (OSError, ValueError) as error:  # ValueError: a NUL, which no path has
        reason = f"{path} cannot be read: {getattr(error, 'strerror', error)}"
        remedy = "Give the directory that holds the main.cf and master.cf of an instance"
        raise InputError("config_directory", config_directory, reason, remedy) from error


def _listed(default: str, compiled: BuiltIn) -> List[str]:
    listed = _lookup(default, _main_cf(default), compiled)("multi_instance_directories")
    return [directory for directory in re.split(r"[\s,]+", listed) if directory]


def _directory_of(name: str, compiled: BuiltIn) -> str:
    default = compiled.directories["config_directory"]
    known: List[str] = [DEFAULT_NAME]
    for directory in [default, *_listed(default, compiled)]:
        try:
            found = _lookup(directory, _main_cf(directory), compiled)("multi_instance_name")
        except InputError:
            continue
        if found == name:
            return directory
        if found:
            known.append(found)
    reason = f"no such instance among those that {default}/main.cf lists in multi_instance_directories"
    raise InputError("instance", name, reason, f"Known are {', '.join(known)}; or give config_directory")
