"""A site and repositories to publish between, made in a moment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reportgen.publishing.git import Git
from reportgen.records.lease import LEASE
from reportgen.records.owned import OwnedFolder

_NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
PAGE = '<!doctype html><meta property="og:site_name" content="{title}"><title>front</title>{words}'


def make_site(
    folder: Path, *, words: str = "one", title: str = "Nets &amp; kernels", more: Mapping[str, str] = {}
) -> Path:
    """Write a folder as the site's writer leaves one."""
    files = {
        "index.html": PAGE.format(title=title, words=words),
        "net/layer.html": "layer",
        "assets/a.css": "a{}",
        **more,
    }
    owned = OwnedFolder(folder)
    owned.claim()
    owned.begin(files)
    for path, text in files.items():
        owned.place(path).write_text(text)
    owned.finish(files, "digest")
    (folder / LEASE).touch()
    return folder


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as Ada, whose settings are empty, and return what it says."""
    return Git(folder, {"user.name": "Ada", "user.email": "ada@example.org"}, _NO_SETTINGS).text(*words)


def make_repository(folder: Path) -> Path:
    """Make a repository with a commit, whose origin is the bare repository ``there.git`` beside it."""
    folder.mkdir(parents=True)
    git(folder.parent, "init", "--quiet", "--bare", str(folder.parent / "there.git"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", "../there.git")
    (folder / "net.py").write_text("net = 1\n")
    git(folder, "add", "net.py")
    git(folder, "commit", "--quiet", "-m", "Begin")
    return folder


def branch_files(there: Path, branch: str = "gh-pages") -> dict[str, str]:
    """Return the files of a branch, each with its text."""
    paths = git(there, "ls-tree", "-r", "-z", "--name-only", branch).split("\0")
    return {path: git(there, "show", f"{branch}:{path}") for path in paths if path}


def add_commit(there: Path, files: Mapping[str, str], message: str, *, amend: bool = False) -> str:
    """Let somebody else commit to the remote's branch, and return the commit."""
    clone = there.with_name(f"clone-{len(list(there.parent.iterdir()))}")
    git(there.parent, "clone", "--quiet", "--branch", "gh-pages", str(there), str(clone))
    for path, text in files.items():
        (clone / path).write_text(text)
    git(clone, "add", "--all", "--force")
    git(clone, "commit", "--quiet", *(("--amend", "--no-edit") if amend else ("-m", message)))
    git(clone, "push", "--quiet", "--force", "origin", "gh-pages")
    return git(clone, "rev-parse", "HEAD")
