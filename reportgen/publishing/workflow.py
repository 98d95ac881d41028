"""The workflow by which GitHub Actions deploys a report to GitHub Pages."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reportgen.errors import OptionError, PublishError
from reportgen.records.files import read_text, write_text
from reportgen.version import __version__
from reportgen.wording import option

DeployedFrom = Literal["site", "runs", "build"]

WORKFLOW = ".github/workflows/report.yml"
DISTRIBUTION = "reportgen-conv3d"
_PYTHON = "3.12"
_CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
_HEADER = "# Written by `reportgen publish --workflow`; its text below has the SHA-256 "

ACTIONS = {
    "checkout": ("de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2"),
    "setup-python": ("a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0"),
    "configure-pages": ("45bfe0192ca1faeb007ade9deae92b16b8254a0d", "v6.0.0"),
    "upload-pages-artifact": ("fc324d3547104276b827a68afc52ff2a11cc49c9", "v5.0.0"),
    "deploy-pages": ("cd2ce8fcbc39b97be8ca5fce6e763baed58fa128", "v5.0.0"),
}
"""GitHub's own actions, each with the commit that it is pinned to and the release that this commit is."""


@dataclass(frozen=True)
class Workflow:
    """What is deployed, and when. Paths are relative to the repository's top, with slashes."""

    source: DeployedFrom
    site: str
    runs: str
    branch: str
    install: str


def workflow_text(workflow: Workflow) -> str:
    """Return the workflow as YAML, with a first line that says who wrote it and what."""
    body = f"""\
name: Report

on:
  push:
    branches: [{_quoted(_literal(workflow.branch))}]
  workflow_dispatch:

# One deployment at a time; one that has begun is not broken off.
concurrency:
  group: pages
  cancel-in-progress: false

permissions: {{}}

jobs:
  report:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      pages: read
    timeout-minutes: {10 if workflow.source == "site" else 120}
    steps:
      - name: Check out
        uses: {_pinned("checkout")}
        with:
          persist-credentials: false
{_making(workflow)}\
      - name: Set up Pages
        uses: {_pinned("configure-pages")}
      - name: Upload the site
        uses: {_pinned("upload-pages-artifact")}
        with:
          path: {_quoted(workflow.site)}

  deploy:
    needs: report
    runs-on: ubuntu-latest
    timeout-minutes: 15
    permissions:
      pages: write
      id-token: write
    environment:
      name: github-pages
      url: ${{{{ steps.deployment.outputs.page_url }}}}
    steps:
      - name: Deploy to GitHub Pages
        id: deployment
        uses: {_pinned("deploy-pages")}
"""
    return f"{_HEADER}{hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def write_workflow(top: Path, workflow: Workflow) -> Path:
    """Write the workflow of a repository; raises PublishError when another one is there."""
    path = top / WORKFLOW
    for folder in (top / ".github", path.parent, path):
        if folder.is_symlink():
            raise PublishError(f"{folder} is a link, which a workflow is not written through: replace it.")
    try:
        known = read_text(path) if path.exists() else None
    except (OSError, ValueError) as error:
        raise PublishError(f"Cannot read {path} ({error}): move it away.") from error
    if known is not None and not is_ours(known):
        raise PublishError(f"{path} was not written by reportgen, or was edited since: move it away first.")
    write_text(path, workflow_text(workflow))
    return path


def is_ours(text: str) -> bool:
    """Whether a workflow is as `reportgen` wrote it, in this version or another."""
    first, _, body = text.replace("\r\n", "\n").partition("\n")
    return first == f"{_HEADER}{hashlib.sha256(body.encode()).hexdigest()}"


def within(top: Path, folder: Path, flag: str) -> str:
    """Return a folder relative to the repository's top; raises OptionError when it lies outside, or is the top."""
    try:
        relative = folder.resolve().relative_to(top.resolve()).as_posix()
    except ValueError:
        relative = "."
    if relative == "." or not relative.isprintable() or "${{" in relative:
        raise OptionError(
            f"{option(flag, folder.as_posix())} must be a folder within the repository {top}: the workflow reads it "
            "there."
        )
    return relative


def requirement(top: Path) -> str:
    """Return what pip installs: the repository where it is reportgen's own, else this version of reportgen."""
    try:
        project = tomllib.loads(read_text(top / "pyproject.toml"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        project = None
    if project == DISTRIBUTION:
        return "-c constraints.txt ." if (top / "constraints.txt").is_file() else "."
    return f"{DISTRIBUTION}=={__version__}"


def _making(workflow: Workflow) -> str:
    """Return the steps that make the site, none where it is committed."""
    if workflow.source == "site":
        return ""
    site = f"--site {shlex.quote(workflow.site)}"
    make = f"render --runs {shlex.quote(workflow.runs)} {site}" if workflow.source == "runs" else f"build {site}"
    try:
        install = shlex.join(shlex.split(workflow.install))
    except ValueError as error:
        raise OptionError(f"{option('--install', workflow.install)} cannot be read: {error}.") from error
    if not install or not install.isprintable() or "${{" in install:
        raise OptionError(f"{option('--install', workflow.install)} names nothing that pip could install.")
    return f"""\
      - name: Set up Python
        uses: {_pinned("setup-python")}
        with:
          python-version: "{_PYTHON}"
      - name: Install reportgen
        env:
          PIP_EXTRA_INDEX_URL: {_CPU_WHEELS}
        run: {_quoted(f"python -m pip install {install}")}
      - name: Make the report
        run: {_quoted(f"reportgen {make}")}
"""


def _pinned(action: str) -> str:
    commit, release = ACTIONS[action]
    return f"actions/{action}@{commit} # {release}"


def _literal(branch: str) -> str:
    """Return a branch's name as the pattern that matches it alone."""
    return re.sub(r"[*?+\[\]!\\]", r"\\\g<0>", branch)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
