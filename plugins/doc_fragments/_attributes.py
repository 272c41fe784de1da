# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This documentation fragment is PRIVATE to the collection: it can change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that the modules of this collection share. Each module adds its own."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts what it would change and what Postfix would then need, without changing the host.
    support: full
  diff_mode:
    description: Shows what has changed, or in check mode what would change.
  idempotent:
    description: A second run with the same arguments changes nothing.
    support: full
  platform:
    description: The kind of host that it works on.
    support: full
    platforms: linux
notes:
  - To be fast the next time, keeps the compiled form of its own Python code, and what is compiled into the installed
    Postfix, in C(/var/lib/mailfleet.postfix), which only root can read. Neither is written in check mode. The former is
    used only for the same code, the latter only for the same Postfix.
  - By C(ansible -m), where no result can be registered, only what is said in few words is shown. C(-v) shows all.
"""

    # For a module that writes files.
    FILES = r"""
options: {}
attributes:
  safe_file_operations:
    description: Replaces a file in one step, so that nobody sees half of it, and keeps its owner, mode and context.
    support: full
    details:
      - Either both files change or none, whenever the run is killed and whatever happens to the disk. If a run was
        killed halfway, the next run of any module of this collection completes the change.
      - Signals that would end the run, such as that of a lost connection, wait until it has changed what it has to.
      - Owner, group, mode, ACL, SELinux context and other extended attributes stay. A symbolic link stays a link, and
        its target changes. If a file has several hard links, the other names keep the old content.
      - A changed file gets a modification time of two seconds ago. If C(main.cf) is younger than that, Postfix's
        programs assume that it is still being written, and keep their clients waiting. This is not necessary for a file
        that is replaced in one step.
      - This module and C(postconf -e) use the same lock and wait for each other.
      - The previous version of both files is kept in C(/var/lib/mailfleet.postfix), which only root can read, until
        M(mailfleet.postfix.postfix_apply) has confirmed the new version.
"""

    # For a module that is all on the control node.
    CONTROL_NODE = r"""
options: {}
attributes:
  action:
    description: Runs on the control node.
    support: full
  check_mode:
    description: Predicts what it would change.
  diff_mode:
    description: Shows what has changed.
    support: none
  platform:
    description: The kind of host that it works on.
    support: full
    platforms: all
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

    # For the members of the action group, which meta/runtime.yml lists.
    ACTIONGROUP_POSTFIX = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/mailfleet.postfix.postfix) in C(module_defaults) to set options for all modules that manage a host.
    support: full
    membership:
      - mailfleet.postfix.postfix
"""
