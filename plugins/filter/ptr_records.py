# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ptr_records
short_description: The PTR records to order for source addresses
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Returns for each address of sources the name that its PTR record needs to have, which is the one that the source
    greets with. PTR records belong to whoever owns the network, so often one has to order them.
  - Does not ask DNS. The playbook C(mailfleet.postfix.records) and the report of C(mailfleet.postfix.audit) tell what
    there is already.
positional: hosts, states
options:
  _input:
    description:
      - The sources of one host by name, as the lookup P(mailfleet.postfix.joined_sources#lookup) returns them.
      - With O(hosts), C(hostvars).
      - Or a list with the variables of hosts.
    type: raw
    required: true
  hosts:
    description: The hosts whose sources to take from C(hostvars).
    type: list
    elements: str
  states:
    description: The states of the sources to take.
    type: list
    elements: str
    choices: [planned, active, draining, retired]
    default: [planned, active, draining]
notes:
  - Each source needs a C(helo). If one has its addresses selected on the host, the facts of that host are needed.
  - Sources that share an address need to have the same C(helo), since an address has one PTR record.
seealso:
  - module: mailfleet.postfix.postfix_records
"""

EXAMPLES = r"""
- name: Show what to order for a host
  ansible.builtin.debug:
    msg: "{{ sources | mailfleet.postfix.ptr_records(states=['planned']) }}"
  vars:
    sources:
      out1: {address: 192.0.2.10, helo: out1.example.net}
      out2: {address: 192.0.2.11, helo: out2.example.net, state: planned}
    # => [{"address": "192.0.2.11", "name": "out2.example.net", "reverse": "11.2.0.192.in-addr.arpa"}]

- name: Write the lines of zone files for all hosts of a group
  ansible.builtin.copy:
    content: |
      {% for record in hostvars | mailfleet.postfix.ptr_records(groups['mail']) %}
      {{ record.reverse }}. PTR {{ record.name }}.
      {% endfor %}
    dest: ptr.txt
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - One mapping for each address, IPv4 first and each family in ascending order. C(reverse) is the name that the
      record has in DNS.
  type: list
  elements: dict
  sample:
    - address: 192.0.2.10
      name: out1.example.net
      reverse: 10.2.0.192.in-addr.arpa
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.order import ptr_records


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"ptr_records": filter_function(ptr_records)}
