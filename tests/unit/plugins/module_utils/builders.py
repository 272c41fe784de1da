# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of several rooms build: hosts, outlooks, plans, instances, masters, and directories with files.

What only one test file needs stands in that file.
"""

from __future__ import annotations

import os
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, Callable, List, Mapping, Sequence, Tuple, Union

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import (
    Plan,
    Surroundings,
    Wanted,
    make_plan,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import Transactions, read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import PortLookup, known_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Process
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration, port_lookup
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host, HostAddress
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver

BOOKWORM = (3, 7, 11)
"""The Postfix of Debian 12, for tests in which the version makes no difference."""

Names = Union[Mapping[str, Any], Callable[[str], Any], None]
"""Host names with their addresses, or a resolver."""

_MARKS = {
    "down": {"up": False},
    "tentative": {"tentative": True},
    "secondary": {"primary": False},
    "temporary": {"temporary": True, "dynamic": True, "primary": False},
    "deprecated": {"deprecated": True},
    "dynamic": {"dynamic": True},
}
_STAT = "{pid} ({name}) {state} {parent} 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 {ticks} 1 1 18446744073709551615\n"


#: what all that takes mail needs
QUEUE = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
"""


def address_of(text: str) -> HostAddress:
    """Return what ``[INTERFACE] ADDRESS[/LENGTH] [MARK ...]`` says, with the keys of _MARKS."""
    words = text.split()
    marks = {key: value for word in words for key, value in _MARKS.get(word, {}).items()}
    *interface, address = [word for word in words if word not in _MARKS]
    read = ip_interface(address)
    return HostAddress(read.ip, read.network.prefixlen, "".join(interface), **marks)


def host_of(*addresses: str, **more: Any) -> Host:
    """Return a host with these addresses, each a text as :func:`address_of` reads it."""
    return Host([address_of(text) for text in addresses], **more)


def socket_at(address: str, port: int = 25) -> Socket:
    return Socket(address, port, "ipv6" if ":" in address else "ipv4")


def outlook_of(
    settings: Mapping[str, Any],
    services: Union[str, Sequence[Service]],
    host: Host,
    version: str = "3.12",
    names: Names = None,
    port_of: PortLookup = known_port,
    allow_absent: bool = False,
) -> Outlook:
    """Return the outlook of settings and services; services can be the text of a master.cf."""
    parameters = Settings(settings, parse_version(version), host.hostname)
    ports = port_lookup(parameters, port_of)
    entries = MasterCf(services, ports).services() if isinstance(services, str) else services
    return Outlook(Configuration(parameters, entries, ports), host, _resolver(names), allow_absent)


def outlook_of_texts(main: str, master: str, host: Host, version: str = "3.12") -> Outlook:
    """Return the outlook of the texts of both files."""
    configuration = Configuration.from_texts(main, master, parse_version(version), "mx.test")
    return Outlook(configuration, host, _resolver(None))


def plan_of(
    wanted: Wanted,
    main: str,
    master: str,
    host: Host,
    version: Tuple[int, ...] = BOOKWORM,
    names: Names = None,
    port_of: PortLookup = known_port,
) -> Plan:
    """Return the plan that makes the texts of both files say what is wanted."""
    return make_plan(wanted, main, master, Surroundings(host, version, _resolver(names), port_of))


def _resolver(names: Names) -> Callable[[str], Any]:
    return names if callable(names) else mapping_resolver(names or {})


def instance_of(
    config_directory: str = "/etc/postfix", name: str = "-", version: Tuple[int, ...] = BOOKWORM, **directories: str
) -> Instance:
    """Return an instance with the directories of Debian, beside those that are given."""
    usual = {
        "queue_directory": "/var/spool/postfix",
        "data_directory": "/var/lib/postfix",
        "command_directory": "/usr/sbin",
    }
    return Instance(config_directory, name, version=version, **{**usual, **directories})


def instance_in(path: Path) -> Instance:
    """Return an instance whose directories are made below a path: etc, spool, data and sbin."""
    etc, spool, data, sbin = (path / name for name in ("etc", "spool", "data", "sbin"))
    for directory in (etc, spool, data, sbin):
        directory.mkdir(parents=True, exist_ok=True)
    return instance_of(str(etc), queue_directory=str(spool), data_directory=str(data), command_directory=str(sbin))


def untouched(path: Union[str, Path]) -> Tuple[int, ...]:
    """Return what the kernel tells of a file that changes with any change of it; not when it was read last."""
    status = os.stat(str(path))
    return status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_ctime_ns


def process_of(pid: int, name: str = "master", parent: int = 1) -> Process:
    return Process(pid, name, parent, ticks=1)


def write_stat(proc: Path, pid: int, name: str, parent: int = 1, ticks: int = 500, state: str = "S") -> None:
    """Write what the kernel says of a process in its stat file (proc(5))."""
    directory = proc / str(pid)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "stat").write_text(_STAT.format(pid=pid, name=name, parent=parent, ticks=ticks, state=state))


class ConfigDir:
    """A configuration directory below a path, and the state of its transactions."""

    def __init__(self, path: Path, main: str, master: str) -> None:
        self.config = path / "etc" / "postfix"
        self.state = path / "state"
        self.config.mkdir(parents=True, exist_ok=True)
        self.main, self.master = self.config / "main.cf", self.config / "master.cf"
        self.write(main, master)

    def write(self, main: str, master: str) -> None:
        """Write both files as an administrator does."""
        self.main.write_bytes(main.encode("utf-8", "surrogateescape"))
        self.master.write_bytes(master.encode("utf-8", "surrogateescape"))

    @property
    def transactions(self) -> Transactions:
        return Transactions(str(self.config), str(self.state), time_limit=0.2)

    @property
    def texts(self) -> Tuple[str, ...]:
        return read_files(str(self.config)).texts

    def commit(self, main: str, master: str) -> None:
        """Write both files as the module postfix_interfaces does."""
        self.transactions.commit(read_files(str(self.config)), main, master)

    @property
    def leftovers(self) -> List[str]:
        return sorted(set(os.listdir(self.config)) - {"main.cf", "master.cf"})
