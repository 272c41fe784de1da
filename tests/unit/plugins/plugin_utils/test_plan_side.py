# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory as a plan reads it: what Ansible makes of the same files, and an error where it would make nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.known import Known, read_audit
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.references import NotSimple, resolved
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.side import OMITTED, Side
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.formats import as_json
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.plan_inventories import write
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.report_sample import report_of
from hypothesis import given
from hypothesis import strategies as st

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core 2.18 and earlier

    def trust_as_template(value: Any) -> Any:
        return value


pytestmark = pytest.mark.one_python
HOSTS = {"all": {"children": {"mail": {"children": {"site": {"hosts": {"mx1": {}, "mx2": {}}}}}}}}
INTERFACES, SERVICES = "postfix_interfaces_inet_interfaces", "postfix_interfaces_services"


def side(path: Path, **more: Any) -> Side:
    return Side("mailfleet_proposal", str(path), **more)


def role_of(path: Path, host: str = "mx1", **more: Any) -> dict[str, Any]:
    return side(path, **more).variables(host).of_the_role()


def test_what_is_nearer_to_the_host_counts(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "hosts.yml": HOSTS,
            "group_vars/all.yml": {INTERFACES: "all", "postfix_interfaces_inet_protocols": "ipv4", "other": 1},
            "group_vars/mail.yml": {INTERFACES: ["{{ own }}"]},
            "group_vars/site/one.yml": {SERVICES: [{"name": "{{ own }}:25"}]},
            "host_vars/mx1.yml": {"own": "192.0.2.1"},
            "host_vars/mx2.yml": {INTERFACES: "loopback-only", "own": "192.0.2.2"},
        },
    )
    assert role_of(tmp_path) == {
        INTERFACES: ["192.0.2.1"],
        SERVICES: [{"name": "192.0.2.1:25"}],
        "postfix_interfaces_inet_protocols": "ipv4",
    }
    assert role_of(tmp_path, "mx2")[INTERFACES] == "loopback-only"
    assert side(tmp_path).groups["site"] == ["mx1", "mx2"]


