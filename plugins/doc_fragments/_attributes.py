# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """What the modules of this collection say about themselves. What is not said here, each module says."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts what it would change, and what would have to follow, without touching the host.
  diff_mode:
    description: Shows what changed, or in check mode what would change.
  idempotent:
    description: Running it twice in a row with the same arguments changes nothing the second time.
    support: full
  platform:
    description: What kind of host it can work on.
    support: full
    platforms: posix
"""

    # For a module that writes files.
    FILES = r"""
options: {}
attributes:
  safe_file_operations:
    description: Replaces a file in one step, so that nobody sees half of it, and keeps its owner, mode and context.
    support: full
    details:
      - Both files change or none, whenever the run is killed and whatever the disk does. What a killed run left half
        done the next one completes, whichever module it is.
      - Owner, group, mode, ACL, SELinux context and other extended attributes stay. A symbolic link stays one, and its
        target changes. Of a file with several hard links only the name here changes, the others keep the old content.
      - C(postconf -e) and this take the same lock, and wait for each other.
      - The previous version of both files is kept in C(/var/lib/mailfleet.postfix), readable by root only, until
        M(mailfleet.postfix.postfix_apply) has confirmed the new one.
"""

    # For a module that never changes anything.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    support: full
    details:
      - This module never changes anything.
"""

    # For the members of the action group; the list of them is in meta/runtime.yml.
    ACTIONGROUP_POSTFIX = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/mailfleet.postfix.postfix) in C(module_defaults) to set options of all its modules at once.
    support: full
    membership:
      - mailfleet.postfix.postfix
"""
