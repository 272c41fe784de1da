# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The option that sets services of master.cf. The filters take lists like it."""

    DOCUMENTATION = r"""
options:
  services:
    description: Services of master.cf. Only what is given for a service changes.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The first field, such as V(smtp), V(192.0.2.1:submission) or V([2001:db8::1]:25). Different spellings of the
            same endpoint mean the same service.
        type: str
        required: true
      type:
        description: The service type.
        type: str
        choices: [inet, unix, unix-dgram, fifo, pass]
        default: inet
      state:
        description:
          - V(present) adds the service if it does not exist. If it is commented out, V(present) uncomments it.
          - V(disabled) comments the service out where it is, and V(present) brings it back exactly as it was. If there
            are other commented-out entries that could be taken for it, V(disabled) writes a comment before it,
            C(# mailfleet.postfix disabled the next 3 lines), by which V(present) knows it.
          - V(absent) removes the service.
        type: str
        choices: [present, absent, disabled]
        default: present
      command:
        description:
          - The program and its arguments, without C(-o) options. Required for a service that does not exist yet.
            The C(-o) options of an existing service stay.
          - Arguments that the program does not take are refused. If an existing service has some, for example because
            an option whose value has blanks is not in braces, they are never dropped.
        type: str
      private:
        description: The field of that name, V(y), V(n) or V(-).
        type: str
      unprivileged:
        description: The field of that name, V(y), V(n) or V(-).
        type: str
      chroot:
        description:
          - The field of that name, V(y), V(n) or V(-).
          - A new service without it gets the same as the service beside which it is put, if that runs the same program,
            else the same as another service that does, even one that is commented out.
          - If there is none, it gets V(n), but V(y) where that is the default of Postfix, which is before Postfix 3.0
            and with C(compatibility_level) 0. Programs that do not work in a chroot (C(local), C(pipe), C(proxymap),
            C(spawn), C(virtual)) get V(n).
        type: str
      wakeup:
        description: The field of that name. Seconds, with V(?) behind them for "only if used", or V(-).
        type: str
      process_limit:
        description: The field of that name. The maximum number of processes, V(0) for no limit, or V(-).
        type: str
      options:
        description: The C(-o) options to set, by parameter name. Other options stay.
        type: dict
        default: {}
      unset_options:
        description: Names of the C(-o) options to remove.
        type: list
        elements: str
        default: []
"""
