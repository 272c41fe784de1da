#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_interfaces_info
short_description: Tell the network addresses of a Postfix instance, by its files and by its sockets
description:
  - Tells what main.cf and master.cf say, what Postfix makes of it (own addresses, listeners, source addresses), which
    sockets the running master really has, and whether the two agree.
  - Never writes. Works with Postfix stopped, and with files by which Postfix's own commands fail.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 0.1.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.info_module
  - mailfleet.postfix._instance
options:
  all_instances:
    description:
      - Describe every instance of the host in RV(instances), the default one and those that it lists in
        C(multi_instance_directories), instead of one.
    type: bool
    default: false
  destinations:
    description:
      - Addresses of other hosts. For each of them RV(destinations) tells how mail would leave this host. Nothing is
        sent, and no name is looked up.
    type: list
    elements: str
    default: []
attributes:
  platform:
    platforms: posix
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_apply
"""

EXAMPLES = r"""
- name: Look at the default instance
  mailfleet.postfix.postfix_interfaces_info:
  register: postfix

- name: Fail on drift
  ansible.builtin.assert:
    that: postfix.in_sync
    fail_msg: "Postfix needs: {{ postfix.action }}, since {{ postfix.reasons | map(attribute='why') | join(', ') }}"

- name: Ask how mail to two hosts would leave
  mailfleet.postfix.postfix_interfaces_info:
    destinations: [203.0.113.5, "2001:db8:5::25"]
  register: postfix

- name: Fail if a transport's source address sits on another interface than its mail leaves by
  ansible.builtin.assert:
    that: not item.1.other_interface
    fail_msg: >-
      {{ item.1.transport }} sends to {{ item.0.destination }} from {{ item.1.source }} by {{ item.1.interface }}
  loop: "{{ postfix.destinations | subelements('transports') }}"
"""

RETURN = r"""
instances:
  description: A description of each instance, with the keys below.
  type: list
  elements: dict
  returned: O(all_instances=true)
config_directory:
  description: Where the instance's files are.
  type: str
  returned: success
  sample: /etc/postfix
instance:
  description: Its name, V(-) for the default instance.
  type: str
  returned: success
  sample: "-"
version:
  description: The version of Postfix.
  type: str
  returned: success
  sample: 3.7.11
unit:
  description: The systemd unit that runs the instance; none where there is no such unit.
  type: str
  returned: success
  sample: postfix@-.service
outside_unit:
  description: Whether Postfix runs outside of the unit that there is for it, because somebody started it by hand.
  type: bool
  returned: success
enabled:
  description: Whether C(postmulti) starts the instance with the others, by C(multi_instance_enable).
  type: bool
  returned: success
parameters:
  description:
    - For each parameter of this family C(value), which is its effective value, and C(set), which is what main.cf says,
      or none.
  type: dict
  returned: success
  sample:
    inet_interfaces:
      value: all
      set: null
effective:
  description:
    - What Postfix makes of the files. Its keys are those of RV(mailfleet.postfix.postfix_interfaces#module:before).
  type: dict
  returned: success
running:
  description: Whether the instance's master runs.
  type: bool
  returned: success
sockets:
  description: The sockets that the running master listens on.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: The address, V(0.0.0.0) or V(::) for all of a family.
      type: str
    port:
      description: The port.
      type: int
in_sync:
  description: Whether the running Postfix is in line with its files.
  type: bool
  returned: success
action:
  description: What would bring it in line, V(none), V(reload), V(restart) for a stop and a start, or V(start).
  type: str
  returned: success
reasons:
  description: Why, as in RV(mailfleet.postfix.postfix_apply#module:reasons).
  type: list
  elements: dict
  returned: success
pending:
  description:
    - The change that M(mailfleet.postfix.postfix_apply) has not confirmed yet, or none. C(since) is when it was made,
      in seconds since the epoch. C(progress) is V(done) where the files are as changed, V(half) or V(none) where it was
      interrupted, V(overtaken) where somebody else edited the files since.
  type: dict
  returned: success
findings:
  description: What an expert would point out, as the filter P(mailfleet.postfix.findings#filter) gives it.
  type: list
  elements: dict
  returned: success
problems:
  description: What Postfix complains about, or would refuse, in the text of the files, each with file and line.
  type: list
  elements: dict
  returned: success
  contains:
    file:
      description: V(main.cf) or V(master.cf).
      type: str
    line:
      description: The number of the line.
      type: int
    severity:
      description: V(error) where Postfix refuses it, V(warning) where it goes on.
      type: str
    message:
      description: What is wrong.
      type: str
addresses:
  description: The addresses of the host, with their interface, prefix length and state.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: The address.
      type: str
    prefix_length:
      description: The length of its network's prefix, in bits.
      type: int
    interface:
      description: The interface that has it.
      type: str
    up:
      description: Whether the interface is up.
      type: bool
    tentative:
      description: Whether duplicate address detection is not done, so that nothing can bind to it yet.
      type: bool
    primary:
      description: Whether it is not a secondary address of its network.
      type: bool
destinations:
  description: How mail to each of O(destinations) would leave.
  type: list
  elements: dict
  returned: success
  contains:
    destination:
      description: The address.
      type: str
    source:
      description: The source address that the kernel chooses, or none.
      type: str
    interface:
      description: The interface of the kernel's route, or none.
      type: str
    error:
      description: Why the kernel has no route, or none.
      type: str
    transports:
      description: What each SMTP and LMTP client does.
      type: list
      elements: dict
      contains:
        transport:
          description: The service's name and type.
          type: str
        source:
          description: The address that it sends from.
          type: str
        source_interface:
          description: The interface that has this address.
          type: str
        interface:
          description: The interface by which the packets leave, from this source.
          type: str
        other_interface:
          description:
            - Whether these are two, since main.cf or master.cf choose the source. Firewalls and providers drop such
              packets.
          type: bool
        failure:
          description: Why no mail leaves, or none.
          type: str
variables:
  description:
    - The variables of the role P(mailfleet.postfix.postfix_interfaces#role) that describe the instance as it is.
      Applying them changes nothing, but for a parameter that main.cf sets twice, of which the line goes that does not
      count. What Postfix ignores, or fails by, is not among them. With O(all_instances=true)
      the variables of the whole host are beside RV(instances).
  type: dict
  returned: success
  sample:
    postfix_interfaces_inet_interfaces: all
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.info import describe
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.role_variables import of_instances
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance, find_instances
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError


def main() -> None:
    module = AnsibleModule(
        {
            "config_directory": {"type": "path"},
            "instance": {"type": "str"},
            "all_instances": {"type": "bool", "default": False},
            "destinations": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
        mutually_exclusive=[["config_directory", "instance", "all_instances"]],
    )
    params = module.params
    try:
        if params["all_instances"]:
            described = [describe(instance, params["destinations"]) for instance in find_instances()]
            result = {"instances": described, "variables": of_instances(described)}
        else:
            instance = find_instance(params["config_directory"], params["instance"])
            result = describe(instance, params["destinations"])
    except (InputError, TransactionError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
