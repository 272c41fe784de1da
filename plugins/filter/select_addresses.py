# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: select_addresses
short_description: Addresses of a host, chosen by prefix, interface or kind
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Picks some of the addresses that a host has, so that one group variable works for many hosts.
  - The option O(mailfleet.postfix.postfix_interfaces#module:select) follows the same rules on the host itself.
positional: selectors
options:
  _input:
    description:
      - The addresses of the host, either a list of addresses with or without prefix length, or the host's
        C(ansible_facts).
      - The list may also contain mappings with the keys V(address), V(prefix_length), V(interface), V(up),
        V(tentative), V(primary), V(temporary), V(deprecated) and V(dynamic), as
        M(mailfleet.postfix.postfix_interfaces_info) returns them.
      - Facts do not tell which addresses are temporary, deprecated or tentative.
    type: raw
    required: true
  selectors:
    description:
      - What to pick, in this order. Each address is picked once.
      - A prefix such as V(10.0.0.0/8) or V(fd77::/16) picks all addresses in it.
      - V(interface:NAME) picks all addresses of the interface. This does not work with a plain list of addresses, which
        does not name interfaces.
      - An address picks itself.
      - V(loopback) picks V(127.0.0.0/8) and V(::1).
      - V(global) picks all addresses that are neither loopback nor link-local. This includes private addresses.
      - V(primary) picks those of V(global) that the kernel has not marked as secondary (IPv4, a further address of the
        same network).
      - A selector with V(!) in front excludes its addresses, wherever it is in the list. If all selectors have V(!),
        everything else is picked.
      - Addresses that will not stay or cannot be used yet (temporary, which are the privacy addresses of RFC 4941,
        deprecated and tentative ones) are only picked by themselves. Postfix and each of its commands fail when
        C(inet_interfaces) names an address that is gone.
      - IPv6 link-local addresses are only picked by their own prefix or address. Addresses of interfaces that are down
        are never picked, because Postfix could not use them.
    type: list
    elements: str
    required: true
  family:
    description: Pick only addresses of this family.
    type: str
    choices: [ipv4, ipv6]
  missing_ok:
    description: Whether to accept a selector that matches nothing and an empty result, instead of failing.
    type: bool
    default: false
seealso:
  - plugin: mailfleet.postfix.own_addresses
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Pick loopback and the host's addresses in the management network
  ansible.builtin.debug:
    msg: "{{ ansible_facts | mailfleet.postfix.select_addresses(['loopback', '10.0.0.0/8']) }}"

- name: Pick the IPv4 address to send from
  ansible.builtin.debug:
    msg: "{{ addresses | mailfleet.postfix.select_addresses(['primary', '!10.0.0.0/8'], family='ipv4') | first }}"
  vars:
    addresses: [127.0.0.1/8, 10.77.0.1/24, 198.51.100.7/24, 198.51.100.8/24]
    # => 198.51.100.7
"""

RETURN = r"""
_value:
  description: The addresses in normal form, in the order of the selectors.
  type: list
  elements: str
  sample:
    - 127.0.0.1
    - ::1
    - 10.77.0.1
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.select_addresses import select_addresses as rule
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function


@filter_function
def select_addresses(addresses: Any, selectors: Any, family: Any = None, missing_ok: bool = False) -> list[str]:
    chosen = [selectors] if isinstance(selectors, str) else selectors
    if not isinstance(chosen, (list, tuple)):
        raise InputError("selectors", selectors, "is not a list", "Give a list such as ['loopback']")
    picked = rule(host_from_input(addresses), chosen, family, bool(missing_ok), "selectors")
    return [normal_form(address) for address in picked]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"select_addresses": select_addresses}
