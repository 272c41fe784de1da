# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Postfix that is newer than all that are known is managed by the rules of the newest of them, and that is said."""

from __future__ import annotations

from typing import Any

from fleet import MailHost

#: a postconf(1) that says what a newer one would, of a parameter, of a default and of its version
NEWER = r"""#!/bin/sh
case " $* " in
*" -d "*) ;;
*) exec "$0.real" "$@" ;;
esac
"$0.real" "$@" | sed -E 's/^(mail_version = )?3\.[0-9]+\.[0-9]+$/\1@VERSION/; s/^(default_transport) = .*/\1 = quic/'
case " $* " in
*" -h "*) ;;
*) echo "smtp_bind_address_pool =" ;;
esac
"""


def found(host: MailHost) -> list[dict[str, Any]]:
    """The findings of that code."""
    result = host.module("mailfleet.postfix.postfix_interfaces_info")
    return [one for one in result["findings"] if one["code"] == "unfamiliar_postfix"]


def test_a_newer_postfix_is_managed_and_what_is_not_known_of_it_is_said(host: MailHost):
    assert found(host) == []
    (path,) = host.run("sh", "-c", "command -v postconf").stdout.split()
    host.run("mv", path, f"{path}.real")
    try:
        host.write(path, NEWER.replace("@VERSION", "3.99.1"))
        host.run("chmod", "755", path)
        (finding,) = found(host)
        assert (finding["severity"], finding["parameter"]) == ("warning", "mail_version")
        assert finding["message"].startswith("Postfix 3.99.1 is newer than 3.")
        assert "unknown parameter smtp_bind_address_pool" in finding["message"]
        assert "default of default_transport is quic, not smtp" in finding["message"]

        played = host.play("role", postfix_interfaces_inet_interfaces=["127.0.0.1", host.ipv4])
        assert (played.failed, played.changed) == (0, 1), played.said
        assert host.sockets() == {("127.0.0.1", 25), (host.ipv4, 25)}
        assert played.said.count("is newer than 3.") == 1, played.said
        assert "[unfamiliar_postfix]" in played.said
    finally:
        host.run("mv", f"{path}.real", path)
    assert found(host) == []
