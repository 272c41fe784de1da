# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The services of a stock master.cf, for input that has no services."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service

#: What a master.cf has that says nothing else: one listener on port 25, and the client services.
STOCK_SERVICES = (
    Service("smtp", "inet", "n", "-", "y", "-", "-", "smtpd"),
    Service("smtp", "unix", "-", "-", "y", "-", "-", "smtp"),
    Service("relay", "unix", "-", "-", "y", "-", "-", "smtp"),
    Service("lmtp", "unix", "-", "-", "y", "-", "-", "lmtp"),
)


def stock_master(types: Sequence[str] = ("inet", "unix")) -> str:
    """Return the text of such a master.cf, with the services of some types."""
    return "".join(
        f"{one.name} {one.type} {one.private} {one.unprivileged} {one.chroot} - - {one.command}\n"
        for one in STOCK_SERVICES
        if one.type in types
    )
