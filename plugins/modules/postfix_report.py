#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_report
short_description: Report what a run over a fleet found, as a table, JSON, a page of HTML and other formats
description:
  - Collects what M(mailfleet.postfix.postfix_interfaces) or M(mailfleet.postfix.postfix_interfaces_info) has returned
    on each host of a play, compares the hosts with each other, and writes the report in the formats that are asked for.
  - Runs on the control node, once for all hosts, and connects to none.
  - The playbook C(mailfleet.postfix.audit) uses it, and C(mailfleet.postfix.converge) makes the same report.
    C(docs/reports.md) of the collection describes the formats.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._report
  - mailfleet.postfix._attributes.control_node
options:
  kind:
    description: What the report is about, C(audit) or C(converge). It is named in each format.
    type: str
    default: audit
  result:
    description: The name of the variable in which the result of the module is registered on each host.
    type: str
    required: true
  hosts:
    description: The hosts to report on. By default all hosts of the play. A host without a result was left alone.
    type: list
    elements: str
  parts:
    description:
      - In a play with the keyword C(serial), how many hosts each of its batches has, as RV(ignore:parts) of
        P(mailfleet.postfix.rollout_batches#filter). What the hosts of a batch have returned is kept, and the last batch
        makes the report about all. Nothing is returned before.
      - The variable named by O(result) is not needed any more after its batch. A large fleet is cheaper without it.
      - Mutually exclusive with O(hosts).
    type: list
    elements: int
  groups:
    description:
      - The groups that the report divides the hosts by, such as the groups of a rollout. Hosts of one group are
        expected to be alike.
    type: list
    elements: str
    default: []
  foretold:
    description: Whether the results are those of check mode.
    type: bool
    default: true
  records:
    description:
      - What DNS says about source addresses, as a mapping or as the path of the file that
        M(mailfleet.postfix.postfix_records) has written. With it, the report says what the world sees of each source
        that is active or draining. C(docs/records.md) of the collection describes it.
      - The sources are those of the hosts' variables C(postfix_interfaces_sources) and C(postfix_interfaces_sources_*).
    type: raw
  domains:
    description: The domains of envelope senders. By default those that O(records) names, or has SPF of.
    type: list
    elements: str
  fail_on:
    description:
      - The severity from which on a finding is a failure of its host in RV(failures) and in JUnit. V(never) is for
        none. Hosts that are unreachable, failed or not in line always are.
    type: str
    choices: [error, warning, info, never]
    default: error
attributes:
  check_mode:
    support: none
    details:
      - The report is also written in check mode.
notes:
  - RV(ignore:changed) is always false, because the report changes nothing about the hosts.
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_records
  - plugin: mailfleet.postfix.failing_hosts
    plugin_type: lookup
  - plugin: mailfleet.postfix.fleet_findings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Compare the hosts with their variables
  mailfleet.postfix.postfix_interfaces:
    apply: true
    survey: true
    inet_interfaces: [127.0.0.1, "::1", 192.0.2.10, "2001:db8::10"]
  register: postfix
  check_mode: true
  ignore_errors: true
  ignore_unreachable: true

- name: Write a page about all hosts
  mailfleet.postfix.postfix_report:
    result: postfix
    html: postfix.html
  run_once: true
"""

RETURN = r"""
paths:
  description: The files that were written, by format.
  type: dict
  returned: success, with O(parts) for the last of them
  sample:
    html: /home/me/postfix.html
table:
  description: Lines with each host and instance, what was found across hosts, and the sum.
  type: list
  elements: str
  returned: success, with O(parts) for the last of them
summary:
  description: How many hosts are in which state, and how many findings there are of each severity and code.
  type: dict
  returned: success, with O(parts) for the last of them
findings:
  description:
    - What was found across hosts, as the filter P(mailfleet.postfix.fleet_findings#filter) returns it.
    - With O(records) also what is wrong with the records of source addresses.
  type: list
  elements: dict
  returned: success, with O(parts) for the last of them
failures:
  description: Why each host fails that does, by its name.
  type: dict
  returned: success, with O(parts) for the last of them
"""
