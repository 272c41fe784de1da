#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_apply
short_description: Bring a running Postfix in line with main.cf and master.cf
description:
  - Compares the sockets that the master of a Postfix instance has, and what it has read, with what C(main.cf) and
    C(master.cf) say now, and does the least that brings it in line. That is nothing, a reload, a stop and a start, or
    a start.
  - Decides by the running master and not by what an earlier task changed, so that a play that died between the edit
    and the restart is finished by the next run.
  - Before it touches a running master it makes sure that Postfix could run by the files on this host. Afterwards it
    makes sure that the master has exactly the sockets that they promise, that each SMTP server answers with its banner,
    that the queue manager stays alive, and that the master has not given up a program that it could run before.
  - A stop and a start refuses no client where Postfix is 3.6 or later and Linux 5.14 or later. Sockets of this module
    keep clients waiting in between, and hand them over to the new master. For that time it sets
    C(net.ipv4.tcp_migrate_req), and puts it back. RV(interruption) says whether that was possible.
  - When the files cannot be applied, or Postfix does not work by them, it restores the version of both files that was
    last applied, brings that up, and fails with what happened, what was restored and what runs now. What was edited by
    others it restores only where Postfix did not work by it, and an earlier run has seen what the running master had
    read before. The version that did not work is kept in C(/var/lib/mailfleet.postfix).
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 0.1.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.actiongroup_postfix
  - mailfleet.postfix._instance
options:
  all_instances:
    description:
      - Bring every enabled instance of the host in line, the default one first and then those that it lists in
        C(multi_instance_directories), and return each one's result in RV(instances).
      - One that fails does not keep the others from being tried; then the module fails.
      - Mutually exclusive with O(config_directory) and O(instance).
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the action and its verification may take, and how many seconds to wait for another run of
        this collection on the same instance. Going back gets as many again.
    type: float
    default: 30
attributes:
  check_mode:
    support: full
    details:
      - Also fails where a real run would.
  diff_mode:
    support: none
  platform:
    platforms: posix
notes:
  - Needs root, and in a container the capability C(SYS_PTRACE), without which the master's sockets cannot be seen.
  - Uses the instance's systemd unit where there is one, which is C(postfix@-.service) on Debian up to 12 and
    C(postfix.service) on others for the default instance, and C(postfix -c) with its directory otherwise. The units of
    other instances are neither stopped nor reloaded along.
  - Connects to the SMTP servers after an action, from this host, so that their log shows a client that says C(QUIT).
  - Waits up to two seconds before a reload or a stop where somebody else has edited C(main.cf) right before, because
    Postfix's programs start slowly until it is older than that.
  - Remembers in C(/var/lib/mailfleet.postfix), readable by root only, what the master has read, and what is compiled
    into the installed Postfix.
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_interfaces_info
  - name: master(8)
    description: The master, and what a reload does.
    link: https://www.postfix.org/master.8.html
  - name: postfix(1)
    description: The command that starts, stops and reloads.
    link: https://www.postfix.org/postfix.1.html
"""

EXAMPLES = r"""
- name: Bring the default instance in line with its files
  mailfleet.postfix.postfix_apply:

- name: Bring another instance in line
  mailfleet.postfix.postfix_apply:
    instance: postfix-out

- name: Set the addresses and apply them
  block:
    - name: Receive on two addresses
      mailfleet.postfix.postfix_interfaces:
        inet_interfaces: [127.0.0.1, 192.0.2.10]

    - name: Apply it
      mailfleet.postfix.postfix_apply:
"""

RETURN = r"""
instances:
  description:
    - The result for each instance, with the keys below, and C(config_directory), C(instance) and C(failed).
    - Without O(all_instances) the keys below are those of the one instance.
  type: list
  elements: dict
  returned: O(all_instances=true)
action:
  description:
    - What was needed, and was done. V(none), V(reload), V(restart) for a stop and a start, or V(start).
    - Where the files could not be applied, what they would have needed as far as that can be told.
  type: str
  returned: always
  sample: restart
