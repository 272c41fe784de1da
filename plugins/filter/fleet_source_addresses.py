# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_source_addresses
short_description: What a fleet sends from, as the fewest prefixes
version_added: 0.1.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Merges the addresses from which the Postfix instances of many hosts send to other hosts into the fewest prefixes
    that have exactly these addresses, for an SPF record or a firewall rule.
  - The source address of each transport is what P(mailfleet.postfix.source_addresses#filter) says. A transport that
    cannot send by a family, or does not use it, adds nothing.
  - Loopback and link-local addresses are never in the answer, since no other network sees them.
positional: hosts
options:
  _input:
    description:
      - Either C(hostvars), or a mapping of host names to their variables. Each host is taken to have what the role
        P(mailfleet.postfix.postfix_interfaces#role) makes of stock files by the host's variables, instance by
        instance.
      - Or a list with an item for each instance, with the keys V(settings), V(addresses), V(services) and V(version).
        They are what the filter P(mailfleet.postfix.source_addresses#filter) takes. The last two can be left out.
    type: raw
    required: true
  hosts:
    description:
      - The hosts that count, of those in C(hostvars). By default all.
      - An inventory often has other hosts than those that send mail, so give a group, such as C(groups['mail']).
    type: list
    elements: str
  addresses:
    description:
      - Which variable of a host in C(hostvars) has its addresses, in any form that
        O(mailfleet.postfix.source_addresses#filter:addresses) takes.
      - V(postfix.addresses) is what the variable C(postfix) has under C(addresses), as after
        M(mailfleet.postfix.postfix_interfaces_info) with C(register=postfix).
      - By default V(ansible_facts), for which the subset V(network) has to be gathered.
    type: str
  family:
    description: Addresses of one family only.
    type: str
    choices: [ipv4, ipv6]
  transports:
    description:
      - The transports that count, such as V(smtp), V(bulk) or V(lmtp/unix). One that no host has is an error.
      - By default all that run the SMTP client. LMTP is for delivery nearby.
    type: list
    elements: str
  kernel_choice:
    description:
      - What to do where no parameter says the source address, so that the kernel chooses it.
      - V(all) takes every address of the host of that family that is neither loopback nor link-local. The kernel goes
        by its routes, which this filter does not know, and any of them can be its choice. An SPF record that lacks one
        loses mail.
      - V(none) leaves such mail out.
      - V(error) refuses a host where there are several to choose from, for a fleet that is meant to say its source
        addresses.
    type: str
    choices: [all, none, error]
    default: all
  private:
    description:
      - Whether the private addresses of RFC 1918, RFC 4193 and RFC 6598 count. In an SPF record they say nothing.
    type: bool
    default: true
  version:
    description:
      - The version of Postfix, such as V("3.7") or V("3.7.11"), in quotes, for those that do not say their own.
      - By default the newest that is known.
    type: str
  resolve:
    description:
      - Host names with lists of their addresses, for names that the configurations use.
      - DNS is never asked on the control node. A name that is needed and not here is an error.
    type: dict
    default: {}
requirements:
  - netaddr, on the control node
notes:
  - What the variables of a host do not say has Postfix's default, and of C(master.cf) only the stock client services
    and those in C(postfix_interfaces_services) are known. For hosts that have more than that, give a list.
  - C(hostvars) has what is in the inventory, but not the C(vars) of a play or a role.
  - What the role would refuse is an error that names the host and the variable, so that no sender is silently left out.
  - An address that moves from host to host counts where the hosts' addresses have it.
  - Behind an address translator the world sees its address, which no host knows. Add it yourself.
seealso:
  - plugin: mailfleet.postfix.source_addresses
    plugin_type: filter
  - plugin: mailfleet.postfix.select_addresses
    plugin_type: filter
"""

EXAMPLES = r"""
- name: An SPF record for the group mail, whose facts are gathered
  ansible.builtin.debug:
    msg: "v=spf1 {% for one in senders %}{{ 'ip6' if ':' in one else 'ip4' }}:{{ one }} {% endfor %}-all"
  vars:
    senders: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], private=false) }}"
    # => v=spf1 ip4:192.0.2.16/31 ip4:192.0.2.18 ip6:2001:db8::16/127 -all

- name: What a firewall has to let out, from hosts that were looked at without gathering facts
  ansible.builtin.debug:
    msg: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], addresses='postfix.addresses') }}"

- name: The same of any configurations
  ansible.builtin.debug:
    msg: "{{ instances | mailfleet.postfix.fleet_source_addresses(family='ipv4') }}"
  vars:
    instances:
      - settings:
          smtp_bind_address: 192.0.2.16
        addresses: [127.0.0.1/8, 10.77.0.1/24, 192.0.2.16/24]
      - settings:
          inet_interfaces: 192.0.2.17
        addresses: [127.0.0.1/8, 192.0.2.17/24, 192.0.2.18/24]
        services: |
          smtp unix - - n - - smtp
          bulk unix - - n - - smtp -o smtp_bind_address=192.0.2.18
    # => 192.0.2.16/31 and 192.0.2.18

- name: Refuse hosts that leave their source address to chance
  ansible.builtin.assert:
    that: (hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], kernel_choice='error')) is sequence
"""

RETURN = r"""
_value:
  description:
    - The prefixes in normal form, IPv4 first, each family in order. A single address stands without V(/32) or V(/128).
    - SPF, nftables and Ansible's modules for firewalls take either.
  type: list
  elements: str
  sample:
    - 192.0.2.16/31
    - 192.0.2.18
    - 2001:db8::16/127
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._fleet import merged, read_asked, read_fleet, sources
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function


@filter_function
def fleet_source_addresses(
    fleet: Any,
    hosts: Any = None,
    addresses: Any = None,
    family: Any = None,
    transports: Any = None,
    kernel_choice: Any = "all",
    private: Any = True,
    version: Any = None,
    resolve: Any = None,
) -> list[str]:
    asked = read_asked(family, transports, kernel_choice, private)
    return merged(sources(read_fleet(fleet, hosts, addresses, version, resolve), asked))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_source_addresses": fleet_source_addresses}
