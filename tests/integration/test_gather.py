# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An existing host is taken over: gather.yml describes it in a file, and the role finds nothing to do by that file."""

from __future__ import annotations

from pathlib import Path

from fleet import FILES, MailHost

GATHER = "../../../playbooks/gather"


def take_over(host: MailHost, directory: Path) -> str:
    """Gather, apply what was gathered, and see that files and master stay; return the host's file."""
    played = host.play(GATHER, mailfleet_groups=["all"], mailfleet_directory=str(directory))
    assert played.failed == 0, played.said
    file = directory / host.name / "postfix_interfaces.yml"
    before, master = host.files(), host.master()
    again = host.play("role", "--extra-vars", f"@{file}")
    assert (again.changed, again.failed) == (0, 0), again.said
    assert (host.files(), host.master()) == (before, master)
    return file.read_text(encoding="utf-8")


def test_a_stock_host(host: MailHost, tmp_path: Path):
    text = take_over(host, tmp_path)
    assert "postfix_interfaces_inet_interfaces: all" in text
    assert "services" not in text


def test_a_host_with_a_history(host: MailHost, tmp_path: Path):
    """Its own spelling, references that look like Ansible's templates, endpoints and a client with options."""
    value = f"${{{{$nothing}} == {{}} ? {{{host.ipv4}}} : {{all}}}},  [127.0.0.1]"
    main = f"inet_interfaces = {value}\nsmtp_bind_address = {host.ipv4}\n"
    services = f"{host.ipv4_b}:submission inet n - n - - smtpd\n  -o {{ smtpd_banner = a  b }}\n"
    services += "out unix - - n - - smtp\n  -o smtp_bind_address=127.0.0.1\n"
    host.run("sed", "-i", "/^inet_interfaces/d", FILES[0])
    for path, text in zip(FILES, (main, services), strict=True):
        host.run("tee", "--append", path, input=text, stdin=None)
    host.run("systemctl", "restart", "postfix")
    text = take_over(host, tmp_path)
    assert "{% raw %}" in text
    assert f"{host.ipv4_b}:submission" in text
    assert {(host.ipv4, 25), ("127.0.0.1", 25), (host.ipv4_b, 587)} <= host.sockets()
