# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: joined_sources
short_description: The source addresses of a host, from all variables that have some
version_added: 1.0.0
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
  - With O(records), a source that is C(active) is refused if they say that mail from it would not be welcome.
options:
  records:
    description:
      - What DNS says about source addresses, as a mapping or as the path of the file that
        M(mailfleet.postfix.postfix_records) has written. DNS itself is not asked. C(docs/records.md) of the collection
        describes it.
      - SPF of all domains that they name has to let each address of an active source send. Its PTR record has to have
        the name that the source greets with, which has the address in turn. What the records do not cover is not
        looked at, nor are private addresses, and addresses that are selected on the host.
      - The sources that entries of C(postfix_interfaces_instances) have of their own count, too.
    type: raw
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

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._sources import joined


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=options)  # type: ignore[no-untyped-call]
        known = variables or {}

        def value_of(name: str) -> Any:
            return self._templar.template(known[name])  # type: ignore[union-attr]

        try:
            records = self.get_option("records")  # type: ignore[no-untyped-call]
            if records:
                _refuse_unready(known, value_of, records)
            return [joined(known, value_of)]
        except InputError as error:
            raise AnsibleLookupError(str(error)) from error


def _refuse_unready(names: Any, value_of: Callable[[str], Any], records: Any) -> None:
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import refuse_unready
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import own_sources
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import read_records

    active = [held.source for held in own_sources("", names, value_of) if held.source.state == "active"]
    known = read_records(records) if active else {}
    for source in active:
        refuse_unready(source, known)
