# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""build.py DIRECTORY: the documentation as a site, without network.

The guides are the Markdown of the checkout, in the same folders, so that links between them hold; a link to a file that
is no page of the site leads to the repository. The pages of plugins and roles come from antsibull-docs. Fails on any
warning but those about labels of Ansible's own documentation, which is not there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import yaml

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "toolchain"))

from archive import absolute

NAME = "mailfleet.postfix"
#: the guides, in the order of the menu
GUIDES = {
    "Start": ["docs/first_ten_minutes", "docs/concepts", "docs/layouts/*", "docs/migration", "docs/comparison"],
    "Operate": ["docs/recovery", "docs/sources", "docs/ledger", "docs/records"],
    "Fleets": ["docs/rollout", "docs/plan", "docs/pipelines", "docs/reports", "docs/automation", "docs/fleet_size"],
    "Reference": ["collection/index", "docs/platforms", "roles/postfix_interfaces/README"],
    "Take part": [
        "CONTRIBUTING",
        "SECURITY",
        "CODE_OF_CONDUCT",
        "docs/development",
        "docs/decisions/*",
        "tests/README",
    ],
}
PICTURES = ("docs/**/*.svg", "docs/**/*.png")
#: labels of Ansible's own documentation
ANSIBLES = (
    r"undefined label: '(ansible_collections\.ansible\.builtin\.\w+|common_return_values|action_plugins"
    r"|ansible_configuration_settings)' \[ref\.ref\]$"
)


def expand(entry: str) -> list[str]:
    """The pages of an entry of the menu; the overview of a folder comes first."""
    if not entry.endswith("*"):
        return [entry]
    found = sorted(str(page.relative_to(CHECKOUT).with_suffix("")) for page in CHECKOUT.glob(f"{entry}.md"))
    return sorted(found, key=lambda page: not page.endswith("README"))


def write_pages(source: Path) -> None:
    """Put the guides together, with an index that is the README."""
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))
    menu = {title: [page for entry in entries for page in expand(entry)] for title, entries in GUIDES.items()}
    listed = {page for pages in menu.values() for page in pages} | {"README"}
    for page in sorted(listed - {"collection/index"}):
        where = PurePosixPath(f"{page}.md")
        text = (CHECKOUT / where).read_text(encoding="utf-8")
        text = re.sub(
            r"!?\[[^\]\n]*\]\((?!\w+:|#)[^)\s]+\)",
            lambda match, where=where: _link(match[0], where, listed, galaxy),
            text,
        )
        target = source / ("index.md" if page == "README" else where)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    with (source / "index.md").open("a", encoding="utf-8") as index:
        for title, pages in menu.items():
            lines = "\n".join(pages)
            index.write(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n:maxdepth: 1\n\n{lines}\n```\n")
    for pattern in PICTURES:
        for picture in CHECKOUT.glob(pattern):
            (source / picture.relative_to(CHECKOUT)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, source / picture.relative_to(CHECKOUT))


def _link(link: str, page: PurePosixPath, listed: set[str], galaxy: dict[str, str]) -> str:
    """A link as it is, if it leads to a page of the site or is a picture; else one to the repository."""
    path = re.sub(r".*\]\(([^)#]*).*", r"\1", link)
    target = os.path.normpath(page.parent / path)
    if target == "README.md":
        return link.replace("README.md", "index.md")
    if link.startswith("!") or (target.endswith(".md") and target.removesuffix(".md") in listed):
        return link
    return absolute(link, page, galaxy["repository"], "main")


def build(directory: Path) -> list[str]:
    """Build the site in a directory, and return what Sphinx warns of."""
    shutil.rmtree(directory, ignore_errors=True)
    source = directory / "source"
    (source / "_static").mkdir(parents=True)
    (source / "collection").mkdir(mode=0o755)
    shutil.copy(HERE / "conf.py", source)
    shutil.copy(HERE / "site.css", source / "_static")
    write_pages(source)
    command = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--no-add-antsibull-docs-version"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".venv" / "collections")}
    subprocess.run([*command, "--dest-dir", str(source / "collection"), NAME], env=environment, check=True)
    for page in (source / "collection").glob("*.rst"):  # the theme has a table of contents beside each page
        text = re.sub(r"(?m)^\.\. contents::\n(?: +.*\n)+", "", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    changelog = source / "collection" / "changelog.rst"
    if not re.search(r"(?m)^===", changelog.read_text(encoding="utf-8")):  # there is no release yet
        changelog.write_text(f":orphan:\n\n{NAME} Release Notes\n{'=' * 40}\n", encoding="utf-8")
    warnings = directory / "warnings"
    command = ["sphinx-build", "-q", "-j", "2", "-b", "html", "-w", str(warnings), str(source), str(directory / "html")]
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True)
    told = re.findall(r"(?m)^.*(?:WARNING|ERROR): .*$", warnings.read_text(encoding="utf-8"))
    return [line for line in told if not re.search(ANSIBLES, line)]


def main(directory: Path) -> int:
    """Build the site, and say where it is or what is wrong with it."""
    told = build(directory)
    print("\n".join(told) if told else f"The documentation is in {directory / 'html' / 'index.html'}")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
