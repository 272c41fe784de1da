# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import BuiltIn
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance, find_instances


@pytest.fixture(name="etc")
def _etc(tmp_path: Path) -> Path:
    """A default instance and two others, one of them without a name."""
    etc = tmp_path / "etc"
    files = {
        "postfix": f"multi_instance_directories = {etc}/postfix-out,\n  {etc}/plain {etc}/gone\nx = y\n",
        "postfix-out": (
            "multi_instance_name = postfix-out\nspool = /srv\nqueue_directory = $spool/$multi_instance_name\n"
        ),
        "plain": "data_directory = /srv/plain\n",
    }
    for name, text in files.items():
        (etc / name).mkdir(parents=True)
        (etc / name / "main.cf").write_text(text)
    return etc


@pytest.fixture(name="compiled")
def _compiled(etc: Path) -> BuiltIn:
    directories = {
        "config_directory": f"{etc}/postfix",
        "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin",
        "queue_directory": "/var/spool/postfix",
        "data_directory": "/var/lib/postfix",
    }
    return BuiltIn("3.7.11", directories)


@pytest.mark.parametrize("name", [None, "-", ""])
def test_the_default_instance(etc: Path, compiled: BuiltIn, name: str) -> None:
    found = find_instance(instance=name, compiled=compiled)
    assert found.config_directory == f"{etc}/postfix"
    assert found.name == "-"
    assert found.queue_directory == "/var/spool/postfix"
    assert found.version == (3, 7, 11)
    assert found.postfix == "/usr/sbin/postfix"


def test_an_instance_by_its_name(etc: Path, compiled: BuiltIn) -> None:
    found = find_instance(instance="postfix-out", compiled=compiled)
    assert found.config_directory == f"{etc}/postfix-out"
    assert found.name == "postfix-out"
    assert found.queue_directory == "/srv/postfix-out"
    assert found.data_directory == "/var/lib/postfix"


def test_an_instance_by_its_directory(etc: Path, compiled: BuiltIn) -> None:
    found = find_instance(config_directory=f"{etc}/./plain/", compiled=compiled)
    assert (found.config_directory, found.name, found.data_directory) == (f"{etc}/plain", "", "/srv/plain")


def test_the_default_instance_by_another_path(etc: Path, compiled: BuiltIn) -> None:
    (etc / "link").symlink_to("postfix")
    assert find_instance(config_directory=f"{etc}/link", compiled=compiled).name == "-"


def test_the_default_instance_by_a_name_that_it_was_given(etc: Path, compiled: BuiltIn) -> None:
    with open(etc / "postfix" / "main.cf", "a") as main:
        main.write("multi_instance_name = mta\n")
    found = find_instance(instance="mta", compiled=compiled)
    assert (found.config_directory, found.name) == (f"{etc}/postfix", "-")


def test_an_unknown_name_is_an_error_that_lists_the_known(compiled: BuiltIn) -> None:
    with pytest.raises(
        InputError, match=r"^instance: 'postfix-in' is not the name .* Use one of -, postfix-out, or"
    ) as caught:
        find_instance(instance="postfix-in", compiled=compiled)
    assert caught.value.parameter == "instance"


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_a_directory_without_a_main_cf_is_an_error(etc: Path, compiled: BuiltIn, name: str) -> None:
    (etc / "empty").mkdir()
    with pytest.raises(InputError, match=rf"{name}' has no main.cf that can be read \(No such file") as caught:
        find_instance(config_directory=f"{etc}/{name}", compiled=compiled)
    assert caught.value.value == f"{etc}/{name}"


def test_a_path_that_cannot_be_is_an_error(compiled: BuiltIn) -> None:
    with pytest.raises(InputError, match=r"has no main.cf that can be read \(embedded null byte\)"):
        find_instance(config_directory="/etc\0", compiled=compiled)


def test_all_instances(etc: Path, compiled: BuiltIn) -> None:
    assert [found.config_directory for found in find_instances(compiled)] == [
        f"{etc}/postfix",
        f"{etc}/postfix-out",
        f"{etc}/plain",
    ]
