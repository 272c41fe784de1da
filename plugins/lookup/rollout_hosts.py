# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_hosts
short_description: The hosts that the play after a rollout is about
version_added: 0.1.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - The playbook C(mailfleet.postfix.converge) uses it. Its batches leave the hosts that have a problem in the play, so
    that the rollout can go on. They fail in a second play, which is about these hosts only.
options:
  _terms:
    description: The groups of the rollout. They are returned if there was no rollout in this run of Ansible.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Show what was done
  hosts: "{{ query('mailfleet.postfix.rollout_hosts', 'canary', 'site_a') }}"
  tasks: []
"""

RETURN = r"""
_list:
  description: The hosts that fail, and one that is left in the play.
  type: list
  elements: str
"""

from typing import Any

from ansible.constants import DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # as all of Ansible's settings
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.account import Account


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **_options: Any) -> list[str]:
        return Account(DEFAULT_LOCAL_TMP).closing() or [str(term) for term in terms]
