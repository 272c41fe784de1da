#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_instance
short_description: Create or remove a secondary Postfix instance
description:
  - Creates a Postfix instance beside the default one, with its own directories, enables it, and enables its systemd
    unit so that it starts when the host boots. Or removes such an instance.
  - Does not start the instance. Give it addresses with M(mailfleet.postfix.postfix_interfaces), and start it with
    M(mailfleet.postfix.postfix_apply).
  - A new instance does not listen anywhere until
    O(mailfleet.postfix.postfix_interfaces#module:master_service_disable) is set to an empty list. So it never takes
    connections from the other instances by accident.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.actiongroup_postfix
options:
  name:
    description:
      - The name of the instance, C(postfix-) followed by letters or digits. Its configuration directory has the same
        name and is next to that of the default instance, such as C(/etc/postfix-out).
    type: str
    required: true
  group:
    description:
      - The C(multi_instance_group) of a new instance. The group of an existing instance is not changed.
    type: str
  state:
    description:
      - V(present) creates the instance if it does not exist, and enables it.
      - V(absent) stops the instance and removes it with its directories. This is refused while there are messages in
        its queue.
    type: str
    choices: [present, absent]
    default: present
attributes:
  diff_mode:
    support: none
notes:
  - Does what C(postmulti -e create) and C(postmulti -e destroy) do, but writes C(main.cf) of the default instance as
    M(mailfleet.postfix.postfix_interfaces) does, so that links, owner, mode, ACL and all other text stay. C(postmulti)
    replaces links, and some versions break a file without a final newline.
  - Sets C(multi_instance_enable) and C(multi_instance_wrapper) of the default instance, as C(postmulti -e init) does.
    These stay set after the last secondary instance is removed.
seealso:
  - module: mailfleet.postfix.postfix_apply
  - module: mailfleet.postfix.postfix_interfaces
  - name: postmulti(1)
    description: The command that manages instances.
    link: https://www.postfix.org/postmulti.1.html
"""

EXAMPLES = r"""
- name: Set up an instance for outgoing mail
  block:
    - name: Create the instance
      mailfleet.postfix.postfix_instance:
        name: postfix-out

    - name: Give it addresses and let it listen
      mailfleet.postfix.postfix_interfaces:
        instance: postfix-out
        inet_protocols: all
        inet_interfaces: [192.0.2.20, "2001:db8::20"]
        master_service_disable: []

    - name: Start the instance
      mailfleet.postfix.postfix_apply:
        instance: postfix-out

- name: Remove the instance once its queue is empty
  mailfleet.postfix.postfix_instance:
    name: postfix-out
    state: absent
"""

RETURN = r"""
msg:
  description: In one line, what was done, or what is wrong.
  type: str
  returned: always
instance:
  description: The name of the instance.
  type: str
  returned: success
  sample: postfix-out
config_directory:
  description: The directory of its configuration files. After a removal, where it was.
  type: str
  returned: success
  sample: /etc/postfix-out
unit:
  description: Its systemd unit. Null if there is none.
  type: str
  returned: success
  sample: postfix@out.service
exists:
  description: Whether the instance exists at the end. In check mode it is also false if it would be created.
  type: bool
  returned: success
steps:
  description: What was done, or in check mode would be done, as sentences.
  type: list
  elements: str
  returned: success
  sample: [The instance postfix-out is created]
left:
  description:
    - Directories of a removed instance that are still there, because they contain files that do not belong to Postfix.
      The queue was empty.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.byte_code import ByteCode

byte_code = ByteCode.use()  # what is imported from here on is not compiled again

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.instances import create, remove
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import require_linux, take_usual_umask
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
        require_linux()
        take_usual_umask()
        if not module.check_mode:
            byte_code.keep()
        if params["state"] == "present":
            result = create(params["name"], params["group"], module.check_mode)
        else:
            result = remove(params["name"], module.check_mode)
    except InputError as error:
        module.fail_json(msg=str(error), **error.parts)
    except TransactionError as error:
        module.fail_json(msg=str(error))
    except OSError as error:  # of the host, such as a limit or a full disk
        module.fail_json(msg=f"The host does not allow it: {error}.")
    module.exit_json(changed=bool(result.steps), **result._asdict())


if __name__ == "__main__":
    main()
