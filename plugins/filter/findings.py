# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: findings
short_description: Likely mistakes in the addresses and listeners of a Postfix configuration
version_added: 0.1.0
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
        - The kind of finding. It stays the same when the message is reworded.
        - V(fatal), V(absent_address), V(bad_proxy_interfaces), V(source_failure), V(wrong_family), V(loopback_source),
          V(shared_socket), V(odd_port), V(no_listener), V(duplicate_service), V(duplicate_parameter),
          V(endpoint_shadows_inet_interfaces), V(ignored_bind_address), V(ignored_on_server),
          V(implicit_source_address), V(bind_address_not_enforced), V(private_source_address), V(half_dual_stack),
          V(nat_without_proxy_interfaces), V(mynetworks_default), V(misspelt_parameter) or V(unknown_to_version).
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
