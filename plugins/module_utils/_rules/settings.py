# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effective values of main.cf: references replaced, and Postfix's defaults where the file says nothing."""

from __future__ import annotations

import re
from typing import Any, Container, Dict, FrozenSet, List, Mapping, Optional

from .._base.errors import InputError
from .expansion import expand
from .parameters import PARAMETERS, Version
from .values import boolean, text_of

#: Since this version compatibility_level is more than a number.
LEVELS_SINCE = (3, 6)

#: parameters whose default comes from the name of the host
_DERIVED = ("myhostname", "mydomain", "myorigin")


class Settings:
    """The parameters of main.cf, or of one process: main.cf with the ``-o`` options of its line in master.cf.

    :param values: by parameter name, as the file has them or as an Ansible user gives them
    :param hostname: what gethostname(2) returns, for the default of $myhostname; None if it is not known
    :raises InputError: for a value that is neither text nor a list
    """

    def __init__(self, values: Mapping[str, Any], version: Version, hostname: Optional[str] = None) -> None:
        self._texts = {name: text_of(name, value) for name, value in values.items()}
        self.version = version
        self.hostname = hostname
        self._expanded: Dict[str, str] = {}
        self._deriving_mydomain = False

    def with_options(self, options: Mapping[str, str]) -> Settings:
        """Return the settings of a service whose line in master.cf has these ``-o`` options."""
        if not options:
            return self
        process = Settings(options, self.version, self.hostname)
        process._texts = {**self._texts, **process._texts}
        return process

    def is_set(self, name: str) -> bool:
        """Return whether main.cf sets a parameter, to whatever value."""
        return name in self._texts

    def refers_to(self, name: str) -> bool:
        """Return whether any value refers to a name, which then is a parameter of the user's own."""
        reference = re.compile(rf"\$[({{]?\s*{re.escape(name)}(?![A-Za-z0-9_])")
        return any("$" in text and reference.search(text) for text in self._texts.values())

    def names(self) -> FrozenSet[str]:
        """Return the names of the parameters that main.cf sets."""
        return frozenset(self._texts)

    def raw(self, name: str) -> str:
        """Return the text of main.cf, or the default, with its references as they are written."""
        return self._lookup(name) or ""

    def get(self, name: str) -> str:
        """Return the effective value, which is the default where this Postfix has no such parameter.

        :raises InputError: where Postfix would end with a macro processing error
        """
        if name not in self._expanded:
            parameter = PARAMETERS.get(name)
            if parameter is not None and (name not in self._texts or self.version < parameter.since):
                return parameter.default
            self._expanded[name] = expand(self.raw(name), self._lookup, name, self.version >= LEVELS_SINCE)
        return self._expanded[name]

    def get_or(self, name: str, default: str) -> str:
        """Return the effective value of a parameter whose default is not known here, or that default.

        :raises InputError: where Postfix would end with a macro processing error
        """
        return self.get(name) if self.is_set(name) else default

    def certain(self, name: str, defined: Optional[Container[str]] = None) -> Optional[str]:
        """Return the effective value; None where it depends on what is not known here: a default, or a function.

        :param defined: the parameters that have their default when Postfix comes to this one, and not before; others
            are empty then. None if that is not known
        :raises InputError: where Postfix would end with a macro processing error
        """
        unknown: List[str] = []

        def lookup(other: str) -> Optional[str]:
            if not self._is_known(other):
                if defined is None or other in defined:
                    unknown.append(other)
                return None
            return self._lookup(other)

        text = lookup(name)
        if text is None or _calls_function(text):
            return None
        try:
            value = expand(text, lookup, name, self.version >= LEVELS_SINCE)
        except InputError:
            if unknown or any(map(_calls_function, self._texts.values())):
                return None
            raise
        return None if unknown else value

    def _is_known(self, name: str) -> bool:
        """Return whether main.cf sets a parameter, or its default is known here; that of stress is empty."""
        if name in _DERIVED and name not in self._texts:
            return bool(self.hostname) or self.is_set("myhostname")
        return name in self._texts or name in PARAMETERS or name == "stress"

    def yes_no(self, name: str) -> bool:
        """Return the value of a boolean parameter; see :func:`boolean`."""
        return boolean(name, self.get(name))

    @property
    def compatibility_level(self) -> int:
        """The first number of compatibility_level, which is 0 where main.cf does not set it."""
        level = re.match(r"\s*([0-9]{1,9})", self.get("compatibility_level"))
        return int(level.group(1)) if level else 0

    @property
    def default_chroot(self) -> str:
        """What a dash means in the field chroot of master.cf (get_master_ent() in master/master_ent.c)."""
        return "n" if self.version >= (3, 0) and self.compatibility_level >= 1 else "y"

    def _lookup(self, name: str) -> Optional[str]:
        if name in self._texts:
            return self._texts[name]
        if name in PARAMETERS:
            return PARAMETERS[name].default
        if name == "myhostname":
            return self._default_myhostname()
        if name == "mydomain":
            return self._default_mydomain()
        return "$myhostname" if name == "myorigin" else None

    def _default_mydomain(self) -> str:
        if self._deriving_mydomain:
            reason = "needs $mydomain, which is not set and would come from it"
            raise InputError("myhostname", self._texts["myhostname"], reason, "Set mydomain")
        self._deriving_mydomain = True
        try:
            return self.get("myhostname").partition(".")[2] or "localdomain"
        finally:
            self._deriving_mydomain = False

    def _default_myhostname(self) -> str:
        if not self.hostname:
            reason = "is not set, and the name of the host is not known"
            raise InputError("myhostname", "$myhostname", reason, "Set myhostname")
        if "." in self.hostname:
            return self.hostname
        return f"{self.hostname}.{self._texts.get('mydomain') or 'localdomain'}"


def _calls_function(text: str) -> bool:
    """Return whether a value calls a function (Postfix 3.11 and later), whose result is not known here."""
    return "domain_to_" in text and bool(re.search(r"\$[{(]\s*domain_to_[a-z0-9]+\s*{", text))
