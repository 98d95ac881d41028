"""The branch's new commit, put together in a repository of our own: one commit without parents."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.publishing.branch import SeenBranch
from reportgen.publishing.catalogue import LATEST, MARKER, TRAILER, Catalogue, Published
from reportgen.publishing.chooser import chooser_page, redirects
from reportgen.publishing.contents import DOMAIN, NO_JEKYLL, SiteContents
from reportgen.publishing.git import LONG_SECONDS, Git, names
from reportgen.records.paths import check_relative, inside
from reportgen.version import __version__

_FILE = "100644"
_DAY = 24 * 60 * 60


class Assembly:
    """A tree that grows entry by entry in an index of its own."""

    def __init__(self, git: Git, name: str) -> None:
        self._git = replace(git, environment={"GIT_INDEX_FILE": str(git.folder.resolve() / f"index-{name}")})

    def add_files(self, blobs: Mapping[str, str]) -> None:
        """Add files by path, each with its blob, which need not be here."""
        lines = "".join(f"{_FILE} {blob}\t{path}\0" for path, blob in blobs.items())
        self._git.run("update-index", "-z", "--index-info", told=os.fsencode(lines))

    def add_tree(self, folder: str, tree: str) -> None:
        """Add a whole tree as a folder, its files unread; at the top where `folder` is empty.

        `read-tree` would do it, but fetches the files of a tree that was fetched without them.
        """
        listed = (entry.partition("\t") for entry in names(self._git.run("ls-tree", "-r", "-z", tree)))
        self.add_files({f"{folder}/{path}".lstrip("/"): facts.split()[2] for facts, _, path in listed})

    def tree(self) -> str:
        """Write the tree and return its digest."""
        return self._git.run("write-tree", "--missing-ok").decode().strip()


def site_tree(git: Git, contents: SiteContents) -> str:
    """Store a site's files and return their tree; their bytes are taken as they are, whatever git's filters are."""
    try:
        paths = [inside(contents.folder, check_relative(path)).resolve() for path in contents.files]
    except ValueError as error:
        raise RenderError(f"{contents.folder} names a file that cannot be: {error}.") from error
    told = b"".join(os.fsencode(path) + b"\n" for path in paths)
    if told.count(b"\n") != len(paths):
        raise RenderError(f"The path of {contents.folder} holds a line break, which git cannot be told: rename it.")
    blobs = git.run("hash-object", "-w", "--no-filters", "--stdin-paths", told=told, seconds=LONG_SECONDS)
    assembly = Assembly(git, "site")
    assembly.add_files(dict(zip(contents.files, blobs.decode().split(), strict=True)))
    return assembly.tree()


def branch_tree(git: Git, catalogue: Catalogue, report: Published, contents: SiteContents, seen: SeenBranch) -> str:
    """Return the whole branch's tree: the reports, what leads to them, and the marker that tells of them.

    `report` is the one that is published now, and `contents` its files.
    """
    assembly = Assembly(git, "branch")
    for held in sorted(catalogue.reports, key=lambda held: held.name):
        assembly.add_tree(held.name, held.tree)
    made = {NO_JEKYLL: ""}
    if not catalogue.alone:
        made["index.html"] = chooser_page(catalogue)
    if catalogue.latest and catalogue.latest == report.name:
        made |= redirects(catalogue.latest, contents.pages)
    elif catalogue.latest:
        assembly.add_tree(LATEST, dict(seen.catalogue.entries)[LATEST])
    assembly.add_files(_stored(git, made))
    entries = [entry.partition("\t") for entry in names(git.run("ls-tree", "-z", assembly.tree()))]
    listed = replace(catalogue, entries=tuple((name, facts.split()[2]) for facts, _, name in entries))
    last = {MARKER: listed.marker(__version__)}
    domain = contents.domain or seen.domain
    if domain:
        last[DOMAIN] = f"{domain}\n"
    assembly.add_files(_stored(git, last))
    return assembly.tree()


def _stored(git: Git, texts: Mapping[str, str]) -> dict[str, str]:
    """Store texts in one call of git, and return the blob of each; they stay in a folder, to be looked through."""
    paths = []
    for address, text in texts.items():
        path = made_texts(git) / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path.resolve())
    told = b"".join(os.fsencode(path) + b"\n" for path in paths)
    blobs = git.run("hash-object", "-w", "--no-filters", "--stdin-paths", told=told).decode().split()
    return dict(zip(texts, blobs, strict=True))


def made_texts(git: Git) -> Path:
    """Return the folder of what stands on the branch beside reports, as it was written for it."""
    return git.folder / "made"


def commit(git: Git, tree: str, report: Published, who: str) -> str:
    """Commit the tree without parents, and return the commit.

    Its time is in UTC; that of an anonymous report is the beginning of the day, as it tells where people work.
    """
    what = f"Publish {report.name or 'the report'}"
    message = f"{what}\n\nWritten by reportgen {__version__}; the next report published here replaces this commit.\n"
    name, _, mail = who.rpartition(" <")
    now = int(time.time())
    when = f"{now - now % _DAY if report.anonymous else now} +0000"
    people = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", mail.rstrip(">")), ("DATE", when))
    }
    told = f"{message}\n{TRAILER}\n".encode()
    return replace(git, environment=people).run("commit-tree", tree, told=told).decode().strip()
