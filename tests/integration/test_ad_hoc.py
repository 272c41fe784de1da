# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody sees who runs a module on a host from the command line."""

from __future__ import annotations

import pytest
from fleet import MailHost

EDIT, APPLY, INFO = (f"mailfleet.postfix.postfix_{name}" for name in ("interfaces", "apply", "interfaces_info"))
LINES = 15


@pytest.mark.parametrize("check", [True, False])
def test_a_change_is_told_in_few_lines(host: MailHost, check: bool) -> None:
    mode = ["--check"] if check else []
    listed = {"inet_interfaces": f"127.0.0.1,{host.ipv4}"}
    listens = f"{'Would listen' if check else 'Listens'} on {host.ipv4}:25, 127.0.0.1:25;"
    for module, options, told in (
        (EDIT, listed, "needs a restart because of inet_interfaces"),
        (EDIT, {**listed, "apply": "true"}, listens),
        (EDIT, {"inet_interfaces": "2.3.4.5"}, "inet_interfaces: '2.3.4.5' is on no interface of the host"),
        (INFO, {"all_instances": "true"}, "Default instance: listens on "),
        (APPLY, {}, "nothing to do"),
    ):
        said = host.ad_hoc(module, *mode, **options)
        assert told in said
        assert '"msg": ' in said
        assert len(said.splitlines()) <= LINES, said


def test_details_are_there_for_who_asks(host: MailHost) -> None:
    assert host.module(INFO)["effective"]["listeners"]
    said = host.ad_hoc(INFO, only="sockets")
    assert '"sockets": [' in said
    assert '"running"' not in said
    assert "only: 'socks' is not a key of the result. Use some of " in host.ad_hoc(INFO, only="socks")
    said = host.ad_hoc(EDIT, "--check", "--diff", smtp_bind_address=host.ipv4)
    assert f"+smtp_bind_address = {host.ipv4}" in said


def test_a_play_registers_all(host: MailHost) -> None:
    edited, found = host.tasks({EDIT: {"smtp_bind_address": host.ipv4}}, {INFO: {}})
    assert len(edited["after"]["source_addresses"]) == len(found["effective"]["source_addresses"]) > 0
    assert "; changed main.cf; needs a reload because of smtp_bind_address; findings: " in edited["msg"]
