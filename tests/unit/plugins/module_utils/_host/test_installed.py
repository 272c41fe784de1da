# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import installed
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import built_in


def postconf(path: Path, script: str) -> None:
    path.mkdir()
    (path / "postconf").write_text(f"#!/bin/sh\n{script}\n")
    (path / "postconf").chmod(0o755)


def test_what_is_compiled_in_is_asked_of_postconf_about_no_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postconf(
        tmp_path / "bin",
        'test -z "$MAIL_CONFIG" && test "$1" = -d && test "$2 $3" = "-c /dev/null" && shift 4 && printf "%s\\n" "$@"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("MAIL_CONFIG", "/etc/postfix-out")
    found = built_in()
    assert found.version == "mail_version"
    assert found.directories["queue_directory"] == "queue_directory"
    assert len(found.directories) == 6


def test_what_is_remembered_is_not_asked_again_until_another_postfix_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked() -> int:
        return len((tmp_path / "asked").read_text().splitlines())

    answer = (
        'printf "%s\\n" 3.7 /etc/postfix /usr/sbin /usr/lib/postfix /var/spool/postfix /var/lib/postfix /etc/postfix'
    )
    script = f'test "$4" = -h || exit 1; echo >>{tmp_path}/asked; {answer}'
    postconf(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    state = str(tmp_path / "state")
    first = built_in(False, state)
    assert not os.path.exists(state)
    assert built_in(True, state) == first
    assert asked() == 2
    assert built_in(True, state) == built_in(False, state) == first
    assert asked() == 2

    (tmp_path / "bin/new").write_text(f"#!/bin/sh\n{script.replace('3.7', '3.8')}\n")
    (tmp_path / "bin/new").chmod(0o755)
    (tmp_path / "bin/new").rename(tmp_path / "bin/postconf")
    assert built_in(False, state).version == "3.8"
    assert asked() == 3

    (tmp_path / "state/built-in.json").write_text("{")
    assert built_in(False, state).version == "3.8"


def test_what_the_tables_do_not_know_is_remembered_until_there_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "postfix-files").write_text(
        "$config_directory/main.cf:f:root:-:644:p\n"
        "$daemon_directory/smtpd:f:root:-:755\n"
        "$daemon_directory/quicd:f:root:-:755\n"
        "$daemon_directory/master.cf:f:root:-:644\n"
    )
    every = "queue_directory = /var/spool/postfix\ninet_interfaces = 192.0.2.1\nsmtp_bind_addresses =\n"
    directories = " ".join(["/etc/postfix"] * 5)
    postconf(
        tmp_path / "bin",
        f'if test "$4" = -h; then printf "%s\\n" 3.13.1 {directories} {tmp_path}; else printf "%s" "{every}"; fi',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    state = str(tmp_path / "state")
    assert built_in(False, state).unfamiliar == ()
    found = built_in(True, state, compare_tables=True)
    told = [part for part in found.unfamiliar if not part.startswith("no parameters")]
    assert told == [
        "unknown parameter smtp_bind_addresses",
        "default of inet_interfaces is 192.0.2.1, not all",
        "unknown program quicd",
    ]
    (tmp_path / "postfix-files").write_text("")
    assert built_in(False, state) == found
    monkeypatch.setattr(installed, "TABLES", installed.TABLES + 1)
    assert "unknown program quicd" not in built_in(True, state, compare_tables=True).unfamiliar


@pytest.mark.parametrize("script", ["echo broken >&2; exit 1", "echo broken >&2; echo 3.7"])
def test_a_postconf_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    postconf(tmp_path / "bin", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    with pytest.raises(InputError, match=f"^command: '{tmp_path}/bin/postconf -d' does not print .*broken"):
        built_in()


def test_without_a_postconf_postfix_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InputError) as caught:
        built_in()
    assert str(caught.value) == (
        "command: 'postconf' is not found in PATH or the system's directories, so Postfix is not installed on this host"
        ". Install Postfix first."
    )
