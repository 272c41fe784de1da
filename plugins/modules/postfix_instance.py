#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_instance
short_description: Create or remove a secondary Postfix instance
description:
  - Makes sure that a host has a Postfix instance beside its default one, with directories of its own, enabled, and
    with a systemd unit that is started when the host boots. Or makes sure that it does not.
  - Does not start it. Give it addresses with M(mailfleet.postfix.postfix_interfaces), and bring it up with
    M(mailfleet.postfix.postfix_apply).
  - A new instance has no listener until
    O(mailfleet.postfix.postfix_interfaces#module:master_service_disable) was emptied, so that it never takes
    connections from the others by accident.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 0.1.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.actiongroup_postfix
options:
  name:
    description:
      - The name of the instance, C(postfix-) and letters or digits. It is also the name of its directory beside that
        of the default instance, such as C(/etc/postfix-out).
    type: str
    required: true
  group:
    description:
      - The C(multi_instance_group) that it is created with. That of an instance that exists is left as it is.
    type: str
  state:
    description:
      - V(present) creates it, if it does not exist, and enables it.
      - V(absent) stops it and removes it with its directories. This is refused while there is a message in its queue.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
notes:
  - Uses C(postmulti), which reads C(main.cf) of the default instance. It fails while that one names an absent address.
  - Sets C(multi_instance_enable) and C(multi_instance_wrapper) of the default instance, as C(postmulti -e init) does.
    This stays after the last other instance is removed.
seealso:
  - module: mailfleet.postfix.postfix_apply
  - module: mailfleet.postfix.postfix_interfaces
  - name: postmulti(1)
    description: The command that manages instances.
    link: https://www.postfix.org/postmulti.1.html
"""

EXAMPLES = r"""
- name: An instance for outgoing mail
  block:
    - name: Create it
      mailfleet.postfix.postfix_instance:
        name: postfix-out

    - name: Give it an address, and let it listen
      mailfleet.postfix.postfix_interfaces:
        instance: postfix-out
        inet_interfaces: 192.0.2.10
        master_service_disable: []

    - name: Start it
      mailfleet.postfix.postfix_apply:
        instance: postfix-out

- name: Remove it, once its queue is empty
  mailfleet.postfix.postfix_instance:
    name: postfix-out
    state: absent
"""

RETURN = r"""
instance:
  description: The name of the instance.
  type: str
  returned: success
  sample: postfix-out
config_directory:
  description: Where its files are, or were.
  type: str
  returned: success
  sample: /etc/postfix-out
unit:
  description: Its systemd unit; none where there is no such unit.
  type: str
  returned: success
  sample: postfix@out.service
exists:
  description: Whether it exists at the end. In check mode, false too where it would be created.
  type: bool
  returned: success
steps:
  description: What was done, or in check mode would be, in sentences.
  type: list
  elements: str
  returned: success
  sample: [The instance postfix-out is created]
left:
  description:
    - Directories of a removed instance that are still there, because they had files which Postfix does not know. It
      had no message in its queue.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.instances import create, remove
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError


def main() -> None:
    module = AnsibleModule(
        {
            "name": {"type": "str", "required": True},
            "group": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        if params["state"] == "present":
            result = create(params["name"], params["group"], module.check_mode)
        else:
            result = remove(params["name"], module.check_mode)
    except InputError as error:
        module.fail_json(
            msg=str(error), parameter=error.parameter, value=error.value, reason=error.reason, remedy=error.remedy
        )
    except TransactionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(result.steps), **result._asdict())


if __name__ == "__main__":
    main()
