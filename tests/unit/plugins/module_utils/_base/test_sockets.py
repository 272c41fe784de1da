# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket, in_words


def test_sockets_are_shown_as_a_person_writes_them() -> None:
    assert in_words([Socket("::1", 25, "ipv6"), Socket("10.0.0.1", 587, "ipv4")]) == "10.0.0.1:587, [::1]:25"
