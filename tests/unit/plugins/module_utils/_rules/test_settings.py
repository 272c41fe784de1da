# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings


def test_settings() -> None:
    settings = Settings(
        {"inet_interfaces": ["$my_ip", "::1"], "my_ip": "10.77.0.1\r\n", "x": "$smtp_bind_address."}, NEWEST
    )
    assert settings.raw("inet_interfaces") == "$my_ip, ::1"
    assert settings.get("inet_interfaces") == "10.77.0.1, ::1"
    assert settings.get("inet_protocols") == "all"
    assert settings.get("x") == "."
    assert settings.get("nosuch") == ""
    assert settings.is_set("my_ip")
    assert not settings.is_set("inet_protocols")
    assert settings.refers_to("my_ip")
    assert settings.refers_to("smtp_bind_address")
    assert not settings.refers_to("smtp_bind")
    assert settings.names() == {"inet_interfaces", "my_ip", "x"}


def test_settings_of_a_service() -> None:
    settings = Settings({"my_ip": "10.77.0.1", "smtp_bind_address": "$my_ip"}, NEWEST)
    assert settings.with_options({"my_ip": "10.77.0.2"}).get("smtp_bind_address") == "10.77.0.2"
    assert settings.with_options({"smtp_bind_address": ""}).get("smtp_bind_address") == ""
    assert settings.with_options({}) is settings


@pytest.mark.parametrize(
    "level, version, level_number, chroot",
    [
        (None, (3, 7, 11), 0, "y"),
        ("0", (3, 7, 11), 0, "y"),
        ("1", (3, 5, 25), 1, "n"),
        ("2", (3, 5, 25), 2, "n"),
        ("3.6", (3, 5, 25), 3, "n"),
        ("$level", (3, 10, 13), 3, "n"),
        ("3.6", (2, 11, 0), 3, "y"),
        ("x", (3, 7, 11), 0, "y"),
    ],
)
def test_the_default_of_chroot(level: Any, version: Any, level_number: int, chroot: str) -> None:
    values = {"level": "3.9"} if level is None else {"level": "3.9", "compatibility_level": level}
    settings = Settings(values, version)
    assert (settings.compatibility_level, settings.default_chroot) == (level_number, chroot)


def test_continuation_lines() -> None:
    assert (
        Settings({"inet_interfaces": "\n   10.77.0.1\n\t10.77.0.2"}, NEWEST).get("inet_interfaces")
        == "10.77.0.1\t10.77.0.2"
    )
    with pytest.raises(InputError, match="line break"):
        Settings({"inet_interfaces": "10.77.0.1\n10.77.0.2"}, NEWEST)


@pytest.mark.parametrize(
    "values, hostname, myhostname",
    [
        ({}, "mx1.example.org", "mx1.example.org"),
        ({}, "mx1", "mx1.localdomain"),
        ({"mydomain": "example.net"}, "mx1", "mx1.example.net"),
        ({"myhostname": "mail.example.com"}, "mx1", "mail.example.com"),
        ({"myhostname": "mail.example.com"}, None, "mail.example.com"),
    ],
)
def test_host_name(values: dict, hostname: Any, myhostname: str) -> None:
    settings = Settings({**values, "a": "$myhostname", "b": "$mydomain", "c": "$myorigin"}, NEWEST, hostname=hostname)
    assert settings.get("a") == settings.get("c") == myhostname
    assert settings.get("b") == myhostname.partition(".")[2]


def test_host_name_that_nobody_knows() -> None:
    with pytest.raises(InputError, match="myhostname"):
        Settings({"inet_interfaces": "$myhostname"}, NEWEST).get("inet_interfaces")


def test_host_name_that_needs_the_domain_that_needs_it() -> None:
    settings = Settings(
        {"myhostname": "mail.$mydomain", "inet_interfaces": "$myhostname"}, NEWEST, hostname="mx1.example.org"
    )
    for name in ("inet_interfaces", "myhostname", "mydomain"):
        with pytest.raises(InputError, match=r"myhostname: 'mail.\$mydomain' needs \$mydomain.*Set mydomain"):
            settings.get(name)
    assert settings.with_options({"mydomain": "example.com"}).get("inet_interfaces") == "mail.example.com"


def test_parameters_that_an_older_postfix_ignores() -> None:
    values = {"smtp_bind_address_enforce": "yes"}
    assert Settings(values, (3, 7)).yes_no("smtp_bind_address_enforce")
    assert not Settings(values, (3, 6, 9)).yes_no("smtp_bind_address_enforce")


@pytest.mark.parametrize("value", ["true", "1", "", "yes no"])
def test_bad_yes_no(value: str) -> None:
    with pytest.raises(InputError, match="neither yes nor no"):
        Settings({"smtp_bind_address_enforce": value}, NEWEST).yes_no("smtp_bind_address_enforce")
