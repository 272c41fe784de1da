# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create and remove secondary instances, with postmulti(1), and the systemd units that it knows nothing of.

A new instance has ``master_service_disable = inet``, so that it cannot take connections from the others before somebody
has said where it listens.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import nullcontext, suppress
from typing import ContextManager, Dict, List, NamedTuple, Optional

from .._base.errors import InputError
from .._files.main_cf import MainCf
from .._host.command import run
from .._host.installed import BuiltIn, built_in
from .._host.instance import Instance, find_instance, find_instances
from .._host.master_process import Master, find_master
from .._host.store import STATE_DIRECTORY, TransactionError
from .._host.unit import ServiceControl, find_service
from .transaction import Transactions, read_files

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_BEGUN = "creating.json"
_SECONDS = 60.0  # for a command; creating an instance takes some 2 s


class Changed(NamedTuple):
    """What was done, or would be: a sentence for each step.

    ``left`` are directories that a removal left. ``exists`` is whether the instance exists at the end; False where it
    would only be created.
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
    :param state: the directory that holds the state of all instances
    :raises InputError: the name cannot be one of an instance, or its directory is in use for something else
    :raises TransactionError: a command of Postfix or systemd failed
    """
    if group and not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", group):
        raise InputError("group", group, "is not the name of a group", "Use letters, digits, dots, - and _")
    work = _Work(name, check_mode, state)
    with work.locked():
        return work.create(group)


