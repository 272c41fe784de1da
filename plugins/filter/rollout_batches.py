# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_batches
short_description: Check the groups of a rollout, and count the hosts of each batch
version_added: 1.0.0
author:
  - The mailfleet.postfix authors (@mailfleet)
description:
  - Refuses what would be a rollout over other hosts than those that were meant, before any host is touched. The
    playbooks C(mailfleet.postfix.converge) and others use it in their keywords C(hosts) and C(serial).
  - An error are a text in place of a list, a name that is not a group, a group without hosts, a host in two of the
    groups, a limit that leaves none of their hosts, and a size of a batch that is neither a number nor a percentage.
positional: groups, limited
options:
  _input:
    description: The names of the groups in the order of the rollout.
    type: list
    elements: str
    required: true
  groups:
    description: All groups with the names of their hosts, as the variable C(groups).
    type: dict
    required: true
  limited:
    description:
      - The names of the hosts that C(--limit) leaves. In the keywords of a play this is C(ansible_play_hosts_all).
      - All hosts, if it is not given.
    type: list
    elements: str
  serial:
    description:
      - The sizes of the batches, as the keyword C(serial) takes them, a number, a percentage of all hosts, or a list of
        these. The last one is that of all batches that are left.
      - One batch for each group, if it is not given.
    type: raw
  whole:
    description:
      - Whether Ansible is to take each batch as a whole, because tasks of the play run once for a batch, or on all of
        its hosts before the next task. Otherwise it takes large batches in RV(_value.parts).
    type: bool
    default: false
  forks:
    description: How many hosts Ansible works on at once. By default what the variable C(ansible_forks) says.
    type: int
  sliced:
    description:
      - Whether the inventory is one slice of several, as a sliced job of AWX or of the automation controller gets it.
        Groups, and a limit, may then be without a host here, and their hosts in other slices.
      - Slices do not wait for each other. So a canary has to be done before, in a job without slices.
      - By default what the variable C(mailfleet_sliced) says, or else V(false).
    type: bool
"""

EXAMPLES = r"""
- name: Work on one group after the other
  hosts: "{{ (['canary', 'site_a'] | mailfleet.postfix.rollout_batches(groups)).pattern }}"
  serial: "{{ (['canary', 'site_a'] | mailfleet.postfix.rollout_batches(groups, ansible_play_hosts_all)).sizes }}"
  tasks: []
"""

RETURN = r"""
_value:
  description: The hosts of the rollout.
  type: dict
  contains:
    pattern:
      description: The groups as the keyword C(hosts) takes them.
      type: str
      sample: canary:site_a
    sizes:
      description:
        - How many hosts each batch has, or each group without those of which the limit leaves none.
      type: list
      elements: int
      sample: [1, 1000]
    parts:
      description:
        - What the keyword C(serial) is to be, so that each host of a large batch costs as much as one of a small batch.
          The parts of a batch have at most 250 hosts each, or 10 for each fork of Ansible if that is more.
      type: list
      elements: int
      sample: [1, 250, 250, 250, 250]
"""

from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import bool_of, filter_function
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import batches, part_of
from jinja2 import pass_context


@filter_function
def rollout_batches(
    names: Any,
    groups: Any,
    limited: Any = None,
    serial: Any = None,
    *,
    sliced: Any = False,
    whole: Any = False,
    forks: Any = 0,
) -> dict[str, Any]:
    if context.CLIARGS.get("syntax"):  # ansible-playbook --syntax-check, often with another inventory or none
        return {"pattern": "all", "sizes": [1], "parts": [1]}
    part = None if bool_of("whole", whole) else part_of(forks)
    return batches(names, groups, limited, serial, sliced=bool_of("mailfleet_sliced", sliced), part=part)


@pass_context
def _in_a_play(variables: Mapping[str, Any], *arguments: Any, **options: Any) -> dict[str, Any]:
    """Take what the variables say, so that not each playbook has to."""
    said = {"sliced": variables.get("mailfleet_sliced", False), "forks": variables.get("ansible_forks", 0)}
    return rollout_batches(*arguments, **{**said, **options})


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"rollout_batches": _in_a_play}
