# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The options that say which of a host's Postfix instances is meant."""

    DOCUMENTATION = r"""
options:
  config_directory:
    description:
      - The directory that holds the instance's C(main.cf) and C(master.cf).
      - If neither this nor O(instance) is given, the default instance is meant, in the directory that this
        Postfix was built for (usually C(/etc/postfix)).
      - Mutually exclusive with O(instance).
    type: path
  instance:
    description:
      - The instance's name, as its C(multi_instance_name) says it.
      - It is looked for in the directories that the default instance lists in C(multi_instance_directories).
      - V(-) means the default instance, as it does for C(postmulti).
      - Mutually exclusive with O(config_directory).
    type: str
"""
