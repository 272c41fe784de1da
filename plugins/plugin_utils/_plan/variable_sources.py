# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Which file or line of an inventory sets a variable of the role for a host, in the order in which Ansible reads them.

Ansible itself only keeps the value that counts. What groups say is read once for each group. For a host, files are
looked for only if its name is in a directory host_vars.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible.inventory.helpers import sort_groups
from ansible.plugins.vars.host_group_vars import VarsModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.references import has_marks
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.shadowed import Override

if TYPE_CHECKING:
    from ansible.inventory.group import Group
    from ansible.inventory.host import Host
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader

#: a place that sets variables, as people name it, and the variables of the role among them
Layer = tuple[str, Mapping[str, Any]]


class VariableSources:
    """The places of an inventory that set variables of the role.

    :param root: the directory that the names of files are relative to; by default that of the inventory, or what is
        above all of them if there are several
    :param playbook_directory: a directory with group_vars and host_vars besides those of the inventory
    """

    def __init__(
        self,
        inventory: InventoryManager,
        loader: DataLoader,
        root: str | None = None,
        playbook_directory: str | None = None,
    ) -> None:
        self._inventory, self._loader = inventory, loader
        self._plugin = VarsModule()
        sources = [source for source in inventory._sources if source and (os.path.exists(source) or "," not in source)]
        directories = [_directory(source) for source in sources]
        # A directory that is there twice is read again for the later source, which then counts.
        self._adjacent = list(reversed(dict.fromkeys(reversed(directories))))
        self._beside_play = [] if playbook_directory is None else [os.path.realpath(playbook_directory)]
        self._root = os.path.realpath(root) if root else os.path.commonpath(directories or [os.getcwd()])
        only_file = len(sources) == 1 and os.path.isfile(sources[0])
        self._itself = self._relative(os.path.realpath(sources[0])) if only_file else "the inventory"
        self._of_group = lru_cache(maxsize=None)(self._read_group)
        self._names = lru_cache(maxsize=None)(_names_in)
        self._chains: dict[tuple[str, ...], list[Layer]] = {}

    def overrides(self, hosts: Iterable[str], value_of: Callable[[str, str], Any] | None = None) -> Iterator[Override]:
        """Yield each list or mapping that another place of higher precedence replaces, for hosts in their order.

        :param value_of: returns the value of a variable of a host where the one that counts is a template; without it
            these are left out, as is what is a template in the values that are replaced
        """
        shared: dict[tuple[str, ...], list[tuple[str, str, Any, str, Any]]] = {}
        for name in hosts:
            host = self._inventory.get_host(name)
            if host is None:
                continue
            groups = _groups_of(host)
            own = self._of_host(host)
            chain = self._of_groups(groups, host)
            if not own:
                if groups not in shared:
                    shared[groups] = list(_replaced(chain))
                replaced: Iterable[tuple[str, str, Any, str, Any]] = shared[groups]
            else:
                replaced = _replaced([*chain, *own])
            for variable, lower, lower_value, upper, value in replaced:
                if _is_template(value):
                    if value_of is None:
                        continue
                    value = value_of(name, variable)
                yield Override(name, variable, lower, lower_value, upper, value)

    def layers(self, name: str) -> list[Layer]:
        """Return the places that set variables of a host, from the lowest precedence to the highest."""
        host = self._inventory.get_host(name)
        return [] if host is None else [*self._of_groups(_groups_of(host), host), *self._of_host(host)]

    def _of_groups(self, names: tuple[str, ...], host: Host) -> list[Layer]:
        if names not in self._chains:
            others = sort_groups([group for group in host.get_groups() if group.name != "all"])
            self._chains[names] = list(self._read_groups([self._inventory.groups["all"]], others))
        return self._chains[names]

    def _read_groups(self, everybody: list[Group], others: list[Group]) -> Iterator[Layer]:
        steps: dict[str, tuple[list[Group], Sequence[str] | None]] = {
            "all_inventory": (everybody, None),
            "groups_inventory": (others, None),
            "all_plugins_inventory": (everybody, self._adjacent),
            "all_plugins_play": (everybody, self._beside_play),
            "groups_plugins_inventory": (others, self._adjacent),
            "groups_plugins_play": (others, self._beside_play),
        }
        for step in constants.VARIABLE_PRECEDENCE:  # type: ignore[attr-defined]  # as all of Ansible's settings
            groups, directories = steps.get(step, ([], None))
            if directories is None:
                for group in groups:
                    yield from self._said(f"the group {group.name}", group.vars)
            for directory in directories or ():
                for group in groups:
                    yield from self._of_group(directory, group.name)

    def _of_host(self, host: Host) -> list[Layer]:
        found = list(self._said(f"the host {host.name}", host.vars))
        for directory in (*self._adjacent, *self._beside_play):
            if host.name in self._names(os.path.join(directory, "host_vars")) or os.sep in host.name:
                found += self._read(os.path.join(directory, "host_vars"), host.name)
        return found

    def _said(self, subject: str, variables: Mapping[str, Any]) -> Iterator[Layer]:
        """Yield what the inventory itself says."""
        own = _of_role(variables)
        if own:
            yield f"{subject} in {self._itself}", own

    def _read_group(self, directory: str, name: str) -> list[Layer]:
        return list(self._read(os.path.join(directory, "group_vars"), name))

    def _read(self, directory: str, name: str) -> Iterator[Layer]:
        """Yield the files of a group or a host, read as Ansible does it: its cache is shared with it."""
        if name.startswith(os.sep) or not os.path.isdir(directory):
            return
        for path in self._loader.find_vars_files(directory, name):
            own = _of_role(self._plugin.load_found_files(self._loader, {}, [path]))
            if own:
                yield self._relative(path), own

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._root)


def _replaced(layers: Sequence[Layer]) -> Iterator[tuple[str, str, Any, str, Any]]:
    """Yield variable, a place whose list or mapping is replaced, what that says, the place that counts, its value."""
    names = dict.fromkeys(name for _place, variables in layers for name in variables)
    for name in names:
        *lower, (place, value) = [(each, variables[name]) for each, variables in layers if name in variables]
        for each, found in lower:
            if isinstance(found, list):
                found = [item for item in found if not _is_template(item)]
            if found and isinstance(found, (list, Mapping)) and found != value:
                yield name, each, found, place, value


def _directory(source: str) -> str:
    """Return where group_vars and host_vars of an inventory are."""
    return os.path.realpath(source if os.path.isdir(source) else os.path.dirname(source) or os.curdir)


def _names_in(directory: str) -> frozenset[str]:
    """Return the names of the hosts that may have files in a directory."""
    try:
        files = os.listdir(directory)
    except OSError:
        return frozenset()
    endings = ("", *(extension for extension in constants.YAML_FILENAME_EXTENSIONS if extension))  # type: ignore[attr-defined]
    return frozenset(file[: len(file) - len(end)] for file in files for end in endings if file.endswith(end))


def _groups_of(host: Host) -> tuple[str, ...]:
    return tuple(sorted(group.name for group in host.get_groups()))


def _of_role(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in variables.items() if str(name).startswith(PREFIX)}


def _is_template(value: Any) -> bool:
    """Return whether a value, or a name in a list, has to be templated before it says something."""
    if isinstance(value, str):
        return has_marks(value)
    if isinstance(value, Mapping):
        return any(_is_template(value.get(name)) for name in ("name", "type", "instance", "config_directory"))
    return isinstance(value, (list, tuple)) and any(map(_is_template, value))
