"""A branch of a remote as it stands there: what of it is ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reportgen.errors import OptionError, PublishError, one_line
from reportgen.publishing.catalogue import MARKER, TRAILER, Catalogue, read_marker
from reportgen.publishing.contents import DOMAIN
from reportgen.publishing.git import LONG_SECONDS, Git, names, said
from reportgen.publishing.remote import Remote
from reportgen.wording import option

_HERE = "refs/seen"
_DEPTH = 8
"""Commits of the branch that are looked at: ours, and those by which GitHub's settings changed its domain."""


@dataclass(frozen=True)
class SeenBranch:
    """A branch of a remote: its commit, None where it is not there yet, and the reports that it holds."""

    name: str
    commit: str | None
    catalogue: Catalogue
    domain: str | None

    @property
    def ref(self) -> str:
        """Its full name."""
        return f"refs/heads/{self.name}"


def check_branch_name(git: Git, branch: str) -> str:
    """Return a branch's name; raises OptionError for what cannot be one."""
    name = branch.removeprefix("refs/heads/")
    if name.startswith("-") or git.asked("check-ref-format", f"refs/heads/{name}").returncode != 0:
        raise OptionError(f"{option('--branch', branch)} cannot be a branch's name: write one such as gh-pages.")
    return name


def tip(git: Git, remote: Remote, branch: str) -> str | None:
    """Return the branch's commit at the remote, None where it has no such branch; raises PublishError."""
    answer = git.asked("ls-remote", "--", remote.url, f"refs/heads/{branch}")
    if answer.returncode != 0:
        raise PublishError(
            f"The remote {remote.shown} does not answer: {said(answer.stderr)}. Check its address, and that git can "
            "reach it without asking (`git ls-remote`)."
        )
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        commit, _, ref = line.partition("\t")
        if ref == f"refs/heads/{branch}" and re.fullmatch(r"[0-9a-f]{40,64}", commit):
            return commit
    return None


def seen_branch(git: Git, remote: Remote, branch: str, commit: str | None) -> SeenBranch:
    """Return what stands on a branch whose commit is `commit`; raises PublishError when not all of it is ours."""
    if commit is None:
        return SeenBranch(branch, None, Catalogue(), None)
    answer = git.asked(
        *("fetch", "--quiet", "--no-tags", f"--depth={_DEPTH}", "--filter=blob:limit=1m", "--", "there"),
        f"+refs/heads/{branch}:{_HERE}",
        seconds=LONG_SECONDS,
    )
    if answer.returncode != 0:
        raise PublishError(f"The branch {branch} cannot be read from {remote.shown}: {said(answer.stderr)}.")
    if git.text("rev-parse", _HERE) != commit:
        raise PublishError(f"The branch {branch} of {remote.shown} has just changed: run this again.")
    _check_commits(git, remote, branch, commit)
    catalogue = read_marker(_blob(git, commit, MARKER) or b"")
    if catalogue is None or _entries(git, commit) != dict(catalogue.entries):
        raise _not_ours(git, remote, branch, commit)
    domain = _blob(git, commit, DOMAIN)
    return SeenBranch(branch, commit, catalogue, domain.decode("utf-8", "replace").strip() if domain else None)


def _check_commits(git: Git, remote: Remote, branch: str, commit: str) -> None:
    """Raise PublishError unless the branch is one commit of ours, with at most changes of the domain after it."""
    for _ in range(_DEPTH):
        header, _, message = git.run("cat-file", "commit", commit).decode("utf-8", "replace").partition("\n\n")
        parents = re.findall(r"^parent (\w+)$", header, re.MULTILINE)
        if not parents and message.rstrip().endswith(TRAILER):
            return
        here = [parent for parent in parents if git.asked("cat-file", "-e", parent).returncode == 0]
        if len(parents) != 1 or here != parents or _changed(git, parents[0], commit) - {DOMAIN}:
            break
        commit = parents[0]
    raise _not_ours(git, remote, branch, commit)


def _not_ours(git: Git, remote: Remote, branch: str, commit: str) -> PublishError:
    told = git.text("log", "-1", "--format=%h %s", commit)
    return PublishError(
        f"The branch {branch} of {remote.shown} holds what reportgen did not publish ({one_line(told)}): choose "
        f"another {option('--branch')}, or remove that one first if nobody needs it."
    )


def _changed(git: Git, before: str, after: str) -> set[str]:
    return set(names(git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)))


def _entries(git: Git, commit: str) -> dict[str, str]:
    """Return the digests of the entries at the top of a commit, but for those that say themselves what they are."""
    found = {}
    for entry in names(git.run("ls-tree", "-z", commit)):
        facts, _, name = entry.partition("\t")
        if name not in {MARKER, DOMAIN}:
            found[name] = facts.split()[2]
    return found


def _blob(git: Git, commit: str, name: str) -> bytes | None:
    answer = git.asked("cat-file", "blob", f"{commit}:{name}", seconds=LONG_SECONDS)
    return answer.stdout if answer.returncode == 0 else None
