# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: source_addresses
short_description: The addresses that Postfix sends from, for each transport
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Returns for each SMTP or LMTP client service in C(master.cf) the address that it connects from, separately for IPv4
    and IPv6.
  - An explicit C(smtp_bind_address) or C(smtp_bind_address6) (for LMTP C(lmtp_bind_address) and C(lmtp_bind_address6))
    takes precedence. Otherwise, if C(inet_interfaces) has exactly one address of the family and it is not a loopback
    address, that is the source. Otherwise the kernel chooses. C(-o) options in C(master.cf) apply to their service.
  - A C(main.cf) with which no Postfix program would run is an error. If only one transport would fail, the reason is in
    RV(_value[].ipv4.failure) of that transport.
positional: addresses
extends_documentation_fragment:
  - mailfleet.postfix._configuration
"""

EXAMPLES = r"""
- name: Show which transport sends from which address
  ansible.builtin.debug:
    msg: "{{ settings | mailfleet.postfix.source_addresses(addresses, services=services) }}"
  vars:
    addresses: [127.0.0.1/8, 10.77.0.1/24, 10.77.0.2/24]
    settings:
      inet_protocols: ipv4
      smtp_bind_address: 10.77.0.1
      smtp_bind_address_enforce: true
    services:
      - name: smtp
        type: unix
      - name: bulk
        type: unix
        command: smtp
        options:
          smtp_bind_address: 10.77.0.2
    # => smtp/unix from 10.77.0.1 and bulk/unix from 10.77.0.2, both enforced

- name: Refuse transports that cannot send at all
  ansible.builtin.assert:
    that: sources | map(attribute='ipv4') | select | map(attribute='failure') | select | list == []
  vars:
    sources: "{{ {'smtp_bind_address': '10.77.0.1'} | mailfleet.postfix.source_addresses(ansible_facts) }}"
"""

RETURN = r"""
_value:
  description: One item for each client service, in the order of C(master.cf).
  type: list
  elements: dict
  contains:
    transport:
      description: The name and type of the service, such as V(smtp/unix).
      type: str
    program:
      description: The client that the service runs, V(smtp) or V(lmtp).
      type: str
    ipv4:
      description: Connections over IPv4. Null if the transport does not use IPv4.
      type: dict
      contains:
        address:
          description: >-
            The source address. Null if the kernel chooses, also if Postfix cannot use the given address, logs a warning
            and lets the kernel choose.
          type: str
        origin:
          description:
            - The parameter that decides, with C(-o) in front if it is an option in C(master.cf).
            - V(kernel) if no parameter decides, or if the host does not have the address and it is not enforced.
            - V(master.cf) if the line of the service is broken.
          type: str
        enforced:
          description: Whether mail stays in the queue instead of being sent from another address.
          type: bool
        failure:
          description: Why no mail can leave over this family. Null if it can.
          type: str
    ipv6:
      description: Connections over IPv6, with the same keys.
      type: dict
  sample:
    - transport: smtp/unix
      program: smtp
      ipv4:
        address: 10.77.0.1
        origin: smtp_bind_address
        enforced: true
        failure:
      ipv6:
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import client_as_dict
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function, read_input


@filter_function
def source_addresses(
    settings: Any, addresses: Any, services: Any = None, version: Any = None, resolve: Any = None
) -> list[dict[str, Any]]:
    outlook = read_input(settings, addresses, services, version, resolve)
    return [client_as_dict(client) for client in outlook.clients]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"source_addresses": source_addresses}
