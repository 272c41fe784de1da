# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems that Postfix runs on, each by what its package has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Dict, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import platform
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.platform import (
    before_start,
    is_generated,
    origin_in_file,
    package_unit,
    unit_text,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of

MakeRoot = Callable[[Dict[str, str]], str]

# What decides in the units of the releases.
OLD_WRAPPER = "[Service]\nType=oneshot\nExecStart=/bin/true\nExecReload=/bin/true\n"
OLD_TEMPLATE = (
    "[Service]\nExecStartPre=/usr/lib/postfix/configure-instance.sh %i\nExecStart=/usr/sbin/postmulti -i %i -p start\n"
)
NEW_MAIN = "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix\nExecStart=postfix debian-systemd-start\n"
NEW_TEMPLATE = "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\nExecStart=postfix debian-systemd-start\n"
FORKING = "[Service]\nType=forking\nPIDFile=/var/spool/postfix/pid/master.pid\nExecStart=/usr/sbin/postfix start\n"

DEBIAN_12 = {"lib/systemd/system/postfix.service": OLD_WRAPPER, "lib/systemd/system/postfix@.service": OLD_TEMPLATE}
DEBIAN_13 = {
    "usr/lib/systemd/system/postfix.service": NEW_MAIN,
    "usr/lib/systemd/system/postfix@.service": NEW_TEMPLATE,
}
ENTERPRISE_LINUX = {"usr/lib/systemd/system/postfix.service": FORKING}
ARCH = {"usr/lib/systemd/system/postfix.service": FORKING + "Restart=always\n"}


DEFAULT = instance_of()
OUT = instance_of("/etc/postfix-out", "postfix-out")
DASHED = instance_of("/etc/postfix-out-1", "out")
ELSEWHERE = instance_of("/srv/mail", "mail")
NAMELESS = instance_of("/srv/mail", "")


@pytest.mark.parametrize(
    "files, instance, unit",
    [
        (DEBIAN_12, DEFAULT, "postfix@-.service"),
        (DEBIAN_12, OUT, "postfix@postfix-out.service"),
        (DEBIAN_12, NAMELESS, None),
        (DEBIAN_13, DEFAULT, "postfix.service"),
        (DEBIAN_13, OUT, "postfix@out.service"),
        (DEBIAN_13, DASHED, r"postfix@out\x2d1.service"),
        (DEBIAN_13, ELSEWHERE, None),
        (ENTERPRISE_LINUX, DEFAULT, "postfix.service"),
        (ENTERPRISE_LINUX, OUT, None),
        (ARCH, DEFAULT, "postfix.service"),
        ({}, DEFAULT, None),
        ({}, OUT, None),
        # The administrator's unit file counts before the package's.
        ({**DEBIAN_12, "etc/systemd/system/postfix@.service": NEW_TEMPLATE}, DEFAULT, "postfix.service"),
    ],
)
def test_the_unit_of_an_instance(
    make_root: MakeRoot, files: Dict[str, str], instance: Instance, unit: Optional[str]
) -> None:
    assert package_unit(instance, make_root(files)) == unit


@pytest.mark.parametrize(
    "files, unit, generated",
    [
        (DEBIAN_12, "postfix@-.service", True),
        (DEBIAN_13, "postfix@out.service", False),
        (ENTERPRISE_LINUX, "postfix.service", False),
        ({}, "postfix.service", False),
    ],
)
def test_whether_a_generator_makes_a_unit(
    make_root: MakeRoot, files: Dict[str, str], unit: str, generated: bool
) -> None:
    assert is_generated(unit, make_root(files)) is generated


def test_the_text_of_a_unit(make_root: MakeRoot) -> None:
    root = make_root(DEBIAN_12)
    assert unit_text("postfix.service", root) == OLD_WRAPPER
    assert unit_text("postfix@-.service", root) == OLD_TEMPLATE
    assert unit_text("mta.service", root) is None


def test_what_runs_before_a_start(make_root: MakeRoot) -> None:
    path = "usr/lib/postfix/configure-instance.sh"
    assert before_start(DEFAULT, make_root({})) is None
    root = make_root({path: "#!/bin/sh\n", **DEBIAN_12})
    assert before_start(DEFAULT, root) is None
    os.chmod(f"{root}/{path}", 0o755)
    assert before_start(DEFAULT, root) == [f"{root}/{path}", "-"]
    assert before_start(NAMELESS, root) is None
    make_root(dict.fromkeys(DEBIAN_12, NEW_TEMPLATE))
    assert before_start(DEFAULT, root) is None  # the command of Debian 13 only says that it is gone


def test_where_the_package_reads_myorigin_from_a_file_it_is_the_first_line(tmp_path: Path) -> None:
    mailname = tmp_path / "mailname"
    mailname.write_text(" mx.test \nmore\n")
    assert origin_in_file(str(mailname), str(tmp_path)) == str(mailname)  # no Debian
    marker = tmp_path / platform._READS_ORIGIN
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert origin_in_file(str(mailname), str(tmp_path)) == "mx.test"
    assert origin_in_file(str(tmp_path / "nothing"), str(tmp_path)) is None
