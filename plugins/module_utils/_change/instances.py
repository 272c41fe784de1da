# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create and remove secondary instances, with postmulti(1), and the systemd units that it knows nothing of.

What was created can be undone, as long as nobody has confirmed it.

A new instance has ``master_service_disable = inet``, so that it cannot take connections from the others before somebody
has said where it listens.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import nullcontext, suppress
from typing import ContextManager, Dict, List, Optional

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.main_cf import MainCf
from .._host.command import run
from .._host.installed import BuiltIn, built_in
from .._host.instance import Instance, find_instance, find_instances
from .._host.master_process import find_master
from .._host.store import STATE_DIRECTORY, TransactionError
from .._host.unit import ServiceControl, find_service
from .transaction import ConfigFiles, Transactions, read_files

_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_SHARED = (  # what postmulti(1) takes over from the default instance
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
_OF_POSTMULTI = (  # what it writes into the default instance's main.cf
    "multi_instance_wrapper",
    "multi_instance_enable",
    "multi_instance_directories",
    "alternate_config_directories",
)
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
    secondary = Secondary(name, group, check_mode, state)
    with secondary.locked():
        secondary.create()
        secondary.confirm()
    return secondary.changed()


def remove(name: str, check_mode: bool = False, state: str = STATE_DIRECTORY) -> Changed:
    """Make sure that an instance does not exist; stop it if it runs.

    :param state: the directory that holds the state of all instances
    :raises InputError: it has mail in its queue
    :raises TransactionError: it could not be stopped or removed
    """
    secondary = Secondary(name, None, check_mode, state)
    with secondary.locked():
        secondary.refuse_messages()
        secondary.stop()
        secondary.destroy()
    return secondary.changed()


class Secondary:
    """A secondary instance that is to exist or not, step by step; in check mode the steps are only told.

    :param default: the commits to the default instance's files, from a caller that holds their lock
    :param option: the option that gives the name, for errors
    :raises InputError: the name or the group is none
    """

    def __init__(
        self,
        name: str,
        group: Optional[str],
        check_mode: bool,
        state: str,
        default: Optional[Transactions] = None,
        compiled: Optional[BuiltIn] = None,
        option: str = "name",
    ) -> None:
        self._option = option
        if not re.match(r"postfix-[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z", name):
            reason = "is not the name of a secondary instance"
            raise InputError(option, name, reason, "Use postfix- followed by letters or digits")
        if group and not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", group):
            raise InputError("group", group, "is not the name of a group", "Use letters, digits, dots, - and _")
        self.name, self.group, self.check_mode, self.state_directory = name, group, check_mode, state
        self.compiled: BuiltIn = compiled or built_in()
        self.default: Instance = find_instance(compiled=self.compiled)
        self._transactions = default or Transactions(self.default.config_directory, state, _SECONDS)
        # Where postmulti(1) creates it: beside the default one.
        self.directory = os.path.join(os.path.dirname(self.default.config_directory), name)
        self._state = Transactions(self.directory, state).state
        self.steps: List[str] = []
        self.left: List[str] = []
        self._stopped: Optional[ServiceControl] = None

    def locked(self) -> ContextManager[None]:
        """Keep other runs of this collection away, because all instances are listed in the default main.cf."""
        return nullcontext() if self.check_mode else self._transactions.locked()

    def find(self) -> Optional[Instance]:
        """Return the instance, if it exists."""
        return next((instance for instance in find_instances(self.compiled) if instance.name == self.name), None)

    @property
    def planned(self) -> Instance:
        """The instance as postmulti(1) will make it."""
        queue_directory = os.path.join(os.path.dirname(self.default.queue_directory), self.name)
        data_directory = os.path.join(os.path.dirname(self.default.data_directory), self.name)
        return self.default._replace(
            name=self.name,
            config_directory=self.directory,
            queue_directory=queue_directory,
            data_directory=data_directory,
        )

    def changed(self) -> Changed:
        """Return what was done."""
        instance = self.find()
        directory = (instance or self.planned).config_directory
        unit = find_service(instance or self.planned).unit if instance or self.steps else None
        return Changed(self.name, directory, unit, self.steps, self.left, exists=instance is not None)

    def predicted_files(self) -> ConfigFiles:
        """Return the files as postmulti(1) will make them, from the prototypes of the package.

        :raises TransactionError: they cannot be read
        """
        default = read_files(self.default.config_directory)
        values = MainCf(default.main).values()
        directory = values.get("meta_directory") or self.compiled.directories["meta_directory"]
        files = read_files(directory, suffix=".proto")
        main = MainCf(files.main)
        for parameter in _SHARED:  # those of the default instance; else what is compiled in
            if values.get(parameter):
                main.set(parameter, values[parameter])
            else:
                main.unset(parameter)
        for parameter, value in (
            ("queue_directory", self.planned.queue_directory),
            ("data_directory", self.planned.data_directory),
            ("authorized_submit_users", ""),
            ("master_service_disable", "inet"),
            ("multi_instance_name", self.name),
            *((("multi_instance_group", self.group),) if self.group else ()),
            ("multi_instance_enable", "yes"),
        ):
            main.set(parameter, value)
        return ConfigFiles(self.directory, main.text, files.master)

    def create(self) -> None:
        """Create the instance, enable it and its unit, each where that is not done yet.

        :raises InputError: its directory is in use for something else
        :raises TransactionError: a command of Postfix or systemd failed
        """
        before = read_files(self.default.config_directory)
        self._initialize_default()
        instance = self.find()
        if instance is None:
            self._create_directories(before)
            instance = self.find()
            if instance is None and not self.check_mode:
                listing = f"{self.default.config_directory}/main.cf does not list it"
                raise TransactionError(f"postmulti has created {self.name}, but {listing}. Look at postmulti -l.")
        if instance is None or not instance.enabled:
            self._postmulti(f"The instance {self.name} is enabled", "-i", self.name, "-e", "enable")
        self._enable_unit(find_service(instance or self.planned))

    def confirm(self) -> None:
        """The instance stays: forget that it was created by a run that has not ended."""
        self._state.remove(_BEGUN)

    def is_unconfirmed(self) -> bool:
        """Return whether this run, or one that was interrupted, has created the instance."""
        return self._state.load(_BEGUN) is not None

    def undo(self) -> bool:
        """Remove the instance that this run, or one that was interrupted, has created, and all traces of it.

        :returns: whether there was anything to remove
        :raises TransactionError: that failed
        """
        begun = self._state.load(_BEGUN)
        instance = self.find()
        if begun is None:
            return False
        if instance:
            self.stop()
            self.destroy()
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
            shutil.rmtree(self._state.directory, ignore_errors=True)
        self.steps.append(f"The instance {self.name} is removed again")
        found = read_files(self.default.config_directory)
        if _differs_in_listing(found.main, begun.get("main", "")):
            self._transactions.commit(found, begun["main"], found.master)
            self._transactions.confirm()
        return True

    def stop(self) -> None:
        """Stop the instance if it runs, and start it again if it has received mail until then.

        :raises InputError: it has messages in its queue
        :raises TransactionError: it could not be stopped
        """
        instance = self.find()
        master = find_master(instance) if instance else None
        if instance is None or master is None:
            return
        self._do(f"The instance {self.name} is stopped")
        if self.check_mode:
            return
        service, deadline = find_service(instance, master), time.monotonic() + _SECONDS
        outcomes = service.stop(master, deadline)
        if master.is_alive():
            commands = ", ".join(outcome.command for outcome in outcomes)
            raise TransactionError(f"{self.name} could not be stopped by {commands}. Stop it, and try again.")
        self._stopped = service
        try:
            self.refuse_messages()
        except InputError:
            self.start_again()
            raise

    def start_again(self) -> None:
        """Start the instance that was stopped to be removed."""
        if self._stopped:
            self._stopped.start(time.monotonic() + _SECONDS)
            self.steps.append(f"The instance {self.name} is started again")
            self._stopped = None

    def destroy(self) -> None:
        """Remove the instance, which does not run, with its directories and its state.

        :raises TransactionError: a command of Postfix or systemd failed
        """
        instance = self.find()
        if instance is None:
            return
        service = find_service(instance)
        if service.unit and _is_wanted(service.unit, "etc/systemd/system"):
            self._do(f"{service.unit} is disabled", "systemctl", "disable", service.unit)
        if instance.enabled:
            self._postmulti(f"The instance {self.name} is disabled", "-i", self.name, "-e", "disable")
        self._postmulti(f"The instance {self.name} is removed", "-i", self.name, "-e", "destroy")
        if not self.check_mode:
            self.left = self._clean_up(instance, service)

    def refuse_messages(self) -> None:
        """Refuse to remove an instance that has messages in its queue.

        :raises InputError: it has
        """
        instance = self.find()
        queued = _queued(instance.queue_directory) if instance else {}
        if instance and queued:
            numbers = ", ".join(f"{number} in {queue}" for queue, number in queued.items())
            remedy = f"Let it deliver them, or look at them with postqueue -c {instance.config_directory} -p"
            raise InputError(self._option, self.name, f"has messages in its queue ({numbers})", remedy)

    def _initialize_default(self) -> None:
        """Have the default instance start and stop the others."""
        values = MainCf(read_files(self.default.config_directory).main).values()
        if not values.get("multi_instance_wrapper") or values.get("multi_instance_enable", "").lower() != "yes":
            self._postmulti("The default instance starts and stops the others", "-e", "init")

    def _create_directories(self, before: ConfigFiles) -> None:
        """Have the instance created; start over where an earlier run was killed while it was being created.

        :param before: the default instance's files before the first step
        """
        begun = self._state.load(_BEGUN)
        if os.path.lexists(os.path.join(self.directory, "main.cf")):
            if begun is None:
                reason = f"cannot be created: {self.directory} exists, and the default instance does not list it"
                command = f"postmulti -I {self.name} -e import config_directory={self.directory}"
                remedy = f"Import it with {command}, or remove it"
                raise InputError(self._option, self.name, reason, remedy)
            if not self.check_mode:
                shutil.rmtree(self.directory)
        if begun is None and not self.check_mode:
            self._state.save(_BEGUN, {"name": self.name, "main": before.main})
        grouped = ["-G", self.group] if self.group else []
        self._postmulti(f"The instance {self.name} is created", "-I", self.name, *grouped, "-e", "create")

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

    def _clean_up(self, instance: Instance, service: ServiceControl) -> List[str]:
        """Forget what was kept about an instance that was removed; return the directories that are left of it."""
        if self.find():
            listing = f"{self.default.config_directory}/main.cf still lists it"
            raise TransactionError(f"postmulti has not removed {self.name}: {listing}. Look at postmulti -l.")
        if service.unit and _is_wanted(service.unit, "run/systemd/generator"):
            self._command("systemctl", "daemon-reload")
        shutil.rmtree(self._state.directory, ignore_errors=True)
        directories = (instance.config_directory, instance.queue_directory, instance.data_directory)
        return [directory for directory in directories if os.path.isdir(directory)]

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


def _differs_in_listing(main: str, earlier: str) -> bool:
    """Return whether two versions of the default main.cf differ in nothing but what postmulti(1) writes there."""
    now, then = (
        {name: value for name, value in MainCf(text).values().items() if name not in _OF_POSTMULTI}
        for text in (main, earlier)
    )
    return main != earlier and now == then


def _is_wanted(unit: str, where: str, root: str = "/") -> bool:
    """Return whether a target wants the unit, by a link in one of systemd's directories."""
    with suppress(OSError):
        for name in os.listdir(os.path.join(root, where)):
            if name.endswith(".wants") and os.path.lexists(os.path.join(root, where, name, unit)):
                return True
    return False
