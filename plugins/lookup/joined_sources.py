# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: joined_sources
short_description: The source addresses of a host, from all variables that have some
version_added: 0.1.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Joins C(postfix_interfaces_sources) and all variables whose names begin with C(postfix_interfaces_sources_), in the
    order of their names. Ansible itself does not merge variables. So a group can have its sources in a variable of its
    own, such as C(postfix_interfaces_sources_ams).
  - If several variables have a source of one name, the keys of the later ones are added to it, and replace those that
    it has.
  - The role P(mailfleet.postfix.postfix_interfaces#role) does this by itself. See its variable
    C(postfix_interfaces_sources) for the keys of a source.
options: {}
"""

EXAMPLES = r"""
- name: Show the sources of a host, and which variables they come from
  ansible.builtin.debug:
    msg: "{{ lookup('mailfleet.postfix.joined_sources') }}"
  vars:
    postfix_interfaces_sources:
      out1: {address: 192.0.2.10, helo: out1.example.net}
    postfix_interfaces_sources_ams:
      out1: {weight: 3}
    # => out1: {address: 192.0.2.10, helo: out1.example.net, weight: 3,
    #           origin: [postfix_interfaces_sources, postfix_interfaces_sources_ams]}
"""

RETURN = r"""
_list:
  description:
    - One mapping of all sources by name. Each has the key C(origin) besides what the variables say, with their names.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._sources import joined


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[dict[str, Any]]:
        try:
            return [joined(variables or {}, lambda name: self._templar.template(variables[name]))]  # type: ignore[union-attr]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from error
