#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_rollout
short_description: Keep account of a rollout in batches, and decide whether it goes on
description:
  - The playbook C(mailfleet.postfix.converge) is made of it. Use the playbook; C(docs/rollout.md) of the collection
    describes its variables.
  - Runs on the control node, once for all hosts of a batch, or of a part of a large one, and connects to none. What
    each host did is kept in Ansible's own temporary directory until the end of the run.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._report
  - mailfleet.postfix._attributes.control_node
options:
  step:
    description:
      - V(begin) checks RV(controls), waits for the pause between two batches, and begins the next batch, or the next
        part of the same.
      - V(record) records what became of the hosts, and decides at the end of a batch whether the rollout stops.
      - V(close) makes the report about all hosts.
    type: str
    choices: [begin, record, close]
    required: true
  groups:
    description: The groups of the rollout.
    type: list
    elements: str
    default: []
  sizes:
    description: How many hosts each batch has, as P(mailfleet.postfix.rollout_batches#filter) returns it.
    type: list
    elements: int
    default: []
  parts:
    description:
      - How many hosts Ansible takes at a time, as P(mailfleet.postfix.rollout_batches#filter) returns it. By default
        those of a batch.
    type: list
    elements: int
    default: []
  controls:
    description:
      - C(max_fail), C(unreachable), C(allow_unreachable), C(pause), C(before), C(after) and C(confirm), as in the
        variables of the playbook that have C(mailfleet_) before them. For the other steps what V(begin) has returned.
    type: dict
    default: {}
  result:
    description: The name of the variable in which the result of the role is registered on each host.
    type: str
  problem:
    description: The name of the variable that says what went wrong on a host besides.
    type: str
  complete:
    description: Whether what belongs to the role has run, too, such as hooks.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details:
      - Does not pause in check mode.
notes:
  - RV(ignore:changed) is always false.
seealso:
  - module: mailfleet.postfix.postfix_report
  - plugin: mailfleet.postfix.rollout_batches
    plugin_type: filter
"""

EXAMPLES = r"""
# A rollout is a call of the playbook, which has all of these steps:
# ansible-playbook mailfleet.postfix.converge -e '{"mailfleet_groups": ["canary", "site_a"]}' -e mailfleet_max_fail=5%

- name: Begin the batch
  mailfleet.postfix.postfix_rollout:
    step: begin
    groups: [canary]
    sizes: [1]
    controls:
      max_fail: 5%
  run_once: true
"""

RETURN = r"""
controls:
  description: The options O(controls), checked, with their defaults.
  type: dict
  returned: O(step=begin)
lines:
  description: Where the rollout is, and what each host did.
  type: list
  elements: str
  returned: O(step=begin) or O(step=record)
unfinished:
  description: Whether hosts of the batch have tasks besides the role, so that it is not recorded yet.
  type: bool
  returned: O(step=record)
stop:
  description: Whether the rollout ends with this batch.
  type: bool
  returned: O(step=record)
paths:
  description: The files that were written, by format.
  type: dict
  returned: O(step=close)
table:
  description: Lines with each host and instance, what was found across hosts, and the sum.
  type: list
  elements: str
  returned: O(step=close)
summary:
  description: How many hosts are in which state, and how many findings there are of each severity and code.
  type: dict
  returned: O(step=close)
findings:
  description: What was found across hosts, as the filter P(mailfleet.postfix.fleet_findings#filter) returns it.
  type: list
  elements: dict
  returned: O(step=close)
failures:
  description: Why each host fails that does, by its name.
  type: dict
  returned: O(step=close)
"""
