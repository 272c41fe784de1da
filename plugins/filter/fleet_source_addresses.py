# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_source_addresses
short_description: The addresses that a fleet sends from, as few prefixes as possible
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Collects the addresses from which the Postfix instances of many hosts send mail to other hosts, and merges them into
    as few prefixes as possible that contain exactly these addresses, for an SPF record or a firewall rule.
  - The source address of each transport is what P(mailfleet.postfix.source_addresses#filter) returns. A transport that
    cannot send over a family, or does not use it, adds nothing.
  - Loopback and link-local addresses are never part of the result, since no other network sees them.
positional: hosts
options:
  _input:
    description:
      - Either C(hostvars), or a mapping of host names to their variables. Each instance of a host is assumed to be
        configured as the role P(mailfleet.postfix.postfix_interfaces#role) would configure stock files with the host's
        variables.
      - Or what hosts really do. A mapping of host names to results of M(mailfleet.postfix.postfix_interfaces_info), a
        list of such results, or a single one, each of one instance or with O(ignore:all_instances=true). With
        C(hostvars), give O(results).
      - Or a list with an item for each instance, with the keys V(settings), V(addresses), V(services) and V(version),
        as the filter P(mailfleet.postfix.source_addresses#filter) takes them. The last two are optional.
    type: raw
    required: true
  hosts:
    description:
      - The hosts in C(hostvars), or in a mapping of results, to include. By default all of them.
      - An inventory often has hosts that do not send mail, so give a group, such as C(groups['mail']).
    type: list
    elements: str
  addresses:
    description:
      - The name of the variable that has the addresses of a host in C(hostvars), in any form that
        O(mailfleet.postfix.source_addresses#filter:addresses) takes.
      - V(postfix.addresses) means the key C(addresses) of the variable C(postfix), which is there after
        M(mailfleet.postfix.postfix_interfaces_info) with C(register=postfix).
      - The default is V(ansible_facts), for which the facts of the subset V(network) have to be gathered.
    type: str
  results:
    description:
      - The name of the variable that has what M(mailfleet.postfix.postfix_interfaces_info) returned for a host in
        C(hostvars), such as V(postfix) after C(register=postfix).
      - The addresses are then those that the host sends from by its files as they are, whatever the inventory says,
        and also with services that the inventory does not know.
    type: str
  shared:
    description:
      - Addresses and prefixes that several hosts may send from, such as the service address of a failover pair.
        V(0.0.0.0/0) and V(::/0) are all of a family.
      - Any other address that a parameter of two hosts sets as the source address is an error that names them. It only
        counts if it is to be part of the result.
      - Hosts are only known with C(hostvars) or results, so there is no such error for a list of configurations.
    type: list
    elements: str
    default: []
  family:
    description: Include only addresses of this family.
    type: str
    choices: [ipv4, ipv6]
  transports:
    description:
      - The transports to include, such as V(smtp), V(bulk) or V(lmtp/unix). A transport that no host has is an error.
      - By default all transports that run the SMTP client. LMTP usually delivers to hosts nearby.
    type: list
    elements: str
  kernel_choice:
    description:
      - What to do if no parameter sets the source address, so that the kernel chooses it.
      - V(all) includes every address of that family that the host has, except loopback and link-local ones. The kernel
        chooses by its routes, which this filter does not know, so it can choose any of them. An address that is missing
        in an SPF record loses mail.
      - V(none) leaves such mail out.
      - V(error) refuses a host where the kernel has several addresses to choose from. Use it for a fleet in which every
        source address should be set explicitly.
    type: str
    choices: [all, none, error]
    default: all
  private:
    description:
      - Whether to include the private addresses of RFC 1918, RFC 4193 and RFC 6598. They are useless in an SPF record.
    type: bool
    default: true
  states:
    description:
      - The states of the sources by name (C(postfix_interfaces_sources)) whose addresses are included. All other
        clients are included as always.
      - So an SPF record can be widened before an address sends, with V([planned, active, draining]), and narrowed
        after it does not any more.
      - By default those that the hosts have, V(active) and V(draining). Only for hosts with their variables.
    type: list
    elements: str
    choices: [planned, active, draining, retired]
  version:
    description:
      - The version of Postfix, such as V("3.7") or V("3.7.11"), in quotes, for instances that do not give their own.
      - The default is the newest known version.
    type: str
  resolve:
    description:
      - Host names with lists of their addresses, for names that the configurations use.
      - The control node never asks DNS. A name that is needed and not listed here is an error.
    type: dict
    default: {}
requirements:
  - netaddr, on the control node
notes:
  - Parameters that the variables of a host do not set have Postfix's default. Of C(master.cf), only the stock client
    services and those in C(postfix_interfaces_services) are known. For hosts that have more services, give O(results).
  - A result of a host that was not reached, or whose module failed, is an error too. So is one by whose files Postfix
    would not run. Results say what the files say. Look at C(in_sync) if the running Postfix may not have read them yet.
  - C(hostvars) contains the variables of the inventory, but not the C(vars) of a play or a role.
  - Variables that the role would refuse are an error that names the host and the variable, so that no sender is
    silently left out.
  - An address that moves between hosts is included if it is among a host's addresses at that time.
  - Behind an address translator (NAT), other hosts see the translator's address, which no mail host knows. Add it
    yourself.
seealso:
  - plugin: mailfleet.postfix.source_addresses
    plugin_type: filter
  - plugin: mailfleet.postfix.select_addresses
    plugin_type: filter
  - plugin: mailfleet.postfix.fleet_findings
    plugin_type: filter
  - module: mailfleet.postfix.postfix_interfaces_info
"""

EXAMPLES = r"""
- name: Show an SPF record for the group mail, whose facts are gathered
  ansible.builtin.debug:
    msg: "v=spf1 {% for one in senders %}{{ 'ip6' if ':' in one else 'ip4' }}:{{ one }} {% endfor %}-all"
  vars:
    senders: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], private=false) }}"
    # => v=spf1 ip4:192.0.2.16/31 ip4:192.0.2.18 ip6:2001:db8::16/127 -all

- name: Show what a firewall has to let out, with addresses from the info module instead of facts
  ansible.builtin.debug:
    msg: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], addresses='postfix.addresses') }}"

- name: Show what the hosts really send from, after the info module, with an address that moves between them
  ansible.builtin.debug:
    msg: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], results='postfix', shared=shared) }}"
  vars:
    shared: [192.0.2.100]

- name: Show what an SPF record has to have before the planned addresses send
  ansible.builtin.debug:
    msg: "{{ hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], states=states) }}"
  vars:
    states: [planned, active, draining]

- name: Do the same for a list of configurations
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

- name: Refuse hosts that leave the choice of the source address to the kernel
  ansible.builtin.assert:
    that: (hostvars | mailfleet.postfix.fleet_source_addresses(groups['mail'], kernel_choice='error')) is sequence
"""

RETURN = r"""
_value:
  description:
    - The prefixes in normal form, IPv4 first, each family in ascending order. A single address has no V(/32) or
      V(/128).
    - SPF, nftables and Ansible's firewall modules accept both forms.
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
    results: Any = None,
    shared: Any = (),
    states: Any = None,
) -> list[str]:
    asked = read_asked(family, transports, kernel_choice, private)
    return merged(sources(read_fleet(fleet, hosts, addresses, results, version, resolve, states), asked, shared))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"fleet_source_addresses": fleet_source_addresses}
