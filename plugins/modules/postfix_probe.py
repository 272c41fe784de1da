#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_probe
short_description: Try from another host whether the sockets of a Postfix can be used
description:
  - Connects to sockets, waits for the greeting of those that greet, and fails if one of them cannot be used from where
    it runs. So it is for another host than the one that has the sockets, for example the control node with
    C(delegate_to), and finds what a host cannot see by itself, such as a firewall or a missing route.
  - Also connects from source addresses of the host that it runs on to a peer, because packets from a new address may
    not come back.
  - Does not need Postfix, root or facts where it runs.
  - Skips what it cannot judge from there, which is never a failure. These are loopback and link-local addresses,
    addresses to which the host has no route or which it has itself, and private addresses if the host would connect
    from another private network or from a public address.
  - To be used between a change with O(mailfleet.postfix.postfix_interfaces#module:confirm) and its confirmation by
    O(mailfleet.postfix.postfix_apply#module:confirmed).
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
options:
  sockets:
    description:
      - The sockets to try. RV(mailfleet.postfix.postfix_interfaces#module:confirm) has such a list.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address of the socket.
        type: str
        required: true
      port:
        description: The port of the socket.
        type: int
        default: 25
      expect:
        description:
          - What the server does when a client has connected. V(greeting) if it speaks first, as smtpd and postscreen
            do. V(tls) if TLS begins at once. V(connect) if no more is known, or it waits for a proxy.
          - Nothing is sent to a server before the last line of its greeting. A first line that says that others follow,
            as postscreen has it, is enough.
        type: str
        choices: [greeting, tls, connect]
        default: connect
      any_of:
        description:
          - The wildcard that this is an address of. Of all sockets with the same wildcard and the same
            O(sockets[].instance), one that can be used is enough.
        type: str
      instance:
        description: The instance that has the socket.
        type: str
  sources:
    description: The source addresses to try, on the host that has them.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address to connect from.
        type: str
        required: true
      peer:
        description:
          - The address or the name of the host to connect to. If it has no address of the same family, the try is
            skipped.
        type: str
        required: true
      port:
        description: The port to connect to.
        type: int
        default: 25
      instance:
        description: The instance that sends from there.
        type: str
  timeout:
    description: How many seconds each try may take. All are made at the same time.
    type: float
    default: 10
attributes:
  check_mode:
    description: Predicts what it would change.
    support: full
    details:
      - This module never changes anything. It also connects in check mode.
  diff_mode:
    description: Shows what has changed.
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
    details:
      - This module never changes anything.
  platform:
    description: The kind of host that it works on.
    support: full
    platforms: posix
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_apply
"""

EXAMPLES = r"""
- name: Set the addresses, and go back if nobody confirms within two minutes
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: [127.0.0.1, "::1", 192.0.2.10, "2001:db8::10"]
    apply: true
    confirm: 120
  register: change

- name: Try the new sockets from the control node
  mailfleet.postfix.postfix_probe:
    sockets: "{{ change.confirm.sockets }}"
  delegate_to: localhost
  become: false
  when: change.confirm is not none

- name: Keep the change
  mailfleet.postfix.postfix_apply:
    confirmed: "{{ change.confirm.token }}"
  when: change.confirm is not none

- name: Try whether answers to a source address come back
  mailfleet.postfix.postfix_probe:
    sources:
      - address: 192.0.2.20
        peer: mx.example.net
"""

RETURN = r"""
msg:
  description: In one line, how many can be used, or which cannot.
  type: str
  returned: always
sockets:
  description: What was found, in the order of O(sockets) and with its keys.
  type: list
  elements: dict
  returned: always
  contains: &found
    address:
      description: The address.
      type: str
    port:
      description: The port.
      type: int
    reachable:
      description: Whether the socket can be used. Null if it was skipped.
      type: bool
    skipped:
      description: Whether it was skipped.
      type: bool
    seconds:
      description: How long the try took.
      type: float
    reason:
      description: Why it was skipped, or cannot be used. Null if it can be used.
      type: str
  sample:
    - address: 192.0.2.10
      port: 25
      expect: greeting
      any_of:
      instance: "-"
      reachable: true
      skipped: false
      seconds: 0.012
      reason:
sources:
  description: The same for O(sources).
  type: list
  elements: dict
  returned: always
  contains: *found
"""

import os
from typing import Any, List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import CONNECTION, EXPECTATIONS
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.probe import (
    Found,
    failures,
    probe_sockets,
    probe_sources,
)


def argument_spec() -> dict[str, Any]:
    socket = {
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": 25},
        "expect": {"type": "str", "choices": list(EXPECTATIONS), "default": CONNECTION},
        "any_of": {"type": "str"},
        "instance": {"type": "str"},
    }
    source = {
        "address": {"type": "str", "required": True},
        "peer": {"type": "str", "required": True},
        "port": {"type": "int", "default": 25},
        "instance": {"type": "str"},
    }
    return {
        "sockets": {"type": "list", "elements": "dict", "default": [], "options": socket},
        "sources": {"type": "list", "elements": "dict", "default": [], "options": source},
        "timeout": {"type": "float", "default": 10},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    sockets, sources, timeout = params["sockets"], params["sources"], params["timeout"]
    try:
        if not 0 < timeout <= 3600:
            raise InputError("timeout", timeout, "is not a number of seconds up to 3600", "Leave it out for 10")
        for option in ("sockets", "sources"):
            for entry in params[option]:
                if not 0 < entry["port"] < 65536:
                    raise InputError(option, entry["port"], "is not a port", "Give a number from 1 to 65535")
        found = probe_sockets([(each["address"], each["port"], each["expect"]) for each in sockets], timeout)
        back = probe_sources([(each["address"], each["peer"], each["port"]) for each in sources], timeout)
    except InputError as error:
        module.fail_json(msg=str(error), **error.parts)
    result: dict[str, Any] = {"sockets": described(sockets, found), "sources": described(sources, back)}
    unusable, unreached = failures(result["sockets"]), failures(result["sources"])
    said = []
    if unusable:
        said.append(f"Cannot be used from {os.uname().nodename}: {', '.join(unusable)}.")
    if unreached:
        said.append(f"No connection from {', '.join(unreached)}.")
    if said:
        module.fail_json(msg=" ".join(said), **result)
    module.exit_json(changed=False, **result)


def described(entries: List[dict[str, Any]], found: List[Found]) -> List[dict[str, Any]]:
    """Return what was given with what was found."""
    return [{**entry, **one._asdict(), "skipped": one.reachable is None} for entry, one in zip(entries, found)]


if __name__ == "__main__":
    main()
