# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failing_hosts
short_description: The hosts that M(mailfleet.postfix.postfix_report) has found to fail, and why
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - The hosts to fail in a play after the report, as the playbooks C(mailfleet.postfix.audit) and
    C(mailfleet.postfix.converge) do. In a play over all hosts, those that do not fail would cost as much as those that
    do.
  - Knows of the last report in the same run of Ansible.
options:
  _terms:
    description: Hosts of which to return why they fail. Without them, the hosts that fail are returned.
    type: list
    elements: str
  groups:
    description: The groups to return if there was no report yet, as for C(ansible-playbook --list-hosts).
    type: list
    elements: str
    default: [all]
"""

EXAMPLES = r"""
- name: Fail on hosts that are not as the inventory says
  hosts: "{{ query('mailfleet.postfix.failing_hosts') }}"
  gather_facts: false
  tasks:
    - name: Say why
      ansible.builtin.fail:
        msg: "{{ lookup('mailfleet.postfix.failing_hosts', inventory_hostname) }}"
"""

RETURN = r"""
_list:
  description:
    - The hosts that fail, or V(!all), which is no host, if there are none. With hosts as terms, why each of them fails;
      empty for one that does not.
  type: list
  elements: str
"""

from typing import Any

from ansible.constants import DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # as all of Ansible's settings
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.failing import failing_hosts, why_it_fails


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[str]:
        self.set_options(var_options=variables, direct=options)  # type: ignore[no-untyped-call]
        if terms:
            return [why_it_fails(DEFAULT_LOCAL_TMP, str(term)) for term in terms]
        hosts = failing_hosts(DEFAULT_LOCAL_TMP)
        if hosts is None:
            return [str(name) for name in self.get_option("groups")]  # type: ignore[no-untyped-call]
        return hosts or ["!all"]