reasons:
  description: Why the action was needed.
  type: list
  elements: dict
  returned: always
  contains:
    parameter:
      description:
        - The parameter, or the service as C(name/type), that differs from what the master has read; V(listeners) for
          sockets that differ without that, V(master) where none runs.
      type: str
    before:
      description: Its value as the master has read it; none for parameters of other families, which may be secret.
      type: str
    after:
      description: Its value now, likewise.
      type: str
    action:
      description: What this difference needs.
      type: str
    why:
      description: Why it needs that.
      type: str
interruption:
  description:
    - V(none) where no client was refused. Nothing was done, or a reload, or a start of what did not run, or the clients
      waited for the new master.
    - V(brief) where clients were refused, or cut off before the banner, between the stop and the start.
    - In check mode as it would be.
  type: str
  returned: always
  sample: none
sockets:
  description:
    - The sockets that the files promise and those that the master has, at the end; in check mode as they would be.
    - After the files were restored, those that these promise.
  type: list
  elements: dict
  returned: always
  contains:
    address:
      description: The address, V(0.0.0.0) or V(::) for all of a family.
      type: str
    port:
      description: The port.
      type: int
    state:
      description: V(listening), V(missing) when it is promised and not there, V(unexpected) when it is not promised.
      type: str
  sample:
    - address: 192.0.2.10
      port: 25
      state: listening
answers:
  description:
    - What a client gets to see at each socket that an SMTP server listens on, as asked after the last action; empty
      where there was none.
    - Servers that begin with TLS, or wait for a proxy, are not asked.
  type: list
  elements: dict
  returned: always
  contains:
    address:
      description: The address of the socket.
      type: str
    port:
      description: Its port.
      type: int
    banner:
      description: The first line of the answer; none if there was no answer, or nobody on this host could connect.
      type: str
    problem:
      description: What was wrong with the answer; none if nothing was.
      type: str
  sample:
    - address: 192.0.2.10
      port: 25
      banner: 220 mx.example.net ESMTP Postfix
      problem:
in_sync:
  description:
    - Whether the running Postfix is in line with its files at the end, also where these were restored.
    - In check mode, whether it is now.
  type: bool
  returned: always
rolled_back:
  description: Whether the previous version of the files was restored.
  type: bool
  returned: always
restored:
  description: The paths of the files that were restored.
  type: list
  elements: str
  returned: always
  sample: [/etc/postfix/main.cf]
messages:
  description: What Postfix and the commands said when something went wrong, from their output and from the log.
  type: list
  elements: str
  returned: always
  sample:
    - "postfix/master: fatal: bind 192.0.2.10 port 25: Cannot assign requested address"
unit:
  description: The systemd unit that runs the instance; none where there is no such unit.
  type: str
  returned: always
  sample: postfix@-.service
outside_unit:
  description:
    - Whether Postfix runs, at the end, outside of the unit that there is for it, because somebody started it by hand.
      systemd takes it for stopped then, and does not stop it when the host shuts down.
    - A stop and a start brings it back into its unit. Nothing is done for that alone.
  type: bool
  returned: always
recovered:
  description: What became of the files that an earlier run left half replaced or unconfirmed; none if it left none.
  type: str
  returned: always
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply, apply_all
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import built_in
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError


def argument_spec() -> dict[str, Any]:
    return {
        "all_instances": {"type": "bool", "default": False},
        "config_directory": {"type": "path"},
        "instance": {"type": "str"},
        "timeout": {"type": "float", "default": 30},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec(),
        supports_check_mode=True,
        mutually_exclusive=[["all_instances", "config_directory", "instance"]],
    )
    params = module.params
    try:
        compiled = built_in(remember=not module.check_mode)
        if params["all_instances"]:
            result = apply_all(params["timeout"], module.check_mode, compiled=compiled)
        else:
            instance = find_instance(params["config_directory"], params["instance"], compiled)
            result = apply(instance, params["timeout"], module.check_mode)
    except ApplyError as error:
        module.fail_json(msg=str(error), **error.result)
    except InputError as error:
        module.fail_json(
            msg=str(error), parameter=error.parameter, value=error.value, reason=error.reason, remedy=error.remedy
        )
    except TransactionError as error:
        module.fail_json(msg=str(error))
    for one in result.get("instances", [result]):
        if one.get("outside_unit"):
            module.warn(f"Postfix runs outside of {one['unit']}, so systemd takes it for stopped.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
