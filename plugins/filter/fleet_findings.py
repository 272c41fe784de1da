# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_findings
short_description: What only a look across the hosts of a fleet shows
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Compares the Postfix instances of many hosts with each other, and returns what is likely to be a mistake, such as a
    source address that two hosts claim.
  - The filter P(mailfleet.postfix.findings#filter) looks at one instance. The playbook C(mailfleet.postfix.audit) shows
    both.
options:
  _input:
    description:
      - A mapping of host names to results of M(mailfleet.postfix.postfix_interfaces) with O(ignore:survey=true), or of
        M(mailfleet.postfix.postfix_interfaces_info).
      - Or the JSON of a report of C(mailfleet.postfix.audit), C(mailfleet.postfix.converge) or
        C(mailfleet.postfix.plan), read with P(ansible.builtin.from_json#filter), or its list C(instances), with an item
        for each instance.
    type: raw
    required: true
  groups:
    description:
      - Group names with lists of their hosts, for a mapping of hosts. Hosts of one group are expected to be alike. A
        host that is in several counts for the first.
    type: dict
    default: {}
  side:
    description:
      - Of the records of a C(mailfleet.postfix.plan), which of both inventories to look at.
      - The default is V(proposal) for the JSON of a plan. A list of records does not say what it comes from, so give it
        for the records of a plan.
    type: str
    choices: [base, proposal]
notes:
  - Addresses that the kernel chooses are not compared, nor are loopback and link-local ones.
  - A host that was not reached, or whose module failed, is compared as far as it is known.
  - List entries that get lost between groups and hosts, which C(mailfleet.postfix.plan) reports, are not among the
    findings, as records do not say where a value comes from.
seealso:
  - plugin: mailfleet.postfix.findings
    plugin_type: filter
  - plugin: mailfleet.postfix.fleet_diff
    plugin_type: filter
  - plugin: mailfleet.postfix.fleet_source_addresses
    plugin_type: filter
  - module: mailfleet.postfix.postfix_report
"""

EXAMPLES = r"""
- name: Describe the instances of each host
  mailfleet.postfix.postfix_interfaces_info:
    all_instances: true
  register: postfix

- name: Fail if two hosts claim one source address
  ansible.builtin.assert:
    that: found | selectattr('code', 'in', ['duplicate_source_address', 'shared_source_address']) | list == []
    fail_msg: "{{ found | map(attribute='message') | join('; ') }}"
  vars:
    results: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'postfix'))) }}"
    found: "{{ results | mailfleet.postfix.fleet_findings(groups={'mail': groups['mail']}) }}"
  run_once: true

- name: Look once more at the report of an audit
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'audit.json') | from_json | mailfleet.postfix.fleet_findings }}"

- name: Look at what was already wrong in the inventory that a plan compares with
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'plan.json') | from_json | mailfleet.postfix.fleet_findings(side='base') }}"
"""

RETURN = r"""
_value:
  description: The findings, the most serious first.
  type: list
  elements: dict
  contains:
    code:
      description:
        - The kind of finding, with its severity. It stays the same when the message is reworded.
        - >-
          V(duplicate_source_address), error or warning: Several hosts send from one address, and several of them have
          it on an interface. A warning for a private address, which can be in networks that do not meet.
        - >-
          V(shared_source_address), warning: Several hosts are to send from one address, which at most one of them has.
        - "V(foreign_source_address), warning: A host is to send from an address that only another host has."
        - "V(unowned_source_address), warning: A host is to send from an address that no host has."
        - >-
          V(absent_inventory_address), error or warning: The inventory gives a host an address that it does not have. An
          error if the module refuses it, a warning if it allows absent addresses, and another host has it.
        - >-
          V(differs_from_group), warning or info: A host listens or sends in another way than most hosts of its group,
          or has another version or unit.
      type: str
    severity:
      description: V(error), V(warning) or V(info), as with the filter P(mailfleet.postfix.findings#filter).
      type: str
    parameter:
      description: The parameter or the part of the instance that it is about.
      type: str
    message:
      description: What was found, as a sentence.
      type: str
    remedy:
      description: What to do about it.
      type: str
    places:
      description: The instances that it is about, each with C(host) and C(instance).
      type: list
      elements: dict
  sample:
    - code: shared_source_address
      severity: warning
      parameter: smtp_bind_address
      message: 192.0.2.16 is the source address of mta1 and mta2, and only mta1 has it
      remedy: Give each host an address of its own, unless this one moves between them
      places:
        - host: mta1
          instance: "-"
        - host: mta2
          instance: "-"
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_findings import fleet_findings as rule
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.read import read_side


@filter_function
def fleet_findings(fleet: Any, groups: Any = None, side: Any = None) -> list[dict[str, Any]]:
    return rule(read_side(fleet, groups, side))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_findings": fleet_findings}
