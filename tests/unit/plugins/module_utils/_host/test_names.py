# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import identity
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.names import (
    name_source,
    system_port,
    system_resolver,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import own_addresses
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """The names that DNS was asked for; it only knows mx."""
    asked: List[str] = []

    def answer(name: str, *_args: Any, **_options: Any) -> list:
        asked.append(name)
        if name != "mx":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        pairs = [(socket.AF_INET, ("10.77.0.1", 0)), (socket.AF_INET6, ("fe80::1%eth0", 0, 0, 2))]
        return [(kind, socket.SOCK_STREAM, 6, "", address) for kind, address in pairs]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.usefixtures("asked")
def test_the_addresses_of_a_name() -> None:
    assert list(map(normal_form, system_resolver()("mx"))) == ["10.77.0.1", "fe80::1"]


@pytest.mark.usefixtures("asked")
def test_a_name_that_cannot_be_resolved_is_an_error_of_the_parameter() -> None:
    reason = r"is not a host name that this host can resolve \(Name or service not known\)"
    with pytest.raises(InputError, match=f"'nosuch' {reason}\\. Write its address"):
        system_resolver()("nosuch")
    with pytest.raises(InputError, match=f"^inet_interfaces: 'nosuch' {reason}\\."):
        own_addresses(Settings({"inet_interfaces": "nosuch"}, (3, 12)), Host([]), system_resolver(), allow_absent=False)


def test_a_name_that_no_system_takes() -> None:
    with pytest.raises(InputError, match=r"\(not a valid host name\)"):
        system_resolver()("x" * 70)


def test_a_resolver_asks_once_for_each_name(asked: List[str]) -> None:
    resolve = system_resolver()
    assert resolve("mx") == resolve("mx")
    for _turn in range(2):
        with pytest.raises(InputError):
            resolve("nosuch")
    assert asked == ["mx", "nosuch"]
    system_resolver()("mx")
    assert asked == ["mx", "nosuch", "mx"]


def test_ports_by_the_name_of_a_service() -> None:
    assert system_port("submissions") == 465
    assert system_port("no-such-service") is None


@pytest.mark.parametrize("text", ["\udce4", "x\ud800", "smtp\0", "²", "２５"])
def test_what_no_file_can_have_is_not_a_port(text: str) -> None:
    assert system_port(text) is None
    assert identity(text, "inet", system_port) == f"{text}/inet"


@pytest.mark.parametrize(
    "name, address, expected",
    [
        ("mx", "127.0.1.1", "line 3 of {path}"),
        ("MX.example.org.", "127.0.1.1", "line 3 of {path}"),
        ("localhost", "fe80::1", "line 4 of {path}"),
        ("mx", "10.77.0.1", "not from {path}"),
        ("commented", "10.77.0.1", "not from {path}"),
        ("other", "127.0.1.1", ""),
    ],
)
def test_where_the_address_of_a_name_is_from(tmp_path: Path, name: str, address: str, expected: str) -> None:
    path = tmp_path / "hosts"
    lines = ["# hosts", "127.0.0.1 localhost", "127.0.1.1\tmx.example.org mx # here", "fe80::1%lo localhost", ""]
    path.write_text("\n".join([*lines, "# 10.77.0.1 commented", ""]))
    assert name_source(name, ip_address(address), str(path)) == expected.format(path=path)


def test_a_hosts_file_that_is_not_there(tmp_path: Path) -> None:
    assert name_source("mx", ip_address("10.77.0.1"), str(tmp_path / "hosts")) == f"not from {tmp_path / 'hosts'}"
