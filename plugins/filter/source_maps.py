# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: source_maps
short_description: The value of sender_dependent_default_transport_maps that chooses among source addresses
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Returns a value for Postfix's parameter C(sender_dependent_default_transport_maps), which is not one that this
    collection sets. It chooses among the sources in the state C(active). So mail is spread over them by their weight,
    and a source that is C(draining) gets no new mail.
  - The value needs no file. It uses the tables C(inline), C(static) and C(randmap), which Postfix has since 3.0, and
    where O(senders) are given a C(regexp) table in braces, which it has since 3.7 (postconf(5),
    sender_dependent_default_transport_maps; DATABASE_README). See O(pattern_file) for earlier ones.
positional: senders
options:
  _input:
    description: The sources by name, as in the role's variable C(postfix_interfaces_sources).
    type: dict
    required: true
  senders:
    description:
      - Sender addresses, or domains with a V(@) before them, with the name of the source that they always have.
      - A source that only such senders are to have can have the weight V(0).
    type: dict
    default: {}
  pattern_file:
    description:
      - Path on the host of a file with the line V(/^(@|<>\)/ any), for a Postfix before 3.7. It is needed only where
        some O(senders) are given, and sources have weights for the others.
      - Postfix asks all tables for the whole address before it asks any for V(@domain). So what is chosen by
        weight must answer for domains only, or it would answer first.
    type: str
    default: ""
seealso:
  - plugin: mailfleet.postfix.joined_sources
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show what chooses among the sources of a host
  ansible.builtin.debug:
    msg: "{{ sources | mailfleet.postfix.source_maps(senders={'@news.example': 'bulk'}) }}"
  vars:
    sources:
      out1: {address: 192.0.2.10, weight: 3}
      out2: {address: 192.0.2.11, weight: 1}
      old: {address: 192.0.2.9, state: draining}
      bulk: {address: 192.0.2.12, weight: 0}
    # => inline:{{@news.example=bulk:}}, pipemap:{regexp:{{/^(@|<>)/ any}}, randmap:{out1:, out1:, out1:, out2:}}
"""

RETURN = r"""
_value:
  description: The value. Empty if no source is active, or none has a weight and no senders are given.
  type: str
"""

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import read_sources
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import filter_function
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._sources import maps_of


@filter_function
def source_maps(sources: Any, senders: Any = None, pattern_file: str = "") -> str:
    if senders is not None and not isinstance(senders, dict):
        raise InputError("senders", str(senders), "is not a mapping", "Give {'@example.com': 'out1'}")
    return maps_of(read_sources(sources), senders or {}, str(pattern_file))


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"source_maps": source_maps}
