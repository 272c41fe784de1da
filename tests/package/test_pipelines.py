# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines of docs/pipelines.md, as they stand there: their commands, in a repository with a merge request.

All of them run but those that talk to the forge, which post the comment; the test knows each of these.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
PAGE = CHECKOUT / "docs" / "pipelines.md"
#: the files that the page shows, by the name in the first line of each
FILES: dict[str, str] = dict(re.findall(r"(?ms)^```yaml\n# (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8")))
#: how a command begins that needs the forge
OF_THE_FORGE = {"gitlab": "curl --fail ", "github": "gh pr comment "}

HOSTS = {"canary": {"hosts": {"mta1": None}}, "site_a": {"hosts": {"mta2": None, "mta3": None}}}
GROUP = {
    "postfix_interfaces_smtp_bind_address": "{{ own }}",
    "postfix_interfaces_services": [{"name": "smtp", "command": "smtpd"}, {"name": "587", "command": "smtpd"}],
}


def write(root: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (root / name).write_text(text, encoding="utf-8")


class Repository:
    """A repository with an inventory and a merge request, and the variables that the forge gives its jobs."""

    def __init__(self, run: Any, root: Path, archive: Path) -> None:
        self.run, self.root, self.home = run, root, root.parent / "home"
        self.home.mkdir()
        files: dict[str, Any] = {name: FILES[name] for name in ("plan.yml", "requirements.yml")}
        files["inventory/hosts.yml"] = HOSTS
        files["inventory/group_vars/all.yml"] = GROUP
        for number in (1, 2, 3):
            own = f"192.0.2.{number}"
            addresses = ["127.0.0.1/8", f"{own}/24", f"198.51.100.{number}/24"]
            files[f"inventory/host_vars/mta{number}.yml"] = {"own": own, "addresses": addresses}
        write(root, files)
        (named,) = yaml.safe_load(FILES["requirements.yml"])["collections"]
        target = root / named["name"]
        target.parent.mkdir()
        shutil.copy2(archive, target)
        assert target.name == archive.name, "the version of the page"
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("The inventory")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Me", "-c", "user.email=me@mail.example")
        done = subprocess.run(["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def propose(self, files: dict[str, Any]) -> None:
        """Make a branch with other files, and check it out as the merge of it."""
        self.git("checkout", "--quiet", "-B", "change", "main")
        write(self.root, files)
        self.commit("The change")
        self.git("checkout", "--quiet", "--detach", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "The merge", "change")

    def job(self, lines: list[str], **variables: str) -> tuple[int, str]:
        """Run the lines of a script, as a runner does: the first that fails is the last."""
        script = "set -eo pipefail\n" + "\n".join(lines) + "\n"
        environment = {"HOME": str(self.home), **variables}
        done = self.run("bash", "-c", script, cwd=self.root, **environment)
        return done.returncode, done.stdout + done.stderr


def gitlab(repository: Repository) -> tuple[int, str]:
    """Run the job of the pipeline for GitLab."""
    job = yaml.safe_load(FILES[".gitlab-ci.yml"])["plan"]
    assert job["artifacts"]["paths"] == ["plan"]
    assert job["artifacts"]["when"] == "always"
    (comment,) = job["after_script"]
    assert comment.startswith(OF_THE_FORGE["gitlab"])
    assert "body=<plan/comment.md" in comment
    assert not [line for line in job["script"] if line.startswith(OF_THE_FORGE["gitlab"])]
    return repository.job(job["script"], CI_MERGE_REQUEST_DIFF_BASE_SHA=repository.git("rev-parse", "main"))


def github(repository: Repository) -> tuple[int, str]:
    """Run the steps of the workflow for GitHub."""
    (job,) = yaml.safe_load(FILES[".github/workflows/plan.yml"])["jobs"].values()
    said, code, posted = "", 0, []
    for step in job["steps"]:
        if "run" not in step:
            assert step["uses"].startswith("actions/")
            continue
        if step["run"].startswith(OF_THE_FORGE["github"]):
            posted.append(step)
            continue
        assert "${{" not in step["run"]
        if code == 0 or step.get("if") == "always()":
            status, more = repository.job([step["run"]])
            code, said = code or status, said + more
    (comment,) = posted
    assert comment["if"] == "always()"
    assert "--body-file plan/comment.md" in comment["run"]
    (kept,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert (kept["if"], kept["with"]["path"]) == ("always()", "plan")
    return code, said


Job = Callable[[Repository], tuple[int, str]]
FORGES = pytest.mark.parametrize("job", [gitlab, github], ids=lambda job: job.__name__)


@pytest.fixture
def repository(run: Any, archive: Path, tmp_path: Path) -> Repository:
    return Repository(run, tmp_path / "repository", archive)


def test_the_page_shows_these_files() -> None:
    assert sorted(FILES) == [".github/workflows/plan.yml", ".gitlab-ci.yml", "plan.yml", "requirements.yml"]


@FORGES
def test_a_merge_request_shows_what_it_does(repository: Repository, job: Job) -> None:
    repository.propose(
        {
            "inventory/host_vars/mta1.yml": {"own": "198.51.100.1", "addresses": ["192.0.2.1/24", "198.51.100.1/24"]},
            "inventory/host_vars/mta3.yml": {
                "own": "192.0.2.3",
                "addresses": ["127.0.0.1/8", "192.0.2.3/24"],
                "postfix_interfaces_services": GROUP["postfix_interfaces_services"][:1],
            },
        }
    )
    code, said = job(repository)
    assert code == 0, said
    reports = repository.root / "plan"
    assert sorted(path.name for path in reports.iterdir()) == ["comment.md", "junit.xml", "plan.html", "plan.json"]
    comment = (reports / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- mailfleet.postfix.plan -->\n\n### Postfix plan: ")
    assert "| `mta1` | **reload**" in comment
    assert "`192.0.2.1` \u2192 `198.51.100.1`" in comment
    assert "`587/inet` is not in it" in comment
    assert "`host_vars/mta3.yml` replaces `postfix_interfaces_services` of `group_vars/all.yml`" in comment
    assert "- appears: `198.51.100.1`" in comment
    cases = ElementTree.parse(reports / "junit.xml").getroot().iter("testcase")
    assert sorted(case.get("name", "").split()[0] for case in cases) == ["mta1", "mta2", "mta3"]
    data = json.loads((reports / "plan.json").read_text(encoding="utf-8"))
    assert data["difference"]["sources"]["added"] == ["198.51.100.1"]

    # Once more, in a checkout that an earlier job has left: the same bytes.
    before = {path.name: path.read_bytes() for path in reports.iterdir()}
    repository.git("clean", "-ffdxq")
    assert not reports.exists()
    code, said = job(repository)
    assert code == 0, said
    assert {path.name: path.read_bytes() for path in reports.iterdir()} == before


@FORGES
def test_a_merge_request_that_the_role_would_refuse_fails(repository: Repository, job: Job) -> None:
    repository.propose({"inventory/host_vars/mta2.yml": {"own": "203.0.113.9", "addresses": ["192.0.2.2/24"]}})
    code, said = job(repository)
    assert code == 2, said
    comment = (repository.root / "plan" / "comment.md").read_text(encoding="utf-8")
    assert "#### Refused" in comment
    assert "`203.0.113.9`" in comment
    suites = ElementTree.parse(repository.root / "plan" / "junit.xml").getroot()
    failing = [case.get("name", "") for case in suites.iter("testcase") if case.find("error") is not None]
    assert [name.split()[0] for name in failing] == ["mta2"]


@FORGES
def test_a_merge_request_that_does_nothing_to_mail(repository: Repository, job: Job) -> None:
    repository.propose({"inventory/group_vars/all.yml": {**GROUP, "other": 1}})
    code, said = job(repository)
    assert code == 0, said
    comment = (repository.root / "plan" / "comment.md").read_text(encoding="utf-8")
    assert "### Postfix plan: none of 3 hosts change" in comment
