# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_diff
short_description: What appears and what vanishes between two states of a fleet
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Compares two states of the Postfix instances of a fleet, such as two audits, or the two inventories of a plan.
  - Returns the difference in what the fleet sends from, for SPF records and firewalls, the endpoints, hosts and
    instances that appear and vanish, and the instances whose action differs.
  - The playbook C(mailfleet.postfix.plan) shows the same.
positional: after
options:
  _input:
    description:
      - The JSON of a report of C(mailfleet.postfix.plan), C(mailfleet.postfix.audit) or C(mailfleet.postfix.converge),
        read with P(ansible.builtin.from_json#filter), or its list C(instances).
      - Or a mapping of host names to results of M(mailfleet.postfix.postfix_interfaces) with O(ignore:survey=true), or
        of M(mailfleet.postfix.postfix_interfaces_info).
      - Without O(after), both states are taken from here, which are those of a plan, or what an audit found and what a
        run would make of it.
    type: raw
    required: true
  after:
    description:
      - The second state, in one of the same forms. Of the JSON of a plan, its proposal counts, also as the first state.
    type: raw
  family:
    description: Include only source addresses of this family.
    type: str
    choices: [ipv4, ipv6]
  transports:
    description:
      - The transports whose source addresses to include, such as V(smtp), V(bulk) or V(lmtp/unix). A transport that no
        host has in either state is an error.
      - By default all transports that run the SMTP client.
    type: list
    elements: str
  kernel_choice:
    description:
      - What to do if no parameter sets the source address, so that the kernel chooses it. V(all) includes every address
        that it can be, V(none) leaves such mail out, and V(error) refuses a host where it can be several.
    type: str
    choices: [all, none, error]
    default: all
  private:
    description: Whether to include the private addresses of RFC 1918, RFC 4193 and RFC 6598.
    type: bool
    default: true
notes:
  - A host of which nothing is known in the second state, because it was refused or not reached, is taken to stay as it
    was, so that its addresses are not removed from anywhere.
  - If several hosts send from one address, it counts once, and vanishes when none of them sends from it.
  - The results are sorted. The same input leads to the same output.
seealso:
  - plugin: mailfleet.postfix.fleet_findings
    plugin_type: filter
  - plugin: mailfleet.postfix.fleet_source_addresses
    plugin_type: filter
  - module: mailfleet.postfix.postfix_report
"""

EXAMPLES = r"""
- name: Show what changed in the fleet since the last audit
  ansible.builtin.debug:
    msg: "{{ monday | mailfleet.postfix.fleet_diff(tuesday) }}"
  vars:
    monday: "{{ lookup('ansible.builtin.file', 'monday.json') | from_json }}"
    tuesday: "{{ lookup('ansible.builtin.file', 'tuesday.json') | from_json }}"

- name: Fail if a merge request makes the fleet send from public addresses that the SPF record does not have
  ansible.builtin.assert:
    that: (plan | mailfleet.postfix.fleet_diff(private=false)).sources.added | length == 0
  vars:
    plan: "{{ lookup('ansible.builtin.file', 'plan.json') | from_json }}"
"""

RETURN = r"""
_value:
  description: What appears (C(added)) and what vanishes (C(removed)).
  type: dict
  contains:
    sources:
      description:
        - What the fleet sends from, as few prefixes as possible, as P(mailfleet.postfix.fleet_source_addresses#filter)
          returns them. C(before) and C(after) are all of it, C(added) and C(removed) what distinguishes them.
      type: dict
    endpoints:
      description: Lists of C(host), C(instance), C(address), C(port) and C(service).
      type: dict
    hosts:
      description: Lists of names.
      type: dict
    instances:
      description: Lists of C(host) and C(instance), of hosts that are in both states.
      type: dict
    actions:
      description:
        - The instances whose action differs, each with C(host), C(instance), C(before) and C(after). If both states
          come from one report, C(before) is V(none).
      type: list
      elements: dict
  sample:
    sources:
      before: [192.0.2.16]
      after: [192.0.2.16/31]
      added: [192.0.2.17]
      removed: []
    endpoints:
      added:
        - {host: mta2, instance: "-", address: 192.0.2.17, port: 587, service: submission}
      removed: []
    hosts:
      added: [mta2]
      removed: []
    instances:
      added: []
      removed: []
    actions:
      - {host: mta1, instance: "-", before: none, after: reload}
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet import read_asked
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import changed_actions
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.fleet_diff import fleet_diff as rule
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.read import read_sides


@filter_function
def fleet_diff(
    fleet: Any,
    after: Any = None,
    family: Any = None,
    transports: Any = None,
    kernel_choice: Any = "all",
    private: Any = True,
) -> dict[str, Any]:
    asked = read_asked(family, transports, kernel_choice, private)
    states = read_sides(fleet, after)
    return {**rule(*states, asked), "actions": changed_actions(*states)}


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_diff": fleet_diff}
