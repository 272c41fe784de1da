# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The arguments of the filters that predict what one configuration does on one host."""

    DOCUMENTATION = r"""
options:
  _input:
    description:
      - Parameters of C(main.cf) with their values, each the text that Postfix would read, or a list.
      - A parameter that is missing has Postfix's default.
      - References such as V($myhostname) are replaced as Postfix does it.
    type: dict
    required: true
  addresses:
    description:
      - What the host has, either a list of addresses with or without prefix length, in the order in which the
        kernel lists them, or the host's C(ansible_facts).
      - The list may also have mappings with the keys V(address), V(prefix_length), V(interface), V(up), V(tentative)
        and V(primary), as M(mailfleet.postfix.postfix_interfaces_info) returns them.
      - Facts and plain lists do not tell whether an interface is up, so that all count as up. Nor do facts tell in
        which order the kernel lists interfaces.
    type: raw
    required: true
  services:
    description:
      - The services of C(master.cf), either the text of the file, or a list like the option
        O(mailfleet.postfix.postfix_interfaces#module:services).
      - If left out it is the stock services C(smtp inet), C(smtp unix), C(relay unix) and C(lmtp unix).
      - In a list, a service of type V(inet) runs C(smtpd) unless it says otherwise, and those with the state V(absent)
        or V(disabled) do not count.
    type: raw
  version:
    description:
      - The version of the Postfix that reads the configuration, such as V("3.7") or V("3.7.11"), in quotes.
      - By default the newest that is known. A newer one than that has the same rules.
    type: str
  resolve:
    description:
      - Host names with lists of their addresses, for names that the configuration uses.
      - DNS is never asked on the control node. A name that is needed and not here is an error.
    type: dict
    default: {}
seealso:
  - plugin: mailfleet.postfix.own_addresses
    plugin_type: filter
  - plugin: mailfleet.postfix.listeners
    plugin_type: filter
  - plugin: mailfleet.postfix.source_addresses
    plugin_type: filter
  - plugin: mailfleet.postfix.findings
    plugin_type: filter
"""
