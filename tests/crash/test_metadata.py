# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real module leaves of a file besides its content: owner, mode, attributes, names; and the copies it keeps.

That all this survives a kill is shown in test_kills, with the layouts "private" and "link".
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest
from root import Root
from scene import acl

#: user::rw-, user:12:r--, group::r--, group:34:rw-, mask::rw-, other::---
ACL = acl((1, 6, -1), (2, 4, 12), (4, 4, -1), (8, 6, 34), (16, 6, -1), (32, 0, -1))
#: cap_net_bind_service=ep (linux/capability.h, struct vfs_cap_data of version 2): absurd, but easily lost
CAPABILITY = struct.pack("<5L", 0x02000001, 1 << 10, 0, 0, 0)
ATTRIBUTES = {
    "security.capability": CAPABILITY,
    "security.selinux": b"system_u:object_r:postfix_etc_t:s0\0",
    "system.posix_acl_access": ACL,
    "trusted.note": b"mine",
}


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


@pytest.mark.shows("selinux")
def test_owner_mode_acl_and_security_attributes_stay(root: Root) -> None:
    os.chown(root.main, 12, 34)
    for name, value in ATTRIBUTES.items():
        os.setxattr(root.main, name, value)
    before = root.main.stat()
    assert root.module(inet_interfaces=["loopback-only"])["changed"] is True
    after = root.main.stat()
    assert root.get("inet_interfaces") == "loopback-only"
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, after.st_mode) == (12, 34, before.st_mode)
    assert stat.S_IMODE(after.st_mode) == 0o660  # of a file with an ACL the group's bits are the mask
    assert attributes(root.main) == ATTRIBUTES


def test_a_link_stays_one_and_the_other_names_of_a_file_keep_the_old_content(root: Root) -> None:
    site = root.config / "site" / "main.cf"
    site.parent.mkdir()
    root.main.rename(site)
    root.main.symlink_to("site/main.cf")
    other = root.config / "other-name.cf"
    other.hardlink_to(site)
    before = other.read_text()
    assert root.module(inet_interfaces=["loopback-only"])["changed"] is True
    assert os.readlink(root.main) == "site/main.cf"
    assert "inet_interfaces = loopback-only" in site.read_text()
    assert other.read_text() == before
    assert (site.stat().st_nlink, other.stat().st_nlink) == (1, 1)


def test_a_run_that_changes_nothing_writes_nothing(root: Root) -> None:
    wanted = {"inet_interfaces": ["loopback-only"], "services": [{"name": "2525", "command": "smtpd"}]}
    assert root.module(**wanted)["changed"] is True

    def all_there_is() -> list[tuple[object, ...]]:
        places = [root.config, root.path / "var/lib/mailfleet.postfix"]
        files = [file for place in places for file in (place, *place.rglob("*"))]
        status = [(file, file.lstat()) for file in sorted(files)]
        return [(file, each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for file, each in status]

    before = all_there_is()
    assert root.module(**wanted)["changed"] is False
    assert root.module(**wanted, backup=True, _ansible_check_mode=True)["changed"] is False
    changes = root.module(inet_interfaces=["all"], _ansible_check_mode=True)
    assert changes["changed"] is True
    assert all_there_is() == before


def test_copies_are_kept_of_the_files_that_change(root: Root) -> None:
    texts = {name: (root.config / name).read_bytes() for name in ("main.cf", "master.cf")}
    root.main.chmod(0o640)
    wanted = {"inet_interfaces": ["loopback-only"], "backup": True}
    assert "backup_files" not in root.module(**wanted, _ansible_check_mode=True)
    result = root.module(**wanted)
    (copy,) = [root.path / name.lstrip("/") for name in result["backup_files"]]
    assert copy.name.startswith("main.cf.")
    assert copy.read_bytes() == texts["main.cf"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    assert "backup_files" not in root.module(**wanted)
    both = root.module(inet_interfaces=["all"], services=[{"name": "2525", "command": "smtpd"}], backup=True)
    assert [Path(name).name.partition(".cf.")[0] for name in both["backup_files"]] == ["main", "master"]
    assert (root.path / both["backup_files"][1].lstrip("/")).read_bytes() == texts["master.cf"]
