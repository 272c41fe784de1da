#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_records
short_description: Ask DNS about the source addresses of an inventory, and keep what it says
description:
  - Takes the sources of all hosts of a play from their variables C(postfix_interfaces_sources) and
    C(postfix_interfaces_sources_*), and asks DNS for the PTR records of their addresses, for the addresses of the names
    in these and of the names that the sources greet with, and for SPF of the domains of envelope senders and of the
    names that the sources greet with.
  - Writes the answers as JSON, which M(mailfleet.postfix.postfix_report) and the playbook C(mailfleet.postfix.audit)
    read. No other part of this collection asks DNS about source addresses.
  - Runs on the control node, once for all hosts, and connects to none. The playbook C(mailfleet.postfix.records) uses
    it.
  - C(docs/records.md) of the collection says what the file has, and what is found in it.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes.control_node
options:
  path:
    description:
      - Where to write the answers. It is replaced as a whole. Missing directories are created.
      - A relative path is relative to the directory in which Ansible was started.
    type: path
    required: true
  hosts:
    description: The hosts whose sources to ask about. By default all hosts of the play.
    type: list
    elements: str
  domains:
    description: The domains of envelope senders, for which all of these sources send.
    type: list
    elements: str
    default: []
  nameservers:
    description:
      - The name servers to ask, as addresses, with a port such as V(192.0.2.53:5353) or V([2001:db8::53]:5353) where it
        is not 53. They have to be resolvers, which ask others. By default those of the control node.
    type: list
    elements: str
    default: []
  timeout:
    description: How many seconds to wait for the answer to one question, over all name servers and tries.
    type: float
    default: 5
requirements:
  - dnspython and pyspf, on the control node
attributes:
  check_mode:
    support: none
    details:
      - The file is also written in check mode.
notes:
  - RV(ignore:changed) is always false, because nothing changes about the hosts.
  - Sources in the state C(retired) are left out. So are those whose addresses are selected on the host, unless the play
    has the facts of the host.
  - A question that is not answered, because of SERVFAIL or silence, does not fail the task. It is in the list C(errors)
    of RV(records), and nothing is found about what is not known.
  - SPF is evaluated for the sender C(postmaster) of each domain.
seealso:
  - module: mailfleet.postfix.postfix_report
  - plugin: mailfleet.postfix.ptr_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Keep what DNS says about the source addresses of the group mail
  hosts: mail
  gather_facts: false
  tasks:
    - name: Ask DNS
      mailfleet.postfix.postfix_records:
        path: records.json
        domains: [example.net, news.example.net]
        nameservers: [192.0.2.53]
      run_once: true
"""

RETURN = r"""
path:
  description: The file that was written.
  type: str
  returned: success
  sample: /home/me/records.json
records:
  description: What it has.
  type: dict
  returned: success
  sample:
    asked_at: "2026-11-29T22:30:00Z"
    domains: [example.net]
    ptr:
      192.0.2.10: [out1.example.net]
    addresses:
      out1.example.net: [192.0.2.10]
    spf:
      example.net:
        record: v=spf1 ip4:192.0.2.0/28 -all
        results:
          192.0.2.10:
            result: pass
            why: matches ip4:192.0.2.0/28
    errors: ["out1.example.net (TXT): SERVFAIL"]
left_out:
  description: The sources that DNS was not asked about, each with the reason.
  type: list
  elements: str
  returned: success
lines:
  description: What was not answered, what was left out, and how much was asked, for people.
  type: list
  elements: str
  returned: success
"""
