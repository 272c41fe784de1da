# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The creation of a secondary instance; it can be undone, as long as nobody has confirmed it.

A new instance has ``master_service_disable = inet``, so that it cannot take connections from the others before somebody
has said where it listens.
"""

from __future__ import annotations

import os
import time
from typing import Optional

from .._base.errors import InputError
from .._files.main_cf import MainCf
from .._host.instance import find_instances
from .._host.store import CREATED
from .._host.unit import find_service
from .boot import enabling
from .contexts import take_over_contexts
from .directories import make, new_files, remove_files
from .listing import is_initialized, undone, with_instance
from .secondary import ENDING, SECONDS, Secondary
from .transaction import NAMES, ConfigFiles, Transactions, read_files

_BEGUN = "creating.json"


class Creation(Secondary):
    """A secondary instance that is to exist; in check mode the steps are only told.

    :ivar who: who asks for it, as far as that is known
    """

    who = ""

    def predicted_files(self) -> ConfigFiles:
        """Return the files that a new instance gets.

        :raises TransactionError: the prototypes of the package cannot be read
        """
        default = read_files(self.default.config_directory)
        return new_files(self.planned, self.group, default.main, self.compiled.directories)

    def create(self, own: Optional[Transactions] = None) -> None:
        """Create the instance, enable it and its unit, each where that is not done yet.

        :param own: the commits to its files, from a caller that holds their lock
        :raises InputError: its directory is in use for something else
        :raises TransactionError: something cannot be written, or a command of Postfix or systemd failed
        """
        before = read_files(self.default.config_directory).main
        instance = self.find()
        if instance is None or not is_initialized(before):
            self.refuse_mount()
        if not is_initialized(before):
            self.steps.append("The default instance starts and stops the others")
        if instance is None:
            self._create(before)
        else:
            if self.is_unconfirmed() and not self.check_mode:  # it may have been interrupted before this
                self._set_permissions()
            directory = instance.config_directory
            if not is_initialized(before):
                self.edit_list(lambda main: with_instance(main, directory, self.compiled.directories))
            if not instance.enabled:
                self.steps.append(f"The instance {self.name} is enabled")
                if not self.check_mode:
                    (own or Transactions(directory, self.state.base, SECONDS)).amend(_enabled)
        self.do(enabling(find_service(self.find() or self.planned)))

    def confirm(self) -> None:
        """The instance stays: forget that it was created, or was to be removed, by a run that has not ended."""
        if self.is_unconfirmed():
            facts = {"name": self.name, "directory": self.directory, "at": time.time(), "who": self.who}
            self.state.save(CREATED, facts)
        self.state.remove(_BEGUN)
        self.state.remove(ENDING)

    def is_unconfirmed(self) -> bool:
        """Return whether this run, or one that was interrupted, has created the instance."""
        return self.state.load(_BEGUN) is not None

    def undo(self) -> bool:
        """Remove the instance that this run, or one that was interrupted, has created, and all traces of it.

        :returns: whether there was anything to remove
        :raises TransactionError: that failed
        """
        begun = self.state.load(_BEGUN)
        if begun is None:
            return False
        earlier = str(begun.get("main", ""))
        self.stop()
        self.remove(lambda main: undone(main, self.directory, self.compiled.directories, earlier), self.planned)
        self.steps.append(f"The instance {self.name} is removed again")
        return True

    def _create(self, before: str) -> None:
        """Make the instance; start over where an earlier run was killed while it was made, or removed.

        :param before: the default instance's main.cf
        """
        planned, interrupted = self.planned, self.is_unconfirmed() or self.is_there()
        if any(os.path.lexists(os.path.join(self.directory, name)) for name in NAMES) and not interrupted:
            reason = f"cannot be created: {self.directory} exists, and the default instance does not list it"
            command = f"postmulti -I {self.name} -e import config_directory={self.directory}"
            raise InputError(self.option, self.name, reason, f"Import it with {command}, or remove it")
        for other in find_instances(self.compiled):
            for path in (other.config_directory, other.queue_directory, other.data_directory):
                if path in (planned.config_directory, planned.queue_directory, planned.data_directory):
                    reason = f"cannot be created: {path} belongs to the instance in {other.config_directory}"
                    raise InputError(self.option, self.name, reason, "Use another name")
        self.steps.append(f"The instance {self.name} is created")
        files = self.predicted_files()
        if self.check_mode:
            return
        if interrupted:
            remove_files(self.directory)
        if not self.is_unconfirmed():
            self.state.save(_BEGUN, {"name": self.name, "main": before})
        make(planned, files)
        self.edit_list(lambda main: with_instance(main, self.directory, self.compiled.directories))
        # Only now, because postfix(1) would take one that is not listed for an independent Postfix.
        self._set_permissions()

    def _set_permissions(self) -> None:
        """Have what belongs in the queue directory made, with its owners and modes (postfix(1))."""
        self.command(self.default.postfix, "-c", self.directory, "set-permissions")
        take_over_contexts(self.default, self.planned)


def _enabled(main: str) -> str:
    """Return the main.cf of an instance that is started and stopped along with the default one."""
    file = MainCf(main)
    file.set("multi_instance_enable", "yes")
    return file.text
