# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: own_addresses
short_description: The addresses that Postfix considers its own
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Returns the addresses that C(inet_interfaces) and C(inet_protocols) result in on a host.
  - Postfix listens on these addresses, considers C(user@[address]) local, derives the default of C(mynetworks) from
    them, and sends from such an address if it is the only one of its family.
  - A configuration with which no Postfix program would run is an error, for example an address that the host does not
    have.
positional: addresses
extends_documentation_fragment:
  - mailfleet.postfix._configuration
notes:
  - The order is that of Postfix. For V(all) and V(loopback-only) this is IPv4 first, then IPv6, each in the order of
    O(addresses).
  - Addresses from a list are sorted by their bytes, IPv4 first, without duplicates. Postfix before 3.7.22, 3.8.20,
    3.9.14, 3.10.13 and 3.11.6 sorts IPv4 addresses by a comparison that depends on the machine. For these versions
    the order is that of little-endian machines.
"""

EXAMPLES = r"""
- name: Show the own addresses that a list results in
  ansible.builtin.debug:
    msg: "{{ settings | mailfleet.postfix.own_addresses(addresses, resolve={'localhost': ['127.0.0.1', '::1']}) }}"
  vars:
    addresses: [127.0.0.1/8, 10.77.0.1/24, "::1/128", "fd77::1/64"]
    settings:
      inet_interfaces: [localhost, 10.77.0.1]
    # => 10.77.0.1, 127.0.0.1, ::1

- name: Stop before the play changes a host that lacks an address
  ansible.builtin.assert:
    that: (settings | mailfleet.postfix.own_addresses(ansible_facts, version='3.7')) is sequence
  vars:
    settings:
      inet_interfaces: loopback-only
"""

RETURN = r"""
_value:
  description: The addresses in normal form, lower case, shortest, without brackets, in Postfix's order.
  type: list
  elements: str
  sample:
    - 127.0.0.1
    - 10.77.0.1
    - fd77::1
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function, read_input


@filter_function
def own_addresses(
    settings: Any, addresses: Any, services: Any = None, version: Any = None, resolve: Any = None
) -> list[str]:
    outlook = read_input(settings, addresses, services, version, resolve)
    return [normal_form(address) for address in outlook.own_addresses]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"own_addresses": own_addresses}
