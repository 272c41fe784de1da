# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/layouts shows is what molecule proves, word for word; and the role's README describes what the role has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import (
    instance_options,
    role_variables,
)

HERE = Path(__file__).resolve().parents[2]
LAYOUTS = HERE / "docs" / "layouts"
COLLECTION = "mailfleet.postfix."
SCENARIOS = sorted(file.parent for file in (HERE / "extensions" / "molecule").glob("*/molecule.yml"))


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 1


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_page_shows_the_inventory_of_its_scenario(scenario: Path) -> None:
    page = (LAYOUTS / f"{scenario.name}.md").read_text(encoding="utf-8")
    inventory = (scenario / "inventory" / "mail.yml").read_text(encoding="utf-8")
    assert f"```yaml\n{inventory.partition('---')[2].lstrip()}```\n" in page


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_overview_lists_the_page(scenario: Path) -> None:
    assert f"[{scenario.name}]({scenario.name}.md)" in (LAYOUTS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_page_shows_its_network(scenario: Path) -> None:
    assert f"]({scenario.name}.svg)" in (LAYOUTS / f"{scenario.name}.md").read_text(encoding="utf-8")


PAGES = sorted(
    page
    for where in ("*.md", "docs/**/*.md", "roles/*/README.md", "tests/**/README.md", "extensions/**/*.md")
    for page in HERE.glob(where)
    if page.name != "CHANGELOG.md"
)


def anchors(page: Path) -> list[str]:
    """The anchors of the headings of a page, as forges make them."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8")))
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_a_page_points_at_what_is_there(page: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    for target, anchor in links:
        there = page.parent / target if target else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), f"{target}#{anchor}"


def test_the_site_has_each_page() -> None:
    menu = (HERE / "tests" / "docsite" / "build.py").read_text(encoding="utf-8")
    assert [page.stem for page in (HERE / "docs").glob("*.md") if f'"docs/{page.stem}"' not in menu] == []


DRAWINGS = sorted((HERE / "docs").rglob("*.svg"))
STYLE = re.compile(r"(?s)<style>.*?</style>")


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.stem)
def test_drawings_share_one_style_for_light_and_dark(drawing: Path) -> None:
    """Their colours are in it alone, as variables with a value for each of the two."""
    text = drawing.read_text(encoding="utf-8")
    (style,) = STYLE.findall(text)
    assert style == STYLE.findall(DRAWINGS[0].read_text(encoding="utf-8"))[0]
    light, dark = (
        dict(re.findall(r"(--\w+): (#\w+)", part)) for part in style.split("@media (prefers-color-scheme: dark)")
    )
    assert light.keys() == dark.keys()
    assert light.keys() == {*re.findall(r"var\((--\w+)\)", style)}
    assert re.findall(r"#[0-9a-f]{3,6}\b(?!\))", STYLE.sub("", text)) == []


def test_make_test_runs_each_scenario_once() -> None:
    makefile = (HERE / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    (chosen,) = re.findall(r"^CHOSEN := (.*)$", makefile, re.M)
    assert sorted(re.sub(r"@\w+", "", chosen).split()) == [scenario.name for scenario in SCENARIOS]


def test_the_role_describes_every_variable() -> None:
    role = HERE / "roles" / "postfix_interfaces"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["main"]["options"]
    described = re.findall(r"^\| `(\w+)` \|", (role / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(described) == sorted(options)
    for name, option in options.items():
        assert option["description"], name


def test_the_role_passes_every_variable_on() -> None:
    role = HERE / "roles" / "postfix_interfaces"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    variables = specs["argument_specs"]["main"]["options"]
    (task,) = yaml.safe_load((role / "tasks" / "main.yml").read_text(encoding="utf-8"))
    options = task[f"{COLLECTION}postfix_interfaces"]
    assert {
        f"postfix_interfaces_{name}" for name in {*options} - {"apply", "host", "requested_by", "role_variables"}
    } == set(variables) - {"postfix_interfaces_records"}
    lookup = "lookup('mailfleet.postfix.joined_sources', records=postfix_interfaces_records)"
    assert options["sources"] == f"{{{{ {lookup} | default(omit, true) }}}}"
    for name in {*options} - {"apply", "host", "requested_by", "role_variables", "sources"}:
        assert re.match(rf"{{{{ postfix_interfaces_{name}( \| default\(omit\))? }}}}$", options[name]), name
    assert {*variables["postfix_interfaces_instances"]["options"]} == {*instance_options(), "state", "group"}
    assert sorted(variables) == role_variables()
