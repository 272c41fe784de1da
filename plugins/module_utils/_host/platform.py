# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How systems differ: where they log, how their packages run the instances of Postfix, and how they read myorigin.

To support another system, say here what it does differently; what else than systemd starts Postfix is in
:mod:`_host.supervisors`.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Optional

from .instance import Instance

LOG_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/syslog", "/var/log/messages")
"""Files to which syslog daemons write Postfix's messages."""

STANDARD_OUTPUT = "/dev/stdout"
"""What maillog_file says in a container, whose engine keeps the log then (postconf(5), maillog_file_prefixes)."""

_UNIT_DIRECTORIES = (  # by precedence (systemd.unit(5))
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
_READS_ORIGIN = "usr/share/postfix/main.cf.debian"  # a file of packages whose Postfix has MYORIGIN_FROM_FILE


class UnitLayout:
    """Which systemd units a package has for the instances of Postfix.

    This one is that of Enterprise Linux, Fedora and Arch: only the default instance has a unit, which starts and stops
    the others along with it (multi_instance_wrapper).
    """

    #: pattern of what the package's ``postfix@.service`` has; the empty text stands for none
    mark = ""
    #: whether a generator makes the units, from the instances that the default main.cf lists
    generated = False
    #: whether one unit starts and stops all instances
    shared = True
    #: the path of what prepares each start, below the root; it takes the name of the instance
    helper = ""

    def unit(self, instance: Instance, template: str) -> Optional[str]:
        """Return the name of an instance's unit; None if it has none.

        :param template: the text of ``postfix@.service``
        """
        return "postfix.service" if instance.is_default else None

    def commands(self, instance: Instance) -> Dict[str, str]:
        """Return what the unit of an instance runs, by the name of the setting; what else it runs stays as it is."""
        return {"ExecStart": f"{instance.postfix} start", "ExecStop": f"{instance.postfix} stop"}


class DirectoryLayout(UnitLayout):
    """Each instance has a unit, those beside the default one by their directory: Debian since 13."""

    shared = False
    mark = r"(?m)^Environment=\"?MAIL_CONFIG=([^%\s\"]+)%I\"?\s*$"

    def unit(self, instance: Instance, template: str) -> Optional[str]:
        prefix = re.findall(self.mark, template)[0]
        if instance.is_default or not instance.config_directory.startswith(prefix):
            return super().unit(instance, template)
        return f"postfix@{_escaped(instance.config_directory[len(prefix) :])}.service"

    def commands(self, instance: Instance) -> Dict[str, str]:
        start = "postfix debian-systemd-start"
        return {"ExecStartPre": "postfix check", "ExecStart": start, "ExecStop": "postfix stop"}


class GeneratedLayout(UnitLayout):
    """Each instance has a unit by its name, the default one too: Debian up to 12, and Ubuntu of that time.

    Their ``postfix.service`` does nothing.
    """

    mark = r"(?m)^ExecStart=.*postmulti.*%i"
    generated = True
    shared = False
    # It copies what Postfix's programs need in their chroot, such as all CA certificates.
    helper = "usr/lib/postfix/configure-instance.sh"

    def unit(self, instance: Instance, template: str) -> Optional[str]:
        return f"postfix@{instance.name}.service" if instance.name else None

    def commands(self, instance: Instance) -> Dict[str, str]:
        each = f"/usr/sbin/postmulti -i {instance.name} -p"
        prepared = f"/{self.helper} {instance.name}"
        return {"ExecStartPre": prepared, "ExecStart": f"{each} start", "ExecStop": f"{each} stop"}


_LAYOUTS = (GeneratedLayout(), DirectoryLayout(), UnitLayout())  # the first one whose mark is found counts


def package_unit(instance: Instance, root: str = "/") -> Optional[str]:
    """Return the unit that the installed package of Postfix has for an instance; None if it has none."""
    template = unit_text("postfix@.service", root) or ""
    unit = _layout(template).unit(instance, template)
    return unit if unit and unit_text(unit, root) is not None else None


def is_generated(unit: str, root: str = "/") -> bool:
    """Return whether a generator makes a unit of Postfix."""
    return _layout(unit_text(unit, root) or "").generated


def is_shared(unit: str, root: str = "/") -> bool:
    """Return whether a unit is the one that starts and stops all instances."""
    return unit == "postfix.service" and _layout(unit_text("postfix@.service", root) or "").shared


def package_commands(instance: Instance, root: str = "/") -> Dict[str, str]:
    """Return what the package has the unit of an instance run, by the name of the setting."""
    return _layout(unit_text("postfix@.service", root) or "").commands(instance)


def before_start(instance: Instance, root: str = "/") -> Optional[List[str]]:
    """Return the command that the package runs before each start of an instance; None if it runs none."""
    helper = _layout(unit_text("postfix@.service", root) or "").helper
    path = os.path.join(root, helper)  # later packages of Debian still have theirs, but it only says that it is gone
    return [path, instance.name] if helper and instance.name and os.access(path, os.X_OK) else None


def origin_in_file(path: str, root: str = "/") -> Optional[str]:
    """Return what a path in myorigin comes to: on Debian the first line of the file, None if that cannot be read."""
    if not os.path.exists(os.path.join(root, _READS_ORIGIN)):
        return path
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.readline(1 << 10).strip()
    except OSError:
        return None


def unit_text(unit: str, root: str = "/") -> Optional[str]:
    """Return the text of a unit file or of its template; empty if the unit is masked, None if there is neither."""
    for file in (unit, re.sub(r"@.*\.", "@.", unit)):
        for directory in _UNIT_DIRECTORIES:
            try:
                with open(os.path.join(root, directory, file), encoding="utf-8", errors="replace") as stream:
                    return stream.read()
            except OSError:
                continue
    return None


def _layout(text: str) -> UnitLayout:
    return next(layout for layout in _LAYOUTS if re.search(layout.mark, text))


def _escaped(text: str) -> str:
    """Escape text for a unit's name (systemd.unit(5), "String escaping for inclusion in unit names")."""
    result = ""
    for index, byte in enumerate(text.encode("utf-8", "surrogateescape")):
        character = chr(byte)
        plain = character.isalnum() if byte < 128 else False
        if character == "/":
            result += "-"
        elif plain or character in ":_" or (character == "." and index):
            result += character
        else:
            result += f"\\x{byte:02x}"
    return result
