# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: Likely mistakes in the addresses and listeners of a Postfix configuration
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Lists what an expert would point out about the addresses and listeners of a configuration. That is what will cause
    trouble, and what was probably not intended.
  - A finding follows with certainty from the input. The stock configuration has no findings.
  - A configuration with which Postfix would not run is a finding here, not an error.
positional: addresses
extends_documentation_fragment:
  - mailfleet.postfix._configuration
"""

EXAMPLES = r"""
- name: Fail on serious findings before anything is changed
  ansible.builtin.assert:
    that: findings | selectattr('severity', 'equalto', 'error') | list == []
    fail_msg: "{{ findings | map(attribute='message') | join('; ') }}"
  vars:
    findings: "{{ {'smtp_bind_address': 'fd77::1'} | mailfleet.postfix.findings(addresses) }}"
    addresses: [127.0.0.1/8, 10.77.0.1/24, "::1/128", "fd77::1/64"]
    # => one error with the code wrong_family
"""

RETURN = r"""
_value:
  description: The findings, the most serious first.
  type: list
  elements: dict
  contains:
    code:
      description:
        - The kind of finding, with its severity. It stays the same when the message is reworded.
        - "V(fatal), error: Postfix does not start with this configuration."
        - "V(absent_address), error or warning: An address to listen on or to send from is not on the host."
        - >-
          V(program_failure), error: The program of a service dies when it starts, because of a value or a column of
          master.cf.
        - "V(source_failure), error: A client service cannot send any mail over one address family."
        - >-
          V(bad_command_line), error or warning: The program of a service dies of words in its line of master.cf, or
          ignores them.
        - "V(wrong_family), error: The source address for IPv4 is an IPv6 address, or the other way round."
        - "V(loopback_source), error: The source address of mail to other hosts is a loopback address."
        - "V(shared_socket), error: Two services listen on the same address and port."
        - "V(odd_port), error: A service has a port that does not exist."
        - >-
          V(forbidden_port), error: By SELinux Postfix may not listen on a port that an edit adds.
        - >-
          V(postscreen_lacks_service), error or info: A service runs postscreen, and one that postscreen hands clients
          or questions to is not in master.cf.
        - >-
          V(intake_lacks_service), error: A service takes mail, and one without which it takes none, or none is
          delivered, is not in master.cf.
        - >-
          V(proxy_protocol_on_loopback), error or warning: By main.cf a service on loopback expects the PROXY protocol,
          which programs on this host do not speak.
        - "V(bad_proxy_interfaces), error: Postfix starts, and fails later because of proxy_interfaces."
        - "V(unknown_transport), error: A parameter names a transport that master.cf does not have."
        - >-
          V(stranded_next_hop), error or warning: A next hop, filter, milter or policy service has an address of a
          family that inet_protocols switches off.
        - >-
          V(stranded_source_address), warning or info: A source address is set for a family that inet_protocols switches
          off, so that no mail leaves from it.
        - >-
          V(temporary_address), error or warning: An address in use is one that the host will lose, because it is
          temporary, or deprecated with a lifetime.
        - "V(no_listener), warning: Postfix listens on no network socket."
        - "V(duplicate_parameter), warning or info: main.cf sets a parameter more than once."
        - "V(duplicate_service), warning: master.cf has a service more than once."
        - "V(misspelt_parameter), warning: A name is not a parameter of Postfix, but nearly one."
        - "V(unknown_to_version), warning: A parameter is set that this version of Postfix does not have yet."
        - >-
          V(unfamiliar_postfix), warning or info: Postfix is newer than those that the rules were compared with, or has
          what they do not know.
        - >-
          V(endpoint_shadows_inet_interfaces), warning: A service on one address takes connections away from one that
          listens on all addresses.
        - >-
          V(ignored_bind_address), warning: A service has a source address as an option, which its program does not
          read.
        - >-
          V(ignored_on_server), warning: A listening service has inet_interfaces or inet_protocols as an option, which
          does not change its sockets.
        - >-
          V(implicit_source_address), warning or info: Mail leaves from an address only because inet_interfaces has no
          other of its family.
        - >-
          V(private_source_address), warning: Mail to all hosts leaves from a private address, though the host has a
          public one.
        - >-
          V(bound_next_hop_on_loopback), warning: A filter or next hop on loopback is contacted from a source address
          that is set for other hosts.
        - >-
          V(half_bound), warning or info: Of the clients that mail takes by default, one has a source address as an
          option, and another has none.
        - >-
          V(mynetworks_grows), error or warning: mynetworks is not set, and because of an edit its default lets more
          hosts relay.
        - >-
          V(mynetworks_default), warning or info: mynetworks is not set, and because of inet_interfaces its default
          lacks networks of the host.
        - >-
          V(nat_without_proxy_interfaces), warning or info: The host is behind NAT or a proxy, and its public address is
          not in proxy_interfaces.
        - >-
          V(endpoint_outside_inet_interfaces), info: A service listens on an address that inet_interfaces does not name.
        - >-
          V(proxy_protocol_for_all), info: By main.cf several services expect the PROXY protocol, and serve no client
          that connects to them directly.
        - >-
          V(deprecated_address), info: An address in use is deprecated: the kernel would not choose it for a new
          connection.
        - >-
          V(dynamic_address), info: An address that is written in a file belongs to the host only until its lease ends,
          as those from DHCP do.
        - "V(half_dual_stack), info: One of IPv4 and IPv6 is configured, and the other, which the host has too, is not."
        - >-
          V(loopback_of_one_family), info: By inet_interfaces Postfix listens on loopback by one family only, and
          clients may ask localhost by both.
        - >-
          V(bind_address_not_enforced), info: Mail would leave from another address if the host lost the source address.
      type: str
    severity:
      description:
        - V(error) if mail is lost, stuck or refused, or Postfix does not run.
        - V(warning) for what is probably not intended.
        - V(info) for what is easily overlooked.
      type: str
    parameter:
      description: The parameter that it is about, or V(services).
      type: str
    message:
      description: What was found, as a sentence.
      type: str
    remedy:
      description: What to do about it.
      type: str
  sample:
    - code: no_listener
      severity: warning
      parameter: services
      message: "Postfix receives no mail over the network: master.cf has no active service of type inet"
      remedy: Add the service smtp of type inet if it should
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings as rule
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function, read_input


@filter_function
def findings(
    settings: Any, addresses: Any, services: Any = None, version: Any = None, resolve: Any = None
) -> list[dict[str, Any]]:
    outlook = read_input(settings, addresses, services, version, resolve)
    return [finding._asdict() for finding in rule(outlook)]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"findings": findings}
