# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A secondary instance, and its removal step by step; a removal that was interrupted is completed by the next run.

All is done here and not by postmulti(1), which would have postconf(1) write the default main.cf. Our own transaction
keeps all that belongs to that file (:mod:`_change.listing`).
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import nullcontext
from typing import Callable, ContextManager, Iterable, List, Optional

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._host.command import run
from .._host.discreet import discreet
from .._host.installed import BuiltIn, built_in
from .._host.instance import Instance, find_instance, find_instances
from .._host.master_process import find_master
from .._host.replaceable import refuse_fixed
from .._host.store import State, TransactionError
from .._host.unit import ServiceControl, find_service
from .boot import Step, disabling
from .directories import queued, remove_directories, remove_files
from .listing import with_instance, without_instance
from .transaction import Transactions, read_files

SECONDS = 60.0
"""Seconds for a command, and to wait for a lock."""

ENDING = "removing.json"
"""What of the instance's state says that it is being removed: its directories."""


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


def check_names(name: str, group: Optional[str], option: str) -> None:
    """Check how a secondary instance is called, and its group.

    :param option: the option that gives the name, for errors
    :raises InputError: one of them is not a name
    """
    if not re.match(r"postfix-[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z", name):
        reason = "is not the name of a secondary instance"
        raise InputError(option, name, reason, "Use postfix- followed by letters or digits")
    if group and not re.match(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z", group):
        raise InputError("group", group, "is not the name of a group", "Use letters, digits, dots, - and _")


class Secondary:
    """A secondary instance that is not to exist; in check mode the steps are only told.

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
        self.option = option
        check_names(name, group, option)
        self.name, self.group, self.check_mode = name, group, check_mode
        self.compiled: BuiltIn = compiled or built_in()
        self.default: Instance = find_instance(compiled=self.compiled)
        self.default_files = default or Transactions(self.default.config_directory, state, SECONDS)
        # Beside the default one, as postmulti(1) makes it.
        self.directory = os.path.join(os.path.dirname(self.default.config_directory), name)
        self.state = State(self.directory, state)
        self.steps: List[str] = []
        self.left: List[str] = []
        self._stopped: Optional[ServiceControl] = None

    def locked(self) -> ContextManager[None]:
        """Keep other runs of this collection away, because all instances are listed in the default main.cf."""
        return nullcontext() if self.check_mode else self.default_files.locked()

    def find(self) -> Optional[Instance]:
        """Return the instance, if it exists."""
        return next((instance for instance in find_instances(self.compiled) if instance.name == self.name), None)

    @property
    def planned(self) -> Instance:
        """The instance as it will be made."""
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

    def is_there(self) -> bool:
        """Return whether there is something to remove: the instance, or what an interrupted run has left of it."""
        return self.find() is not None or self.state.load(ENDING) is not None

    def stop(self) -> None:
        """Stop the instance if it runs, and start it again if it has received mail until then.

        :raises InputError: it has messages in its queue
        :raises TransactionError: it could not be stopped
        """
        instance = self.find()
        master = find_master(instance) if instance else None
        if instance is None or master is None:
            return
        self.steps.append(f"The instance {self.name} is stopped")
        if self.check_mode:
            return
        service, deadline = find_service(instance, master), time.monotonic() + SECONDS
        forbidden = service.forbids_stop()
        if forbidden:
            raise TransactionError(f"{self.name} cannot be stopped: {forbidden}")
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
            self._stopped.start(time.monotonic() + SECONDS)
            self.steps.append(f"The instance {self.name} is started again")
            self._stopped = None

    def destroy(self) -> None:
        """Remove the instance, which does not run, with its directories and its state.

        :raises TransactionError: that failed; the instance is what it was
        """
        if not self.is_there():
            return
        instance = self.find() or self.planned
        directory = instance.config_directory
        self.remove(lambda main: without_instance(main, directory, self.compiled.directories), instance)
        self.steps.append(f"The instance {self.name} is removed")

    def refuse_messages(self) -> None:
        """Refuse to remove an instance that has messages in its queue.

        :raises InputError: it has
        """
        instance = self.find()
        messages = queued(instance.queue_directory) if instance else {}
        if instance and messages:
            numbers = ", ".join(f"{number} in {queue}" for queue, number in messages.items())
            remedy = f"Let it deliver them, or look at them with postqueue -c {instance.config_directory} -p"
            raise InputError(self.option, self.name, f"has messages in its queue ({numbers})", remedy)

    def refuse_mount(self) -> None:
        """Refuse to edit the list of instances where that cannot be done.

        :raises TransactionError: the default main.cf is a mount by itself
        """
        refuse_fixed([os.path.join(self.default.config_directory, "main.cf")])

    def edit_list(self, edit: Callable[[str], str]) -> None:
        """Edit the list of instances; that stays whatever becomes of other edits of the default main.cf."""
        if not self.check_mode:
            self.default_files.amend(edit)

    def remove(self, edit: Callable[[str], str], instance: Instance) -> None:
        """Take the instance out of the list, and remove what is left of it.

        :param edit: what takes it out
        """
        here = [instance.config_directory, instance.queue_directory, instance.data_directory]
        last_steps = disabling(find_service(instance))
        listed = self.find()
        if listed:
            self.refuse_mount()
        if not self.check_mode:
            if listed:
                self._unlist(edit, here)
            else:
                here = list((self.state.load(ENDING) or {}).get("directories", here))
                remove_files(here[0])
        self.do(last_steps)
        if not self.check_mode:
            self.left = remove_directories(here)
            shutil.rmtree(self.state.directory, ignore_errors=True)

    def _unlist(self, edit: Callable[[str], str], here: List[str]) -> None:
        """Take the instance out of the list, and remove its files, or do neither.

        :param here: its directories
        """
        before = read_files(self.default.config_directory).main
        self.state.save(ENDING, {"directories": here})
        self.edit_list(edit)
        try:
            remove_files(here[0])
        except TransactionError:
            after, known = edit(before), self.compiled.directories
            self.edit_list(lambda main: before if main == after else with_instance(main, here[0], known))
            self.state.remove(ENDING)
            self.start_again()
            raise

    def do(self, steps: Iterable[Step]) -> None:
        """Tell steps, and run their commands if this is not check mode."""
        for step, command in steps:
            self.steps.append(step)
            if not self.check_mode:
                self.command(*command)

    @staticmethod
    def command(*command: str) -> None:
        """:raises TransactionError: the command failed"""
        outcome = run(list(command), time.monotonic() + SECONDS)
        if outcome.status is None:
            raise TransactionError(f"{outcome.command} was ended because it took longer than {SECONDS:.0f} s.")
        if outcome.status != 0:
            complaints = [line for line in outcome.words if "fatal: " in line or "error: " in line] or outcome.words
            reason = discreet(complaints)[0] if complaints else "it does not say why"
            raise TransactionError(f"{outcome.command} failed with exit status {outcome.status}: {reason}.")
