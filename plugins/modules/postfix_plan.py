#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_plan
short_description: Foresee what a change of the inventory does to mail, without any host
description:
  - Reads two inventories, the one that hosts go by and the one that is proposed, and tells for each host and instance
    of Postfix what the role P(mailfleet.postfix.postfix_interfaces#role) would do, and what that means. Listeners,
    source addresses, own addresses and the default of C(mynetworks) before and after, a reload or a restart, findings,
    and what the fleet as a whole sends from.
  - Runs on the control node. It connects to no host, and asks no name server.
  - Needs the addresses of the hosts from somewhere, such as the last audit or the facts cache. Of a host whose
    addresses are not known it says so, and nothing else.
  - The playbook C(mailfleet.postfix.plan) uses it. C(docs/plan.md) of the collection says what a plan cannot know.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._report
  - mailfleet.postfix._attributes.control_node
options:
  base:
    description:
      - The inventory that the hosts go by now, a directory or a file. The files of a host are taken to be those that
        the role makes by it.
    type: path
    required: true
  proposal:
    description: The inventory that is proposed, a directory or a file.
    type: path
    required: true
  groups:
    description:
      - The groups whose hosts to look at, as a rollout takes them. Each is a group of O(proposal), and no host is in
        two of them.
    type: raw
    default: [mail]
  playbook_directory:
    description:
      - Where C(group_vars) and C(host_vars) are that count besides those of the inventories, as those beside a playbook
        of your own do. A path from the directory of each inventory on, such as V(..).
      - By default there are none, as for the playbooks of the collection.
    type: str
  addresses:
    description:
      - The name of the variable with the addresses of each host, in one of the forms that the filters of the collection
        take. A name such as V(postfix.addresses) means the key of a variable.
      - By default, and for hosts without this variable, O(audit). Without both, the facts that Ansible has cached.
    type: str
  audit:
    description:
      - The JSON of an audit, from which addresses and versions of hosts are taken that have no variables for them.
    type: path
  names:
    description:
      - The addresses of host names that the variables of the role use, by the name, each an address or a list of these.
        No name server is asked.
    type: raw
    default: {}
  version:
    description:
      - The name of the variable with the version of Postfix on each host, or the version of all hosts, such as V(3.7).
      - By default that of O(audit), or else the newest one that the collection knows.
    type: str
  stock:
    description:
      - A directory with a C(main.cf) and a C(master.cf), as the default instance of each host has them before the role
        touches it for the first time.
      - By default those of a package, which set nothing that matters, with the services C(smtp/inet), C(smtp/unix),
        C(relay/unix) and C(lmtp/unix).
    type: path
  confirm:
    description:
      - In how many seconds a change has to be confirmed from outside, as C(mailfleet_confirm) says it to
        C(mailfleet.postfix.converge). By default as long as there. V(0) if it has not.
    type: raw
  fail_on:
    description:
      - The severity from which on a finding is a failure of its host in RV(failures) and in JUnit. V(never) is for
        none. What the role would refuse always is one.
    type: str
    choices: [error, warning, info, never]
    default: error
  fail_on_unknown:
    description: Whether hosts fail whose addresses are not known.
    type: bool
    default: false
  only_new:
    description: Whether only findings that O(base) does not have are failures.
    type: bool
    default: false
attributes:
  check_mode:
    support: none
    details:
      - The report is also written in check mode.
notes:
  - RV(ignore:changed) is always false, because nothing is changed anywhere.
  - The same inventories give the same report, byte for byte.
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_report
  - plugin: mailfleet.postfix.fleet_diff
    plugin_type: filter
  - plugin: mailfleet.postfix.fleet_findings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Foresee what this branch does
  mailfleet.postfix.postfix_plan:
    base: /tmp/base/inventory
    proposal: inventory
    groups: [canary, site_a]
    audit: audit.json
    markdown: plan.md
"""

RETURN = r"""
paths:
  description: The files that were written, by format.
  type: dict
  returned: success
  sample:
    markdown: /home/me/plan.md
table:
  description: Lines with each host and instance that changes or fails, the worst first, with the fleet, and the sum.
  type: list
  elements: str
  returned: success
summary:
  description: How many hosts are in which state, and how many findings there are of each severity and code.
  type: dict
  returned: success
findings:
  description:
    - What was found across hosts by the proposal, as the filter P(mailfleet.postfix.fleet_findings#filter) returns it,
      and entries of lists that are lost between groups and hosts. Each has C(new), whether the base does not have it.
  type: list
  elements: dict
  returned: success
difference:
  description: What becomes of the fleet as a whole, as the filter P(mailfleet.postfix.fleet_diff#filter) returns it.
  type: dict
  returned: success
failures:
  description: Why each host fails that does, by its name.
  type: dict
  returned: success
verdict:
  description: The same in one text, with the first hosts of many. Null if none fails.
  type: str
  returned: success
"""
