# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""Secondary instances come and go: what postmulti(1) does, and the systemd units that it knows nothing of.

An instance that was just created has ``master_service_disable = inet``, so that it cannot take connections from the
others before somebody has said where it listens.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from typing import ContextManager, Dict, List, NamedTuple, Optional

from .._base.errors import InputError
from .._files.main_cf import MainCf
from .._host.command import run
from .._host.installed import BuiltIn, built_in
from .._host.instance import Instance, find_instance, find_instances
from .._host.master_process import find_master
from .._host.store import STATE_DIRECTORY, TransactionError
from .._host.unit import ServiceControl, find_service
from .transaction import Transactions, read_files

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_MARK = "creating.json"
_SECONDS = 60.0  # for a command; creating an instance takes some 2 s


class Changed(NamedTuple):
    """What was done, or would be: a sentence for each step. ``left`` are directories that a removal left.

    ``exists`` is whether the instance exists at the end; where it would only be created, not.
    """

    instance: str
    config_directory: str
    unit: Optional[str]
    steps: List[str]
    left: List[str]
    exists: bool


def create(name: str, group: Optional[str] = None, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance exists, is enabled, and is started when the host boots; it is not started here.

    :param name: its multi_instance_name, ``postfix-`` and something
    :param group: its multi_instance_group, for one that does not exist yet
    :raises InputError: this is no name for one, or its directory is in use for something else
    :raises TransactionError: a command of Postfix or systemd failed
    """
    if group and not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", group):
        raise InputError("group", group, "is no name of a group", "Use letters, digits, - and _")
    return _Work(name, check_mode, state).create(group)


def remove(name: str, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance does not exist; stop it if it runs.

    :raises InputError: it has mail in its queue
    :raises TransactionError: it could not be stopped or removed
    """
    return _Work(name, check_mode, state).remove()


def queued(queue_directory: str) -> Dict[str, int]:
    """How many messages there are in each queue that has any."""
    found = {}
    for queue in _QUEUES:
        walk = os.walk(os.path.join(queue_directory, queue))
        number = sum(len(files) for _directory, _directories, files in walk)
        if number:
            found[queue] = number
    return found


class _Work:
    def __init__(self, name: str, check_mode: bool, state: str) -> None:
        if not re.match(r"postfix-[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z", name):
            raise InputError("name", name, "is no name of a secondary instance", "Use postfix- and letters or digits")
        self.name, self.check_mode, self.state = name, check_mode, state
        self.compiled: BuiltIn = built_in()
        self.default: Instance = find_instance(compiled=self.compiled)
        # Where postmulti(1) creates it: beside the default one.
        self.directory = os.path.join(os.path.dirname(self.default.config_directory), name)
        self.steps: List[str] = []

    def create(self, group: Optional[str]) -> Changed:
        if self.check_mode:
            return self._create(group)
        with self._locked():
            return self._create(group)

    def _create(self, group: Optional[str]) -> Changed:
        values = MainCf(read_files(self.default.config_directory).main).values()
        if not values.get("multi_instance_wrapper") or values.get("multi_instance_enable", "").lower() != "yes":
            self._postmulti("The default instance starts and stops the others", "-e", "init")
        found = self._find()
        if found is None:
            self._make(group)
            found = self._find()
        if found is None and not self.check_mode:
            default = self.default.config_directory
            raise TransactionError(f"postmulti has created {self.name}, but {default}/main.cf does not list it.")
        if found is None or not found.enabled:
            self._postmulti(f"The instance {self.name} is enabled", "-i", self.name, "-e", "enable")
        instance = found or self._future()
        service = find_service(instance)
        self._enable(service)
        return Changed(self.name, instance.config_directory, service.unit, self.steps, [], found is not None)

    def remove(self) -> Changed:
        if self.check_mode:
            return self._remove()
        with self._locked():
            return self._remove()

    def _remove(self) -> Changed:
        found = self._find()
        if found is None:
            return Changed(self.name, self.directory, None, [], [], False)
        self._refuse_queue(found)
        master = find_master(found)
        service = find_service(found, master)
        if master:
            self._do(f"The instance {self.name} is stopped")
            if not self.check_mode:
                deadline = time.monotonic() + _SECONDS
                tried = service.stop(master, deadline)
                if master.is_alive():
                    commands = ", ".join(one.command for one in tried)
                    raise TransactionError(f"{self.name} could not be stopped by {commands}.")
                try:
                    self._refuse_queue(found)  # again: it has taken mail until now
                except InputError:
                    service.start(deadline)
                    raise
        if service.unit and _wanted(service.unit, "etc/systemd/system"):
            self._do(f"{service.unit} is disabled", "systemctl", "disable", service.unit)
        if found.enabled:
            self._postmulti(f"The instance {self.name} is disabled", "-i", self.name, "-e", "disable")
        self._postmulti(f"The instance {self.name} is removed", "-i", self.name, "-e", "destroy")
        if self.check_mode:
            return Changed(self.name, found.config_directory, service.unit, self.steps, [], False)
        if self._find():
            raise TransactionError(f"postmulti has not removed {self.name}, which the default main.cf still lists.")
        if service.unit and _wanted(service.unit, "run/systemd/generator"):
            self._command("systemctl", "daemon-reload")
        shutil.rmtree(Transactions(found.config_directory, self.state).state.directory, ignore_errors=True)
        directories = (found.config_directory, found.queue_directory, found.data_directory)
        left = [one for one in directories if os.path.isdir(one)]
        return Changed(self.name, found.config_directory, service.unit, self.steps, left, False)

    def _locked(self) -> ContextManager[None]:
        return Transactions(self.default.config_directory, self.state, _SECONDS).locked()

    def _find(self) -> Optional[Instance]:
        return next((one for one in find_instances(self.compiled) if one.name == self.name), None)

    def _future(self) -> Instance:
        """The instance as postmulti(1) is going to make it."""
        return replace(self.default, name=self.name, config_directory=self.directory)

    def _make(self, group: Optional[str]) -> None:
        """Have it created; one that was half created by a run that was killed is none."""
        mark = Transactions(self.directory, self.state).state
        if os.path.lexists(os.path.join(self.directory, "main.cf")):
            if mark.load(_MARK) is None:
                reason = f"the directory {self.directory} exists, and the default instance does not list it"
                command = f"postmulti -I {self.name} -e import config_directory={self.directory}"
                remedy = f"Import it with {command}, or remove it"
                raise InputError("name", self.name, reason, remedy)
            if not self.check_mode:
                shutil.rmtree(self.directory)
        if not self.check_mode:
            mark.save(_MARK, {"name": self.name})
        grouped = ["-G", group] if group else []
        self._postmulti(f"The instance {self.name} is created", "-I", self.name, *grouped, "-e", "create")
        if not self.check_mode:
            mark.remove(_MARK)

    def _enable(self, service: ServiceControl) -> None:
        """See to it that systemd starts the instance with the others.

        Either a generator makes its unit from the default main.cf, or the unit has to be enabled.
        """
        unit = service.unit
        if unit is None or _wanted(unit, "etc/systemd/system") or _wanted(unit, "run/systemd/generator"):
            return
        if service.is_generated():
            self._do(f"systemd knows {unit}", "systemctl", "daemon-reload")
        else:
            self._do(f"{unit} is enabled", "systemctl", "enable", unit)

    def _refuse_queue(self, instance: Instance) -> None:
        found = queued(instance.queue_directory)
        if found:
            what = ", ".join(f"{number} in {queue}" for queue, number in found.items())
            remedy = f"Let it deliver them, or look at them with postqueue -c {instance.config_directory} -p"
            raise InputError("name", self.name, f"the instance has messages in its queue ({what})", remedy)

    def _postmulti(self, step: str, *arguments: str) -> None:
        """postmulti(1), which writes the default main.cf in a way that loses its owner and mode."""
        path = os.path.join(self.default.config_directory, "main.cf")
        before = os.stat(path)
        self._do(step, os.path.join(self.default.command_directory, "postmulti"), *arguments)
        after = os.stat(path)
        if (before.st_uid, before.st_gid, before.st_mode) != (after.st_uid, after.st_gid, after.st_mode):
            os.chown(path, before.st_uid, before.st_gid)
            os.chmod(path, before.st_mode & 0o7777)

    def _do(self, step: str, *command: str) -> None:
        self.steps.append(step)
        if command and not self.check_mode:
            self._command(*command)

    @staticmethod
    def _command(*command: str) -> None:
        outcome = run(list(command), time.monotonic() + _SECONDS)
        if outcome.status != 0:
            said = [line for line in outcome.words if "fatal: " in line or "error: " in line] or outcome.words
            reason = said[0] if said else "it does not say why"
            raise TransactionError(f"{outcome.command} failed with exit status {outcome.status}: {reason}.")


def _wanted(unit: str, where: str, root: str = "/") -> bool:
    """Whether a target wants the unit, by a link in one of systemd's directories."""
    with suppress(OSError):
        for name in os.listdir(os.path.join(root, where)):
            if name.endswith(".wants") and os.path.lexists(os.path.join(root, where, name, unit)):
                return True
    return False
