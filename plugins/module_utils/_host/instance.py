# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a Postfix instance lives: its directories, its name, its version.

The files are read here and not by postconf(1), which fails in almost all its uses when main.cf names an absent address.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.lines import decode_config
from .._files.main_cf import MainCf
from .._rules.expansion import expand
from .._rules.parameters import parse_version
from .installed import BuiltIn, built_in
from .store import read_regular

DEFAULT_NAME = "-"
"""What postmulti(1) calls the default instance."""


class Instance(NamedTuple):
    """One Postfix instance.

    ``name`` is its multi_instance_name, ``-`` for the default instance, and empty for another one without a name. All
    directories are absolute. ``version`` is (3, 7, 11), for example. ``enabled`` says whether postmulti(1) starts it.
    """

    config_directory: str
    name: str
    queue_directory: str
    data_directory: str
    command_directory: str
    version: Tuple[int, ...]
    enabled: bool = True
    #: what the tables do not know of this Postfix (:attr:`_host.installed.BuiltIn.unfamiliar`)
    unfamiliar: Sequence[str] = ()

    @property
    def is_default(self) -> bool:
        """Whether this is the default instance."""
        return self.name == DEFAULT_NAME

    @property
    def postfix(self) -> str:
        """The path of the postfix(1) command."""
        return os.path.join(self.command_directory, "postfix")


def find_instance(
    config_directory: Optional[str] = None,
    instance: Optional[str] = None,
    compiled: Optional[BuiltIn] = None,
) -> Instance:
    """Return an instance by its configuration directory or by its name; the default instance if neither is given.

    :param instance: ``-``, or a multi_instance_name of an instance that the default main.cf lists in
        multi_instance_directories (postmulti(1))
    :param compiled: what :func:`built_in` returns, from a caller that asks for several instances
    :raises InputError: there is no such instance or directory, main.cf cannot be read, or Postfix is not installed
    """
    compiled = compiled or built_in()
    if config_directory is None:
        config_directory = compiled.directories["config_directory"]
        if instance not in (None, "", DEFAULT_NAME):
            config_directory = _directory_of(str(instance), compiled)
    return _instance(config_directory, compiled)


def find_instances(compiled: Optional[BuiltIn] = None) -> List[Instance]:
    """Return the default instance, then those that it lists in multi_instance_directories and that can be read."""
    compiled = compiled or built_in()
    default = compiled.directories["config_directory"]
    result = [_instance(default, compiled)]
    for directory in _listed(default, compiled):
        with suppress(InputError):
            result.append(_instance(directory, compiled))
    return result


def _instance(config_directory: str, compiled: BuiltIn) -> Instance:
    config_directory = os.path.abspath(config_directory)
    value = _values(config_directory, compiled)
    default = compiled.directories["config_directory"]
    is_default = os.path.realpath(config_directory) == os.path.realpath(default)
    return Instance(
        config_directory=config_directory,
        name=DEFAULT_NAME if is_default else value("multi_instance_name"),
        queue_directory=value("queue_directory"),
        data_directory=value("data_directory"),
        command_directory=value("command_directory"),
        version=parse_version(compiled.version),
        # A default instance without others is started whatever multi_instance_enable says.
        enabled=value("multi_instance_enable").lower() == "yes"
        or (is_default and not value("multi_instance_directories")),
        unfamiliar=compiled.unfamiliar,
    )


def _values(config_directory: str, compiled: BuiltIn) -> Callable[[str], str]:
    """Return what looks up a parameter in main.cf, or among the compiled-in values, and expands it."""
    try:
        main_cf = MainCf(decode_config(read_regular(os.path.join(config_directory, "main.cf"))[0])).values()
    except (OSError, ValueError) as error:  # ValueError: a NUL, which no path has
        reason = f"has no main.cf that can be read ({getattr(error, 'strerror', error)})"
        remedy = "Give the directory that holds the main.cf and master.cf of an instance"
        raise InputError("config_directory", config_directory, reason, remedy) from error
    built_in_values = {**compiled.directories, "mail_version": compiled.version}
    raw = {**built_in_values, **main_cf, "config_directory": config_directory}
    return lambda parameter: expand(raw.get(parameter, ""), raw.get).strip()


def _listed(default: str, compiled: BuiltIn) -> List[str]:
    """Return what the main.cf of the default instance has in multi_instance_directories."""
    directories = _values(default, compiled)("multi_instance_directories")
    return [directory for directory in re.split(r"[\s,]+", directories) if directory]


def _directory_of(name: str, compiled: BuiltIn) -> str:
    default = compiled.directories["config_directory"]
    directories: Dict[str, str] = {}
    for directory in [default, *_listed(default, compiled)]:
        with suppress(InputError):
            directories.setdefault(_values(directory, compiled)("multi_instance_name"), directory)
    directories.pop("", None)
    if name in directories:
        return directories[name]
    reason = f"is not the name of an instance that {default}/main.cf lists in multi_instance_directories"
    raise InputError(
        "instance", name, reason, f"Use one of {', '.join([DEFAULT_NAME, *directories])}, or give config_directory"
    )
