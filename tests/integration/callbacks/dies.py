# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the whole play right before a task, the name of which $MAILFLEET_DIES_BEFORE has a part of."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "dies"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        if os.environ["MAILFLEET_DIES_BEFORE"] in task.get_name():
            os.killpg(0, signal.SIGKILL)
