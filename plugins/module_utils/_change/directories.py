# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directories of a secondary instance, made and removed as postmulti(1) does it (its script postmulti-script)."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Dict, List, Mapping, Optional

from .._files.lines import encode_config
from .._files.main_cf import MainCf
from .._host.instance import Instance
from .._host.store import explained, sync_directory, write_all
from .._rules.expansion import expand
from .atomic_replace import date_as_complete
from .transaction import NAMES, ConfigFiles, read_files

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_OTHER_QUEUES = ("bounce", "defer", "flush", "pid", "private", "public", "saved", "trace")
CLOSED = {"master_service_disable": "inet"}
"""What keeps a new instance from taking connections before somebody has said where it listens."""

_SHARED = (  # what a new instance takes over from the default one
    "command_directory",
    "daemon_directory",
    "meta_directory",
    "mail_owner",
    "setgid_group",
    "sendmail_path",
    "mailq_path",
    "newaliases_path",
    "html_directory",
    "manpage_directory",
    "sample_directory",
    "readme_directory",
    "shlib_directory",
)


def new_files(instance: Instance, group: Optional[str], default: str, built_in: Mapping[str, str]) -> ConfigFiles:
    """Return the files of a new instance, made from the prototypes of the package.

    :param group: its multi_instance_group
    :param default: the default instance's main.cf
    :param built_in: the directories that are compiled in
    :raises TransactionError: the prototypes cannot be read
    """
    values = MainCf(default).values()
    lookup = {**built_in, **values}.get
    files = read_files(expand(lookup("meta_directory") or "", lookup), suffix=".proto")
    own = {
        "queue_directory": instance.queue_directory,
        "data_directory": instance.data_directory,
        "authorized_submit_users": "",
        **CLOSED,
        "multi_instance_name": instance.name,
        **({"multi_instance_group": group} if group else {}),
        "multi_instance_enable": "yes",
    }
    return ConfigFiles(instance.config_directory, new_main(files.main, values, own), files.master)


def new_main(prototype: str, values: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Return the main.cf of a new instance, made from the prototype of the package.

    :param values: what the default instance's main.cf says
    :param own: what is the instance's own
    """
    main = MainCf(prototype)
    for parameter in _SHARED:  # those that the default instance sets; else what is compiled in
        if values.get(parameter):
            main.set(parameter, values[parameter])
        else:
            main.unset(parameter)
    for parameter, value in own.items():
        main.set(parameter, value)
    return main.text


def make(instance: Instance, files: ConfigFiles) -> None:
    """Make the directories of an instance where they are missing, and write its files, which must not exist.

    What is in its queue directory, ``postfix set-permissions`` makes.

    :raises TransactionError: something cannot be made
    """
    for directory, mode in (
        (instance.config_directory, 0o755),
        (instance.queue_directory, 0o755),
        (instance.data_directory, 0o700),
    ):
        with explained(f"{directory} cannot be made"):
            if not os.path.isdir(directory):
                os.makedirs(directory)
                os.chmod(directory, mode)  # whatever the umask
    for name, text in zip(NAMES, files.texts):
        path = os.path.join(instance.config_directory, name)
        with explained(f"{path} cannot be written"):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                write_all(descriptor, encode_config(text))
                os.fchmod(descriptor, 0o644)
                date_as_complete(descriptor)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_directory(instance.config_directory)


def remove_files(config_directory: str) -> None:
    """Remove main.cf and master.cf, which may be links; anything else in the directory stays.

    :raises TransactionError: main.cf cannot be removed, and nothing was
    """
    main, master = (os.path.join(config_directory, name) for name in NAMES)
    with explained(f"{main} cannot be removed"), suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(main)
    with suppress(OSError):
        os.unlink(master)


def remove_directories(directories: List[str]) -> List[str]:
    """Remove the directories of an instance without main.cf and master.cf, as far as they are empty.

    :param directories: those of the configuration, of the queue and of the data
    :returns: those that are left
    """
    config, queue, data = directories
    below = [os.path.join(queue, name) for name in (*_QUEUES, *_OTHER_QUEUES)]
    for directory in (*below, queue, data, config):
        with suppress(OSError):
            os.rmdir(directory)
    return [directory for directory in directories if os.path.isdir(directory)]


def queued(queue_directory: str) -> Dict[str, int]:
    """Return how many messages there are in each queue that has any."""
    numbers = {}
    for queue in _QUEUES:
        walk = os.walk(os.path.join(queue_directory, queue))
        number = sum(len(files) for _directory, _directories, files in walk)
        if number:
            numbers[queue] = number
    return numbers
