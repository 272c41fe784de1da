# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of instances in the default main.cf; on real hosts, tests/integration/test_instances.py has it."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.listing import (
    is_initialized,
    undone,
    with_instance,
    with_list_of,
    without_instance,
)

BUILT_IN = {"config_directory": "/etc/postfix"}
INIT = "multi_instance_wrapper = ${command_directory}/postmulti -p --\nmulti_instance_enable = yes\n"
HERE = "multi_instance_directories = /etc/postfix-out\n"


@pytest.mark.parametrize(
    "before, after",
    [
        ("inet_protocols = all\n", f"inet_protocols = all\n{INIT}{HERE}"),
        ("inet_protocols = all", f"inet_protocols = all\n{INIT}{HERE}"),
        ("mynetworks = 127.0.0.0/8\n  [::1]/128", f"mynetworks = 127.0.0.0/8\n  [::1]/128\n{INIT}{HERE}"),
        ("x = y\n# the end", f"x = y\n# the end\n{INIT}{HERE}"),
        ("x = y\n  ", f"x = y\n  \n{INIT}{HERE}"),
        ("x = y\r\n", "x = y\r\n" + f"{INIT}{HERE}".replace("\n", "\r\n")),
        ("", f"{INIT}{HERE}"),
    ],
)
def test_the_first_instance(before: str, after: str) -> None:
    text = with_instance(before, "/etc/postfix-out", BUILT_IN)
    assert text == after
    assert is_initialized(text)
    assert not is_initialized(before)
    assert with_instance(text, "/etc/postfix-out", BUILT_IN) == text
    assert undone(text, "/etc/postfix-out", BUILT_IN, before) == before
    assert without_instance(text, "/etc/postfix-out", BUILT_IN) == after.replace(HERE, "").replace(
        HERE.replace("\n", "\r\n"), ""
    )


@pytest.mark.parametrize(
    "before, after",
    [
        ("/etc/postfix-a", "/etc/postfix-a /etc/postfix-out"),
        ("/etc/postfix-a, /etc/postfix-b", "/etc/postfix-a, /etc/postfix-b /etc/postfix-out"),
        ("\n  # first\n  /etc/postfix-a\n  # last", "\n  # first\n  /etc/postfix-a /etc/postfix-out\n  # last"),
        ("/etc/postfix-a\n    /etc/postfix-b", "/etc/postfix-a\n    /etc/postfix-b /etc/postfix-out"),
        ("$config_directory-a", "$config_directory-a /etc/postfix-out"),
    ],
)
def test_another_instance(before: str, after: str) -> None:
    main, wanted = (f"{INIT}multi_instance_directories = {text}\nlast = x\n" for text in (before, after))
    assert with_instance(main, "/etc/postfix-out", BUILT_IN) == wanted
    assert undone(wanted, "/etc/postfix-out", BUILT_IN, main) == main
    assert undone(f"{wanted}y = z\n", "/etc/postfix-out", BUILT_IN, main) in (
        f"{main}y = z\n",
        f"{main}y = z\n".replace("$config_directory", "/etc/postfix"),
    )


@pytest.mark.parametrize(
    "before, after",
    [
        ("/etc/postfix-out /etc/postfix-b", "/etc/postfix-b"),
        ("/etc/postfix-a,/etc/postfix-out,/etc/postfix-b", "/etc/postfix-a,/etc/postfix-b"),
        ("/etc/postfix-a, /etc/postfix-out/", "/etc/postfix-a"),
        ("/etc/postfix-out2 /etc/postfix-out", "/etc/postfix-out2"),
        ("/etc/postfix-a\n  # a\n  /etc/postfix-out\n  /etc/postfix-b", "/etc/postfix-a\n  # a\n  /etc/postfix-b"),
        ("$config_directory-out /etc/postfix-b", "/etc/postfix-b"),
    ],
)
def test_one_of_several_is_removed(before: str, after: str) -> None:
    main, wanted = (f"{INIT}multi_instance_directories = {text}\nlast = x\n" for text in (before, after))
    assert without_instance(main, "/etc/postfix-out", BUILT_IN) == wanted


def test_what_is_set_already_stays() -> None:
    own = "multi_instance_enable = YES\nmulti_instance_wrapper = /usr/local/bin/wrap\n"
    assert with_instance(own, "/etc/postfix-out", BUILT_IN) == own + HERE
    assert undone(own + HERE + "x = y\n", "/etc/postfix-out", BUILT_IN, own) == own + "x = y\n"


def test_an_alternate_directory_becomes_an_instance() -> None:
    main = f"{INIT}alternate_config_directories = /etc/postfix-out, /etc/x\n"
    wanted = f"{INIT}alternate_config_directories = /etc/x\n{HERE}"
    assert with_instance(main, "/etc/postfix-out", BUILT_IN) == wanted
    assert undone(wanted, "/etc/postfix-out", BUILT_IN, main) == main


def test_the_list_goes_from_one_version_to_another() -> None:
    assert with_list_of("x = old\n", f"x = new\n{INIT}{HERE}") == f"x = old\n{INIT}{HERE}"
    assert with_list_of(f"x = old\n{INIT}{HERE}", "x = new\n") == "x = old\n"
    same = f"{INIT}x = old\n{HERE}"
    assert with_list_of(same, f"x = new\n{INIT}{HERE}") == same
