# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody outside can try of an instance, and where its mail comes from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.from_outside import in_words, sockets, sources
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    instance_of,
    outlook_of,
)

HOST = host_of("lo 127.0.0.1/8", "eth0 10.77.0.1/24", "eth0 192.0.2.1/24", "lo ::1/128", "eth0 fd77::1/64")
SMTPD, SMTP = "smtp inet n - n - - smtpd\n", "smtp unix - - n - - smtp\n"


def member(name: str = "-", **settings: Any) -> Any:
    assessment = SimpleNamespace(after=outlook_of(settings, SMTPD + SMTP, HOST))
    return SimpleNamespace(assessment=assessment, run=SimpleNamespace(instance=instance_of(name=name)))


def test_of_a_wildcard_one_address_is_enough() -> None:
    found = sockets(member())
    assert [(each["address"], each["any_of"]) for each in found] == [
        ("192.0.2.1", "0.0.0.0:25"),
        ("10.77.0.1", "0.0.0.0:25"),
        ("fd77::1", "[::]:25"),
    ]
    assert {(each["instance"], each["port"], each["expect"]) for each in found} == {("-", 25, "greeting")}
    assert in_words(found) == "0.0.0.0:25, [::]:25"


def test_an_address_is_tried_itself() -> None:
    found = sockets(member("", inet_interfaces="10.77.0.1, fd77::1"))
    assert [(each["address"], each["any_of"]) for each in found] == [("10.77.0.1", None), ("fd77::1", None)]
    assert {each["instance"] for each in found} == {"/etc/postfix"}
    assert in_words(found) == "10.77.0.1:25, [fd77::1]:25"


def test_sources_are_those_that_are_set() -> None:
    assert sources(member()) == []
    found = sources(member("out", inet_interfaces="10.77.0.1", smtp_bind_address6="fd77::1"))
    assert found == [{"instance": "out", "address": "10.77.0.1"}, {"instance": "out", "address": "fd77::1"}]
    assert sources(member(inet_interfaces="10.9.9.9")) == []  # nobody knows: no client runs


def test_of_an_instance_that_was_not_looked_at_nothing_is_known() -> None:
    unknown = SimpleNamespace(assessment=None, run=SimpleNamespace(instance=instance_of()))
    assert sockets(unknown) == sources(unknown) == []  # type: ignore[arg-type]
