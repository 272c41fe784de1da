# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""archive.py DIRECTORY: build the archive for Galaxy there, and print its name.

Galaxy shows README.md, those of roles, and the pages in docs/, but none of the folders in it, and takes no link or
picture to another file. So this is the tree of the last commit with links to the files of its version in the
repository, and with the layouts beside the other pages. An archive that ``ansible-galaxy collection build`` makes of a
checkout works as well.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
#: a link or a picture with a path, and perhaps an anchor
_LINK = re.compile(r"(?P<picture>!?)(?P<text>\[[^\]\n]*\])\((?P<path>(?!\w+:|#)[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def absolute(text: str, page: PurePosixPath, repository: str, version: str) -> str:
    """The text of a page with links to the repository instead of those to files beside it."""

    def replace(match: re.Match[str]) -> str:
        path = PurePosixPath(*_normal(page.parent / match["path"]))
        kind = "raw" if match["picture"] else "blob"
        return f"{match['picture']}{match['text']}({repository}/{kind}/{version}/{path}{match['anchor'] or ''})"

    return _LINK.sub(replace, text)


def _normal(path: PurePosixPath) -> Iterator[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    yield from parts


def shown_pages(tree: Path) -> list[Path]:
    """The pages that Galaxy shows, or will once they are in place."""
    return [
        tree / "README.md",
        *tree.glob("roles/*/README.md"),
        *tree.glob("docs/*.md"),
        *tree.glob("docs/layouts/*.md"),
    ]


def put_in_order(tree: Path) -> None:
    """Make a tree what Galaxy can show."""
    galaxy = yaml.safe_load((tree / "galaxy.yml").read_text(encoding="utf-8"))
    for page in shown_pages(tree):
        where = PurePosixPath(page.relative_to(tree))
        text = absolute(page.read_text(encoding="utf-8"), where, galaxy["repository"], galaxy["version"])
        page.write_text(text, encoding="utf-8")
    for page in (tree / "docs" / "layouts").glob("*.md"):
        page.rename(tree / "docs" / ("layouts.md" if page.stem == "README" else f"layout_{page.name}"))


def build(directory: Path, checkout: Path = CHECKOUT) -> Path:
    """Build the archive of the last commit of a checkout."""
    committed = subprocess.run(["git", "archive", "HEAD"], cwd=checkout, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        with tarfile.open(fileobj=io.BytesIO(committed)) as tar:
            tar.extractall(tree, filter="data")
        put_in_order(tree)
        command = ["ansible-galaxy", "collection", "build", "--force", "--output-path", str(directory.resolve())]
        subprocess.run(command, cwd=tree, capture_output=True, check=True)
        galaxy = yaml.safe_load((tree / "galaxy.yml").read_text(encoding="utf-8"))
    return directory / "{namespace}-{name}-{version}.tar.gz".format(**galaxy)


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