def test_a_file_is_an_inventory_too(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.ini": f"[mail]\nmx1 {INTERFACES}=all\n", "group_vars/mail.yml": {SERVICES: []}})
    assert role_of(tmp_path / "hosts.ini") == {INTERFACES: "all", SERVICES: []}


def test_templates_of_all_kinds(tmp_path: Path) -> None:
    own = {
        "own": "192.0.2.1",
        INTERFACES: "{{ ['127.0.0.1', own] if own else [] }}",
        "postfix_interfaces_smtp_bind_address": "{{ hostvars['mx2'].own }}",
        "postfix_interfaces_smtp_bind_address6": "{{ nothing | default(omit) }}",
        "postfix_interfaces_inet_protocols": "{{ groups['mail'] | length }}",
        "postfix_interfaces_proxy_interfaces": "{{ group_names | join(',') }} {{ inventory_hostname }}",
        SERVICES: [{"name": "smtp", "command": "{{ omit }}", "options": {"a": "{{ own | upper }}"}}],
    }
    write(tmp_path, {"hosts.yml": HOSTS, "host_vars/mx1.yml": own, "host_vars/mx2.yml": {"own": "192.0.2.2"}})
    assert role_of(tmp_path) == {
        INTERFACES: ["127.0.0.1", "192.0.2.1"],
        "postfix_interfaces_smtp_bind_address": "192.0.2.2",
        "postfix_interfaces_inet_protocols": 2,
        "postfix_interfaces_proxy_interfaces": "mail,site mx1",
        SERVICES: [{"name": "smtp", "options": {"a": "192.0.2.1"}}],
    }


@pytest.mark.parametrize(
    "value, words",
    [
        ("{{ nothing }}", f"{INTERFACES}: .* of mx1 cannot be templated: .*'nothing' is undefined"),
        ("{{ own", f"{INTERFACES}: .* of mx1 cannot be templated: "),
        ("{{ own | no_such_filter }}", f"{INTERFACES}: .* of mx1 cannot be templated: .*no_such_filter"),
    ],
)
def test_a_value_that_cannot_be_templated(tmp_path: Path, value: Any, words: str) -> None:
    write(tmp_path, {"hosts.yml": HOSTS, "host_vars/mx1.yml": {INTERFACES: value, "own": "192.0.2.1"}})
    with pytest.raises(InputError, match=words) as caught:
        role_of(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_vault_needs_its_password(tmp_path: Path) -> None:
    secret = VaultSecret(b"open")
    text = VaultLib([("default", secret)]).encrypt("192.0.2.9", secret).decode()
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    write(tmp_path, {"hosts.yml": HOSTS, "host_vars/mx1.yml": f"{INTERFACES}: !vault |\n{lines}"})
    with pytest.raises(InputError, match="(?s)mx1.*([Vv]ault|password)") as caught:
        role_of(tmp_path)
    assert "192.0.2.9" not in str(caught.value)


def test_a_file_that_is_a_vault_needs_its_password(tmp_path: Path) -> None:
    secret = VaultSecret(b"open")
    text = VaultLib([("default", secret)]).encrypt(f"{INTERFACES}: 192.0.2.9\n", secret).decode()
    write(tmp_path, {"hosts.yml": HOSTS, "group_vars/mail.yml": text})
    assert role_of(tmp_path, secrets=[("default", secret)]) == {INTERFACES: "192.0.2.9"}
    with pytest.raises(InputError, match="variables: 'mx1' cannot be read: .*group_vars/mail.yml"):
        role_of(tmp_path)


@pytest.mark.parametrize(
    "files, words",
    [
        ({}, "mailfleet_proposal: '.*/inventory' does not exist. Give an inventory"),
        ({"hosts.yml": "mail: [oops"}, "mailfleet_proposal: '.*/inventory/hosts.yml' cannot be read as an inventory"),
        ({"hosts.yml": HOSTS, "more.yml": "a: b: c"}, "'.*/inventory/more.yml' cannot be read as an inventory"),
    ],
)
def test_an_inventory_that_cannot_be_read(tmp_path: Path, files: dict[str, Any], words: str) -> None:
    write(tmp_path, {f"inventory/{name}": content for name, content in files.items()})
    with pytest.raises(InputError, match=words):
        side(tmp_path / "inventory")


def test_variables_beside_a_playbook(tmp_path: Path) -> None:
    write(tmp_path, {"inventory/hosts.yml": HOSTS, "group_vars/mail.yml": {INTERFACES: "all"}})
    assert role_of(tmp_path / "inventory") == {}
    assert role_of(tmp_path / "inventory", beside="..") == {INTERFACES: "all"}
    for beside, words in (("/etc", "would be the same for both inventories"), ("../no", "is not a directory")):
        with pytest.raises(InputError, match=f"mailfleet_playbook_directory: .*{words}"):
            side(tmp_path / "inventory", beside=beside)


def test_nobody_takes_a_file_for_one_of_another_kind(tmp_path: Path) -> None:
    """What was parsed once is not taken for the same text that Ansible does not trust as a template."""
    parsed: dict[Any, Any] = {}
    for name in ("one", "two"):
        write(tmp_path / name, {"hosts.yml": HOSTS, "host_vars/mx1.yml": {INTERFACES: "{{ own }}", "own": "192.0.2.1"}})
        assert role_of(tmp_path / name, parsed=parsed) == {INTERFACES: "192.0.2.1"}
    assert len(parsed) <= 4


TEXTS = [
    "192.0.2.1",
    "2001:db8::1",
    "[2001:db8::1]",
    "",
    "25",
    "True",
    "[1, 2]",
    "{'a': 1}",
    " x",
    "a\nb",
    "[x]",
    "null",
]
VALUES: dict[str, Any] = {f"text{number}": text for number, text in enumerate(TEXTS)}
VALUES.update(number=5, real=1.5, yes=True, nothing=None, listed=["{{ text0 }}", 5], mapped={"a": "{{ number }}"})
VALUES.update(nested="{{ text1 }}", bracketed="[{{ text1 }}]", port="{{ text0 }}:{{ number }}", deep="{{ listed }}")
NAME = st.sampled_from(sorted(VALUES))
PIECE = st.one_of(
    NAME.map(lambda name: "{{ %s }}" % name),
    NAME.map(lambda name: "{{%s}}" % name),
    st.sampled_from(
        ["", "[", "]", ":25", ", ", " ", "x", "{# no #}", "{{ text0 | upper }}", "{{ 'a' }}", "{{ true }}"]
    ),
)


@given(st.lists(PIECE, min_size=1, max_size=4))
def test_plain_references_are_what_ansible_makes_of_them(pieces: list[str]) -> None:
    variables = {name: _trusted(value) for name, value in VALUES.items()}
    text = _trusted("".join(pieces))
    try:
        found = resolved(text, variables)
    except NotSimple:
        return
    templar = Templar(loader=DataLoader())
    templar.available_variables = variables
    assert found == templar.template({"value": text})["value"]


def _trusted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _trusted(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_trusted(each) for each in value]
    return trust_as_template(value) if isinstance(value, str) else value


def test_most_values_are_plain() -> None:
    values = {"a": "192.0.2.1", "b": _trusted("{{ a }}"), "c": [_trusted("[{{ six }}]:25")], "six": "2001:db8::1"}
    assert resolved(values["b"], values) == "192.0.2.1"
    assert resolved(values["c"], values) == ["[2001:db8::1]:25"]
    for text in ("{{ a | upper }}", "{{ ansible_facts }}", "{{ d }}", "{% if a %}{% endif %}", "{{ loop }}"):
        with pytest.raises(NotSimple):
            resolved(_trusted(text), {**values, "loop": _trusted("{{ loop }}")})


# What is known besides


def variables_of(path: Path, own: dict[str, Any]) -> Any:
    write(path, {"hosts.yml": HOSTS, "host_vars/mx1.yml": own})
    return side(path).variables("mx1")


@pytest.mark.parametrize(
    "own, name, found",
    [
        ({"have": ["192.0.2.1/24"]}, "have", ["192.0.2.1"]),
        ({"have": "{{ other.have }}", "other": {"have": ["192.0.2.1"]}}, "have", ["192.0.2.1"]),
        (
            {"postfix": {"addresses": [{"address": "192.0.2.1", "interface": "eth0"}]}},
            "postfix.addresses",
            ["192.0.2.1"],
        ),
        ({"netbox": "{{ {'have': ['192.0.2.1']} }}"}, "netbox.have", ["192.0.2.1"]),
        ({"facts": {"all_ipv4_addresses": ["192.0.2.1"]}}, "facts", ["192.0.2.1"]),
        ({}, "have", None),
        ({"have": []}, "have", None),
        ({"postfix": 5}, "postfix.addresses", None),
        ({"ansible_facts": {"all_ipv4_addresses": ["192.0.2.1"]}}, None, None),
    ],
)
def test_the_addresses_of_a_host(tmp_path: Path, own: dict[str, Any], name: str | None, found: Any) -> None:
    host = Known(name).host(variables_of(tmp_path, own))
    assert found == (host and [str(each.address) for each in host.addresses])


def test_addresses_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have: '192.0.2.300' is not an address"):
        Known("have").host(variables_of(tmp_path, {"have": ["192.0.2.300"]}))


def test_what_the_last_audit_knows(tmp_path: Path) -> None:
    report = report_of(12)
    path = tmp_path / "audit.json"
    path.write_text(as_json(report), encoding="utf-8")
    audit = read_audit(str(path))
    reached = {record["host"] for record in report.records if record["addresses"]}
    assert audit.keys() == reached
    name = next(iter(reached))
    variables = variables_of(tmp_path / "inventory", {"version": "3.5.1"})
    variables.host = name
    assert Known(None, None, audit).version_of(variables) == (3, 7, 11)
    assert Known(None, "version", audit).version_of(variables) == (3, 5, 1)
    assert Known(None, "3.9", audit).version_of(variables) == (3, 9)
    host = Known(None, None, audit).host(variables)
    assert [str(each.address) for each in host.addresses] == [each["address"] for each in audit[name].addresses]
    assert "127.0.0.1" in [each["address"] for each in audit[name].addresses]


@pytest.mark.parametrize(
    "text, words",
    [(None, "cannot be read: "), ("{", "cannot be read: "), ("[]", "is not a report"), ("{}", "is not a")],
)
def test_an_audit_that_is_none(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "audit.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=f"mailfleet_audit: '.*audit.json' {words}"):
        read_audit(str(path))


def test_a_version_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="version: "):
        Known(None, "have").version_of(variables_of(tmp_path, {"have": 3.7}))
    assert Known(None, "nothing").version_of(variables_of(tmp_path, {})) is None
    assert variables_of(tmp_path, {}).value("nothing") is OMITTED
