# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_interfaces: how its result is presented."""

from __future__ import annotations

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._presented import Presented


class ActionModule(Presented):
    """Run postfix_interfaces on the host."""
