# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The options that select one of the Postfix instances of a host."""

    DOCUMENTATION = r"""
options:
  config_directory:
    description:
      - The directory that holds the instance's C(main.cf) and C(master.cf).
      - If neither this nor O(instance) is given, the module works on the default instance, in the directory that is
        compiled into Postfix (usually C(/etc/postfix)).
      - Mutually exclusive with O(instance).
    type: path
  instance:
    description:
      - The name of the instance, as in its C(multi_instance_name).
      - The instance is looked up in the directories that the default instance lists in C(multi_instance_directories).
      - V(-) means the default instance, as with C(postmulti).
      - Mutually exclusive with O(config_directory).
    type: str
notes:
  - If the instance runs in a network namespace of its own, for example by C(NetworkNamespacePath) of its systemd unit,
    the addresses and sockets there are those that count. One task cannot change instances in several of them.
"""
