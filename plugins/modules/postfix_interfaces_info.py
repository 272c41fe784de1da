#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_interfaces_info
short_description: Show the network addresses of a Postfix instance, from its files and its sockets
description:
  - Returns what main.cf and master.cf say, what Postfix makes of them (own addresses, listeners, source addresses),
    which sockets the running master really has, and whether these agree.
  - Never changes anything. Also works while Postfix is stopped, and with files that make Postfix's own commands fail.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.info_module
  - mailfleet.postfix._instance
options:
  all_instances:
    description:
      - Describe every instance of the host in RV(instances) instead of only one. These are the default instance and
        those that it lists in C(multi_instance_directories).
    type: bool
    default: false
  destinations:
    description:
      - Addresses of other hosts. For each of them RV(destinations) says how mail to it would leave this host. Nothing
        is sent, and no name is looked up.
    type: list
    elements: str
    default: []
  only:
    description:
      - Return nothing else than these keys, and which instance they are of. All keys are returned if this is left out.
      - By C(ansible -m) what this lists is shown in full.
    type: list
    elements: str
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_apply
"""

EXAMPLES = r"""
- name: Describe the default instance
  mailfleet.postfix.postfix_interfaces_info:
  register: postfix

- name: Fail on drift
  ansible.builtin.assert:
    that: postfix.in_sync
    fail_msg: "Postfix needs: {{ postfix.action }}, since {{ postfix.reasons | map(attribute='why') | join(', ') }}"

- name: Show to which versions of its files each instance can go back
  ansible.builtin.debug:
    msg: "{{ postfix.versions | map(attribute='time') }}"

- name: Show where each instance listens, and nothing else
  mailfleet.postfix.postfix_interfaces_info:
    all_instances: true
    only: [sockets]

- name: Find out how mail to two hosts would leave
  mailfleet.postfix.postfix_interfaces_info:
    destinations: [203.0.113.5, "2001:db8:5::25"]
  register: postfix

- name: Fail if a transport sends through another interface than the one that has its source address
  ansible.builtin.assert:
    that: not item.1.other_interface
    fail_msg: >-
      {{ item.1.transport }} sends to {{ item.0.destination }} from {{ item.1.source }} through {{ item.1.interface }}
  loop: "{{ postfix.destinations | subelements('transports') }}"
"""

RETURN = r"""
msg:
  description: In one line, where Postfix listens and sends from, and what it needs; or what is wrong.
  type: str
  returned: always
instances:
  description: A description of each instance, with the keys below.
  type: list
  elements: dict
  returned: O(all_instances=true)
config_directory:
  description: The directory of the instance's configuration files.
  type: str
  returned: success
  sample: /etc/postfix
instance:
  description: The name of the instance, V(-) for the default instance.
  type: str
  returned: success
  sample: "-"
version:
  description: The version of Postfix.
  type: str
  returned: success
  sample: 3.7.11
unit:
  description: The systemd unit that runs the instance. Null if there is none.
  type: str
  returned: success
  sample: postfix@-.service