def remove(name: str, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance does not exist; stop it if it runs.

    :param state: the directory that holds the state of all instances
    :raises InputError: it has mail in its queue
    :raises TransactionError: it could not be stopped or removed
    """
    work = _Work(name, check_mode, state)
    with work.locked():
        return work.remove()


class _Work:
    """What is done to one instance, step by step; in check mode the steps are only told."""

    def __init__(self, name: str, check_mode: bool, state: str) -> None:
        if not re.match(r"postfix-[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z", name):
            reason = "is not the name of a secondary instance"
            raise InputError("name", name, reason, "Use postfix- followed by letters or digits")
        self.name, self.check_mode, self.state = name, check_mode, state
        self.compiled: BuiltIn = built_in()
        self.default: Instance = find_instance(compiled=self.compiled)
        # Where postmulti(1) creates it: beside the default one.
        self.directory = os.path.join(os.path.dirname(self.default.config_directory), name)
        self.steps: List[str] = []

    def locked(self) -> ContextManager[None]:
        """Keep other runs of this collection away, because all instances are listed in the default main.cf."""
        if self.check_mode:
            return nullcontext()
        return Transactions(self.default.config_directory, self.state, _SECONDS).locked()

    def create(self, group: Optional[str]) -> Changed:
        self._initialize_default()
        instance = self._find()
        if instance is None:
            self._create_directories(group)
            instance = self._find()
            if instance is None and not self.check_mode:
                listing = f"{self.default.config_directory}/main.cf does not list it"
                raise TransactionError(f"postmulti has created {self.name}, but {listing}. Look at postmulti -l.")
        if instance is None or not instance.enabled:
            self._postmulti(f"The instance {self.name} is enabled", "-i", self.name, "-e", "enable")
        planned = self.default._replace(name=self.name, config_directory=self.directory)  # as postmulti will make it
        service = find_service(instance or planned)
        self._enable_unit(service)
        directory = (instance or planned).config_directory
        return Changed(self.name, directory, service.unit, self.steps, [], exists=instance is not None)

    def remove(self) -> Changed:
        instance = self._find()
        if instance is None:
            return Changed(self.name, self.directory, None, [], [], exists=False)
        self._refuse_messages(instance)
        master = find_master(instance)
        service = find_service(instance, master)
        if master:
            self._stop(instance, service, master)
        if service.unit and _is_wanted(service.unit, "etc/systemd/system"):
            self._do(f"{service.unit} is disabled", "systemctl", "disable", service.unit)
        if instance.enabled:
            self._postmulti(f"The instance {self.name} is disabled", "-i", self.name, "-e", "disable")
        self._postmulti(f"The instance {self.name} is removed", "-i", self.name, "-e", "destroy")
        left = [] if self.check_mode else self._clean_up(instance, service)
        return Changed(self.name, instance.config_directory, service.unit, self.steps, left, exists=False)

    def _find(self) -> Optional[Instance]:
        return next((instance for instance in find_instances(self.compiled) if instance.name == self.name), None)

    def _initialize_default(self) -> None:
        """Have the default instance start and stop the others."""
        values = MainCf(read_files(self.default.config_directory).main).values()
        if not values.get("multi_instance_wrapper") or values.get("multi_instance_enable", "").lower() != "yes":
            self._postmulti("The default instance starts and stops the others", "-e", "init")

    def _create_directories(self, group: Optional[str]) -> None:
        """Have the instance created; start over where an earlier run was killed while it was being created."""
        state = Transactions(self.directory, self.state).state
        if os.path.lexists(os.path.join(self.directory, "main.cf")):
            if state.load(_BEGUN) is None:
                reason = f"cannot be created: {self.directory} exists, and the default instance does not list it"
                command = f"postmulti -I {self.name} -e import config_directory={self.directory}"
                remedy = f"Import it with {command}, or remove it"
                raise InputError("name", self.name, reason, remedy)
            if not self.check_mode:
                shutil.rmtree(self.directory)
        if not self.check_mode:
            state.save(_BEGUN, {"name": self.name})
        grouped = ["-G", group] if group else []
        self._postmulti(f"The instance {self.name} is created", "-I", self.name, *grouped, "-e", "create")
        if not self.check_mode:
            state.remove(_BEGUN)

    def _enable_unit(self, service: ServiceControl) -> None:
        """Make systemd start the instance when the host boots.

        Either a generator makes its unit from the default main.cf, or the unit has to be enabled.
        """
        unit = service.unit
        if unit is None or _is_wanted(unit, "etc/systemd/system") or _is_wanted(unit, "run/systemd/generator"):
            return
        if service.is_generated():
            self._do(f"systemd knows {unit}", "systemctl", "daemon-reload")
        else:
            self._do(f"{unit} is enabled", "systemctl", "enable", unit)

    def _stop(self, instance: Instance, service: ServiceControl, master: Master) -> None:
        """Stop the instance, and start it again if it has received mail until then."""
        self._do(f"The instance {self.name} is stopped")
        if self.check_mode:
            return
        deadline = time.monotonic() + _SECONDS
        outcomes = service.stop(master, deadline)
        if master.is_alive():
            commands = ", ".join(outcome.command for outcome in outcomes)
            raise TransactionError(f"{self.name} could not be stopped by {commands}. Stop it, and try again.")
        try:
            self._refuse_messages(instance)
        except InputError:
            service.start(deadline)
            raise

    def _clean_up(self, instance: Instance, service: ServiceControl) -> List[str]:
        """Forget what was kept about an instance that was removed; return the directories that are left of it."""
        if self._find():
            listing = f"{self.default.config_directory}/main.cf still lists it"
            raise TransactionError(f"postmulti has not removed {self.name}: {listing}. Look at postmulti -l.")
        if service.unit and _is_wanted(service.unit, "run/systemd/generator"):
            self._command("systemctl", "daemon-reload")
        shutil.rmtree(Transactions(instance.config_directory, self.state).state.directory, ignore_errors=True)
        directories = (instance.config_directory, instance.queue_directory, instance.data_directory)
        return [directory for directory in directories if os.path.isdir(directory)]

    def _refuse_messages(self, instance: Instance) -> None:
        """Refuse to remove an instance that has messages in its queue."""
        queued = _queued(instance.queue_directory)
        if queued:
            numbers = ", ".join(f"{number} in {queue}" for queue, number in queued.items())
            remedy = f"Let it deliver them, or look at them with postqueue -c {instance.config_directory} -p"
            raise InputError("name", self.name, f"has messages in its queue ({numbers})", remedy)

    def _postmulti(self, step: str, *arguments: str) -> None:
        """Run postmulti(1), which rewrites the default main.cf, and give that its owner and mode back."""
        path = os.path.join(self.default.config_directory, "main.cf")
        before = os.stat(path)
        self._do(step, os.path.join(self.default.command_directory, "postmulti"), *arguments)
        after = os.stat(path)
        if (before.st_uid, before.st_gid, before.st_mode) != (after.st_uid, after.st_gid, after.st_mode):
            os.chown(path, before.st_uid, before.st_gid)
            os.chmod(path, before.st_mode & 0o7777)

    def _do(self, step: str, *command: str) -> None:
        """Tell a step, and run its command if it has one and this is not check mode."""
        self.steps.append(step)
        if command and not self.check_mode:
            self._command(*command)

    @staticmethod
    def _command(*command: str) -> None:
        """:raises TransactionError: the command failed"""
        outcome = run(list(command), time.monotonic() + _SECONDS)
        if outcome.status is None:
            raise TransactionError(f"{outcome.command} was ended because it took longer than {_SECONDS:.0f} s.")
        if outcome.status != 0:
            complaints = [line for line in outcome.words if "fatal: " in line or "error: " in line] or outcome.words
            reason = complaints[0] if complaints else "it does not say why"
            raise TransactionError(f"{outcome.command} failed with exit status {outcome.status}: {reason}.")


def _queued(queue_directory: str) -> Dict[str, int]:
    """Return how many messages there are in each queue that has any."""
    numbers = {}
    for queue in _QUEUES:
        walk = os.walk(os.path.join(queue_directory, queue))
        number = sum(len(files) for _directory, _directories, files in walk)
        if number:
            numbers[queue] = number
    return numbers


def _is_wanted(unit: str, where: str, root: str = "/") -> bool:
    """Return whether a target wants the unit, by a link in one of systemd's directories."""
    with suppress(OSError):
        for name in os.listdir(os.path.join(root, where)):
            if name.endswith(".wants") and os.path.lexists(os.path.join(root, where, name, unit)):
                return True
    return False
