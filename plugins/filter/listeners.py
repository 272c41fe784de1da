# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: listeners
short_description: The listening sockets that Postfix opens
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Lists the TCP sockets that the master opens when it starts, one item for each socket.
  - Services in C(master.cf) without a host part listen on the addresses of C(inet_interfaces); with V(all) they listen
    on one wildcard address for each family. Services with a host part listen there, whatever C(inet_interfaces) says.
  - A configuration with which the master, or any Postfix program, would not run is an error.
positional: addresses
extends_documentation_fragment:
  - mailfleet.postfix._configuration
notes:
  - Two services can claim the same socket. Since Postfix 3.6 both get it, and both are in the result. Before 3.6 the
    master exits, so it is an error.
  - Port names are those of Postfix's C(known_tcp_ports) and a few from C(/etc/services). For other ports use the
    number.
"""

EXAMPLES = r"""
- name: Show the sockets of a host that receives on one address and on loopback
  ansible.builtin.debug:
    msg: "{{ settings | mailfleet.postfix.listeners(['127.0.0.1/8', '10.77.0.1/24'], services=services) }}"
  vars:
    settings:
      inet_interfaces: [127.0.0.1, 10.77.0.1]
      inet_protocols: ipv4
    services:
      - name: smtp
      - name: 127.0.0.1:10025
        options:
          content_filter: ""
    # => 10.77.0.1 port 25, 127.0.0.1 port 25, 127.0.0.1 port 10025

- name: Show the ports that a firewall has to open
  ansible.builtin.debug:
    msg: >-
      {{ {'inet_interfaces': 'all'}
         | mailfleet.postfix.listeners(ansible_facts, services=lookup('ansible.builtin.file', 'master.cf'))
         | map(attribute='port') | unique }}
"""

RETURN = r"""
_value:
  description: The sockets in the order of C(master.cf), IPv4 first.
  type: list
  elements: dict
  contains:
    service:
      description: The name of the service as in C(master.cf).
      type: str
    type:
      description: The type of the service, always V(inet).
      type: str
    address:
      description: The address in normal form. V(0.0.0.0) or V(::) is a wildcard.
      type: str
    port:
      description: The port. V(0) means that the kernel chooses one.
      type: int
    family:
      description: V(ipv4) or V(ipv6). An IPv6 wildcard socket does not accept IPv4 connections.
      type: str
    origin:
      description: Where the address comes from, V(inet_interfaces) or V(master.cf).
      type: str
  sample:
    - service: smtp
      type: inet
      address: 10.77.0.1
      port: 25
      family: ipv4
      origin: inet_interfaces
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import listener_as_dict
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function, read_input


@filter_function
def listeners(
    settings: Any, addresses: Any, services: Any = None, version: Any = None, resolve: Any = None
) -> list[dict[str, Any]]:
    outlook = read_input(settings, addresses, services, version, resolve)
    return [listener_as_dict(listener) for listener in outlook.listeners]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"listeners": listeners}