supervisor:
  description: As in RV(mailfleet.postfix.postfix_apply#module:supervisor).
  type: str
  returned: success
  sample: systemd
outside_unit:
  description: Whether Postfix runs outside of its systemd unit, because somebody started it by hand.
  type: bool
  returned: success
enabled:
  description: Whether C(postmulti) starts the instance along with the others, as C(multi_instance_enable) says.
  type: bool
  returned: success
group:
  description: The group of the instance, as C(multi_instance_group) says. Empty if it has none.
  type: str
  returned: success
parameters:
  description:
    - For each parameter that this collection manages, C(value) is the effective value, and C(set) is what main.cf says,
      or null if main.cf does not set it.
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
  description: Whether the master of the instance is running.
  type: bool
  returned: success
sockets:
  description: The sockets that the running master listens on.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: The address. V(0.0.0.0) or V(::) stands for all addresses of a family.
      type: str
    port:
      description: The port.
      type: int
in_sync:
  description: Whether the running Postfix is in line with its files.
  type: bool
  returned: success
action:
  description: What would bring it in line. V(none), V(reload), V(restart) for a stop and a start, or V(start).
  type: str
  returned: success
reasons:
  description: Why, as in RV(mailfleet.postfix.postfix_apply#module:reasons).
  type: list
  elements: dict
  returned: success
pending:
  description:
    - The change that M(mailfleet.postfix.postfix_apply) has not confirmed yet, or null. C(since) is when the change was
      made, in seconds since the epoch. C(progress) is V(done) if both files were changed, V(half) or V(none) if the
      change was interrupted, and V(overtaken) if somebody else has edited the files since.
  type: dict
  returned: success
confirm:
  description:
    - As in RV(mailfleet.postfix.postfix_interfaces#module:confirm), for the whole host.
    - With O(all_instances=true) this and RV(undone) are next to RV(instances).
  type: dict
  returned: success
undone:
  description: As in RV(mailfleet.postfix.postfix_interfaces#module:undone).
  type: dict
  returned: success
versions:
  description:
    - The versions of both files that are kept, the newest first. O(mailfleet.postfix.postfix_apply#module:to) brings
      one of them back.
  type: list
  elements: dict
  returned: success
  contains:
    time:
      description: When it was first kept, which is the name of the version.
      type: str
    last:
      description: When it was brought back last, or else when it was first kept.
      type: str
    size:
      description: How many bytes it takes.
      type: int
    current:
      description: Whether the files are this version now.
      type: bool
    verified:
      description:
        - Whether this collection has found Postfix to work by it. This is false for what it found on the host and has
          changed in its first run, and for edits by hand that were replaced.
      type: bool
  sample:
    - time: "2026-11-29T21:40:00Z"
      last: "2026-11-29T21:40:00Z"
      size: 8312
      current: true
      verified: true
findings:
  description: What to look at in the configuration, as the filter P(mailfleet.postfix.findings#filter) returns it.
  type: list
  elements: dict
  returned: success
problems:
  description: What Postfix warns about or refuses in the text of the files, each with file and line.
  type: list
  elements: dict
  returned: success
  contains:
    file:
      description: V(main.cf) or V(master.cf).
      type: str
    line:
      description: The line number.
      type: int
    severity:
      description: V(error) if Postfix refuses it, V(warning) if Postfix continues.
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
      description: The prefix length of its network, in bits.
      type: int
    interface:
      description: The interface that has it.
      type: str
    up:
      description: Whether the interface is up.
      type: bool
    tentative:
      description: Whether duplicate address detection is still running, so that nothing can bind to the address yet.
      type: bool
    primary:
      description: Whether it is the primary address, and not a secondary one, of its network.
      type: bool
    temporary:
      description: Whether it is a privacy address (RFC 4941), which the kernel replaces by another one.
      type: bool
    deprecated:
      description: Whether the kernel uses it for new connections only if a program asks for it.
      type: bool
    dynamic:
      description: Whether it has a lifetime, after which the kernel removes it unless DHCP or a router renews it.
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
      description: The source address that the kernel chooses. Null if it has no route.
      type: str
    interface:
      description: The interface of the kernel's route. Null if it has no route.
      type: str
    error:
      description: Why the kernel has no route. Null if it has one.
      type: str
    transports:
      description: What each SMTP and LMTP client would do.
      type: list
      elements: dict
      contains:
        transport:
          description: The name and type of the service.
          type: str
        source:
          description: The address that it sends from.
          type: str
        source_interface:
          description: The interface that has this address.
          type: str
        interface:
          description: The interface through which packets from this source address leave.
          type: str
        other_interface:
          description:
            - Whether these two interfaces differ, because main.cf or master.cf sets the source address. Firewalls and
              providers drop such packets.
          type: bool
        failure:
          description: Why no mail leaves. Null if it does.
          type: str
variables:
  description:
    - The variables of the role P(mailfleet.postfix.postfix_interfaces#role) that describe the instance as it is.
      Applying them changes nothing, with one exception. If main.cf sets a parameter twice, the line without effect is
      removed. Settings that Postfix ignores or fails on are not included, nor what looks like a password.
    - Services that are still as the package shipped them, in C(master.cf.proto), are not included. An endpoint that the
      package shipped and that is gone has C(state=disabled).
    - With O(all_instances=true) the variables of the whole host are next to RV(instances). If it has several instances,
      each is an entry of C(postfix_interfaces_instances). One that the role could create has C(state=present), so that
      the variables also rebuild it on a new host.
  type: dict
  returned: success
  sample:
    postfix_interfaces_inet_interfaces: all
"""

from typing import Any, List, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.byte_code import ByteCode

byte_code = ByteCode.use()  # what is imported from here on is not compiled again

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import confirmation
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.info import describe
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.role_variables import of_instances
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import require_linux, take_usual_umask
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import built_in
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance, find_instances
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.stock import stock_services
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError


def main() -> None:
    module = AnsibleModule(
        {
            "config_directory": {"type": "path"},
            "instance": {"type": "str"},
            "all_instances": {"type": "bool", "default": False},
            "destinations": {"type": "list", "elements": "str", "default": []},
            "only": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
        mutually_exclusive=[["config_directory", "instance", "all_instances"]],
    )
    params = module.params
    try:
        require_linux()
        take_usual_umask()
        if not module.check_mode:
            byte_code.keep()
        compiled = built_in(remember=not module.check_mode, compare_tables=True)
        stock = stock_services(compiled)
        if params["all_instances"]:
            instances = find_instances(compiled)
            described = [describe(instance, params["destinations"], stock) for instance in instances]
            result = {"instances": described, "variables": of_instances(instances, described, compiled)}
        else:
            instance = find_instance(params["config_directory"], params["instance"], compiled)
            result = describe(instance, params["destinations"], stock)
        waits = confirmation(tell=False)
        result.update(confirm=waits["confirm"], undone=waits["undone"])
        result = chosen(result, params["only"])
    except (InputError, TransactionError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:  # of the host, such as a limit or a sandbox
        module.fail_json(msg=f"The host does not allow it: {error}.")
    module.exit_json(changed=False, **result)


def chosen(result: dict[str, Any], keys: Optional[List[str]]) -> dict[str, Any]:
    """Return what is wanted of a result.

    :raises InputError: it has no such key
    """
    if keys is None:
        return result
    parts = [result, *result.get("instances", ())]
    known = dict.fromkeys(key for part in parts for key in part)
    for key in keys:
        if key not in known:
            raise InputError("only", key, "is not a key of the result", f"Use some of {', '.join(known)}")
    kept = {*keys, "instances", "instance", "config_directory"}
    whole, *instances = [{key: part[key] for key in part if key in kept} for part in parts]
    return {**whole, "instances": instances} if "instances" in result else whole


if __name__ == "__main__":
    main()
