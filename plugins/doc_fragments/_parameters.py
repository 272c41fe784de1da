# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The options that set parameters of main.cf, one for each row of ``_rules/parameters``."""

    DOCUMENTATION = r"""
options:
  inet_interfaces:
    description:
      - The addresses that the instance receives mail on. Either V(all) alone, V(loopback-only) alone, or any number of
        addresses and host names. An empty string writes an empty value.
      - Services in master.cf that have a host part do not use it. If it names exactly one address of a family, and that
        is not a loopback address, the SMTP and LMTP clients also send from that address.
      - A change of the listening sockets takes effect only after a stop and a start.
    type: list
    elements: str
  inet_protocols:
    description: The address families that Postfix uses, V(all), V(ipv4) or V(ipv6).
    type: list
    elements: str
  proxy_interfaces:
    description:
      - The addresses at which a proxy or an address translator (NAT) receives mail for this instance. Postfix does not
        listen there, but treats them as its own addresses.
    type: list
    elements: str
  smtp_bind_address:
    description:
      - The IPv4 address that the SMTP client sends from. Brackets around it are allowed from Postfix 3.7 on. An empty
        string writes an empty value. V(0.0.0.0) leaves the choice to the kernel, even if O(inet_interfaces) names
        exactly one address.
    type: str
  smtp_bind_address6:
    description: The IPv6 address that the SMTP client sends from. V(::) leaves the choice to the kernel.
    type: str
  smtp_bind_address_enforce:
    description:
      - Whether mail stays in the queue if it cannot be sent from the addresses above, instead of being sent from
        another address. Needs Postfix 3.7 or later.
    type: bool
  lmtp_bind_address:
    description: The IPv4 address that the LMTP client sends from.
    type: str
  lmtp_bind_address6:
    description: The IPv6 address that the LMTP client sends from.
    type: str
  lmtp_bind_address_enforce:
    description: Like O(smtp_bind_address_enforce), for the LMTP client. Needs Postfix 3.7 or later.
    type: bool
  master_service_disable:
    description:
      - Services that the master does not run, each as V(TYPE) or V(NAME/TYPE). A V(!) in front makes an exception.
    type: list
    elements: str
"""
