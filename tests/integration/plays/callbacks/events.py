# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the name of the host for each event about a host, which are those that ansible-runner stores."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: events
type: notification
short_description: The events about hosts
description: A line for each event, with the name of the host.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.stream = open(os.environ["EVENTS"], "w", encoding="utf-8", buffering=1)  # noqa: SIM115

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self.stream.write(f"{host.get_name()}\n")

    def _of(self, result: Any, *_more: Any, **_options: Any) -> None:
        host = getattr(result, "host", None) or result._host
        self.stream.write(f"{host.get_name()}\n")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _of
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = v2_runner_retry = _of
