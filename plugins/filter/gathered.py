# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: gathered
short_description: Variables for groups and hosts from what was found on the hosts of a fleet
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Divides the variables that M(mailfleet.postfix.postfix_interfaces_info) returned for many hosts into variables of
    their groups and variables of the hosts, and tells what to look at before the hosts are managed by them.
  - A variable that all hosts of a group have with the same value becomes one of the group. Nothing is moved to a group
    with a host that could not be described, to one with a single host, or to one that shares a host with another of
    the groups.
  - The playbook C(mailfleet.postfix.gather) writes the result to files.
positional: groups
options:
  _input:
    description:
      - For each host, by its name, what M(mailfleet.postfix.postfix_interfaces_info) returned with
        C(all_instances=true), or the result of its failure.
    type: dict
    required: true
  groups:
    description: For each group, by its name, the list of its hosts.
    type: dict
    required: true
seealso:
  - module: mailfleet.postfix.postfix_interfaces_info
"""

EXAMPLES = r"""
- name: Show what needs attention on the hosts of the group mail
  ansible.builtin.debug:
    msg: "{{ (found | mailfleet.postfix.gathered({'mail': groups['mail']})).notes }}"
  vars:
    found: "{{ dict(groups['mail'] | zip(groups['mail'] | map('extract', hostvars, 'postfix'))) }}"
    # => ["mx2: Postfix does not run"]
"""

RETURN = r"""
_value:
  description:
    - C(groups) has the variables of each group, C(hosts) those of each host that could be described. C(notes) is a list
      of sentences, each beginning with the name of its host.
  type: dict
  sample:
    groups:
      mail:
        postfix_interfaces_inet_interfaces: all
    hosts:
      mx1: {}
      mx2:
        postfix_interfaces_smtp_bind_address: 192.0.2.2
    notes:
      - "mx2: Postfix does not run"
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._gathered import gathered
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"gathered": filter_function(gathered)}
