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
      - Parameters of C(main.cf) with their values. Each value is the text that Postfix would read, or a list.
      - A parameter that is not given has Postfix's default.
      - References such as V($myhostname) are expanded as Postfix does it.
    type: dict
    required: true
  addresses:
    description:
      - The addresses of the host, either a list of addresses with or without prefix length, in the order in which the
        kernel lists them, or the host's C(ansible_facts).
      - The list may also contain mappings with the keys V(address), V(prefix_length), V(interface), V(up),
        V(tentative), V(primary), V(temporary), V(deprecated) and V(dynamic), as
        M(mailfleet.postfix.postfix_interfaces_info) returns them.
      - Facts and plain lists do not say whether an interface is up, so all interfaces count as up. Facts also do not
        say in which order the kernel lists the interfaces.
    type: raw
    required: true
  services:
    description:
      - The services of C(master.cf), either the text of the file, or a list like the option
        O(mailfleet.postfix.postfix_interfaces#module:services).
      - The default is the stock services C(smtp inet), C(smtp unix), C(relay unix) and C(lmtp unix).
      - In a list, a service of type V(inet) runs C(smtpd) unless its V(command) says otherwise. Services with the state
        V(absent) or V(disabled) are ignored.
    type: raw
  version:
    description:
      - The version of the Postfix that reads the configuration, such as V("3.7") or V("3.7.11"), in quotes.
      - The default is the newest known version. Newer versions are treated like that one.
    type: str
  resolve:
    description:
      - Host names with lists of their addresses, for names that the configuration uses.
      - The control node never asks DNS. A name that is needed and not listed here is an error.
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
