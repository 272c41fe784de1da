# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""One of two inventories, read by Ansible itself: hosts, groups, and the variables of each host. No host is asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.references import (
    NotSimple,
    is_trusted,
    resolved,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.variable_sources import VariableSources

#: as for a play of this collection: group_vars beside its playbooks are nobody's
_PLAYBOOKS = os.path.join(os.path.dirname(__file__), *[os.pardir] * 3, "playbooks")


class _Strict(InventoryManager):
    """An inventory that remembers which of its files nobody could read: Ansible goes on without them."""

    def __init__(self, loader: DataLoader, source: str) -> None:
        self.unread: list[str] = []
        super().__init__(loader=loader, sources=[source])  # type: ignore[no-untyped-call]

    def parse_source(self, source: str, cache: bool = False) -> bool:
        parsed = bool(super().parse_source(source, cache=cache))  # type: ignore[no-untyped-call]
        if not parsed:
            self.unread.append(str(source))
        return parsed


class _Loader(DataLoader):
    """A loader that parses what is in several files once, as most of two versions of an inventory is the same."""

    def __init__(self, parsed: dict[Any, Any]) -> None:
        self._parsed = parsed
        super().__init__()  # type: ignore[no-untyped-call]

    def load_from_file(self, file_name: str, *arguments: Any, **options: Any) -> Any:
        """Read a file; an error names it, which Ansible's do not all."""
        try:
            return super().load_from_file(file_name, *arguments, **options)
        except AnsibleError as error:
            raise AnsibleParserError(f"{file_name}: {in_one_line(error)}") from error

    def load(self, data: str, file_name: Any = "<string>", *arguments: Any, **options: Any) -> Any:
        """Parse the text of a file; nobody changes the result."""
        digest = hashlib.sha256(data.encode("utf-8", "surrogatepass")).digest()
        key = (digest, is_trusted(data), arguments, tuple(options.items()))
        if key not in self._parsed:
            self._parsed[key] = super().load(data, file_name, *arguments, **options)
        return self._parsed[key]


class Side:
    """One of the two inventories.

    :param option: what it was given by, for errors
    :param path: a directory or a file
    :param secrets: what opens vaults, as Ansible's loader keeps it
    :param beside: where the playbooks are whose group_vars and host_vars count too, from the inventory's directory on
    :param parsed: what was read for the other one
    :raises InputError: it cannot be read
    """

    def __init__(
        self,
        option: str,
        path: str,
        secrets: Any = None,
        beside: str | None = None,
        parsed: dict[Any, Any] | None = None,
    ) -> None:
        self.option, self.path = option, os.path.abspath(path)
        if not os.path.exists(self.path):
            raise InputError(option, path, "does not exist", "Give an inventory: a directory or a file")
        self.directory = self.path if os.path.isdir(self.path) else os.path.dirname(self.path)
        self._beside = None if beside is None else self._playbooks(beside)
        self.loader = _Loader({} if parsed is None else parsed)
        self.loader.set_basedir(self._beside or _PLAYBOOKS)
        self.loader.set_vault_secrets(secrets)
        try:
            self.inventory = _Strict(self.loader, self.path)
        except AnsibleError as error:
            raise self._unreadable(self.path, error) from error
        for source in self.inventory.unread:
            raise self._unreadable(source)
        self._manager = VariableManager(loader=self.loader, inventory=self.inventory)
        HostVars(self.inventory, self._manager, self.loader)  # which makes itself known to the manager
        self._templar = Templar(loader=self.loader)

    def _playbooks(self, beside: str) -> str:
        option = "mailfleet_playbook_directory"
        if os.path.isabs(beside):
            remedy = "Give it from the directory of each inventory on, such as .. for the directory above"
            raise InputError(option, beside, "would be the same for both inventories", remedy)
        path = os.path.normpath(os.path.join(self.directory, beside))
        if not os.path.isdir(path):
            raise InputError(option, beside, f"is not a directory, as there is no {path}", "Correct it")
        return path

    def _unreadable(self, source: str, error: Exception | None = None) -> InputError:
        reason = "cannot be read as an inventory"
        if error is not None:
            reason += f": {in_one_line(error)}"
        return InputError(self.option, source, reason, "Correct it; Ansible's warnings say what is wrong with it")

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """The hosts of each group."""
        groups: Mapping[str, Sequence[str]] = self.inventory.get_groups_dict()  # type: ignore[no-untyped-call]
        return groups

    def sources(self) -> VariableSources:
        """Return what tells which file sets a variable."""
        return VariableSources(self.inventory, self.loader, self.directory, self._beside)

    def variables(self, name: str) -> Variables:
        """Return the variables of a host.

        :raises InputError: they cannot be read
        """
        try:
            host = self.inventory.get_host(name)  # type: ignore[no-untyped-call]
            raw = self._manager.get_vars(host=host)
        except AnsibleError as error:
            remedy = "Correct the files of its variables, or give the password of the vault"
            raise InputError("variables", name, f"cannot be read: {in_one_line(error)}", remedy) from error
        return Variables(name, raw, self._templar)


class Variables:
    """The variables of a host. Only what is asked for is templated."""

    def __init__(self, host: str, raw: dict[str, Any], templar: Templar) -> None:
        self.host, self.raw, self._templar = host, raw, templar

    def of_the_role(self) -> dict[str, Any]:
        """Return the variables of the role, as plain data.

        :raises InputError: one of them cannot be templated
        """
        values = ((name, self.value(name)) for name in self.raw if name.startswith(PREFIX))
        return {str(name): value for name, value in values if value is not OMITTED}

    def value(self, path: str) -> Any:
        """Return a variable as plain data, or OMITTED; ``postfix.addresses`` means a key of the variable postfix.

        :raises InputError: it cannot be templated
        """
        value: Any = self.raw
        first, *keys = path.split(".")
        for number, key in enumerate([first, *keys]):
            if number and not isinstance(value, Mapping):
                value = self._plain(first, value)
            if not isinstance(value, Mapping) or key not in value:
                return OMITTED
            value = value[key]
        if first == "ansible_facts":
            return value  # facts have no templates, and are large
        return self._plain(path, value)

    def _plain(self, name: str, value: Any) -> Any:
        with suppress(NotSimple):
            return resolved(value, self.raw)
        self._templar.available_variables = self.raw
        try:
            # Within a mapping, so that a value that is omitted is left out.
            found = self._templar.template({"value": value})
            return _result(found.get("value", OMITTED), self.raw.get("omit"))
        except Exception as error:  # whatever a filter or a lookup raises
            reason = f"of {self.host} cannot be templated: {in_one_line(error)}"
            remedy = "Correct it, or define what it needs in the inventory"
            raise InputError(name, "{{ ... }}", reason, remedy) from error


class _Omitted:
    """What stands for a variable that a host does not have."""


OMITTED = _Omitted()


def _result(value: Any, omit: Any) -> Any:
    """Return what a template gave as plain data, without what it omits.

    :param omit: what stands for that before ansible-core 2.19
    """
    if isinstance(value, bool) or value is None or value is OMITTED:
        return value
    if isinstance(value, Mapping):
        items = ((str(key), _result(each, omit)) for key, each in value.items())
        return {key: each for key, each in items if each is not OMITTED}
    if isinstance(value, str) or hasattr(value, "__ENCRYPTED__"):
        text = str(value)
        return OMITTED if omit is not None and text == omit else text
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [each for each in (_result(each, omit) for each in value) if each is not OMITTED]
    return str(value)


def in_one_line(error: BaseException) -> str:
    """Return what an error says, in one line and without a full stop."""
    return " ".join(str(error).split()).rstrip(".")
