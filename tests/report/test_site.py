# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation as a site: its links, and each of its pages in a browser, on a desktop and on a phone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from chromium import Page
from conftest import OUTPUT

pytestmark = pytest.mark.site
CHECKOUT = Path(__file__).resolve().parents[2]
#: what Sphinx makes of itself, without text of ours
NO_PAGES = ("genindex.html", "search.html", "py-modindex.html")


@pytest.fixture(scope="module")
def site() -> Path:
    """The built site."""
    directory = CHECKOUT / "build" / "docsite"
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "tests" / "docsite" / "build.py"), str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory / "html"


class Links(HTMLParser):
    """The links of a page, and the places that links can lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.append(value)
            elif value and name == "id":
                self.places.add(value)


def pages(site: Path) -> list[Path]:
    """The pages with text of ours."""
    return sorted(page for page in site.rglob("*.html") if page.name not in NO_PAGES)


def test_all_plugins_roles_and_guides_have_a_page(site: Path) -> None:
    for kind, folder in (("module", "modules"), ("filter", "filter"), ("lookup", "lookup")):
        for plugin in (CHECKOUT / "plugins" / folder).glob("[!_]*.py"):
            assert (site / "collection" / f"{plugin.stem}_{kind}.html").exists(), plugin.stem
    assert (site / "collection" / "postfix_interfaces_role.html").exists()
    for guide in (CHECKOUT / "docs").rglob("*.md"):
        assert (site / guide.relative_to(CHECKOUT).with_suffix(".html")).exists(), guide


def test_links_lead_somewhere(site: Path) -> None:
    """To a page and a place of the site, or for those to the repository to a file of the checkout."""
    repository = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["repository"]
    read = {page: Links(page) for page in site.rglob("*.html")}
    dead = []
    for page, found in read.items():
        for link in found.links:
            url = urlsplit(link)
            if link.startswith((f"{repository}/blob/main/", f"{repository}/raw/main/")):
                alive = (CHECKOUT / link.removeprefix(repository).split("/", 3)[3].split("#")[0]).exists()
            elif url.scheme or url.netloc:
                alive = url.scheme in ("https", "mailto", "data")
            else:
                target = (page.parent / unquote(url.path)).resolve() if url.path else page
                place = unquote(url.fragment)
                alive = target.exists() and (not place or target not in read or place in read[target].places)
            if not alive:
                dead.append((str(page.relative_to(site)), link))
    assert dead == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_can_be_read_on_a_phone_and_on_a_desktop(tab: Callable[..., Page], site: Path, dark: bool) -> None:
    """Nothing is wider than the screen, all pictures are there, and the tab has nothing to complain about."""
    page = tab(375, 812, dark)
    for each in pages(site):
        page.open(each, program=False)
        assert page.run("document.documentElement.scrollWidth") == 375, each
        broken = page.run("[...document.images].filter(one => !one.naturalWidth).map(one => one.src)")
        assert broken == [], each
        assert page.run("document.body.innerText.includes('ERROR:')") is False, each
        small = page.run("[...document.querySelectorAll('p > img')].filter(one => one.width < 600).map(one => one.src)")
        assert small == [], f"{each}: no text in it can be read"
    for name in ("index", "docs/first_ten_minutes", "docs/concepts", "docs/layouts/vip", "collection/listeners_filter"):
        for screen, (width, height) in {"phone": (375, 812), "desktop": (1440, 900)}.items():
            page.emulate(width, height, dark)
            page.open(site / f"{name}.html", program=False)
            assert page.run("document.documentElement.scrollWidth") == width, name
            page.picture(OUTPUT / f"site-{Path(name).name}-{screen}-{'dark' if dark else 'light'}.png")
